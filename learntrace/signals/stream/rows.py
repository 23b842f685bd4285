"""What a stream sends: rows of `core.live_events` as server-sent events, and the position where a stream starts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from learntrace.core.http.filters import natural
from learntrace.core.live_events import CONCERN, PROGRESS, SIGNAL, WEBHOOK
from learntrace.core.sql import fetch

KINDS: Final = (SIGNAL, CONCERN, PROGRESS, WEBHOOK)
# A client that is further behind loads everything anew, which takes less time than reading so many changes.
MOST_BEHIND: Final = 1000
RETRY_MS = 2000

# Whom a change is about: a progress event has the learner's id, a signal a document of the person; nobody else's have any.
LEARNER: Final = """CASE jsonb_typeof(data->'learner') WHEN 'number' THEN (data->>'learner')::bigint
                         WHEN 'object' THEN (data->'learner'->>'id')::bigint END"""

# In one statement, so that a deletion meanwhile can't make a gap: the newest id, the last row that the client has seen (proof
# that nothing after it has been deleted, as the oldest go first) and what came after it.
_START = f"""
SELECT newest.id, event.id, event.kind, event.data, event.learner
  FROM (SELECT coalesce(max(id), 0) AS id FROM core_liveevent WHERE academy_id = %(academy)s) AS newest
  LEFT JOIN LATERAL (
       SELECT id, kind, data::text AS data, {LEARNER} AS learner
         FROM core_liveevent
        WHERE academy_id = %(academy)s AND id >= %(last)s::bigint AND id <= newest.id
          AND (kind = ANY(%(kinds)s) OR id = %(last)s::bigint)
        ORDER BY id LIMIT %(most)s
       ) AS event ON true
 ORDER BY event.id
"""  # noqa: S608 (no text from outside)


class Row(NamedTuple):
    """A change in an academy, as a block of the stream; `learner` is the id of the learner concerned, None for several."""

    id: int
    kind: str
    block: bytes
    learner: int | None

    def shown_to(self, learners: Collection[int] | None) -> bool:
        """Whether it goes to somebody who sees these learners; None: all. What is about several is for them only."""
        return learners is None or self.learner in learners


def row(number: int, kind: str, data: str, learner: int | None) -> Row:
    """Return a row; `data` is PostgreSQL's text of a jsonb value, which is one line."""
    return Row(number, kind, f"id: {number}\nevent: {kind}\ndata: {data}\n\n".encode(), learner)


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


def start_of(
    academy_id: int, last_id: str, kinds: Collection[str], now: datetime, learners: Collection[int] | None = None
) -> Start:
    """Start after the last id that the client has seen, now if it names none (""), with a reset if that id is unknown.

    `learners` are those whom the client's user sees; None: all.
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
    return Start([hello(now, last), *(later.block for later in rows[1:] if later.shown_to(learners))], newest)
