"""Who hears of signals that have changed: those who watch, and teachers who want to be told."""

from collections.abc import Collection, Sequence

from django.db import transaction

from learntrace.core import live
from learntrace.core.wakeup import announce
from learntrace.signals.documents import signal_document
from learntrace.signals.keeping import Outcome
from learntrace.signals.models import Signal
from learntrace.signals.notifications.queueing import TOPIC, queue_for


def tell(signals: Sequence[Signal], new: Collection[int]) -> list[live.Change]:
    """Queue notifications of what is new, in the open transaction; returns what to tell those who watch."""
    if queue_for([signal for signal in signals if signal.pk in new]):
        transaction.on_commit(lambda: announce(TOPIC))
    return [
        live.Change(signal.academy_id, live.SIGNAL, signal_document(signal, signal.user))
        for signal in signals
        if signal.academy_id is not None
    ]


def tell_outcome(outcome: Outcome) -> list[live.Change]:
    """The same of all that a batch has made of signals."""
    if not outcome.changed:
        return []
    signals = list(
        Signal.objects.filter(pk__in=outcome.changed).select_related("user", "acknowledged_by").order_by("pk")
    )
    return tell(signals, set(outcome.new))
