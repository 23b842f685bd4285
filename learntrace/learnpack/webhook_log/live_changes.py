"""Live changes for pages that show an academy's webhooks: counts of processed webhooks, a batch at a time."""

from learntrace.core import live_events
from learntrace.core.sql import Parameters, fetch

# Work of a learner in several academies, on an asset of one of them, is visible only there (contract, section 5).
_COUNTS = """
SELECT m.academy_id, w.status, count(*), max(w.id)
  FROM changed w
  JOIN accounts_membership m ON m.user_id = w.student_id
  LEFT JOIN registry_asset a ON a.id = w.asset_id
 WHERE (a.academy_id IS NULL OR a.academy_id = m.academy_id
        OR NOT EXISTS (SELECT FROM accounts_membership o WHERE o.user_id = w.student_id AND o.academy_id = a.academy_id))
 GROUP BY m.academy_id, w.status
 ORDER BY m.academy_id, w.status
"""


def changes_of_update(update: str, parameters: Parameters) -> list[live_events.Change]:
    """Run an update of webhooks that returns id, status, student_id and asset_id; return the counts of these webhooks by
    status, for each academy that sees any of them."""
    by_academy: dict[int, tuple[dict[str, int], int]] = {}
    for academy_id, status, count, newest in fetch(f"WITH changed AS ({update}) {_COUNTS}", parameters):
        counts, latest = by_academy.get(academy_id, ({}, 0))
        by_academy[academy_id] = ({**counts, status: count}, max(latest, newest))
    return [
        live_events.Change(academy_id, live_events.WEBHOOK, {"counts": counts, "newest": newest})
        for academy_id, (counts, newest) in by_academy.items()
    ]
