"""Learners' work on a LearnPack package, told by a letter a step: what their clients would send, and the records of it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from learntrace.accounts.models import User
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.measures.indicators import indicators

START = 1_764_000_000_000
MINUTE = 60_000


def package_document(slug: str, work: str, steps: Sequence[str] = ()) -> dict[str, Any]:
    """A batch: "c" is a step completed at once, "f" one completed after two failed compilations and a failed test, "a" one
    that failed three times and was left, "s" one that was only opened, "u" one that wasn't. Each takes minutes: its place.
    """
    at, told = START, []
    for place, letter in enumerate(work):
        step: dict[str, Any] = {
            "slug": steps[place] if steps else f"{place + 1:02}-step",
            "compilations": [],
            "tests": [],
        }
        if letter != "u":
            step["opened_at"] = at
            at += (place + 1) * MINUTE
            failures = {"f": 2, "a": 3}.get(letter, 0)
            step["compilations"] = [{"started_at": at - 9 + n, "ended_at": at, "exit_code": 1} for n in range(failures)]
            if letter in "cf":
                step["compilations"].append({"started_at": at, "ended_at": at, "exit_code": 0})
                step["completed_at"] = at
            if letter == "f":
                step["tests"] = [{"started_at": at - 5, "exit_code": 1}, {"started_at": at, "exit_code": 0}]
        told.append(step)
    return {
        "slug": slug, "steps": told, "tutorial_started_at": START, "last_interaction_at": at,
        "workout_session": [{"started_at": START, "ended_at": at}],
    }  # fmt: skip


def work_on(user: User, slug: str, work: str, steps: Sequence[str] = ()) -> AssignmentTelemetry:
    """The record that follows from such a batch on a graded asset; `slug` is the canonical one."""
    document = package_document(slug, work, steps)
    result = indicators(document)
    metrics, scores = result["global"]["metrics"], result["global"]["indicators"]
    row, _made = AssignmentTelemetry.objects.update_or_create(
        user=user, asset_slug=slug,
        defaults={
            "telemetry": document, "metrics": result, "engagement_score": scores["EngagementIndicator"],
            "frustration_score": scores["FrustrationIndicator"], "completion_rate": metrics["completion_rate"],
            "total_time": timedelta(seconds=metrics["total_time_on_platform"]), "metrics_algo_version": 1.0,
        },
    )  # fmt: skip
    return row
