"""Acknowledge a signal: a teacher has seen it, and it stays until it is over."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import SIGNAL_STATE_CHANGED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Academy, User
from learntrace.core import live_events
from learntrace.core.errors import FieldProblem, Problem
from learntrace.signals.concerns.changes import changes_with
from learntrace.signals.documents import signal_document
from learntrace.signals.models import Signal
from learntrace.signals.named_steps import named_for_class
from learntrace.signals.queries import UNRESOLVED, SignalNotFound

ACKNOWLEDGED, REOPENED = "acknowledged", "reopened"


class SignalIsOver(Problem):
    slug = "signal-is-over"
    text = _("This signal is over: it was resolved or withdrawn, and stays as it is")


def change_state(academy: Academy, signal_id: int, state: object, by: User) -> Signal:
    """Acknowledge a signal or take that back, and announce it; nothing happens where it is in that state.

    Raises SignalNotFound, SignalIsOver, FieldProblem for any other state.
    """
    if state not in [standing.value for standing in UNRESOLVED]:
        raise FieldProblem("state", _('Must be "acknowledged" or "open"'))
    with transaction.atomic():
        # Without joins: of two at once the second waits for the lock and then reads what the first has written, but joined
        # rows would still be those from before it waited.
        rows = Signal.objects.select_for_update().filter(seen(academy), academy=academy, pk=signal_id)
        signal = rows.first()
        if signal is None:
            raise SignalNotFound
        if signal.state not in UNRESOLVED:
            raise SignalIsOver
        if signal.state != state:
            record(
                SIGNAL_STATE_CHANGED,
                academy_id=academy.pk,
                object_id=signal.pk,
                subject_id=signal.user_id,
                before={"state": signal.state},
                after={"state": state},
            )
            set_acknowledged(signal, state == Signal.State.ACKNOWLEDGED, by)
            (named,) = named_for_class([signal])
            change = live_events.Change(academy.pk, live_events.SIGNAL, signal_document(named, named.user))
            live_events.say([change, *changes_with([signal])])
    return signal


def set_acknowledged(signal: Signal, acknowledged: bool, by: User) -> None:
    """Store that a locked signal is acknowledged, or open again, with an entry in its history."""
    now = timezone.now()
    signal.state = Signal.State.ACKNOWLEDGED if acknowledged else Signal.State.OPEN
    signal.acknowledged_by, signal.acknowledged_at = (by, now) if acknowledged else (None, None)
    what = ACKNOWLEDGED if acknowledged else REOPENED
    signal.history = [*signal.history, {"at": now.isoformat(), "what": what, "by": by.username}]
    signal.updated_at = now
    signal.save(update_fields=["state", "acknowledged_by", "acknowledged_at", "history", "updated_at"])
