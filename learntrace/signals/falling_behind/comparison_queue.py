"""Queue of asset comparisons: a turn compares the learners of assets where there is something new to see."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from learntrace.core import live_events
from learntrace.core.queue import run_turn
from learntrace.progress.recording.recording import lock_learners_within
from learntrace.signals import thresholds
from learntrace.signals.detectors import FALLING_BEHIND
from learntrace.signals.detectors.base import Finding
from learntrace.signals.detectors.falling_behind import Transition
from learntrace.signals.evaluation.announce import announce_outcome
from learntrace.signals.evaluation.clock import now_in
from learntrace.signals.evaluation.detector_states import DetectorKey
from learntrace.signals.evaluation.group_keys import asset_key
from learntrace.signals.evaluation.signal_writer import Outcome, SignalWriter, finding_of
from learntrace.signals.falling_behind import queries
from learntrace.signals.falling_behind.queries import SHARE, DueComparison
from learntrace.signals.models import AssetComparison, Signal
from learntrace.signals.thresholds import ENABLED

TOPIC = "signals-lessons"
# A few comparisons a turn, so that a worker that is told to stop does so soon.
MOST = 3
# How long a process that found nothing to do doesn't look again: falling behind is a matter of days.
REST_SECONDS = 5.0
# How long learners are waited for.
LOCK_SECONDS = 0.5
_DAY = timedelta(days=1)


@dataclass
class _Rest:
    """Until when this process doesn't look for due comparisons (`time.monotonic`)."""

    until: float = 0.0


_rest = _Rest()


def take_turn() -> int:
    """Make some due comparisons; return how many, 0 also while this process rests."""
    started = time.monotonic()
    if started < _rest.until:
        return 0
    compared = compare_due()
    if not compared:
        now = time.monotonic()
        _rest.until = now + max(REST_SECONDS, SHARE * (now - started))
    return compared


def compare_due(limit: int = MOST) -> int:
    """Make up to `limit` comparisons that are due; return how many. Two workers never make the same one.

    A fault of ours costs that comparison alone, until its next day. Raises OperationalError when the database is away.
    """
    academies = sorted(queries.academies())
    limits = thresholds.load(academies)
    clocks = {academy: now_in(academy) for academy in academies}
    kind_limits = {academy: limits[academy][FALLING_BEHIND.kind] for academy in academies}
    comparisons = queries.due_comparisons(clocks, kind_limits, limit)
    # Before any is locked: who inserts a row that another transaction is inserting waits for that transaction.
    new = [
        AssetComparison(academy_id=due.academy_id, asset_id=due.asset_id)
        for due in comparisons
        if due.looked_at is None
    ]
    AssetComparison.objects.bulk_create(new, ignore_conflicts=True)
    return sum(run_turn(_ComparisonTurn(due)) for due in comparisons)


@dataclass(frozen=True)
class _ComparisonTurn:
    """A queue's turn for one comparison: learners are locked in ascending order, which several would break."""

    due: DueComparison
    name: str = "asset comparisons"

    def describe(self, item: AssetComparison) -> Mapping[str, object]:
        return {"academy": item.academy_id, "asset": item.asset_id}

    def claim(self) -> list[AssetComparison]:
        """Lock the comparison's row; return nothing where another worker has it, or has made it since."""
        rows = AssetComparison.objects.select_for_update(skip_locked=True, of=("self",))
        due = self.due
        rows = rows.filter(academy=due.academy_id, asset=due.asset_id, looked_at=due.looked_at)
        return list(rows.select_related("academy", "asset"))

    def claim_again(self, item: AssetComparison) -> list[AssetComparison]:
        return self.claim()

    def work(self, items: Sequence[AssetComparison]) -> None:
        for comparison in items:
            _compare(comparison, self.due)

    def postpone(self, items: Sequence[AssetComparison]) -> None:
        """It is still due."""

    def give_up(self, items: Sequence[AssetComparison], error: Exception) -> None:
        """It is left alone until its next day."""
        for comparison in items:
            comparison.looked_to = now_in(comparison.academy_id)
            _save(comparison, self.due, fault=f"{type(error).__name__}: {error}"[:1000])


