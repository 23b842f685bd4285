"""What concerns tell of their attempts: when the trouble began, how many there were since, and the last error."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from learntrace.core.sql import fetch, json_rows
from learntrace.progress.counting import counts
from learntrace.signals.concerns.error_group import text_of
from learntrace.signals.concerns.standing import StandingConcern
from learntrace.signals.models import Signal

# The trouble began with the first attempt that is evidence of one of its signals. Both parts are steps in the index
# activity_assignment.
_FIGURES = f"""
SELECT asked.number, begun.at, tried.attempts, failed.name, failed.message
  FROM jsonb_to_recordset(%(asked)s::jsonb)
    AS asked(number bigint, learner bigint, about text, since timestamptz, evidence uuid[])
 CROSS JOIN LATERAL (
       SELECT least(asked.since, min(e.at)) AS at FROM progress_activity e
        WHERE e.id = ANY(asked.evidence) AND e.user_id = asked.learner AND {counts("e")}) AS begun
 CROSS JOIN LATERAL (
       SELECT count(*) AS attempts FROM progress_activity a
        WHERE a.user_id = asked.learner AND a.assignment = asked.about AND a.academy_id = %(academy)s AND a.at >= begun.at
          AND a.outcome IN ('ok', 'error') AND a.part IS DISTINCT FROM 'check' AND {counts("a")}) AS tried
  LEFT JOIN LATERAL (
       SELECT a.failures->0->>0 AS name, a.failures->0->>1 AS message FROM progress_activity a
        WHERE a.user_id = asked.learner AND a.assignment = asked.about AND a.academy_id = %(academy)s AND a.at >= begun.at
          AND a.outcome = 'error' AND a.part IS DISTINCT FROM 'check' AND {counts("a")}
        ORDER BY a.at DESC, a.arrival DESC LIMIT 1) AS failed ON true
"""  # noqa: S608 (no text from outside)


@dataclass(frozen=True)
class Figures:
    """The number of attempts since the trouble began, and the last error; None where the concern is on no assignment.

    The trouble begins with attempts, and so before the first signal of it opens.
    """

    attempts: int | None = None
    name: str | None = None
    message: str = ""
    begun: datetime | None = None

    @property
    def last_error(self) -> str:
        """The last error in one line, empty without any."""
        return text_of(self.name, self.message) if self.name else ""


NO_FIGURES = Figures()


def figures_of(
    academy_id: int, concerns: Sequence[StandingConcern], signals: Mapping[int, Signal]
) -> dict[int, Figures]:
    """Return the figures of concerns by their ids; one query. `signals` has their signals, by id."""
    asked = [
        {
            "number": concern.row.pk,
            "learner": concern.row.user_id,
            "about": concern.row.assignment,
            "since": concern.since,
            "evidence": [first for signal in concern.signals for first in _first_evidence(signals.get(signal.id))],
        }
        for concern in concerns
        if concern.row.assignment and concern.signals
    ]
    if not asked:
        return {}
    rows = fetch(_FIGURES, {"asked": json_rows(asked), "academy": academy_id})
    return {number: Figures(attempts, name, message or "", begun) for number, begun, attempts, name, message in rows}


def _first_evidence(signal: Signal | None) -> list[str]:
    """Return the id of the first attempt that is a signal's evidence; not all evidence is an attempt."""
    first = signal.evidence[0] if signal is not None and signal.evidence else None
    try:
        return [str(uuid.UUID(str(first)))]
    except ValueError:
        return []
