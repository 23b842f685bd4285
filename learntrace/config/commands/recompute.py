"""`learntrace recompute`: derive measures and signals again from the sources' data, with all running workers."""

import argparse
import json
import sys
import time
import uuid
from collections.abc import Iterable
from dataclasses import asdict

from django.db import transaction

from learntrace.accounts.models import User
from learntrace.accounts.people.naming import ids_by_name
from learntrace.core.progress_line import ProgressLine
from learntrace.core.wakeup import announce
from learntrace.notebooks.validation.event import with_prefix
from learntrace.progress.recording import recomputation
from learntrace.progress.recording.recomputation import Changed, RunProgress

# Announced each time, so that idle processes behind a broker join in.
_LOOK_SECONDS = 1.0


def main(argv: list[str]) -> int:
    """Recompute and print what changed; return 1 if a learner failed or none was found."""
    parser = argparse.ArgumentParser(
        prog="learntrace recompute",
        description="Recompute measures and signals from the activities, and add activities that events and documents still "
        "have. None is deleted. Where nothing was wrong, nothing changes. Workers share the work; after an interruption the "
        "same command goes on where it stopped.",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--learner",
        action="append",
        metavar="NAME",
        help="a user name or id, or id:101, name:101; can be given several times",
    )
    what.add_argument("--assignment", metavar="TAG", help="all learners seen on this assignment")
    what.add_argument("--all", action="store_true", help="all learners (also without any option)")
    parser.add_argument("--dry-run", action="store_true", help="say what would come out otherwise, and change nothing")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    chosen = parser.parse_args(argv)
    if not chosen.dry_run and (left := recomputation.unfinished_runs()):
        print("learntrace recompute: going on with what was interrupted", file=sys.stderr)
        return max(report(work_off(run), as_json=chosen.json) for run in left)
    learners = _learners(chosen.learner, chosen.assignment)
    if not learners:
        print("learntrace recompute: no such learner, or nothing of theirs is kept", file=sys.stderr)
        return 1
    if chosen.dry_run:
        return report(_try(learners), as_json=chosen.json, would=True)
    return report(work_off(recomputation.enqueue(learners, by_operator=True)), as_json=chosen.json)


def _learners(names: Iterable[str] | None, assignment: str | None) -> list[int]:
    if names is None:
        if assignment is None:
            return recomputation.learners_to_recompute()
        tag = assignment if "/" in assignment else with_prefix(assignment)
        return recomputation.learners_to_recompute(tag)
    return sorted(set(ids_by_name(names, User.objects.all()).values()))


def work_off(run: uuid.UUID) -> RunProgress:
    """Work on a run beside the running workers until it is done."""
    at = recomputation.run_progress(run)
    progress = ProgressLine("learners", at.total)
    reported, next_look = at.done, 0.0
    progress.advance(reported)
    while True:
        worked = recomputation.take_recomputation()
        if time.monotonic() >= next_look or not worked:
            announce(recomputation.TOPIC)
            at = recomputation.run_progress(run)
            progress.advance(at.done - reported)
            reported, next_look = at.done, time.monotonic() + _LOOK_SECONDS
            if at.done == at.total:
                return at
            if not worked:
                time.sleep(_LOOK_SECONDS / 4)  # other workers process the last ones


def _try(learners: list[int]) -> RunProgress:
    progress = ProgressLine("learners", len(learners))
    total, failed, first_fault = Changed(), 0, ""
    for user_id in learners:
        try:
            with transaction.atomic():
                total = total + recomputation.recompute_learner(user_id)
                transaction.set_rollback(True)
        except ValueError as error:
            failed, first_fault = failed + 1, first_fault or str(error)
        progress.advance()
    return RunProgress(len(learners), len(learners), failed, first_fault, total)


def report(at: RunProgress, *, as_json: bool, would: bool = False) -> int:
    if as_json:
        print(
            json.dumps(
                {"learners": at.total, "failed": at.failed, "fault": at.first_fault, "changed": asdict(at.changed)}
            )
        )
    else:
        verb = "would come out otherwise" if would else "came out otherwise"
        print(
            f"{at.total} learners; {at.changed.activities} activities, {at.changed.measures} measures and "
            f"{at.changed.signals} signals {verb}"
        )
        if at.failed:
            print(f"{at.failed} learners failed, the first with: {at.first_fault}", file=sys.stderr)
    return 1 if at.failed else 0
