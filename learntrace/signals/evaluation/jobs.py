"""What the detectors have to step over: new activities by group, and a group's history where one of them came late."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from learntrace.measures.activity import Activity
from learntrace.progress.recording import activity_store, later
from learntrace.progress.recording.activity_store import AssignmentKey, LearnerActivity, assignment_key_of
from learntrace.progress.recording.recording import LearnerChange
from learntrace.signals.detectors import DETECTORS
from learntrace.signals.detectors.base import LEARNER, Detector
from learntrace.signals.evaluation.closures import OPEN, Closure, Closures, seen_by
from learntrace.signals.evaluation.detector_states import DetectorKey, DetectorState
from learntrace.signals.evaluation.group_keys import group_key

Limits = Mapping[int | None, Mapping[str, Mapping[str, Any]]]
"""The thresholds of each academy and kind, as `thresholds.load` returns them."""


@dataclass
class Job:
    """A detector and the activities of one of its groups, in their order.

    `assignment` is the group's assignment, None for a detector that looks at whole learners; `closure` is that of the
    assignment.
    """

    detector: Detector
    assignment: str | None
    closure: Closure = OPEN
    activities: list[Activity] = field(default_factory=list)


Jobs = Mapping[DetectorKey, Job]


def jobs_for(changes: Iterable[LearnerChange], limits: Limits, closures: Closures) -> dict[DetectorKey, Job]:
    """Return what each enabled detector has to look at of new activities."""
    jobs: dict[DetectorKey, Job] = {}
    for change in changes:
        for detector in _enabled(limits, change.academy_id):
            for activity in change.new:
                _add(jobs, detector, LearnerActivity(change.user_id, change.academy_id, activity), closures)
    return jobs


def _add(
    jobs: dict[DetectorKey, Job], detector: Detector, learner_activity: LearnerActivity, closures: Closures
) -> None:
    """Add an activity to the job of its group, if the detector sees it."""
    activity = learner_activity.activity
    group = group_key(detector.group, activity)
    if group is None:
        return
    place = assignment_key_of(learner_activity)
    closure = closures.get(place, OPEN) if place else OPEN
    if (seen := seen_by(detector.group, activity, closure)) is None:
        return
    key = DetectorKey(learner_activity.user_id, learner_activity.academy_id, detector.kind, group)
    if key not in jobs:
        of_learner = detector.group == LEARNER
        jobs[key] = Job(detector, None if of_learner else activity.assignment, OPEN if of_learner else closure)
    jobs[key].activities.append(seen)


def _enabled(limits: Limits, academy_id: int | None) -> list[Detector]:
    return [detector for detector in DETECTORS.values() if limits[academy_id][detector.kind]["enabled"]]


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
    for learner_activity in activities:
        for detector in detectors:
            _add(grouped, detector, learner_activity, closures)
    return {key: job for key, job in grouped.items() if key in jobs}
