"""What those who watch an academy get to see of webhooks that have reached an end: counts, a batch at a time."""

from collections.abc import Collection

from django.db import connection

from learntrace.core import live

# Whoever is in several academies is seen, on an asset that belongs to one of them, there only (contract, section 5).
_COUNTS = """
SELECT m.academy_id, w.status, count(*), max(w.id)
  FROM learnpack_webhook w
  JOIN accounts_membership m ON m.user_id = w.student_id
  LEFT JOIN registry_asset a ON a.id = w.asset_id
 WHERE w.id = ANY(%s)
   AND (a.academy_id IS NULL OR a.academy_id = m.academy_id
        OR NOT EXISTS (SELECT FROM accounts_membership o WHERE o.user_id = w.student_id AND o.academy_id = a.academy_id))
 GROUP BY m.academy_id, w.status
 ORDER BY m.academy_id, w.status
"""


def webhook_changes(ids: Collection[int]) -> list[live.Change]:
    """How many of these webhooks ended how, for each academy that sees any of them."""
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [list(ids)])
        found: dict[int, tuple[dict[str, int], int]] = {}
        for academy_id, status, count, newest in cursor.fetchall():
            counts, latest = found.get(academy_id, ({}, 0))
            found[academy_id] = ({**counts, status: count}, max(latest, newest))
    return [
        live.Change(academy_id, live.WEBHOOK, {"counts": counts, "newest": newest})
        for academy_id, (counts, newest) in found.items()
    ]
