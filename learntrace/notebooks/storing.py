"""The statements that write events, and what they found; the same for the inbox and for a retry."""

from collections.abc import Sequence
from typing import Any

import msgspec

from learntrace.intake.submissions import Connection
from learntrace.notebooks.checking import Row

# One statement for a whole group commit. Rows are locked in the order of their ids, whoever sends them in whichever
# order, so that groups with the same events wait for each other instead of locking each other out. The numbers of
# arrival are taken before that, in the order in which the events were sent. What follows from the events is a worker's
# to find out: the new ones are noted for it in the same statement, as ids in parts of a worker's turn.
INSERT = """
WITH new AS (
    INSERT INTO events (id, actor, user_id, academy_id, sender_id, verb, object, result, context, session_id, object_id,
                        code_hash, occurred_at, flags, arrival)
    SELECT id, actor, user_id, academy_id, sender_id, verb, object, result, context, session_id, object_id,
           code_hash, occurred_at, flags, arrival
      FROM (SELECT r.*, nextval('events_arrival') AS arrival
              FROM jsonb_to_recordset(%s::jsonb)
                AS r(id uuid, actor text, user_id bigint, academy_id bigint, sender_id bigint, verb text, object jsonb,
                     result jsonb, context jsonb, session_id text, object_id text, code_hash text,
                     occurred_at timestamptz, flags jsonb)) AS sent
     ORDER BY id
    ON CONFLICT (id) DO NOTHING
    RETURNING id, arrival
), numbered AS (
    SELECT id, arrival, (row_number() OVER (ORDER BY arrival) - 1) / 500 AS part FROM new
), waiting AS (
    INSERT INTO notebooks_arrival (events) SELECT array_agg(id ORDER BY arrival) FROM numbered GROUP BY part ORDER BY part
)
SELECT id::text FROM new
"""
# Whose are those that were there already? A statement of its own sees what others have committed meanwhile.
OWNERS = "SELECT id::text, user_id FROM events WHERE id = ANY(%s::uuid[])"

# In one order here too, and after the events in every transaction.
KEEP_REJECTED = """
INSERT INTO notebooks_rejectedevent AS kept
       (sender_id, user_id, academy_id, fingerprint, event_id, code, detail, reason_values, raw, cut, times)
SELECT sender_id, user_id, academy_id, fingerprint, event_id, code, detail, reason_values, raw, cut, times
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(sender_id bigint, user_id bigint, academy_id bigint, fingerprint text, event_id text, code text, detail text,
         reason_values jsonb, raw text, cut boolean, times int)
 ORDER BY sender_id, fingerprint
ON CONFLICT (sender_id, fingerprint) DO UPDATE
   SET times = kept.times + excluded.times, user_id = excluded.user_id, academy_id = excluded.academy_id,
       code = excluded.code, detail = excluded.detail, reason_values = excluded.reason_values,
       updated_at = statement_timestamp()
"""


def parameter(rows: Sequence[Row]) -> str:
    """Rows as the one parameter of these statements: one jsonb is much quicker than adapted lists."""
    return msgspec.json.encode(rows).decode()


async def insert_events(connection: Connection, rows: Sequence[Row]) -> tuple[set[str], dict[str, int | None]]:
    """Insert events, each id once; return the ids that are new, and the owners (user ids) of those that were there."""
    if not rows:
        return set(), {}
    cursor = await connection.execute(INSERT, [parameter(rows)])
    new: set[str] = {row[0] for row in await cursor.fetchall()}
    if len(new) == len(rows):
        return new, {}
    found = await connection.execute(OWNERS, [[row["id"] for row in rows if row["id"] not in new]])
    return new, dict(await found.fetchall())


async def keep_rejected(connection: Connection, rows: Sequence[Row]) -> None:
    """Keep rejected events, each once however often it came."""
    once: dict[tuple[Any, Any], Row] = {}
    for row in rows:
        key = (row["sender_id"], row["fingerprint"])
        times = once[key]["times"] if key in once else 0
        once[key] = {**row, "times": times + row["times"]}
    if once:
        await connection.execute(KEEP_REJECTED, [parameter(list(once.values()))])
