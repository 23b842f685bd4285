"""The feed of all streams of a process: one connection listens for changes, another reads them."""

import asyncio
import time
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import psycopg
import structlog
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from learntrace.core.live_events import CHANNEL, KEPT
from learntrace.signals.stream.rows import DATA, MOST_BEHIND, Row, Sight, reset, row

log = structlog.get_logger(__name__)

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

POLL_SECONDS = 2.0
_PAUSES = (0.1, 5.0)  # seconds between attempts to connect: the first, and the longest
_MOST_AT_ONCE = 1000  # rows of an academy in one look
_MOST_SENT_AT_ONCE = 100

# One statement for all academies with changes, each from where its streams are.
_LOOK = f"""
SELECT watched.academy_id, event.id, event.kind, event.data, event.learner, event.audience
  FROM unnest(%s::bigint[], %s::bigint[]) AS watched(academy_id, after)
 CROSS JOIN LATERAL (
       SELECT id, kind, {DATA}
         FROM core_liveevent
        WHERE academy_id = watched.academy_id AND id > watched.after
        ORDER BY id LIMIT %s
       ) AS event
 ORDER BY watched.academy_id, event.id
"""  # noqa: S608 (no text from outside)
# A server that vanished silently is noticed within seconds, not hours.
_ALIVE = "keepalives_idle=10 keepalives_interval=5 keepalives_count=3 tcp_user_timeout=15000"


class Watcher:
    """One stream's position in its academy's changes, and the blocks that its client has yet to get.

    `sight` is what the client's user sees; None: all. It may be changed while the stream is open.
    """

    def __init__(
        self,
        academy_id: int,
        kinds: Collection[str],
        blocks: Iterable[bytes],
        after: int,
        sight: Sight | None = None,
    ) -> None:
        self.academy_id = academy_id
        self.after = after
        self.sight = sight
        self._kinds = kinds
        self._queue = deque(blocks)
        self._wake = asyncio.Event()
        self._wake.set()
        self._ended = False

    def offer(self, rows: Sequence[Row]) -> None:
        """Queue the rows that are new to the stream, in the order of their ids."""
        for new_row in rows:
            if new_row.id > self.after:
                self.after = new_row.id
                if new_row.kind in self._kinds and (block := new_row.block_for(self.sight)) is not None:
                    self._put(new_row.id, block)
        if self._queue:
            self._wake.set()

    def _put(self, number: int, block: bytes) -> None:
        if len(self._queue) < MOST_BEHIND:
            self._queue.append(block)
        else:
            self._queue.clear()
            self._queue.append(reset(number))

    def end(self) -> None:
        """Have the stream end."""
        self._ended = True
        self._wake.set()

    async def next(self, patience: float) -> bytes | None:
        """Return what to send next; b"" if nothing came in `patience` seconds, None at the end."""
        if not self._queue and not self._ended:
            try:
                # Not wait_for: until Python 3.12 it drops a cancellation that comes together with what it waits for.
                async with asyncio.timeout(patience):
                    await self._wake.wait()
            except TimeoutError:
                return b""
        if self._ended:
            return None
        blocks = [self._queue.popleft() for _ in range(min(len(self._queue), _MOST_SENT_AT_ONCE))]
        if not self._queue:
            self._wake.clear()
        return b"".join(blocks)


class Feed:
    """Brings each watcher what comes after its position, once and in order, through any failure of the database."""

    def __init__(self, database_url: str) -> None:
        self._conninfo = make_conninfo(database_url, **conninfo_to_dict(_ALIVE))
        self._watchers: dict[int, set[Watcher]] = {}
        self._changed: set[int] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._pause = _PAUSES[0]
        self._looked_at = time.monotonic()

    def add(self, watcher: Watcher) -> None:
        """Feed a watcher from now on; connect with the first one."""
        self._watchers.setdefault(watcher.academy_id, set()).add(watcher)
        # What came between its start and now may have been read for the others already.
        self._note({watcher.academy_id})
        if self._task is None:
            self._looked_at = time.monotonic()
            self._task = asyncio.get_running_loop().create_task(self._run())

    def remove(self, watcher: Watcher) -> None:
        """Forget a watcher; close the connections with the last one."""
        others = self._watchers.get(watcher.academy_id, set())
        others.discard(watcher)
        if not others:
            self._watchers.pop(watcher.academy_id, None)
        if not self._watchers and self._task is not None:
            self._task.cancel()
            self._task = None

    def end_all(self) -> None:
        """Have every stream end."""
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.end()

    def _note(self, academies: Iterable[int]) -> None:
        self._changed.update(academies)
        self._wake.set()

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except* (psycopg.Error, OSError) as errors:
                causes = {str(error).strip()[:300] for error in errors.exceptions}
                log.warning("streams lost the database; trying again", error="; ".join(sorted(causes)))
            except* Exception:
                log.exception("stream feed failed; trying again")
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, _PAUSES[1])

    async def _follow(self) -> None:
        """Listen and read until a connection is lost."""
        async with await self._connect() as listener, await self._connect() as reader:
            await listener.execute(f"LISTEN {CHANNEL}")
            self._pause = _PAUSES[0]
            if time.monotonic() - self._looked_at > KEPT.total_seconds() / 2:
                # What we missed may be deleted already: clients reconnect, and `start_of` finds out.
                self.end_all()
            # No notification has come for what changed before LISTEN.
            self._note(self._watchers)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(listener))
                group.create_task(self._read(reader))

    async def _connect(self) -> Connection:
        return await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True, connect_timeout=5)

    async def _listen(self, listener: Connection) -> None:
        async for notification in listener.notifies():
            if notification.payload.isdecimal():
                self._note({int(notification.payload)})

    async def _read(self, reader: Connection) -> None:
        """Read the academies with changes, and all of them now and then: a notification may get lost."""
        while True:
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                self._changed.update(self._watchers)
            self._wake.clear()
            academies = self._changed & self._watchers.keys()
            self._changed.clear()
            if academies:
                await self._look(reader, academies)
            self._looked_at = time.monotonic()

    async def _look(self, reader: Connection, academies: Collection[int]) -> None:
        """Read once for all streams of each academy, from the position of the one that is furthest behind."""
        positions = {academy: min(watcher.after for watcher in self._watchers[academy]) for academy in academies}
        cursor = await reader.execute(_LOOK, [list(positions), list(positions.values()), _MOST_AT_ONCE])
        by_academy: dict[int, list[Row]] = {}
        for academy, *columns in await cursor.fetchall():
            by_academy.setdefault(academy, []).append(row(*columns))
        for academy, rows in by_academy.items():
            for watcher in self._watchers.get(academy, ()):
                # A watcher that was added while we read, and is further behind, has woken us again.
                if watcher.after >= positions[academy]:
                    watcher.offer(rows)
            if len(rows) == _MOST_AT_ONCE:
                self._note({academy})
