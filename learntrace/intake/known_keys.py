"""Whose a credential is, asked before a request costs anything: before its body is read, unpacked or decoded.

What is remembered is no authority. The request is authenticated again in the transaction that writes, so that a revoked key
opens nothing; it only was worth reading.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final, LiteralString

import psycopg
import structlog

from learntrace.accounts.authentication import read_key
from learntrace.accounts.models import key_hash
from learntrace.accounts.tokens.usage import NOTE_USES, NOTED_EVERY
from learntrace.core.errors import Problem
from learntrace.intake.protocol import Connection

log = structlog.get_logger(__name__)

REMEMBERED_SECONDS: Final = 300.0
MOST_REMEMBERED: Final = 20_000
MOST_AT_ONCE: Final = 500
_CONNECT_SECONDS = 8.0
_SESSION = "session:"

_FIND = """
SELECT t.key_hash, t.user_id,
       ARRAY(SELECT m.academy_id FROM accounts_membership m WHERE m.user_id = t.user_id AND m.status = 'ACTIVE'),
       EXISTS (SELECT FROM accounts_grant g WHERE g.user_id = t.user_id)
  FROM accounts_token t WHERE t.key_hash = ANY(%(keys)s)
 UNION ALL
SELECT %(prefix)s || session_key, NULL, '{}', false
  FROM django_session WHERE session_key = ANY(%(sessions)s) AND expire_date > statement_timestamp()
"""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a credential is. `user_id`: None for a session or a hub's token; `service`: it sends for many, by a grant."""

    user_id: int | None
    academy_ids: tuple[int, ...] = ()
    service: bool = False


class DatabaseAway(Exception):
    """The database doesn't answer, so nobody knows whose the credential is."""


class KnownKeys:
    """The keys and sessions that were seen valid lately; one question to the database asks for all that wait."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._seen: OrderedDict[str, tuple[Owner, float]] = OrderedDict()
        self._waiting: dict[str, asyncio.Future[Owner | None]] = {}
        self._addresses: dict[str, str] = {}
        self._noted: OrderedDict[str, float] = OrderedDict()
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None

    async def owner_of_key(self, authorization: str, address: str = "") -> Owner | None:
        """Return the owner of one of our keys, None if there is none; note that it was used from an address.

        Raises DatabaseAway.
        """
        try:
            hashed = key_hash(read_key(authorization))
        except Problem:
            return None
        return await self.owner_of_hash(hashed, address)

    async def owner_of_hash(self, hashed: str, address: str = "") -> Owner | None:
        """As `owner_of_key`, for a key's hash."""
        return await self._owner(hashed, address)

    async def owner_of_session(self, cookies: str, name: str) -> Owner | None:
        """Return the owner of a page's session, None if there is none.

        Raises DatabaseAway.
        """
        try:
            morsel = SimpleCookie(cookies).get(name)
        except CookieError:
            return None
        usable = morsel is not None and morsel.value.isascii() and morsel.value.isalnum() and len(morsel.value) <= 40
        return await self._owner(_SESSION + morsel.value) if morsel and usable else None

    async def close(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._connection is not None:
            await self._connection.close()

    async def execute(self, statement: LiteralString, parameters: Sequence[object]) -> None:
        """Run a statement on the connection, which is its own transaction.

        Raises psycopg.Error.
        """
        await (await self._connected()).execute(statement, parameters)

    async def fetch(self, statement: LiteralString, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Run a statement on the connection, which is its own transaction, and return its rows.

        Raises psycopg.Error.
        """
        return await (await (await self._connected()).execute(statement, parameters)).fetchall()

    async def _owner(self, name: str, address: str = "") -> Owner | None:
        remembered = self._seen.get(name)
        if remembered is not None and remembered[1] > time.monotonic():
            return remembered[0]
        waiting = self._waiting.get(name)
        if waiting is None:
            waiting = self._waiting[name] = asyncio.get_running_loop().create_future()
            self._addresses[name] = address
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._answer_all())
        # Others may wait for the same answer: a caller who leaves must not cancel it.
        return await asyncio.shield(waiting)

    async def _answer_all(self) -> None:
        while self._waiting:
            asked = {name: self._waiting.pop(name) for name in list(self._waiting)[:MOST_AT_ONCE]}
            try:
                owners = await self._ask(list(asked))
            except Exception as error:
                log.warning("keys not looked up", error=str(error).strip()[:300])
                _fail(asked)
                for name in asked:
                    self._addresses.pop(name, None)
                continue
            self._remember(owners)
            for name, future in asked.items():
                if not future.done():
                    future.set_result(owners.get(name))
            await self._note_use(asked, owners)

    async def _note_use(self, asked: Iterable[str], owners: Mapping[str, Owner]) -> None:
        """Note when and from where keys were used, after their requests have gone on."""
        addresses = {name: self._addresses.pop(name, "") for name in asked}
        now = time.monotonic()
        # The oldest first: all are noted for the same time.
        while self._noted and next(iter(self._noted.values())) <= now:
            self._noted.popitem(last=False)
        used = {
            name: address
            for name, address in addresses.items()
            if name in owners and name not in self._noted and not name.startswith(_SESSION)
        }
        if not used:
            return
        self._noted.update(dict.fromkeys(used, now + NOTED_EVERY.total_seconds()))
        try:
            await self.execute(NOTE_USES, [list(used), list(used.values())])
        except psycopg.Error as error:
            log.warning("use of keys not noted", error=str(error).strip()[:300])

    async def _ask(self, names: list[str]) -> dict[str, Owner]:
        """Ask the database, again if it restarts meanwhile."""
        sessions = [name.removeprefix(_SESSION) for name in names if name.startswith(_SESSION)]
        keys = [name for name in names if not name.startswith(_SESSION)]
        until = time.monotonic() + _CONNECT_SECONDS
        while True:
            try:
                connection = await self._connected()
                cursor = await connection.execute(_FIND, {"keys": keys, "sessions": sessions, "prefix": _SESSION})
                rows = await cursor.fetchall()
            except (psycopg.OperationalError, psycopg.InterfaceError):
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.1)
            else:
                return {name: Owner(user, tuple(academies), service) for name, user, academies, service in rows}

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, connect_timeout=5)
        return self._connection

    def _remember(self, owners: Mapping[str, Owner]) -> None:
        until = time.monotonic() + REMEMBERED_SECONDS
        for name, owner in owners.items():
            self._seen[name] = (owner, until)
            self._seen.move_to_end(name)
        while len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)


def _fail(asked: Mapping[str, asyncio.Future[Owner | None]]) -> None:
    for future in asked.values():
        if not future.done():
            future.set_exception(DatabaseAway())
            future.exception()  # it may have no listener any more
