"""The statements that write events and rejected events; the inbox and a retry share them."""

from collections.abc import Sequence
from typing import Any

from learntrace.core.sql import json_rows
from learntrace.intake.protocol import Connection
from learntrace.notebooks.validation.event import Row

# One statement for a whole group commit. Rows are locked in the order of their ids, in whichever order they were sent, so
# that groups with the same events wait for each other instead of deadlocking. The arrival numbers are drawn before that,
# in the order in which the events were sent. The same statement queues the ids of the new events for the workers
# (notebooks_arrival), each learner's for itself, in parts of which a worker's turn takes several.
INSERT_EVENTS = """
WITH new AS (
    INSERT INTO events (id, actor, user_id, academy_id, sender_id, verb, object, result, context, session_id, object_id,
                        code_hash, occurred_at, clock_offset_ms, flags, arrival)
    SELECT id, actor, user_id, academy_id, sender_id, verb, object, result, context, session_id, object_id,
           code_hash, occurred_at, clock_offset_ms, flags, arrival
      FROM (SELECT r.*, nextval('events_arrival') AS arrival
              FROM jsonb_to_recordset(%s::jsonb)
                AS r(id uuid, actor text, user_id bigint, academy_id bigint, sender_id bigint, verb text, object jsonb,
                     result jsonb, context jsonb, session_id text, object_id text, code_hash text,
                     occurred_at timestamptz, clock_offset_ms bigint, flags jsonb)) AS sent
     ORDER BY id
    ON CONFLICT (id) DO NOTHING
    RETURNING id, arrival, user_id, academy_id
), numbered AS (
    SELECT *, (row_number() OVER (PARTITION BY user_id, academy_id ORDER BY arrival) - 1) / 100 AS part FROM new
), waiting AS (
    INSERT INTO notebooks_arrival (events, turn_academy, turn_learner)
    SELECT array_agg(id ORDER BY arrival), coalesce(academy_id, 0), coalesce(user_id, 0)
      FROM numbered GROUP BY user_id, academy_id, part ORDER BY min(arrival)
)
SELECT id::text FROM new
"""
# The owners of events that existed already. A separate statement sees what others have committed in the meantime.
OWNERS = "SELECT id::text, user_id FROM events WHERE id = ANY(%s::uuid[])"

# Locked in one order here too, and after the events in every transaction.
_UPSERT_REJECTED = """
INSERT INTO notebooks_rejectedevent AS kept
       (sender_id, user_id, academy_id, fingerprint, event_id, code, detail, reason_values, raw, cut, times,
        clock_offset_ms)
SELECT sender_id, user_id, academy_id, fingerprint, event_id, code, detail, reason_values, raw, cut, times, clock_offset_ms
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(sender_id bigint, user_id bigint, academy_id bigint, fingerprint text, event_id text, code text, detail text,
         reason_values jsonb, raw text, cut boolean, times int, clock_offset_ms bigint)
 ORDER BY sender_id, fingerprint
ON CONFLICT (sender_id, fingerprint) DO UPDATE
   SET times = kept.times + excluded.times, user_id = excluded.user_id, academy_id = excluded.academy_id,
       code = excluded.code, detail = excluded.detail, reason_values = excluded.reason_values,
       updated_at = statement_timestamp()
"""


async def insert_events(connection: Connection, rows: Sequence[Row]) -> tuple[set[str], dict[str, int | None]]:
    """Insert events, each id once; return the new ids, and the owners (user ids) of the ids that existed already."""
    if not rows:
        return set(), {}
    cursor = await connection.execute(INSERT_EVENTS, [json_rows(rows)])
    new: set[str] = {row[0] for row in await cursor.fetchall()}
    if len(new) == len(rows):
        return new, {}
    cursor = await connection.execute(OWNERS, [[row["id"] for row in rows if row["id"] not in new]])
    return new, dict(await cursor.fetchall())


async def upsert_rejected(connection: Connection, rows: Sequence[Row]) -> None:
    """Store rejected events, each once however often it was sent."""
    by_key: dict[tuple[Any, Any], Row] = {}
    for row in rows:
        key = (row["sender_id"], row["fingerprint"])
        times = by_key[key]["times"] if key in by_key else 0
        by_key[key] = {**row, "times": times + row["times"]}
    if by_key:
        await connection.execute(_UPSERT_REJECTED, [json_rows(by_key.values())])
