"""Detectors at work: over what is new of learners, or over all of it again where something came late.

Called under the learners' locks (`progress.recording`), in the transaction that writes what is new.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog
from django.db import connection

from learntrace.core import live
from learntrace.metrics.attempts import Activity
from learntrace.progress import folding, reading
from learntrace.progress.reading import Place
from learntrace.progress.recording import LearnerChange
from learntrace.signals import keeping, states, thresholds
from learntrace.signals.clock import now_in
from learntrace.signals.detection import LEARNER, MEDIUM, Detector, Findings, State, advance
from learntrace.signals.detectors import DETECTORS
from learntrace.signals.groups import group_key
from learntrace.signals.keeping import Keeping, Outcome
from learntrace.signals.models import Signal
from learntrace.signals.states import Spot, Watched
from learntrace.signals.telling import tell

log = structlog.get_logger(__name__)

# The kinds that tell of trouble on an assignment, so that its learner is shown as struggling.
TROUBLE = [detector.kind for detector in DETECTORS.values() if detector.severity >= MEDIUM]

_CONCERNS = """
UPDATE progress_progress p
   SET concerns = r.concerns
  FROM (SELECT asked.learner, asked.academy, asked.about,
               coalesce((SELECT jsonb_agg(DISTINCT s.kind) FROM signals_signal s
                          WHERE s.user_id = asked.learner AND s.academy_id IS NOT DISTINCT FROM asked.academy
                            AND s.assignment = asked.about AND s.kind = ANY(%s)
                            AND s.state IN ('open', 'acknowledged')), '[]') AS concerns
          FROM jsonb_to_recordset(%s::jsonb) AS asked(learner bigint, academy bigint, about text)) AS r
 WHERE p.user_id = r.learner AND p.assignment = r.about AND p.academy_id IS NOT DISTINCT FROM r.academy
   AND p.concerns <> r.concerns
"""


@dataclass
class _Work:
    """What one detector has to look at, at one spot."""

    detector: Detector
    assignment: str | None
    new: list[Activity] = field(default_factory=list)


@dataclass
class _Batch:
    """A batch on its way through the detectors."""

    limits: Mapping[int | None, Mapping[str, Mapping[str, Any]]]
    keeping: Keeping = field(default_factory=Keeping)
    watched: dict[Spot, Watched] = field(default_factory=dict)
    nows: dict[int | None, datetime] = field(default_factory=dict)

    def now_in(self, academy_id: int | None) -> datetime:
        if academy_id not in self.nows:
            self.nows[academy_id] = now_in(academy_id)
        return self.nows[academy_id]

    def limits_at(self, spot: Spot) -> Mapping[str, Any]:
        return self.limits[spot.academy_id][spot.kind]


def follow(changes: Sequence[LearnerChange]) -> list[live.Change]:
    """Have the detectors look at what is new; returns what to tell those who watch."""
    batch = _Batch(thresholds.load({change.academy_id for change in changes}))
    for change in changes:
        if change.anew:
            _look_anew(batch, change.user_id, change.academy_id)
    works = _works([change for change in changes if not change.anew], batch)
    known = states.load(works.keys())
    next_ones = {spot: work for spot, work in works.items() if _goes_on(work, known.get(spot), batch.limits_at(spot))}
    standing = keeping.stored([spot for spot in next_ones if spot in known], standing_only=True)
    for spot, work in next_ones.items():
        _step(batch, spot, work, known.get(spot), standing.get(spot, []))
    off = {spot for spot, watched in known.items() if watched.fault}
    _step_again(batch, {spot: work for spot, work in works.items() if spot not in next_ones and spot not in off}, known)
    return _finish(batch)


def look_again(user_id: int, academy_id: int | None) -> tuple[list[live.Change], int]:
    """Make all of a learner's states and signals in an academy again, from the stored activities.

    Returns what to tell those who watch, and how many signals came out otherwise.
    """
    batch = _Batch(thresholds.load({academy_id}))
    _look_anew(batch, user_id, academy_id)
    outcome, told = _write(batch)
    return told, len(outcome.changed)


def _works(changes: Iterable[LearnerChange], batch: _Batch) -> dict[Spot, _Work]:
    """What each detector has to look at, by spot; activities in their order."""
    works: dict[Spot, _Work] = {}
    for change in changes:
        for detector in _enabled(batch, change.academy_id):
            for activity in change.new:
                group = group_key(detector.group, activity)
                if group is None:
                    continue
                spot = Spot(change.user_id, change.academy_id, detector.kind, group)
                about = None if detector.group == LEARNER else activity.assignment
                works.setdefault(spot, _Work(detector, about)).new.append(activity)
    return works


def _enabled(batch: _Batch, academy_id: int | None) -> list[Detector]:
    return [one for one in DETECTORS.values() if batch.limits[academy_id][one.kind]["enabled"]]


def _goes_on(work: _Work, watched: Watched | None, limits: Mapping[str, Any]) -> bool:
    """Whether what is new comes next: nothing of it is late, and the state was made with the same thresholds."""
    if watched is None:
        return True
    return not watched.fault and work.new[0].order > watched.last and watched.thresholds == limits


def _step(batch: _Batch, spot: Spot, work: _Work, watched: Watched | None, standing: Sequence[Signal]) -> None:
    """Go on from the stored state."""
    findings = Findings(keeping.finding_of(signal) for signal in standing)
    state = watched.state if watched else work.detector.begin()
    if _advanced(batch, spot, work, state, findings):
        changed = [findings.by_key[key] for key in sorted(findings.changed)]
        batch.keeping.keep(spot, standing, changed)


def _step_again(batch: _Batch, works: Mapping[Spot, _Work], known: Mapping[Spot, Watched]) -> None:
    """Step over everything again that what came late can change."""
    if not works:
        return
    resumed = {spot: work for spot, work in works.items() if _resumes(work, known[spot], batch.limits_at(spot))}
    history = _whole({spot: work for spot, work in works.items() if spot not in resumed}) | _resumed(resumed)
    signals = keeping.stored(works.keys(), standing_only=False)
    for spot, activities in history.items():
        mine = signals.get(spot, [])
        if spot in resumed:
            # What opened before the first of them was over with it.
            mine = [signal for signal in mine if signal.opened_at > activities[0].at]
        _again(batch, spot, _Work(works[spot].detector, works[spot].assignment, activities), mine, known[spot])


def _whole(works: Mapping[Spot, _Work]) -> dict[Spot, list[Activity]]:
    """All activities of the spots' groups."""
    about = {spot: work.assignment for spot, work in works.items()}
    places = {
        Place(one.user_id, one.academy_id, assignment) for one, assignment in about.items() if assignment is not None
    }
    learners = {spot.user_id for spot, assignment in about.items() if assignment is None}
    found = _grouped(reading.of_places(places), works, of_assignments=True)
    return found | _grouped(reading.of_learners(learners), works, of_assignments=False)


