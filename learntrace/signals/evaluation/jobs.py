"""What the detectors have to step over: new activities by group, and a group's history where one of them came late."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from learntrace.measures.activity import Activity
from learntrace.progress.recording import activity_store, later
from learntrace.progress.recording.activity_store import AssignmentKey, LearnerActivity
from learntrace.progress.recording.recording import LearnerChange
from learntrace.signals.detectors import DETECTORS
from learntrace.signals.detectors.base import LEARNER, Detector
from learntrace.signals.evaluation.closures import OPEN, Closure, Closures, seen_by
from learntrace.signals.evaluation.detector_states import DetectorKey, DetectorState
from learntrace.signals.evaluation.group_keys import group_key

Limits = Mapping[int | None, Mapping[str, Mapping[str, Any]]]
"""The thresholds of each academy and kind, as `thresholds.load` returns them."""


@dataclass(frozen=True, slots=True)
class Job:
    """A detector and the activities of one of its groups, in their order.

    `assignment` is the group's assignment, None for a detector that looks at whole learners; `closure` is that of the
    assignment. Detectors of the same kind of groups share the activities.
    """

    detector: Detector
    assignment: str | None
    closure: Closure
    activities: Sequence[Activity]


Jobs = Mapping[DetectorKey, Job]


def jobs_for(changes: Iterable[LearnerChange], limits: Limits, closures: Closures) -> dict[DetectorKey, Job]:
    """Return what each enabled detector has to look at of new activities."""
    jobs: dict[DetectorKey, Job] = {}
    for change in changes:
        enabled = _enabled(limits, change.academy_id)
        jobs |= _jobs_of_learner(change.user_id, change.academy_id, change.new, enabled, closures)
    return jobs


def _enabled(limits: Limits, academy_id: int | None) -> list[Detector]:
    return [detector for detector in DETECTORS.values() if limits[academy_id][detector.kind]["enabled"]]


def _jobs_of_learner(
    user_id: int,
    academy_id: int | None,
    activities: Iterable[Activity],
    detectors: Iterable[Detector],
    closures: Closures,
) -> dict[DetectorKey, Job]:
    """Return a learner's jobs in an academy: one pass over the activities for each kind of groups, not each detector."""
    by_kind_of_group: dict[str, list[Detector]] = {}
    for detector in detectors:
        by_kind_of_group.setdefault(detector.group, []).append(detector)
    jobs: dict[DetectorKey, Job] = {}
    for kind_of_group, sharing in by_kind_of_group.items():
        for place, seen in _groups(kind_of_group, user_id, academy_id, activities, closures).items():
            for detector in sharing:
                key = DetectorKey(user_id, academy_id, detector.kind, place)
                jobs[key] = Job(detector, seen.assignment, seen.closure, seen.activities)
    return jobs


@dataclass(frozen=True, slots=True)
class _Group:
    """What all detectors of a kind of groups see of one group."""

    assignment: str | None
    closure: Closure
    activities: list[Activity]


def _groups(
    kind_of_group: str, user_id: int, academy_id: int | None, activities: Iterable[Activity], closures: Closures
) -> dict[str, _Group]:
    """Return the groups of that kind by their keys, with the activities that their detectors see."""
    of_learner = kind_of_group == LEARNER
    groups: dict[str, _Group] = {}
    for activity in activities:
        place = group_key(kind_of_group, activity)
        if place is None:
            continue
        assignment = activity.assignment
        closure = OPEN
        if assignment is not None and closures:
            closure = closures.get(AssignmentKey(user_id, academy_id, assignment), OPEN)
        seen = seen_by(kind_of_group, activity, closure)
        if seen is None:
            continue
        if place not in groups:
            groups[place] = _Group(None, OPEN, []) if of_learner else _Group(assignment, closure, [])
        groups[place].activities.append(seen)
    return groups


def goes_on(job: Job, state: DetectorState | None, limits: Mapping[str, Any]) -> bool:
    """Whether the detector can go on from its state: no activity is late, and the thresholds are the same."""
    if state is None:
        return True
    return not state.fault and job.activities[0].order > state.last and state.thresholds == limits


