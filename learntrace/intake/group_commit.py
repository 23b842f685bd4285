"""Durable group commit: requests of all sources that arrive while a commit runs share the next one.

A commit costs nearly the same for one request as for eight. So, where many people send a little each, the next commit begins
a short time after the one before it, or as soon as eight requests wait. A few clients who send one request after another
are never held up: a timer for everybody lost 31 % of their throughput in a trial.

Two groups are committed at a time where a crowd waits: the bodies of one are read while PostgreSQL writes the other. So a
group is no larger than it has to be: a few large batches make a group.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg
import structlog
from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import Problem, Unavailable
from learntrace.intake import prometheus, saturation
from learntrace.intake.authentication import authenticate
from learntrace.intake.protocol import Answer, Connection, Source, Submission
from learntrace.intake.refusals import write_refusals

log = structlog.get_logger(__name__)

MAX_GROUP = 200
# What a group weighs at most (`Submission.weight`): about 400 events.
MAX_GROUP_WEIGHT = 768 * 1024
MAX_QUEUED_WEIGHT = 128 * 1024 * 1024
_CONNECT_SECONDS = 8.0
_ATTEMPTS = 3
# Groups that are committed at a time.
LANES = 2
# Where many send, commits begin so many seconds apart, unless so many requests wait.
APART_SECONDS = 0.025
ENOUGH = 8
# So many different senders in a second are many.
MANY_SENDERS = 40


class Unconfirmed(Unavailable):
    """The submission isn't confirmed as stored; if the connection was lost at the commit, it may have been stored."""

    text = _("Learntrace can't confirm that this was stored. Please send it again")


class Unstorable(Problem):
    reason = "unstorable"
    text = _("The database can't store this body: %(reason)s")


@dataclass
class _Waiting:
    source: Source
    submission: Submission
    outcome: asyncio.Future[Answer | Problem]


class Senders:
    """Counts the different senders of a second; `are_many`: whether there were many in the second before."""

    def __init__(self) -> None:
        self._seen: set[object] = set()
        self._until = 0.0
        self.are_many = False

    def note(self, sender: object, now: float | None = None) -> None:
        now = time.monotonic() if now is None else now
        if now >= self._until:
            self.are_many = len(self._seen) >= MANY_SENDERS and now < self._until + 1.0
            self._seen.clear()
            self._until = now + 1.0
        self._seen.add(sender)