def _resumed(works: Mapping[Spot, _Work]) -> dict[Spot, list[Activity]]:
    """The activities from the last attempt on after which the detector starts afresh, before what came late."""
    found: dict[Spot, list[Activity]] = {}
    for outcome in {work.detector.restarts_after for work in works.values()}:
        mine = {spot: work for spot, work in works.items() if work.detector.restarts_after == outcome}
        points = {(spot.user_id, spot.academy_id): work.new[0].order for spot, work in mine.items()}
        found |= _grouped(reading.since_attempts(points, outcome or ""), mine, of_assignments=False)
    return found


def _resumes(work: _Work, watched: Watched, limits: Mapping[str, Any]) -> bool:
    """Whether what came late changes nothing before the last attempt after which the detector starts afresh.

    Only of learners: an assignment's activities are few.
    """
    return work.assignment is None and work.detector.restarts_after is not None and watched.thresholds == limits


def _grouped(
    done: Sequence[reading.Done], works: Mapping[Spot, _Work], *, of_assignments: bool
) -> dict[Spot, list[Activity]]:
    """The activities of each of the spots that look at assignments, or that look at learners."""
    kinds = {work.detector for work in works.values() if (work.assignment is not None) is of_assignments}
    found: dict[Spot, list[Activity]] = {}
    for one in done:
        for detector in kinds:
            group = group_key(detector.group, one.activity)
            spot = Spot(one.user_id, one.academy_id, detector.kind, group or "")
            if spot in works:
                found.setdefault(spot, []).append(one.activity)
    return found


def _again(batch: _Batch, spot: Spot, work: _Work, signals: Sequence[Signal], known: Watched | None) -> None:
    findings = Findings()
    # A silence that was seen stays seen, though the academy's clock may have gone back since (`clock.now_in`).
    if _advanced(batch, spot, work, work.detector.begin(), findings, known.last[0] if known else None):
        batch.keeping.reconcile(spot, signals, findings.by_key)