def restarts(job: Job, state: DetectorState, limits: Mapping[str, Any]) -> bool:
    """Whether the late activities change nothing before the last attempt after which the detector starts afresh.

    Only for groups of a whole learner: an assignment's activities are few.
    """
    return job.assignment is None and job.detector.restarts_after is not None and state.thresholds == limits


def with_long_history(jobs: Jobs) -> set[DetectorKey]:
    """Return the keys of the jobs whose groups have a history that is too long for a turn."""
    assignments = {key: _assignment_key(key, job.assignment) for key, job in jobs.items() if job.assignment is not None}
    long_assignments = later.with_long_history(set(assignments.values()))
    long_learners = later.learners_with_long_history({key.user_id for key in jobs if key not in assignments})
    return {
        key
        for key in jobs
        if (assignments[key] in long_assignments if key in assignments else key.user_id in long_learners)
    }


def long_since_restart(jobs: Jobs) -> set[DetectorKey]:
    """Return the keys of the jobs whose history since their last restart is too long for a turn."""
    long: set[DetectorKey] = set()
    for outcome, points in _points(jobs).items():
        more = activity_store.with_more_since_attempts(points, outcome, later.MOST_HISTORY)
        long |= {key for key, job in jobs.items() if job.detector.restarts_after == outcome and _learner(key) in more}
    return long


def _learner(key: DetectorKey) -> tuple[int, int | None]:
    return key.user_id, key.academy_id


def _points(jobs: Jobs) -> dict[str, activity_store.Points]:
    """Return the first of each learner's new activities, by the outcome after which the job's detector restarts."""
    points: dict[str, dict[tuple[int, int | None], tuple[datetime, int]]] = {}
    for key, job in jobs.items():
        points.setdefault(job.detector.restarts_after or "", {})[_learner(key)] = job.activities[0].order
    return {**points}


def _assignment_key(key: DetectorKey, assignment: str) -> AssignmentKey:
    return AssignmentKey(key.user_id, key.academy_id, assignment)


def with_history(jobs: Jobs, closures: Closures) -> dict[DetectorKey, Job]:
    """Return the jobs with all activities of their groups."""
    of_learners = {key: job for key, job in jobs.items() if job.assignment is None}
    of_assignments = {key: job for key, job in jobs.items() if job.assignment is not None}
    learners = {key.user_id for key in of_learners}
    assignments = {
        _assignment_key(key, job.assignment) for key, job in of_assignments.items() if job.assignment is not None
    }
    return _grouped(activity_store.of_keys(assignments), of_assignments, closures) | _grouped(
        activity_store.of_learners(learners), of_learners, closures
    )


def since_restart(jobs: Jobs, closures: Closures) -> dict[DetectorKey, Job]:
    """Return the jobs with the activities since the last restart of their detectors before what came late."""
    restarted: dict[DetectorKey, Job] = {}
    for outcome, points in _points(jobs).items():
        same_outcome = {key: job for key, job in jobs.items() if job.detector.restarts_after == outcome}
        restarted |= _grouped(activity_store.since_attempts(points, outcome), same_outcome, closures)
    return restarted


def _grouped(activities: Iterable[LearnerActivity], jobs: Jobs, closures: Closures) -> dict[DetectorKey, Job]:
    """Return the jobs with these activities of their groups; none for a group that has none."""
    detectors = {job.detector for job in jobs.values()}
    grouped: dict[DetectorKey, Job] = {}
    for (user_id, academy_id), own in _by_learner(activities).items():
        grouped |= _jobs_of_learner(user_id, academy_id, own, detectors, closures)
    return {key: job for key, job in grouped.items() if key in jobs}


def _by_learner(activities: Iterable[LearnerActivity]) -> dict[tuple[int, int | None], list[Activity]]:
    by_learner: dict[tuple[int, int | None], list[Activity]] = {}
    for row in activities:
        by_learner.setdefault((row.user_id, row.academy_id), []).append(row.activity)
    return by_learner
