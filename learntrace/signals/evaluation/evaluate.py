"""Run the detectors: over new activities, over a learner's whole history, and where nothing has happened.

All of it runs under the learners' locks (`progress.recording`), in the transaction that writes the activities. A detector
goes on from its stored state; where an activity came late, or thresholds have changed, it steps over the group's history
again. Both give the same signals (`detectors.base`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog
from django.utils import timezone

from learntrace.core import live_events
from learntrace.measures.activity import Activity
from learntrace.progress.recording import activity_store, later
from learntrace.progress.recording.activity_store import AssignmentKey
from learntrace.progress.recording.later import learners_with_long_history, recompute_later
from learntrace.progress.recording.recording import LearnerChange
from learntrace.signals import thresholds
from learntrace.signals.detectors import DETECTORS, TROUBLE_KINDS
from learntrace.signals.detectors.base import LEARNER, Change, Findings, Resolved, State, advance
from learntrace.signals.evaluation import detector_states
from learntrace.signals.evaluation.announce import announce_signals, changed_signals
from learntrace.signals.evaluation.clock import now_in
from learntrace.signals.evaluation.closures import OPEN, Closures, closures_of_learners
from learntrace.signals.evaluation.concerns import update_concerns
from learntrace.signals.evaluation.detector_states import DetectorKey, DetectorState
from learntrace.signals.evaluation.jobs import (
    Job,
    Jobs,
    Limits,
    goes_on,
    jobs_for,
    long_since_restart,
    restarts,
    since_restart,
    with_history,
    with_long_history,
)
from learntrace.signals.evaluation.signal_writer import (
    AnySignal,
    Outcome,
    SignalWriter,
    finding_of,
    stored_on,
    stored_signals,
)

log = structlog.get_logger(__name__)

States = Mapping[DetectorKey, DetectorState]


def evaluate_changes(changes: Sequence[LearnerChange]) -> list[live_events.Change]:
    """Evaluate new activities; return the changes for live clients.

    A learner whose long history would have to be stepped over again is left to a recomputation.
    """
    batch = _Batch.of({change.academy_id for change in changes}, {change.user_id for change in changes})
    anew = [change for change in changes if change.anew]
    left = learners_with_long_history({change.user_id for change in anew})
    recompute_later(left)
    for change in anew:
        if change.user_id not in left:
            _evaluate_learner(batch, change.user_id, change.academy_id)
    _evaluate_new(batch, [change for change in changes if not change.anew])
    _outcome, announced = _save(batch)
    return announced


def reevaluate_learner(user_id: int, academy_id: int | None) -> tuple[list[live_events.Change], int]:
    """Make all states and signals of a learner in an academy again from the stored activities.

    Return the changes for live clients, and how many signals have changed.
    """
    batch = _Batch.of({academy_id}, {user_id})
    _evaluate_learner(batch, user_id, academy_id)
    outcome, announced = _save(batch)
    return announced, len(outcome.changed)


def evaluate_timers(states: States, now: datetime) -> list[live_events.Change]:
    """Have detectors see that nothing has happened in these groups; return the changes for live clients."""
    batch = _Batch.of({key.academy_id for key in states}, ())
    signals = stored_signals(states.keys(), standing_only=True)
    for key, state in states.items():
        _see_silence(batch, key, state, signals.get(key, []), now)
    _outcome, announced = _save(batch)
    return announced


@dataclass
class _Batch:
    """What an evaluation reads once, and what it has to write at its end."""

    limits: Limits
    closures: Closures
    writer: SignalWriter = field(default_factory=SignalWriter)
    states: dict[DetectorKey, DetectorState] = field(default_factory=dict)
    clocks: dict[int | None, datetime] = field(default_factory=dict)

    @classmethod
    def of(cls, academy_ids: Collection[int | None], user_ids: Collection[int]) -> "_Batch":
        return cls(thresholds.load(academy_ids), closures_of_learners(user_ids))

    def now_in(self, academy_id: int | None) -> datetime:
        if academy_id not in self.clocks:
            self.clocks[academy_id] = now_in(academy_id)
        return self.clocks[academy_id]

    def is_past(self, academy_id: int | None, moment: datetime) -> bool:
        """Whether a moment is not after the academy's clock, which is never ahead of the wall's."""
        return moment <= timezone.now() and moment <= self.now_in(academy_id)

    def limits_for(self, key: DetectorKey) -> Mapping[str, Any]:
        return self.limits[key.academy_id][key.kind]


def _evaluate_new(batch: _Batch, changes: Sequence[LearnerChange]) -> None:
    """Go on with the detectors whose activities come next, and repeat those for which one came late.

    Where something has checked an assignment, all of its detectors look at its whole history again.
    """
    again = _evaluate_again(batch, changes)
    jobs = {key: job for key, job in jobs_for(changes, batch.limits, batch.closures).items() if key not in again}
    states = detector_states.load(jobs.keys())
    next_jobs = {key: job for key, job in jobs.items() if goes_on(job, states.get(key), batch.limits_for(key))}
    _go_on(batch, next_jobs, states)
    # A detector that has failed in a group is off there.
    off = {key for key, state in states.items() if state.fault}
    late = {key: job for key, job in jobs.items() if key not in next_jobs and key not in off}
    restarting = {key: job for key, job in late.items() if restarts(job, states[key], batch.limits_for(key))}
    left = with_long_history({key: job for key, job in late.items() if key not in restarting})
    left |= long_since_restart(restarting)
    recompute_later({key.user_id for key in left})
    _repeat(batch, {key: job for key, job in late.items() if key not in left}, states)


def _evaluate_again(batch: _Batch, changes: Iterable[LearnerChange]) -> set[DetectorKey]:
    """Evaluate the whole history of the assignments that changes name; return the keys of their groups."""
    asked = {AssignmentKey(change.user_id, change.academy_id, about) for change in changes for about in change.again}
    if not asked:
        return set()
    left = later.with_long_history(asked)
    recompute_later({key.user_id for key in left})
    history: dict[tuple[int, int | None], list[Activity]] = {}
    for done in activity_store.of_keys(asked - left):
        history.setdefault((done.user_id, done.academy_id), []).append(done.activity)
    jobs = {
        key: job
        for key, job in jobs_for(
            [LearnerChange(*learner, activities) for learner, activities in history.items()],
            batch.limits,
            batch.closures,
        ).items()
        if job.assignment is not None
    }
    states = detector_states.load(jobs.keys())
    signals = stored_signals(jobs.keys(), standing_only=False)
    for key, job in jobs.items():
        _start_over(batch, key, job, signals.get(key, []), states.get(key))
    gone = {key: own for key, own in stored_on(asked - left).items() if key not in jobs and _is_of_assignment(key)}
    for key, own in gone.items():
        batch.writer.reconcile(key, own, {})
    detector_states.forget(gone)
    return set(jobs)


def _is_of_assignment(key: DetectorKey) -> bool:
    return key.kind in DETECTORS and DETECTORS[key.kind].group != LEARNER


def _evaluate_learner(batch: _Batch, user_id: int, academy_id: int | None) -> None:
    """Evaluate all that a learner has done in an academy; forget the groups that it no longer has."""
    history = [done.activity for done in activity_store.of_learners([user_id]) if done.academy_id == academy_id]
    jobs = jobs_for([LearnerChange(user_id, academy_id, history)], batch.limits, batch.closures)
    states = detector_states.of_learner(user_id, academy_id)
    gone = [key for key in states if key not in jobs and key.kind in DETECTORS]
    signals = stored_signals([*jobs, *gone], standing_only=False)
    for key, job in jobs.items():
        _start_over(batch, key, job, signals.get(key, []), states.get(key))
    for key in gone:
        batch.writer.reconcile(key, signals.get(key, []), {})
    detector_states.forget(gone)


def _go_on(batch: _Batch, jobs: Jobs, states: States) -> None:
    """Step from the stored states over the new activities."""
    signals = stored_signals([key for key, job in jobs.items() if _may_stand(job, states.get(key))], standing_only=True)
    for key, job in jobs.items():
        standing = signals.get(key, [])
        findings = Findings(finding_of(signal) for signal in standing)
        state = states[key].state if key in states else job.detector.begin()
        if _step(batch, key, job, state, findings):
            batch.writer.save(key, standing, findings.changed_findings())


def _may_stand(job: Job, state: DetectorState | None) -> bool:
    """Whether a group may have standing signals: its detector has something to resolve, or a check has yet to resolve it.

    Of what is found the first time nothing has to be read: its signal is inserted, or a stored one is seen again.
    """
    return state is not None and (bool(state.state.get("open")) or job.closure != OPEN)


def _repeat(batch: _Batch, jobs: Jobs, states: States) -> None:
    """Step again over as much of the groups' history as the late activities can change."""
    if not jobs:
        return
    restarting = {key: job for key, job in jobs.items() if restarts(job, states[key], batch.limits_for(key))}
    signals = stored_signals(jobs.keys(), standing_only=False)
    starting = {key: job for key, job in jobs.items() if key not in restarting}
    for key, job in with_history(starting, batch.closures).items():
        _start_over(batch, key, job, signals.get(key, []), states[key])
    for key, job in since_restart(restarting, batch.closures).items():
        # What opened before the restart was over with it.
        later = [signal for signal in signals.get(key, []) if signal.opened_at > job.activities[0].at]
        _start_over(batch, key, job, later, states[key])