def _look_anew(batch: _Batch, user_id: int, academy_id: int | None) -> None:
    """The same for all that a learner has done in an academy; what is no longer looked at is forgotten and withdrawn."""
    done = [one for one in reading.of_learners([user_id]) if one.academy_id == academy_id]
    works = _works([LearnerChange(user_id, academy_id, [one.activity for one in done])], batch)
    known = states.of_learner(user_id, academy_id)
    gone = [spot for spot in known if spot not in works and spot.kind in DETECTORS]
    signals = keeping.stored([*works, *gone], standing_only=False)
    for spot, work in works.items():
        _again(batch, spot, work, signals.get(spot, []), known.get(spot))
    for spot in gone:
        batch.keeping.reconcile(spot, signals.get(spot, []), {})
    states.forget(gone)


def _advanced(
    batch: _Batch, spot: Spot, work: _Work, state: State, findings: Findings, seen_until: datetime | None = None
) -> bool:
    """Have the detector step over the activities, and see what is due by now, or by when it was looked at before.

    False where it stumbled.
    """
    limits = batch.limits_at(spot)
    last = work.new[-1].order
    try:
        findings.apply(advance(work.detector, state, work.new, limits))
        due = work.detector.due(state, limits)
        now = batch.now_in(spot.academy_id)
        if due is not None and due <= (max(now, seen_until) if seen_until else now):
            findings.apply(work.detector.tick(state, due, limits))
            last = _until(last, due)
            due = work.detector.due(state, limits)
    except Exception as error:
        batch.watched[spot] = _stumbled(spot, last, limits, error)
        return False
    batch.watched[spot] = Watched(state, last, due, limits)
    for finding in findings.by_key.values():
        finding.assignment = finding.assignment or work.assignment
    return True


def tick(spots: Mapping[Spot, Watched], now: datetime) -> list[live.Change]:
    """Have detectors see that nothing has happened at these spots, of learners whose locks are held."""
    batch = _Batch(thresholds.load({spot.academy_id for spot in spots}))
    standing = keeping.stored(spots.keys(), standing_only=True)
    for spot, watched in spots.items():
        _see_silence(batch, spot, watched, standing.get(spot, []), now)
    return _finish(batch)


def _see_silence(batch: _Batch, spot: Spot, watched: Watched, standing: Sequence[Signal], now: datetime) -> None:
    detector, limits = DETECTORS[spot.kind], batch.limits_at(spot)
    findings = Findings(keeping.finding_of(signal) for signal in standing)
    try:
        due = detector.due(watched.state, limits) if limits["enabled"] else None
        if due is not None and due <= now:
            findings.apply(detector.tick(watched.state, due, limits))
            watched = replace(watched, last=_until(watched.last, due))
            due = detector.due(watched.state, limits)
    except Exception as error:
        batch.watched[spot] = _stumbled(spot, watched.last, limits, error)
        return
    batch.watched[spot] = replace(watched, due_at=due)
    batch.keeping.keep(spot, standing, [findings.by_key[key] for key in sorted(findings.changed)])


def _until(last: tuple[datetime, int], due: datetime) -> tuple[datetime, int]:
    """Where a state ends that has seen the silence until then: what still comes from that silence is late."""
    return max(last, (due, -1))


def _stumbled(spot: Spot, last: tuple[datetime, int], limits: Mapping[str, Any], error: Exception) -> Watched:
    """A detector that stumbles is off for this group until it is recomputed; the others go on."""
    log.error("a detector stumbled; it is off for this group", kind=spot.kind, learner=spot.user_id, exc_info=error)
    return Watched({}, last, None, limits, fault=f"{type(error).__name__}: {error}"[:1000])


def _finish(batch: _Batch) -> list[live.Change]:
    return _write(batch)[1]


def _write(batch: _Batch) -> tuple[Outcome, list[live.Change]]:
    states.store(batch.watched)
    outcome = batch.keeping.write()
    if not outcome.changed:
        return outcome, []
    changed = list(Signal.objects.filter(pk__in=outcome.changed).select_related("user").order_by("pk"))
    _note_concerns(changed)
    return outcome, tell(changed, set(outcome.new))


def _note_concerns(signals: Iterable[Signal]) -> None:
    places = {
        Place(signal.user_id, signal.academy_id, signal.assignment)
        for signal in signals
        if signal.assignment is not None
    }
    with connection.cursor() as cursor:
        cursor.execute(_CONCERNS, [TROUBLE, folding.asked_for(places)])
