"""Falling behind, which is seen of a whole class: a queue's turn looks at the lessons that have something new to see."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import OperationalError, transaction
from django.utils import timezone

from learntrace.core import live
from learntrace.progress.recording import lock_learners
from learntrace.signals import lessons_reading, thresholds
from learntrace.signals.clock import now_in
from learntrace.signals.detection import Finding
from learntrace.signals.detectors import FALLING_BEHIND
from learntrace.signals.detectors.falling_behind import Transition
from learntrace.signals.groups import asset_key
from learntrace.signals.keeping import Keeping, finding_of
from learntrace.signals.lessons_reading import SHARE, Due
from learntrace.signals.models import Lesson, Signal
from learntrace.signals.states import Spot
from learntrace.signals.telling import tell_outcome
from learntrace.signals.thresholds import ENABLED

log = structlog.get_logger(__name__)

TOPIC = "signals-lessons"
# A few lessons a turn, so that a worker that is told to stop does so soon.
MOST = 3
# How long a process that found nothing looks for nothing again: what is seen here is a matter of days.
REST_SECONDS = 5.0
_DAY = timedelta(days=1)


@dataclass
class _Rest:
    """Until when this process looks for nothing (`time.monotonic`)."""

    until: float = 0.0


_rest = _Rest()


def look_at_lessons() -> int:
    """A queue's turn: look at some lessons that are due; returns how many, 0 also while this process rests."""
    begun = time.monotonic()
    if begun < _rest.until:
        return 0
    looked = look_at_due()
    if not looked:
        now = time.monotonic()
        _rest.until = now + max(REST_SECONDS, SHARE * (now - begun))
    return looked


def look_at_due(limit: int = MOST) -> int:
    """Look at up to `limit` lessons; of two workers each looks at what the other has not in hand.

    A fault of ours costs that lesson alone. Raises OperationalError when the database is away.
    """
    academies = sorted(lessons_reading.academies())
    limits = thresholds.load(academies)
    clocks = {academy: now_in(academy) for academy in academies}
    due = lessons_reading.due(clocks, {one: limits[one][FALLING_BEHIND.kind] for one in academies}, limit)
    new = [Lesson(academy_id=one.academy_id, asset_id=one.asset_id) for one in due if one.looked_at is None]
    # Before anybody has one in hand: whoever makes a row that another is making waits for him.
    Lesson.objects.bulk_create(new, ignore_conflicts=True)
    return sum(_take(one) for one in due)


def _take(due: Due) -> bool:
    try:
        with transaction.atomic():
            lesson = _in_hand(due)
            if lesson is not None:
                _look(lesson, due)
    except OperationalError:
        raise
    except Exception as error:
        log.exception("a lesson can't be looked at; it is left alone until its next day", asset=due.asset_id)
        with transaction.atomic():
            lesson = _in_hand(due)
            if lesson is not None:
                lesson.looked_to = now_in(lesson.academy_id)
                _note(lesson, due, fault=f"{type(error).__name__}: {error}"[:1000])
    return lesson is not None


def _in_hand(due: Due) -> Lesson | None:
    """The lesson's row, locked; None where another has it, or has looked at it meanwhile."""
    return (
        Lesson.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("academy", "asset")
        .filter(academy=due.academy_id, asset=due.asset_id, looked_at=due.looked_at)
        .first()
    )


def _note(lesson: Lesson, due: Due, fault: str = "") -> None:
    lesson.looked_at, lesson.thresholds, lesson.fault = timezone.now(), dict(due.limits), fault
    lesson.save()


def _look(lesson: Lesson, due: Due) -> None:
    """Have the lesson's signals be what follows from what the class has done by now, in the open transaction.

    What is to be changed of a learner is looked at once more under the learner's lock. What comes of others meanwhile
    makes `seen` another, so that the next look finds it.
    """
    begun = time.monotonic()
    lesson.seen = lessons_reading.seen_of(lesson.academy_id, lesson.asset_id)
    comparison = _Comparison(lesson, due)
    found = comparison.findings()
    stored = comparison.signals()
    differing = sorted(one for one in {*found, *stored} if _differs(found.get(one, ()), stored.get(one, ())))
    told: list[live.Change] = []
    if differing:
        lock_learners(differing)
        found = comparison.findings(differing)
        stored = comparison.signals()
        keeping = Keeping()
        for learner in differing:
            wanted = {finding.key: finding for finding in found.get(learner, ())}
            keeping.reconcile(comparison.spot(learner), stored.get(learner, []), wanted)
        told = tell_outcome(keeping.write())
    lesson.looked_to = comparison.looked_to
    lesson.seconds = time.monotonic() - begun
    _note(lesson, due)
    live.say(told)


def _differs(findings: Iterable[Finding], signals: Iterable[Signal]) -> bool:
    told = {one.key: finding_of(one) for one in signals if one.state != Signal.State.WITHDRAWN}
    return told != {finding.key: finding for finding in findings}


@dataclass
class _Comparison:
    """A lesson's learners compared with each other."""

    lesson: Lesson
    due: Due
    begun_at: datetime | None = None
    moves: dict[int, list[Transition]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # An academy's clock goes back when it falls silent (`clock.now_in`): what was seen once stays seen.
        # Asked anew, as the due clock may be from before the first activity, when a replay's clock is still the wall's.
        clock = now_in(self.lesson.academy_id)
        self.now = max(clock, self.lesson.looked_to or clock)
        self.begun_at = lessons_reading.begun_at(self.lesson.academy_id, self.lesson.asset_id)

    @property
    def looked_to(self) -> datetime:
        """The last whole day since the lesson began; before any has passed, or without a beginning, the clock."""
        if self.begun_at is None:
            return self.now
        return self.begun_at + (self.now - self.begun_at) // _DAY * _DAY

    def findings(self, again: list[int] | None = None) -> Mapping[int, list[Finding]]:
        """What is seen of each learner; `again` reads what these have done once more, and who is in the class."""
        lesson, limits = self.lesson, self.due.limits
        if self.begun_at is None or not limits[ENABLED]:
            return {}
        learners = lessons_reading.class_of(lesson.academy, lesson.asset_id)
        for learner in again or ():
            self.moves.pop(learner, None)
        self.moves |= lessons_reading.transitions(
            lesson, self.begun_at, self.now, limits, learners if again is None else again
        )
        found = FALLING_BEHIND.findings(learners, self.moves, self.begun_at, self.now, limits)
        for finding in (finding for findings in found.values() for finding in findings):
            finding.facts |= {"asset": lesson.asset.slug, "title": lesson.asset.title or lesson.asset.slug}
        return found

    def signals(self) -> dict[int, list[Signal]]:
        """The lesson's signals by learner, withdrawn ones too."""
        rows = Signal.objects.filter(
            academy=self.lesson.academy_id, kind=FALLING_BEHIND.kind, group=asset_key(self.lesson.asset.slug)
        )
        found: dict[int, list[Signal]] = {}
        for signal in rows.order_by("opened_at", "pk"):
            found.setdefault(signal.user_id, []).append(signal)
        return found

    def spot(self, learner: int) -> Spot:
        return Spot(learner, self.lesson.academy_id, FALLING_BEHIND.kind, asset_key(self.lesson.asset.slug))
