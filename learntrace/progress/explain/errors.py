"""Explain the figures of groups of errors: who met each, how often, and when it was solved."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from statistics import median
from typing import Any

from learntrace.progress.explain.explanation import explained, latest, learners_url, same
from learntrace.progress.reports.errors import ErrorRow, LearnerMet, learners_who_met
from learntrace.progress.reports.selection import Selection


def explain_errors(selection: Selection, rows: Sequence[ErrorRow]) -> list[ErrorRow]:
    """Return the rows with their explanations; runs one query."""
    met = learners_who_met(selection.academy.pk, rows, selection.learner_ids)
    return [replace(row, explain=_explanation(row, met[row.assignment, row.digest])) for row in rows]


def _explanation(row: ErrorRow, met: Sequence[LearnerMet]) -> dict[str, Any]:
    details = learners_url(row.assignment)
    solved = [learner for learner in met if learner.solved_at is not None]
    seconds = sorted(
        (learner.solved_at - learner.first_at).total_seconds() for learner in met if learner.solved_at is not None
    )
    by_learner = latest({"learner": learner.user_id, "times": learner.times} for learner in met)
    first_met = latest(
        {"learner": learner.user_id, "first_at": learner.first_at, "solved_at": learner.solved_at} for learner in solved
    )
    return {
        "error": explained("error_group", {"variants": [asdict(variant) for variant in row.variants]}),
        "learners": explained(
            "error_learners",
            {"learners": latest(learner.user_id for learner in met)},
            details=details,
            agrees=row.learners == len(met),
        ),
        "times": explained(
            "error_times",
            {"by_learner": by_learner},
            details=details,
            agrees=row.times == sum(learner.times for learner in met),
        ),
        "solved": explained(
            "error_solved", {"by_learner": first_met}, details=details, agrees=row.solved == len(solved)
        ),
        "median_seconds": explained(
            "time_to_solve",
            {"seconds": latest(seconds)},
            details=details,
            agrees=same(row.median_seconds, median(seconds) if seconds else None),
        ),
    }
