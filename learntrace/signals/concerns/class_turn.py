"""The worker's turn for concerns of classes: tells live clients when one appears, grows or is over, and teachers of new ones.

Nothing is stored but a concern's name. What was told last is known to this process alone: one that starts over tells it once
more, which changes nothing for who reads it.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction

from learntrace.accounts.models import Academy
from learntrace.core import live_events
from learntrace.core.sql import fetch
from learntrace.core.wakeup import announce
from learntrace.signals.concerns.changes import changes_of
from learntrace.signals.concerns.class_wide import ClassConcern, class_concerns
from learntrace.signals.evaluation.clock import now_in
from learntrace.signals.notifications.queueing import TOPIC as NOTIFICATIONS
from learntrace.signals.notifications.queueing import queue_for_class

TOPIC = "concerns-of-classes"
# A look at a class of 300 takes some milliseconds; looking takes a twentieth of a worker's thread at most.
_REST_SECONDS = 0.5
_SHARE = 20
# How often a class is looked at where nothing comes any more, but a concern stands: it ends by time alone.
_AGAIN_SECONDS = 5.0

_WITH_NEWS = (
    "SELECT academy_id, max(id) FROM core_liveevent WHERE id > %(last)s AND kind = 'progress' GROUP BY academy_id"
)
_NEWEST = (
    "SELECT coalesce(max(id), 0) FROM core_liveevent WHERE created_at < statement_timestamp() - interval '1 minute'"
)


@dataclass
class ClassTurn:
    """What this process has told of each academy, by concern: how many had met the error; and up to which event it looked."""

    last: int | None = None
    resting_until: float = 0.0
    looked_at: dict[int, float] = field(default_factory=dict)
    told: dict[int, dict[int, ClassConcern]] = field(default_factory=dict)

    def take(self) -> int:
        """Look at the classes where something has happened; return how many changes were told, 0 while resting."""
        started = time.monotonic()
        if started < self.resting_until:
            return 0
        due = self._due(started)
        academies = Academy.objects.filter(pk__in=due).order_by("pk") if due else ()
        changes = sum(self._look(academy) for academy in academies)
        took = time.monotonic() - started
        self.resting_until = time.monotonic() + max(_REST_SECONDS, _SHARE * took)
        return changes

    def _due(self, now: float) -> set[int]:
        if self.last is None:
            ((self.last,),) = fetch(_NEWEST)
        news = fetch(_WITH_NEWS, {"last": self.last})
        self.last = max((newest for _academy, newest in news), default=self.last)
        waiting = {
            academy for academy, told in self.told.items() if told and now - self.looked_at[academy] > _AGAIN_SECONDS
        }
        return waiting | {academy for academy, _newest in news}

    def _look(self, academy: Academy) -> int:
        self.looked_at[academy.pk] = time.monotonic()
        standing = {concern.row.pk: concern for concern in class_concerns(academy, now_in(academy.pk))}
        before: Mapping[int, ClassConcern] = self.told.get(academy.pk, {})
        changed = [concern for number, concern in standing.items() if _differs(before.get(number), concern)]
        over = [concern.row for number, concern in before.items() if number not in standing]
        if changed or over:
            with transaction.atomic():
                new = [concern for concern in changed if concern.row.pk not in before]
                if sum(queue_for_class(concern) for concern in new):
                    transaction.on_commit(lambda: announce(NOTIFICATIONS))
                live_events.say(changes_of(academy.pk, changed, over, before))
        self.told[academy.pk] = standing
        return len(changed) + len(over)


def _differs(before: ClassConcern | None, now: ClassConcern) -> bool:
    return before is None or (before.met.learners, before.cohorts) != (now.met.learners, now.cohorts)


_turn = ClassTurn()


def take_turn() -> int:
    """Take this process's turn (`ClassTurn.take`)."""
    return _turn.take()
