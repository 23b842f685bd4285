"""Taking webhooks in hand: which ones, how much of each, and the assets that they name."""

from collections.abc import Mapping, Sequence

import msgspec
from django.db import connection

from learntrace.learnpack import outcomes
from learntrace.learnpack.dispatch import Claimed, package_of
from learntrace.learnpack.payloads import asset_id_candidates, asset_id_raw, package_id
from learntrace.registry.resolution import Registry, load_registry

# The long lists are left in the database: most batches are superseded before anybody reads them.
_HEAD = """
SELECT w.id, w.event,
       (CASE WHEN jsonb_typeof(w.payload) = 'object' AND w.event = 'batch'
             THEN w.payload - ARRAY['steps', 'workout_session', 'global_metrics', 'global_indicators']
             WHEN jsonb_typeof(w.payload) = 'object' THEN w.payload END)::text,
       w.payload = '{}'::jsonb OR jsonb_typeof(w.payload) <> 'object', w.student_id, w.sender_id,
       w.created_at
  FROM learnpack_webhook w
"""
_CLAIM = f"""{_HEAD}
 WHERE w.status = 'PENDING' AND w.retry_at <= statement_timestamp()
   AND w.created_at <= statement_timestamp() - make_interval(secs => %(older_than)s)
 ORDER BY w.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
_CLAIM_ONE = f"{_HEAD} WHERE w.id = %(id)s AND w.status = 'PENDING' FOR UPDATE SKIP LOCKED"
# Those that became activity; the index on students finds them.
_STREAMED = f"{_HEAD} WHERE w.student_id = %(student)s AND w.reason = %(reason)s ORDER BY w.id"
_READ = f"{_HEAD} WHERE w.id > %(after)s AND w.status = 'PENDING' AND w.event = 'batch' ORDER BY w.id LIMIT %(limit)s"


def claim(limit: int, older_than: float = 0) -> list[Claimed]:
    """Lock the oldest webhooks that are due and that nobody else has locked, in the open transaction."""
    return _fetch(_CLAIM, {"limit": limit, "older_than": older_than})


def claim_one(webhook_id: int) -> list[Claimed]:
    """Lock one webhook if it is still pending and free."""
    return _fetch(_CLAIM_ONE, {"id": webhook_id})


def read_pending_batches(after: int, limit: int) -> list[Claimed]:
    """Read pending batches with a higher id, without locking them."""
    return _fetch(_READ, {"after": after, "limit": limit})


def read_streamed(student_id: int) -> list[Claimed]:
    """Read the streaming events of a learner that became activity and are still kept."""
    return _fetch(_STREAMED, {"student": student_id, "reason": outcomes.TAKEN})


def _fetch(statement: str, values: Mapping[str, int | float | str]) -> list[Claimed]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [
            Claimed(row[0], row[1], {} if row[3] else msgspec.json.decode(row[2]), row[4], row[5], row[6])
            for row in cursor.fetchall()
        ]


def registry_for(webhooks: Sequence[Claimed]) -> Registry:
    """Load the assets that webhooks name in any way."""
    packages = [package_id(webhook.head) for webhook in webhooks]
    packages += [package_id({"package_id": package_of(webhook.head).get("id")}) for webhook in webhooks]
    return load_registry(
        ids={one for webhook in webhooks for one in asset_id_candidates(asset_id_raw(webhook.head))},
        slugs={slug for webhook in webhooks for slug in webhook.slugs()},
        package_ids={package for package in packages if package is not None},
    )
