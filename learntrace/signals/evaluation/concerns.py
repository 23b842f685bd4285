"""The concerns of a learner's progress on an assignment: its standing signals of trouble, stored where progress is read."""

from collections.abc import Iterable

from learntrace.core.sql import execute, json_rows
from learntrace.signals.detectors import GRAVE_KINDS, TROUBLE_KINDS
from learntrace.signals.models import Signal

_CONCERNS = """
UPDATE progress_progress p
   SET concerns = r.concerns, trouble_since = r.trouble_since, stuck_since = r.stuck_since
  FROM (SELECT asked.learner, asked.academy, asked.about, coalesce(standing.kinds, '[]') AS concerns,
               standing.trouble_since, standing.stuck_since
          FROM jsonb_to_recordset(%(asked)s::jsonb) AS asked(learner bigint, academy bigint, about text)
         CROSS JOIN LATERAL (
               SELECT jsonb_agg(DISTINCT s.kind) AS kinds, min(s.opened_at) AS trouble_since,
                      min(s.opened_at) FILTER (WHERE s.kind = ANY(%(grave)s)) AS stuck_since
                 FROM signals_signal s
                WHERE s.user_id = asked.learner AND s.academy_id IS NOT DISTINCT FROM asked.academy
                  AND s.assignment = asked.about AND s.kind = ANY(%(trouble)s)
                  AND s.state IN ('open', 'acknowledged')) AS standing) AS r
 WHERE p.user_id = r.learner AND p.assignment = r.about AND p.academy_id IS NOT DISTINCT FROM r.academy
   AND (p.concerns, p.trouble_since, p.stuck_since) IS DISTINCT FROM (r.concerns, r.trouble_since, r.stuck_since)
"""


def update_concerns(signals: Iterable[Signal]) -> None:
    """Store the concerns of the learners' assignments to which changed signals belong, in the open transaction."""
    assignments = {
        (signal.user_id, signal.academy_id, signal.assignment) for signal in signals if signal.assignment is not None
    }
    if not assignments:
        return
    rows = json_rows(
        {"learner": learner, "academy": academy, "about": assignment} for learner, academy, assignment in assignments
    )
    execute(_CONCERNS, {"asked": rows, "grave": list(GRAVE_KINDS), "trouble": list(TROUBLE_KINDS)})
