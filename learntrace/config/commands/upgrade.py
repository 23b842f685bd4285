"""`learntrace upgrade`: bring an installation of the version before this one up to date, tables and data.

It may be interrupted at any point, and the same command goes on. Workers and web servers of both versions may run
meanwhile; `learntrace serve` does the same in the background after it has updated the tables.
"""

import argparse
import time
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from learntrace.config.commands.recompute import report, work_off
from learntrace.config.upgrade import pending_migrations, upgrade_database
from learntrace.core.models import ScheduledRun
from learntrace.core.progress_line import ProgressLine
from learntrace.core.sql import fetch_one
from learntrace.learnpack.attempts.earlier_ids import (
    Left,
    change_earlier_ids,
    earlier_ids_left,
    take_earlier_ids,
    waiting_learner,
)
from learntrace.progress.recording import recomputation

# Says that all learners have been recomputed since the tables are those of this version.
_DONE = "upgrade: history only grows"
# With one process at it, on a machine with two cores that had ten times as much else to do; alone it is faster.
_UPDATES_PER_SECOND = 2.0
_IDS_PER_SECOND = 4000.0
_RECOMPUTED_PER_SECOND = 700.0
_HAS_TABLES = "SELECT to_regclass('progress_activity') IS NOT NULL AND to_regclass('core_scheduledrun') IS NOT NULL"
# How long to wait for learners whom workers have locked.
_PAUSE = 0.2


@dataclass(frozen=True)
class Plan:
    """What there is to do: updates of the tables, activities whose ids change, activities of learners to recompute."""

    updates: list[str]
    left: Left
    recomputed: int

    @property
    def seconds(self) -> float:
        """About how long it takes."""
        return (
            len(self.updates) / _UPDATES_PER_SECOND
            # The tables have to be those of this version before it can be tried.
            + self.left.activities / (_IDS_PER_SECOND if self.updates else _ids_per_second(self.left))
            + self.recomputed / _RECOMPUTED_PER_SECOND
        )

    @property
    def is_empty(self) -> bool:
        return not (self.updates or self.left.activities or self.recomputed)


def main(argv: list[str]) -> int:
    """Upgrade, or say what an upgrade would do; return 1 if a learner's recomputation failed."""
    parser = argparse.ArgumentParser(
        prog="learntrace upgrade",
        description="Bring the tables and the data of an earlier version up to date, while the server runs. Nothing that was "
        "counted is lost. After an interruption the same command goes on where it stopped.",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what will happen and about how long it takes")
    chosen = parser.parse_args(argv)
    plan = _plan()
    _tell(plan)
    if chosen.dry_run or plan.is_empty:
        if chosen.dry_run and not plan.is_empty:
            print("Nothing was changed.")
        return 0
    upgrade_database()
    _change_ids()
    return _recompute() if plan.recomputed else 0


def _plan() -> Plan:
    updates = pending_migrations()
    if not _has_tables():
        return Plan(updates, Left(0, 0), 0)
    recomputed = 0 if ScheduledRun.objects.filter(name=_DONE).exists() else _activities()
    return Plan(updates, earlier_ids_left(), recomputed)


def _has_tables() -> bool:
    """Whether there is an installation, and not an empty database."""
    return fetch_one(_HAS_TABLES) == (True,)


def _activities() -> int:
    row = fetch_one("SELECT count(*) FROM progress_activity")
    return 0 if row is None else row[0]


def _ids_per_second(left: Left) -> float:
    """Measure how many ids are changed in a second on some that a transaction changes and then takes back."""
    learner = waiting_learner() if left.activities else None
    if learner is None:
        return _IDS_PER_SECOND
    with transaction.atomic():
        begun = time.monotonic()
        before = left.activities
        change_earlier_ids([learner])
        changed = before - earlier_ids_left().activities
        seconds = time.monotonic() - begun
        transaction.set_rollback(True)
    # A few rows say more about the first query than about the rest.
    return changed / seconds if changed >= 500 else _IDS_PER_SECOND


def _tell(plan: Plan) -> None:
    if plan.is_empty:
        print("Everything is up to date.")
        return
    if plan.updates:
        print(f"{len(plan.updates)} updates of the tables: {', '.join(plan.updates)}")
    if plan.left.activities:
        print(
            f"{plan.left.activities} activities of {plan.left.learners} learners get ids that don't depend on the step"
        )
    if plan.recomputed:
        print(f"{plan.recomputed} activities are read again for measures and signals; none is deleted")
    print(f"This takes about {_duration(plan.seconds)}, and the server may run meanwhile.", flush=True)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds), 1)} seconds"
    minutes = seconds / 60
    return f"{round(minutes)} minutes" if minutes < 90 else f"{round(minutes / 60)} hours"


def _change_ids() -> None:
    total = earlier_ids_left().activities
    progress = ProgressLine("ids", total)
    while (left := earlier_ids_left().activities) > 0:
        progress.advance(total - left - progress.done)
        if not take_earlier_ids():
            time.sleep(_PAUSE)


def _recompute() -> int:
    """Recompute all learners, or go on with it; note that it is done."""
    runs = recomputation.unfinished_runs()
    for run in runs:
        work_off(run)
    at = work_off(recomputation.enqueue(recomputation.learners_to_recompute(), by_operator=True))
    if not at.failed:
        ScheduledRun.objects.update_or_create(name=_DONE, defaults={"last_run_at": timezone.now()})
    return report(at, as_json=False)
