"""Durable group commit: requests that arrive while a commit runs share the next one.

There is no timer: the flusher takes what is queued, so that a single request is written at once and many are written in
groups (a 5 ms timer lost 31 % of the throughput in a trial).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
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
MAX_GROUP_BYTES = 16 * 1024 * 1024
MAX_QUEUED_BYTES = 128 * 1024 * 1024
_CONNECT_SECONDS = 8.0
_ATTEMPTS = 3


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


class GroupCommit:
    """One per process: queues the submissions of all sources, and answers each once it is durable."""

    def __init__(self, database_url: str, announce: Callable[[str], None]) -> None:
        self._url = database_url
        self._announce = announce
        self._queue: deque[_Waiting] = deque()
        self._queued_bytes = 0
        self._unanswered = 0
        self._wake = asyncio.Event()
        self._saturation = saturation.Watch()
        self._throughput = saturation.Throughput()
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None

    def check_room(self, patience: float) -> None:
        """Raise Overloaded if a request that comes now would wait longer than so many seconds for its answer."""
        self._throughput.check(self._unanswered, patience)

    async def submit(self, source: Source, submission: Submission) -> Answer | Problem:
        """Queue a submission and wait until its group is committed."""
        if self._queued_bytes > MAX_QUEUED_BYTES:
            return Unconfirmed()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        waiting = _Waiting(source, submission, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._queued_bytes += submission.weight
        self._wake.set()
        self._unanswered += 1
        try:
            return await waiting.outcome
        finally:
            self._unanswered -= 1

    async def close(self) -> None:
        """Wait until all queued submissions are answered, then stop."""
        while self._unanswered:
            await asyncio.sleep(0.01)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._connection is not None:
            await self._connection.close()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                group = self._take()
                try:
                    await self._write(group)
                except Exception:
                    # A fault of ours: the group is answered, and the next group gets its turn.
                    log.exception("group commit failed")
                    self._refuse(group)
                self._throughput.answered(len(group), len(self._queue))
                if self._saturation.after_commit(len(group)):
                    self._announce(saturation.TOPIC)

    def _take(self) -> list[_Waiting]:
        """Take the oldest waiting submissions of one source, up to a group's size."""
        source, size = self._queue[0].source, 0
        group: list[_Waiting] = []
        while self._queue and len(group) < MAX_GROUP and self._queue[0].source is source:
            size += self._queue[0].submission.weight
            if group and size > MAX_GROUP_BYTES:
                break
            waiting = self._queue.popleft()
            self._queued_bytes -= waiting.submission.weight
            group.append(waiting)
        return group

    async def _write(self, group: list[_Waiting]) -> None:
        """Commit a group and answer it; a group that was lost before its commit, as by a restart, is written again."""
        prometheus.GROUP_SIZE.observe(len(group))
        source = group[0].source
        for _attempt in range(_ATTEMPTS):
            connection = await self._connected()
            if connection is None:
                break
            try:
                outcomes = await _commit(connection, source, [waiting.submission for waiting in group])
            except _CommitInDoubt as doubt:
                # Written again, the group might be stored twice: the client decides whether to send again.
                log.warning("database lost at a commit", error=str(doubt.__cause__).strip())
                break
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("database lost while writing", error=str(error).strip())
            except psycopg.Error as error:
                await self._write_singly(connection, source, group, error)
                return
            else:
                self._settle(group, outcomes)
                if any(isinstance(outcome, Answer) for outcome in outcomes):
                    self._announce(source.topic)
                return
        self._refuse(group)

    async def _write_singly(
        self, connection: Connection, source: Source, group: list[_Waiting], error: psycopg.Error
    ) -> None:
        """Write each submission by itself, so that one that the database refuses doesn't fail the others."""
        if len(group) == 1:
            log.warning("request refused by the database", error=type(error).__name__)
            group[0].submission.problem = Unstorable(reason=error.diag.message_primary or type(error).__name__)
            self._settle(group, await _commit(connection, source, [group[0].submission]))
            return
        for waiting in group:
            await self._write([waiting])

    async def _connected(self) -> Connection | None:
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

    def _refuse(self, group: Sequence[_Waiting]) -> None:
        self._settle(group, [Unconfirmed() for _waiting in group])

    @staticmethod
    def _settle(group: Sequence[_Waiting], outcomes: Sequence[Answer | Problem]) -> None:
        for waiting, outcome in zip(group, outcomes, strict=True):
            if not waiting.outcome.done():
                waiting.outcome.set_result(outcome)


class _CommitInDoubt(Exception):
    """The connection was lost after COMMIT was sent: the transaction may or may not be committed."""


async def _commit(connection: Connection, source: Source, submissions: Sequence[Submission]) -> list[Answer | Problem]:
    """Authenticate, write and commit one group; return each submission's outcome in order.

    Raises _CommitInDoubt; any other error means that nothing was written.
    """
    outcomes = None
    try:
        async with connection.transaction():
            outcomes = await _write_in_transaction(connection, source, submissions)
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if outcomes is not None:
            raise _CommitInDoubt from error
        raise
    return outcomes


async def _write_in_transaction(
    connection: Connection, source: Source, submissions: Sequence[Submission]
) -> list[Answer | Problem]:
    """Write the group's submissions, and records of the refused ones, in the open transaction."""
    await authenticate(connection, submissions, source.permission)
    answers: list[Answer | Problem | None] = [submission.problem for submission in submissions]
    undecided = [index for index, answer in enumerate(answers) if answer is None]
    if undecided:
        admitted = await source.admit(connection, [submissions[index] for index in undecided])
        for index, answer in zip(undecided, admitted, strict=True):
            answers[index] = answer
    outcomes = [answer for answer in answers if answer is not None]
    refused = [
        (submission, outcome, source.asset_named(submission))
        for submission, outcome in zip(submissions, outcomes, strict=True)
        if isinstance(outcome, Problem)
    ]
    await write_refusals(connection, refused)
    return outcomes
