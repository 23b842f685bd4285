"""Announce signals that have changed: to live clients, and to teachers by their notification rules."""

from collections.abc import Collection, Sequence

import msgspec
from django.db import DEFAULT_DB_ALIAS, transaction

from learntrace.accounts.models import User
from learntrace.core import live_events
from learntrace.core.sql import fetch
from learntrace.core.wakeup import announce
from learntrace.signals.concerns.changes import changes_with
from learntrace.signals.documents import signal_document
from learntrace.signals.evaluation.signal_writer import Outcome
from learntrace.signals.models import Signal
from learntrace.signals.named_steps import named_for_class, shown_of
from learntrace.signals.notifications.queueing import TOPIC, queue_for

# A document has no history, and of users only their names.
_OF_SIGNAL = tuple(field.attname for field in Signal._meta.concrete_fields if field.attname != "history")
_OF_USER = ("id", "username", "first_name", "last_name")
_JSON = ("evidence", "facts")
_CHANGED = f"""
SELECT {", ".join(f's."{name}"::text' if name in _JSON else f's."{name}"' for name in _OF_SIGNAL)},
       {", ".join(f"u.{name}" for name in _OF_USER)}, {", ".join(f"b.{name}" for name in _OF_USER)}
  FROM signals_signal s
  JOIN accounts_user u ON u.id = s.user_id
  LEFT JOIN accounts_user b ON b.id = s.acknowledged_by_id
 WHERE s.id = ANY(%s)
 ORDER BY s.id
"""  # noqa: S608 (only names of columns)


def announce_signals(signals: Sequence[Signal], new: Collection[int]) -> list[live_events.Change]:
    """Queue notifications of the new signals, in the open transaction; return the changes for live clients, those of the
    concerns to which the signals belong too."""
    if queue_for([signal for signal in signals if signal.pk in new]):
        transaction.on_commit(lambda: announce(TOPIC))
    shown = shown_of(signals)
    changes = [
        live_events.Change(signal.academy_id, live_events.SIGNAL, signal_document(signal, signal.user))
        for signal in named_for_class(signals, shown)
        if signal.academy_id is not None
    ]
    return [*changes, *changes_with(signals, shown)]


def announce_outcome(outcome: Outcome) -> list[live_events.Change]:
    """Announce all signals that a batch has changed, as `announce_signals` does."""
    if not outcome.changed:
        return []
    return announce_signals(changed_signals(outcome), set(outcome.new))


def changed_signals(outcome: Outcome) -> list[Signal]:
    """Return the signals that a batch has changed, with what their documents tell."""
    signals = []
    for row in fetch(_CHANGED, [outcome.changed]):
        columns, users = row[: len(_OF_SIGNAL)], row[len(_OF_SIGNAL) :]
        values = [
            msgspec.json.decode(value) if name in _JSON else value
            for name, value in zip(_OF_SIGNAL, columns, strict=True)
        ]
        signal = Signal.from_db(DEFAULT_DB_ALIAS, _OF_SIGNAL, values)
        signal.user = User.from_db(DEFAULT_DB_ALIAS, _OF_USER, users[: len(_OF_USER)])
        if signal.acknowledged_by_id is not None:
            signal.acknowledged_by = User.from_db(DEFAULT_DB_ALIAS, _OF_USER, users[len(_OF_USER) :])
        signals.append(signal)
    return signals
