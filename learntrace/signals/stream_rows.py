"""What a stream sends: rows of `core.live` as server-sent events, and from which of them on a client is told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from django.db import connection

from learntrace.core.filters import natural
from learntrace.core.live import PROGRESS, SIGNAL, WEBHOOK

KINDS: Final = (SIGNAL, PROGRESS, WEBHOOK)
# A client that is further behind loads everything anew, sooner than it would have read all that.
MOST_BEHIND: Final = 1000
RETRY_MS = 2000

# In one statement, so that what is forgotten meanwhile can't make a gap: the newest id, the row that the client has seen
# last (proof that nothing after it has been forgotten, as the oldest go first) and what came after it.
_START = """
SELECT newest.id, one.id, one.kind, one.data
  FROM (SELECT coalesce(max(id), 0) AS id FROM core_liveevent WHERE academy_id = %(academy)s) AS newest
  LEFT JOIN LATERAL (
       SELECT id, kind, data::text AS data
         FROM core_liveevent
        WHERE academy_id = %(academy)s AND id >= %(last)s::bigint AND id <= newest.id
          AND (kind = ANY(%(kinds)s) OR id = %(last)s::bigint)
        ORDER BY id LIMIT %(most)s
       ) AS one ON true
 ORDER BY one.id
"""


class Row(NamedTuple):
    """A change in an academy, as it goes over the wire."""

    id: int
    kind: str
    block: bytes


def row(number: int, kind: str, data: str) -> Row:
    """`data` is PostgreSQL's text of a jsonb value, which is one line."""
    return Row(number, kind, f"id: {number}\nevent: {kind}\ndata: {data}\n\n".encode())


def hello(now: datetime, position: int | None) -> bytes:
    """The first event. With its id a client that is told nothing else resumes from here."""
    place = "" if position is None else f"id: {position}\n"
    told = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f'retry: {RETRY_MS}\n{place}event: hello\ndata: {{"now": "{told}"}}\n\n'.encode()


def reset(position: int) -> bytes:
    """The event that has a client load everything anew; it goes on after `position`."""
    return f"id: {position}\nevent: reset\ndata: {{}}\n\n".encode()


@dataclass(frozen=True)
class Start:
    """Where a stream begins: what it sends first, and the id after which the rest comes."""

    blocks: Sequence[bytes]
    after: int


def start_of(academy_id: int, last_id: str, kinds: Collection[str], now: datetime) -> Start:
    """Begin after the id that the client has seen last, now if it names none (""), with a reset where that isn't known."""
    last = natural(last_id)
    with connection.cursor() as cursor:
        cursor.execute(_START, {"academy": academy_id, "last": last, "kinds": list(kinds), "most": MOST_BEHIND + 2})
        found = cursor.fetchall()
    newest = found[0][0]
    if not last_id:
        return Start([hello(now, newest)], newest)
    rows = [row(*one[1:]) for one in found if one[1] is not None]
    # 0 is where a stream began whose academy had nothing to tell; as an academy's newest row stays, it still has not.
    seen = (rows and rows[0].id == last) or last == newest == 0
    if not seen or len(rows) > MOST_BEHIND + 1:
        return Start([hello(now, None), reset(newest)], newest)
    return Start([hello(now, last), *(one.block for one in rows[1:])], newest)