def _compare(comparison: AssetComparison, due: DueComparison) -> None:
    """Make the asset's signals match what the class has done by now, in the open transaction.

    Learners whose signals differ are read once more under their locks. What other learners do meanwhile changes the
    fingerprint in `seen`, so that it is found by the next comparison.
    """
    started = time.monotonic()
    comparison.seen = queries.progress_fingerprint(comparison.academy_id, comparison.asset_id)
    progress = _ClassProgress(comparison, due)
    findings, signals = progress.findings(), progress.signals()
    differing = [
        learner
        for learner in sorted({*findings, *signals})
        if _differs(findings.get(learner, ()), signals.get(learner, ()))
    ]
    # The others are locked meanwhile, so this waits for nobody long. Whom another worker has locked all that time is left
    # to the next comparison, which has something new to see then.
    free = lock_learners_within(differing, LOCK_SECONDS)
    changes = announce_outcome(_reconcile(progress, [learner for learner in differing if learner in free]))
    if len(free) < len(differing):
        comparison.seen = None
    comparison.looked_to = progress.looked_to
    comparison.seconds = time.monotonic() - started
    _save(comparison, due)
    live_events.say(changes)


def _differs(findings: Iterable[Finding], signals: Iterable[Signal]) -> bool:
    stored = {signal.key: finding_of(signal) for signal in signals if signal.state != Signal.State.WITHDRAWN}
    return stored != {finding.key: finding for finding in findings}


def _reconcile(progress: "_ClassProgress", learners: Sequence[int]) -> Outcome:
    """Read learners, who are locked, again and make their signals match their findings."""
    if not learners:
        return Outcome()
    findings, signals = progress.findings(again=learners), progress.signals()
    writer = SignalWriter()
    for learner in learners:
        by_key = {finding.key: finding for finding in findings.get(learner, ())}
        writer.reconcile(progress.key(learner), signals.get(learner, []), by_key)
    return writer.write()


def _save(comparison: AssetComparison, due: DueComparison, fault: str = "") -> None:
    comparison.looked_at, comparison.thresholds, comparison.fault = timezone.now(), dict(due.limits), fault
    comparison.save()


@dataclass
class _ClassProgress:
    """What a class has done of an asset day by day, and the findings and signals of its learners."""

    comparison: AssetComparison
    due: DueComparison
    begun_at: datetime | None = None
    transitions: dict[int, list[Transition]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # The clock is read again: `due` may be from before the first activity, when a replay's clock was still the
        # wall's. And it goes back when an academy falls silent (`clock.now_in`): what was seen once stays seen.
        clock = now_in(self.comparison.academy_id)
        self.now = max(clock, self.comparison.looked_to or clock)
        self.begun_at = queries.begun_at(self.comparison.academy_id, self.comparison.asset_id)
        self.group = asset_key(self.comparison.asset.slug)

    @property
    def looked_to(self) -> datetime:
        """The end of the last whole day since the first activity; the clock where there is no activity."""
        if self.begun_at is None:
            return self.now
        return self.begun_at + (self.now - self.begun_at) // _DAY * _DAY

    def findings(self, again: Sequence[int] | None = None) -> Mapping[int, list[Finding]]:
        """Return the findings of each learner; `again` are the only ones whose activities are read once more."""
        comparison, limits = self.comparison, self.due.limits
        if self.begun_at is None or not limits[ENABLED]:
            return {}
        learners = queries.class_of(comparison.academy, comparison.asset_id)
        for learner in again or ():
            self.transitions.pop(learner, None)
        read = learners if again is None else again
        self.transitions |= queries.transitions(comparison, self.now, read)
        findings = FALLING_BEHIND.findings(learners, self.transitions, self.begun_at, self.now, limits)
        asset = comparison.asset
        for finding in (finding for of_learner in findings.values() for finding in of_learner):
            finding.facts |= {"asset": asset.slug, "title": asset.title or asset.slug}
        return findings

    def signals(self) -> dict[int, list[Signal]]:
        """Return the asset's signals by learner, withdrawn ones too."""
        rows = Signal.objects.filter(
            academy=self.comparison.academy_id, kind=FALLING_BEHIND.kind, group=self.group
        ).order_by("opened_at", "pk")
        signals: dict[int, list[Signal]] = {}
        for signal in rows:
            signals.setdefault(signal.user_id, []).append(signal)
        return signals

    def key(self, learner: int) -> DetectorKey:
        return DetectorKey(learner, self.comparison.academy_id, FALLING_BEHIND.kind, self.group)
