"""Announce signals that have changed: to live clients, and to teachers by their notification rules."""

from collections.abc import Collection, Sequence

from django.db import transaction

from learntrace.core import live_events
from learntrace.core.wakeup import announce
from learntrace.signals.concerns.changes import changes_with
from learntrace.signals.documents import signal_document
from learntrace.signals.evaluation.signal_writer import Outcome
from learntrace.signals.models import Signal
from learntrace.signals.named_steps import named_for_class
from learntrace.signals.notifications.queueing import TOPIC, queue_for

_USERS = ("user", "acknowledged_by")
_OF_USER = ("username", "first_name", "last_name")
_OF_SIGNAL = (
    tuple(field.name for field in Signal._meta.concrete_fields if field.name not in ("history", *_USERS)) + _USERS
)


def announce_signals(signals: Sequence[Signal], new: Collection[int]) -> list[live_events.Change]:
    """Queue notifications of the new signals, in the open transaction; return the changes for live clients, those of the
    concerns to which the signals belong too."""
    if queue_for([signal for signal in signals if signal.pk in new]):
        transaction.on_commit(lambda: announce(TOPIC))
    changes = [
        live_events.Change(signal.academy_id, live_events.SIGNAL, signal_document(signal, signal.user))
        for signal in named_for_class(signals)
        if signal.academy_id is not None
    ]
    return [*changes, *changes_with(signals)]


def announce_outcome(outcome: Outcome) -> list[live_events.Change]:
    """Announce all signals that a batch has changed, as `announce_signals` does."""
    if not outcome.changed:
        return []
    return announce_signals(changed_signals(outcome), set(outcome.new))


def changed_signals(outcome: Outcome) -> list[Signal]:
    """Return the signals that a batch has changed, with what their documents tell."""
    signals = Signal.objects.filter(pk__in=outcome.changed).select_related("user", "acknowledged_by").order_by("pk")
    # A document has no history, and of users only their names.
    return list(signals.only(*_OF_SIGNAL, *(f"{user}__{name}" for user in _USERS for name in _OF_USER)))
