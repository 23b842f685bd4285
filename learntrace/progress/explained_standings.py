"""How a learner's measures on an assignment came about: enough of the events to repeat each number by hand."""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

from learntrace.accounts.models import Academy
from learntrace.metrics import error_quotient, measures, repeated_errors
from learntrace.metrics.attempts import ABORTED, Activity
from learntrace.metrics.completion import state_of
from learntrace.progress import reading
from learntrace.progress.explaining import attempts_address, explained, latest, same
from learntrace.progress.gaps import gaps_of
from learntrace.progress.reading import Place
from learntrace.progress.standings import Standing


def explain_standings(academy: Academy, rows: Collection[Standing]) -> None:
    """Have the rows bring their explanations; two queries."""
    places = [Place(row.learner.pk, academy.pk, row.assignment) for row in rows]
    found = reading.by_place(reading.of_places(places))
    gap = gaps_of([academy.pk])[academy.pk]
    for row, place in zip(rows, places, strict=True):
        row.explain = explanation(row, found.get(place, []), row.gap_seconds or gap)


def explanation(row: Standing, activities: Sequence[Activity], gap: float) -> dict[str, Any]:
    """Each number of a standing from the learner's activities on the assignment, in their order."""
    again = measures.of(activities, gap)
    attempts = [one for one in activities if one.is_attempt]
    ids = [one.id for one in attempts]
    failed = [one.id for one in attempts if one.failed]
    details = attempts_address(row.assignment, row.learner.pk)
    state = state_of(again.last_outcome, again.attempts, row.concerns, seen=bool(activities))
    aborted = sum(one.outcome == ABORTED for one in activities)
    last = activities[-1:]
    told: dict[str, tuple[Mapping[str, Any], list[str], bool]] = {
        "state": (
            {"last_outcome": again.last_outcome, "attempts": again.attempts, "concerns": row.concerns},
            ids[-1:], state == row.state,
        ),
        "attempts": ({"attempts": len(attempts), "aborted": aborted}, ids, row.attempts == again.attempts),
        "errors": ({"attempts": len(attempts), "failed": len(failed)}, failed, row.errors == again.errors),
        "active_time": (
            {"longest_gap": gap, "gaps": _gaps(activities, gap)},
            [one.id for one in activities], same(row.active_time, again.active_seconds),
        ),
        "error_quotient": (_pairs(attempts), ids, same(row.error_quotient, again.error_quotient)),
        "repeated_error_density": (
            {"runs": latest(_runs(attempts))}, failed, same(row.repeated_error_density, again.repeated_error_density),
        ),
        "last_outcome": ({"last_outcome": again.last_outcome}, ids[-1:], row.last_outcome == again.last_outcome),
        "last_seen_at": (
            {"at": again.last_seen_at}, [one.id for one in last], row.last_seen_at == again.last_seen_at,
        ),
    }  # fmt: skip
    return {
        name: explained(name, inputs, events=events, details=details, agrees=agrees)
        for name, (inputs, events, agrees) in told.items()
    }


def _gaps(activities: Sequence[Activity], gap: float) -> list[dict[str, Any]]:
    found = []
    for before, after in pairwise(activities):
        seconds = (after.at - before.at).total_seconds()
        found.append({"from": before.id, "to": after.id, "seconds": seconds, "counted": min(seconds, gap)})
    return latest(found)


def _pairs(attempts: Sequence[Activity]) -> dict[str, Any]:
    scored = []
    for before, after in pairwise(attempts):
        both = before.failed and after.failed
        score = error_quotient.pair_score(_types(before), _types(after)) if both else 0
        scored.append({"first": before.id, "second": after.id, "score": score})
    return {
        "pairs": len(scored), "score": sum(one["score"] for one in scored), "full_score": error_quotient.FULL_SCORE,
        "scored": latest(scored),
    }  # fmt: skip


def _types(attempt: Activity) -> set[str]:
    return {failure.name for failure in attempt.failures}


def _runs(attempts: Sequence[Activity]) -> list[dict[str, Any]]:
    """The runs of the same error that were repeated at all, in the order in which they ended."""
    found = []
    before: dict[tuple[str, str], int] = {}
    errors = [[(one.name, one.message) for one in attempt.failures] if attempt.failed else [] for attempt in attempts]
    for now in [*errors, []]:
        runs = repeated_errors.continued(before, now)
        for (name, message), repeats in before.items():
            if repeats and (name, message) not in runs:
                density = repeated_errors.run_density(repeats)
                found.append({"name": name, "message": message, "repeats": repeats, "density": density})
        before = runs
    return found
