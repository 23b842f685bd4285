"""Unknown keys at the inboxes, counted by network address in the one limit of guesses (`accounts/signing_in/guesses.py`).

A process counts them in memory and adds them to the database's count every second, so that a flood of them costs a statement
a second, and valid keys, which are never held up, cost nothing.
"""

import asyncio
import time
from collections import Counter
from typing import Final

import psycopg
import structlog
from django.conf import settings

from learntrace.accounts.signing_in.guesses import GUESSES, WINDOW_SECONDS, TooManyGuesses, network_of, of_keys
from learntrace.intake.known_keys import KnownKeys

log = structlog.get_logger(__name__)

FLUSH_SECONDS: Final = 1.0
MOST_ADDRESSES: Final = 10_000

# Ordered, so that two processes lock the rows in the same order.
_ADD = """
INSERT INTO accounts_guesscount AS held (subject, failures, pending, fills, ends_at)
SELECT subject, failures, 0, 0, clock_timestamp() + make_interval(secs => %(window)s)
  FROM unnest(%(subjects)s::text[], %(failures)s::int[]) AS new(subject, failures) ORDER BY subject
    ON CONFLICT (subject) DO UPDATE
   SET failures = CASE WHEN held.ends_at > clock_timestamp() THEN held.failures ELSE 0 END + excluded.failures,
       pending = CASE WHEN held.ends_at > clock_timestamp() THEN held.pending ELSE 0 END,
       ends_at = CASE WHEN held.ends_at > clock_timestamp() THEN held.ends_at ELSE excluded.ends_at END
RETURNING subject, failures, extract(epoch FROM ends_at - clock_timestamp())::float
"""


class GuessedKeys:
    """The unknown keys that a process has seen, and the addresses that sent too many."""

    def __init__(self, keys: KnownKeys) -> None:
        self._keys = keys
        self._new: Counter[str] = Counter()
        self._known: dict[str, tuple[int, float]] = {}
        self._task: asyncio.Task[None] | None = None

    def count(self, address: str) -> None:
        """Count an unknown key of an address.

        Raises TooManyGuesses.
        """
        most = settings.KEY_GUESSES
        if not most:
            return
        address = network_of(address)
        failures, until = self._known.get(address, (0, 0.0))
        left = until - time.monotonic()
        if left > 0 and failures + self._new[address] >= most:
            GUESSES.labels("key", "refused").inc()
            raise TooManyGuesses(round(left))
        GUESSES.labels("key", "wrong").inc()
        if address in self._new or len(self._new) < MOST_ADDRESSES:
            self._new[address] += 1
        if left <= 0:
            self._known[address] = (0, time.monotonic() + WINDOW_SECONDS)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._flush_soon())

    async def close(self) -> None:
        """Add what is counted to the database."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._flush()

    async def _flush_soon(self) -> None:
        await asyncio.sleep(FLUSH_SECONDS)
        await self._flush()

    async def _flush(self) -> None:
        new, self._new = self._new, Counter()
        if not new:
            return
        names = {of_keys(address).name: address for address in new}
        parameters = {"subjects": list(names), "failures": list(new.values()), "window": WINDOW_SECONDS}
        try:
            rows = await self._keys.fetch(_ADD, parameters)
        except psycopg.Error as error:
            log.warning("unknown keys not counted", error=str(error).strip()[:300])
            return
        now = time.monotonic()
        self._known = {address: seen for address, seen in self._known.items() if seen[1] > now}
        self._known |= {names[subject]: (failures, now + seconds) for subject, failures, seconds in rows}