def _start_over(
    batch: _Batch, key: DetectorKey, job: Job, signals: Sequence[AnySignal], earlier: DetectorState | None
) -> None:
    """Step over the job's activities from the detector's first state, and make its signals match the findings."""
    findings = Findings()
    # A silence that was seen stays seen, though the academy's clock may have gone back since (`clock.now_in`).
    seen_until = earlier.last[0] if earlier else None
    if _step(batch, key, job, job.detector.begin(), findings, seen_until):
        batch.writer.reconcile(key, signals, findings.by_key)


def _step(
    batch: _Batch, key: DetectorKey, job: Job, state: State, findings: Findings, seen_until: datetime | None = None
) -> bool:
    """Have the detector step over the job's activities, and see the silence after them up to now, or `seen_until`.

    False where the detector failed.
    """
    limits = batch.limits_for(key)
    last = job.activities[-1].order
    try:
        findings.apply(_told(job, advance(job.detector, state, job.activities, limits)))
        if job.closure.done is not None:
            # The state stays: more of what was done before the closure may come late.
            findings.apply([Resolved(job.closure.done.at, job.closure.done.id)])
        due = job.detector.due(state, limits)
        if due is not None and ((seen_until and due <= seen_until) or batch.is_past(key.academy_id, due)):
            findings.apply(job.detector.tick(state, due, limits))
            last = _after_silence(last, due)
            due = job.detector.due(state, limits)
    except Exception as error:
        batch.states[key] = _failed(key, last, limits, error)
        return False
    batch.states[key] = DetectorState(state, last, due, limits)
    for finding in findings.by_key.values():
        finding.assignment = finding.assignment or job.assignment
    return True


