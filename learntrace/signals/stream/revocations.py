"""Notices within a second that what opened a stream no longer stands: key, session, membership, user or academy.

One statement, three times a second, asks for all streams of a process whether the facts are still those of their beginning.
Where they aren't, the stream's access is decided anew, in full; nothing is decided here.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

import psycopg
import structlog
from django.conf import settings

from learntrace.accounts.authentication import names_hub, read_key
from learntrace.accounts.models import key_hash
from learntrace.core.errors import Problem

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 0.3
_PAUSE_SECONDS: Final = 2.0

# `fine`: nothing plainly speaks against the stream, so that even a revocation before the first look is noticed.
_LOOK = """
SELECT stream.number,
       coalesce(u.is_active AND m.status = 'ACTIVE' AND a.status = 'ACTIVE', false)
       AND (stream.key_hash = '' OR t.id IS NOT NULL AND coalesce(t.expires_at > statement_timestamp(), true))
       AND (stream.session_key = '' OR s.session_key IS NOT NULL) AS fine,
       concat_ws(' ', m.role, t.scope, CASE WHEN stream.session_key <> '' THEN md5(u.password) END)
  FROM unnest(%s::int[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
    AS stream(number, key_hash, session_key, user_id, academy_id)
  LEFT JOIN accounts_user u ON u.id = stream.user_id
  LEFT JOIN accounts_academy a ON a.id = stream.academy_id
  LEFT JOIN accounts_membership m ON m.user_id = stream.user_id AND m.academy_id = stream.academy_id
  LEFT JOIN accounts_token t ON t.key_hash = stream.key_hash
  LEFT JOIN django_session s ON s.session_key = stream.session_key AND s.expire_date > statement_timestamp()
"""


@dataclass(eq=False)
class Basis:
    """What one stream stands on. `key_hash` and `session_key` are empty where it was opened by something else."""

    user_id: int
    academy_id: int
    key_hash: str = ""
    session_key: str = ""
    _facts: str | None = None
    _fine: bool = True
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, facts: str, *, fine: bool) -> None:
        """Note the facts of a look; the stream is woken where they have changed."""
        if (self._fine and not fine) or self._facts not in (None, facts):
            self._changed.set()
        # What goes on not being fine is not asked about at every look.
        self._facts, self._fine = facts, fine

    async def changed(self, patience: float) -> None:
        """Wait until the facts have changed, `patience` seconds at most."""
        try:
            async with asyncio.timeout(patience):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()


def key_of(authorization: str) -> str:
    """Return the hash of the key of ours in an Authorization header, else an empty text."""
    if not authorization or names_hub(authorization):
        return ""
    try:
        return key_hash(read_key(authorization))
    except Problem:
        return ""


def session_of(cookies: str) -> str:
    """Return the key of the page's session in a Cookie header, else an empty text."""
    try:
        morsel = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return morsel.value.replace("\0", "") if morsel else ""


class Revocations:
    """Looks after all streams of a process."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._bases: set[Basis] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, basis: Basis) -> None:
        """Look after a stream from now on."""
        self._bases.add(basis)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def remove(self, basis: Basis) -> None:
        """Forget a stream; close the connection with the last one."""
        self._bases.discard(basis)
        if not self._bases and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, connect_timeout=5
                ) as connection:
                    while True:
                        await self._look(connection, list(self._bases))
                        await asyncio.sleep(LOOK_SECONDS)
            except (psycopg.Error, OSError) as error:
                log.warning("streams not looked after; trying again", error=str(error).strip()[:300])
            await asyncio.sleep(_PAUSE_SECONDS)

    @staticmethod
    async def _look(connection: psycopg.AsyncConnection[tuple[Any, ...]], bases: Iterable[Basis]) -> None:
        streams = dict(enumerate(bases))
        columns = [list(streams)] + [
            [getattr(one, name) for one in streams.values()]
            for name in ("key_hash", "session_key", "user_id", "academy_id")
        ]
        cursor = await connection.execute(_LOOK, columns)
        for number, fine, facts in await cursor.fetchall():
            streams[number].note(facts, fine=fine)