class _Lane:
    """A connection on which one group after another is committed."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._connection: Connection | None = None

    async def connected(self) -> Connection | None:
        """Return the open connection or a new one; None if the database is away for longer than a restart takes."""
        if self._connection is not None and not self._connection.closed and not self._connection.broken:
            return self._connection
        loop = asyncio.get_running_loop()
        until = loop.time() + _CONNECT_SECONDS
        while True:
            try:
                self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, connect_timeout=5)
                return self._connection
            except psycopg.Error as error:
                if loop.time() > until:
                    log.warning("database unreachable", error=str(error).strip())
                    return None
                await asyncio.sleep(0.1)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()


class GroupCommit:
    """One per process: queues the submissions of all sources, and answers each once it is durable."""

    def __init__(self, database_url: str, announce: Callable[[str], None]) -> None:
        self._lanes = [_Lane(database_url) for _number in range(LANES)]
        self._announce = announce
        self._queue: deque[_Waiting] = deque()
        self._queued_weight = 0
        self._unanswered = 0
        # How many lanes commit a group, and when the last one began to.
        self._busy = 0
        self._began = 0.0
        self._due, self._turn = asyncio.Event(), asyncio.Lock()
        self._senders = Senders()
        self._saturation = saturation.Watch()
        self._throughput = saturation.Throughput()
        self._tasks: dict[_Lane, asyncio.Task[None]] = {}

    def check_room(self, patience: float) -> None:
        """Raise Overloaded if a request that comes now would wait longer than so many seconds for its answer."""
        self._throughput.check(self._unanswered, patience)

    async def submit(self, source: Source, submission: Submission) -> Answer | Problem:
        """Queue a submission and wait until its group is committed."""
        if self._queued_weight > MAX_QUEUED_WEIGHT:
            return Unconfirmed()
        self._start()
        waiting = _Waiting(source, submission, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._queued_weight += submission.weight
        if sender := submission.user_id or submission.hub_user:
            self._senders.note(sender)
        self._unanswered += 1
        if self._is_due():
            self._due.set()
        try:
            return await waiting.outcome
        finally:
            self._unanswered -= 1

    async def close(self) -> None:
        """Wait until all queued submissions are answered, then stop."""
        while self._unanswered:
            await asyncio.sleep(0.01)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for lane in self._lanes:
            await lane.close()

    def _start(self) -> None:
        """Have each lane at work: at the first request, and again after a fault that has ended it."""
        for lane in self._lanes:
            if lane not in self._tasks or self._tasks[lane].done():
                self._tasks[lane] = asyncio.get_running_loop().create_task(self._run(lane))

    async def _run(self, lane: _Lane) -> None:
        while True:
            async with self._turn:
                group, waited = await self._next_group()
            self._busy += 1
            try:
                await self._write(lane, group)
            except Exception:
                # A fault of ours: the group is answered, and the next group gets its turn.
                log.exception("group commit failed")
                self._refuse(group)
            finally:
                self._busy -= 1
            # Those of this group are among the unanswered until they have heard.
            self._throughput.answered(len(group), self._unanswered - len(group))
            if self._saturation.after_commit(waited):
                self._announce(saturation.TOPIC)
            self._due.set()

    async def _next_group(self) -> tuple[list[_Waiting], int]:
        """Return the oldest waiting submissions as soon as a commit is due, and how many waited with them."""
        while not self._is_due():
            self._due.clear()
            pause = self._began + APART_SECONDS - time.monotonic() if self._queue and not self._busy else None
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._due.wait()
        self._began = time.monotonic()
        waited = min(len(self._queue), MAX_GROUP)
        return self._take(), waited

    def _is_due(self) -> bool:
        """Whether so much waits that a commit is to begin now: beside another one as much as that one may have."""
        waiting = len(self._queue)
        if self._busy:
            return waiting >= max(ENOUGH, self._unanswered // LANES) or self._queued_weight >= MAX_GROUP_WEIGHT
        apart = self._senders.are_many and waiting < ENOUGH
        return waiting > 0 and not (apart and time.monotonic() < self._began + APART_SECONDS)

    def _take(self) -> list[_Waiting]:
        """Take the oldest waiting submissions, up to a group's size."""
        size = 0
        group: list[_Waiting] = []
        while self._queue and len(group) < MAX_GROUP:
            size += self._queue[0].submission.weight
            if group and size > MAX_GROUP_WEIGHT:
                break
            waiting = self._queue.popleft()
            self._queued_weight -= waiting.submission.weight
            group.append(waiting)
        return group

    async def _write(self, lane: _Lane, group: list[_Waiting]) -> None:
        """Commit a group and answer it; a group that was lost before its commit, as by a restart, is written again."""
        prometheus.GROUP_SIZE.observe(len(group))
        for _attempt in range(_ATTEMPTS):
            connection = await lane.connected()
            if connection is None:
                break
            try:
                outcomes = await _commit(connection, group)
            except _CommitInDoubt as doubt:
                # Written again, the group might be stored twice: the client decides whether to send again.
                log.warning("database lost at a commit", error=str(doubt.__cause__).strip())
                break
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("database lost while writing", error=str(error).strip())
            except psycopg.Error as error:
                await self._write_singly(lane, connection, group, error)
                return
            else:
                self._settle(group, outcomes)
                for topic in _topics_with_new(group, outcomes):
                    self._announce(topic)
                return
        self._refuse(group)

    async def _write_singly(
        self, lane: _Lane, connection: Connection, group: list[_Waiting], error: psycopg.Error
    ) -> None:
        """Write each submission by itself, so that one that the database refuses doesn't fail the others."""
        if len(group) == 1:
            log.warning("request refused by the database", error=type(error).__name__)
            group[0].submission.problem = Unstorable(reason=error.diag.message_primary or type(error).__name__)
            self._settle(group, await _commit(connection, group))
            return
        for waiting in group:
            try:
                await self._write(lane, [waiting])
            except Exception:
                # The others of the group are still to be tried.
                log.exception("group commit failed")
                self._refuse([waiting])

    def _refuse(self, group: Sequence[_Waiting]) -> None:
        self._settle(group, [Unconfirmed() for _waiting in group])

    @staticmethod
    def _settle(group: Sequence[_Waiting], outcomes: Sequence[Answer | Problem]) -> None:
        for waiting, outcome in zip(group, outcomes, strict=True):
            if not waiting.outcome.done():
                waiting.outcome.set_result(outcome)


class _CommitInDoubt(Exception):
    """The connection was lost after COMMIT was sent: the transaction may or may not be committed."""


def _topics_with_new(group: Sequence[_Waiting], outcomes: Sequence[Answer | Problem]) -> set[str]:
    """Return the topics of the sources of which something was stored."""
    pairs = zip(group, outcomes, strict=True)
    return {waiting.source.topic for waiting, outcome in pairs if isinstance(outcome, Answer)}


async def _commit(connection: Connection, group: Sequence[_Waiting]) -> list[Answer | Problem]:
    """Authenticate, write and commit one group; return each submission's outcome in order.

    Raises _CommitInDoubt; any other error means that nothing was written.
    """
    outcomes = None
    try:
        async with connection.transaction():
            outcomes = await _write_in_transaction(connection, group)
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if outcomes is not None:
            raise _CommitInDoubt from error
        raise
    return outcomes


async def _write_in_transaction(connection: Connection, group: Sequence[_Waiting]) -> list[Answer | Problem]:
    """Write the group's submissions, and records of the refused ones, in the open transaction."""
    outcomes: dict[int, Answer | Problem] = {}
    await authenticate(connection, [(waiting.submission, waiting.source.permission) for waiting in group])
    for source, submissions in _by_source(group):
        admitted = [submission for submission in submissions if submission.problem is None]
        if admitted:
            answers = await source.admit(connection, admitted)
            outcomes |= {id(submission): answer for submission, answer in zip(admitted, answers, strict=True)}
    ordered = [waiting.submission.problem or outcomes[id(waiting.submission)] for waiting in group]
    refused = [
        (waiting.submission, outcome, waiting.source.asset_named(waiting.submission))
        for waiting, outcome in zip(group, ordered, strict=True)
        if isinstance(outcome, Problem)
    ]
    await write_refusals(connection, refused)
    return ordered


def _by_source(group: Sequence[_Waiting]) -> Iterator[tuple[Source, list[Submission]]]:
    """Yield each source with its submissions in order; sources in the order of their paths, so that no two processes lock
    rows in another order."""
    sources = {waiting.source.path: waiting.source for waiting in group}
    for path in sorted(sources):
        yield sources[path], [waiting.submission for waiting in group if waiting.source.path == path]