def _told(job: Job, changes: Iterable[Change]) -> Iterator[Change]:
    """Return changes; where the assignment has a check cell, without those by which a success of the work resolves."""
    for change in changes:
        if not (job.closure.has_check and isinstance(change, Resolved) and job.detector.kind in TROUBLE_KINDS):
            yield change


def _see_silence(
    batch: _Batch, key: DetectorKey, state: DetectorState, standing: Sequence[AnySignal], now: datetime
) -> None:
    """Have a detector see that nothing has happened in a group until its timer was due."""
    detector, limits = DETECTORS[key.kind], batch.limits_for(key)
    findings = Findings(finding_of(signal) for signal in standing)
    try:
        due = detector.due(state.state, limits) if limits["enabled"] else None
        if due is not None and due <= now:
            findings.apply(detector.tick(state.state, due, limits))
            state = replace(state, last=_after_silence(state.last, due))
            due = detector.due(state.state, limits)
    except Exception as error:
        batch.states[key] = _failed(key, state.last, limits, error)
        return
    batch.states[key] = replace(state, due_at=due)
    batch.writer.save(key, standing, findings.changed_findings())


def _after_silence(last: tuple[datetime, int], due: datetime) -> tuple[datetime, int]:
    """Return where a state ends that has seen the silence until `due`: an activity from before then is late."""
    return max(last, (due, -1))


def _failed(key: DetectorKey, last: tuple[datetime, int], limits: Mapping[str, Any], error: Exception) -> DetectorState:
    """Return the state of a detector that failed: it is off in this group until it is recomputed; the others go on."""
    log.error("detector failed; it is off for this group", kind=key.kind, learner=key.user_id, exc_info=error)
    return DetectorState({}, last, None, limits, fault=f"{type(error).__name__}: {error}"[:1000])


def _save(batch: _Batch) -> tuple[Outcome, list[live_events.Change]]:
    """Write states, signals and concerns, and queue notifications; return the changes for live clients too."""
    detector_states.store(batch.states)
    outcome = batch.writer.write()
    if not outcome.changed:
        return outcome, []
    signals = changed_signals(outcome)
    update_concerns(signal for signal in signals if signal.pk not in outcome.grown)
    return outcome, announce_signals(signals, set(outcome.new))
