"""What a stream sends: rows of `core.live_events` as server-sent events, and the position where a stream starts."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from learntrace.core.http.filters import natural
from learntrace.core.live_events import AUDIENCE, CONCERN, HELP_REQUEST, PROGRESS, SIGNAL, WEBHOOK, Audience
from learntrace.core.sql import fetch
from learntrace.signals.concerns.documents import over

KINDS: Final = (SIGNAL, CONCERN, HELP_REQUEST, PROGRESS, WEBHOOK)
# A client that is further behind loads everything anew, which takes less time than reading so many changes.
MOST_BEHIND: Final = 1000
RETRY_MS = 2000

# Whom a change is about: a progress event has the learner's id, a signal a document of the person; nobody else's have any.
LEARNER: Final = """CASE jsonb_typeof(data->'learner') WHEN 'number' THEN (data->>'learner')::bigint
                         WHEN 'object' THEN (data->'learner'->>'id')::bigint END"""
# What is read of an event: what is sent, and to whom.
DATA: Final = f"(data - '{AUDIENCE}')::text AS data, {LEARNER} AS learner, (data->'{AUDIENCE}')::text AS audience"

# In one statement, so that a deletion meanwhile can't make a gap: the newest id, the last row that the client has seen (proof
# that nothing after it has been deleted, as the oldest go first) and what came after it.
_START = f"""
SELECT newest.id, event.id, event.kind, event.data, event.learner, event.audience
  FROM (SELECT coalesce(max(id), 0) AS id FROM core_liveevent WHERE academy_id = %(academy)s) AS newest
  LEFT JOIN LATERAL (
       SELECT id, kind, {DATA}
         FROM core_liveevent
        WHERE academy_id = %(academy)s AND id >= %(last)s::bigint AND id <= newest.id
          AND (kind = ANY(%(kinds)s) OR id = %(last)s::bigint)
        ORDER BY id LIMIT %(most)s
       ) AS event ON true
 ORDER BY event.id
"""  # noqa: S608 (no text from outside)


class Sight(NamedTuple):
    """What a member sees who is limited to cohorts: them, and their learners."""

    learners: frozenset[int]
    cohorts: frozenset[int]


class Row(NamedTuple):
    """A change in an academy, as a block of the stream; `learner` is the id of the learner concerned, None for several."""

    id: int
    kind: str
    block: bytes
    learner: int | None
    data: str = ""
    audience: Audience | None = None

    def block_for(self, sight: Sight | None) -> bytes | None:
        """Return the block for somebody with this sight, None where it isn't shown; without one all is seen."""
        if sight is None or self.learner in sight.learners:
            return self.block
        if self.audience is None:
            return None
        if not sight.cohorts.isdisjoint(self.audience.cohorts):
            seen = sum(learner in sight.learners for learner in self.audience.learners)
            return _block(self.id, self.kind, json.dumps({**json.loads(self.data), "met_by": seen}))
        if not sight.cohorts.isdisjoint(self.audience.left):
            return _block(self.id, self.kind, json.dumps(over(json.loads(self.data))))
        return None


def row(number: int, kind: str, data: str, learner: int | None, audience: str | None = None) -> Row:
    """Return a row; `data` and `audience` are PostgreSQL's texts of jsonb values, which are one line."""
    several = Audience(**json.loads(audience)) if audience else None
    return Row(number, kind, _block(number, kind, data), learner, data, several)


def _block(number: int, kind: str, data: str) -> bytes:
    return f"id: {number}\nevent: {kind}\ndata: {data}\n\n".encode()


def hello(now: datetime, position: int | None) -> bytes:
    """Return the first event. By its id, a client that gets no other event resumes from here."""
    id_line = "" if position is None else f"id: {position}\n"
    time = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f'retry: {RETRY_MS}\n{id_line}event: hello\ndata: {{"now": "{time}"}}\n\n'.encode()


def reset(position: int) -> bytes:
    """Return the event that makes a client load everything anew; the stream goes on after `position`."""
    return f"id: {position}\nevent: reset\ndata: {{}}\n\n".encode()


@dataclass(frozen=True)
class Start:
    """Where a stream starts: the blocks that it sends first, and the id after which the rest comes."""

    blocks: Sequence[bytes]
    after: int


def start_of(academy_id: int, last_id: str, kinds: Collection[str], now: datetime, sight: Sight | None = None) -> Start:
    """Start after the last id that the client has seen, now if it names none (""), with a reset if that id is unknown.

    `sight` is what the client's user sees; None: all.
    """
    last = natural(last_id)
    records = fetch(_START, {"academy": academy_id, "last": last, "kinds": list(kinds), "most": MOST_BEHIND + 2})
    newest: int = records[0][0]
    if not last_id:
        return Start([hello(now, newest)], newest)
    rows = [row(*columns) for _newest, *columns in records if columns[0] is not None]
    # A stream started at 0 if its academy had no changes; as an academy's newest row is never deleted, it still has none.
    seen = (rows and rows[0].id == last) or last == newest == 0
    if not seen or len(rows) > MOST_BEHIND + 1:
        return Start([hello(now, None), reset(newest)], newest)
    blocks = (later.block_for(sight) for later in rows[1:])
    return Start([hello(now, last), *(block for block in blocks if block is not None)], newest)
