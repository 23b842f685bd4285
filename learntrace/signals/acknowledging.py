"""Acknowledging a signal: a teacher has seen it, and it stays until it is over."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, User
from learntrace.core import live
from learntrace.core.errors import FieldProblem, Problem
from learntrace.signals.documents import signal_document
from learntrace.signals.log import STANDING, SignalNotFound
from learntrace.signals.models import Signal

ACKNOWLEDGED, REOPENED = "acknowledged", "reopened"


class SignalIsOver(Problem):
    slug = "signal-is-over"
    text = _("This signal is over: it was resolved or withdrawn, and stays as it is")


def change_state(academy: Academy, signal_id: int, state: object, by: User) -> Signal:
    """Acknowledge a signal, or take that back; who watches is told. What is so already stays as it is.

    Raises SignalNotFound, SignalIsOver, FieldProblem for any other state.
    """
    if state not in [one.value for one in STANDING]:
        raise FieldProblem("state", _('Must be "acknowledged" or "open"'))
    with transaction.atomic():
        # Of two at once the second finds what the first has written: only without joins, which would still show what
        # stood there before it waited.
        signal = Signal.objects.select_for_update().filter(academy=academy, pk=signal_id).first()
        if signal is None:
            raise SignalNotFound
        if signal.state not in STANDING:
            raise SignalIsOver
        if signal.state != state:
            _put(signal, state == Signal.State.ACKNOWLEDGED, by)
            live.say([live.Change(academy.pk, live.SIGNAL, signal_document(signal, signal.user))])
    return signal


def _put(signal: Signal, acknowledged: bool, by: User) -> None:
    now = timezone.now()
    signal.state = Signal.State.ACKNOWLEDGED if acknowledged else Signal.State.OPEN
    signal.acknowledged_by, signal.acknowledged_at = (by, now) if acknowledged else (None, None)
    entry: dict[str, Any] = {
        "at": now.isoformat(), "what": ACKNOWLEDGED if acknowledged else REOPENED, "by": by.username,
    }  # fmt: skip
    signal.history = [*signal.history, entry]
    signal.updated_at = now
    signal.save(update_fields=["state", "acknowledged_by", "acknowledged_at", "history", "updated_at"])
