"""Learners' assets whose telemetry has to be made again: noted by whoever changes something, taken by a queue's turn."""

from collections.abc import Collection

import msgspec
from django.db import connection

from learntrace.progress.folding import asked_for
from learntrace.progress.reading import Done, place_of

# What is noted already is not written again, but locked, which DO NOTHING doesn't do: a worker that took it before our
# commit would see the old state and forget the note.
_MARK = """
INSERT INTO progress_stale (user_id, asset_slug, source)
SELECT DISTINCT user_id, asset_slug, %s FROM jsonb_to_recordset(%s::jsonb) AS r(user_id bigint, asset_slug text)
 ORDER BY 1, 2
ON CONFLICT (user_id, asset_slug, source) DO UPDATE SET since = progress_stale.since WHERE false
"""
# In the order of learners, who are then locked in that order.
_CLAIM = """
WITH oldest AS (
    SELECT id FROM progress_stale
     WHERE source = %s AND since <= statement_timestamp() - make_interval(secs => %s)
     ORDER BY since LIMIT %s FOR UPDATE SKIP LOCKED
), taken AS (DELETE FROM progress_stale s USING oldest WHERE s.id = oldest.id RETURNING s.user_id, s.asset_slug)
SELECT user_id, asset_slug FROM taken ORDER BY user_id, asset_slug
"""

# A tag's asset has one canonical translation, under which the telemetry of all of them stands (contract, 3.1).
_MARK_PUBLISHED = """
INSERT INTO progress_stale (user_id, asset_slug, source)
SELECT DISTINCT r.learner, canonical.slug, %s
  FROM jsonb_to_recordset(%s::jsonb) AS r(learner bigint, academy bigint, about text)
  JOIN progress_assignment p ON p.academy_id = r.academy AND p.key = r.about
  JOIN registry_asset a ON a.id = p.asset_id
 CROSS JOIN LATERAL (SELECT t.slug FROM registry_asset t
                      WHERE t.id = a.id OR t.translation_group_id = a.translation_group_id
                      ORDER BY t.id LIMIT 1) AS canonical
 ORDER BY 1, 2
ON CONFLICT (user_id, asset_slug, source) DO UPDATE SET since = progress_stale.since WHERE false
"""


def mark_stale(source: str, pairs: Collection[tuple[int, str]]) -> None:
    """Note (user id, canonical asset slug) in the open transaction; what is noted already stays as it is."""
    if pairs:
        rows = msgspec.json.encode([{"user_id": user_id, "asset_slug": slug} for user_id, slug in pairs])
        with connection.cursor() as cursor:
            cursor.execute(_MARK, [source, rows.decode()])


def claim_stale(source: str, limit: int, older_than: float) -> list[tuple[int, str]]:
    """Take the oldest of a source that have waited that many seconds, in the open transaction that deals with them."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [source, older_than, limit])
        return [(row[0], row[1]) for row in cursor.fetchall()]


def mark_published(source: str, done: Collection[Done]) -> None:
    """Note the learners' assets to which these activities belong, where they are published, in the open transaction."""
    places = {place for one in done if (place := place_of(one)) is not None}
    if places:
        with connection.cursor() as cursor:
            cursor.execute(_MARK_PUBLISHED, [source, asked_for(places)])
