"""Sends what waits in the spool to Learntrace, in the order of its arrival, until Learntrace has said what became of it."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from .configuration import Settings
from .delivery import Away, BatchRefused, Delivery, Failure, OptedOut, Refused
from .identity import Account, Owner, owner_of
from .lease import Holder
from .spool import Rejection, Spool, Spooled
from .spool_file import SpoolUnusable

# What Learntrace takes in one batch, and what it is comfortable with.
MOST_EVENTS = 500
MOST_BYTES = 1024 * 1024

ACCOUNT_SECONDS = 60.0
# Whether an academy collects source has to be known this freshly before any is kept.
SOURCE_SECONDS = 300.0
REFUSED_SECONDS = 60.0
FIRST_BACKOFF, LAST_BACKOFF = 1.0, 30.0
ANOTHER_SENDS_SECONDS = 2.0
LAST_ATTEMPT_SECONDS = 2.0

AWAY, REFUSED = "server-away", "refused"

OnDisk = Callable[..., Awaitable[Any]]


class _AnotherSends(Exception):
    """Another Jupyter server of the user is sending from this spool."""


class Sender:
    """One loop: learn who we are, send, rest. `on_disk` calls a method of the spool in its thread."""

    def __init__(self, settings: Settings, on_disk: OnDisk, delivery: Delivery, log: logging.Logger) -> None:
        self.reason = ""  # why nothing can be sent: "", server-away or refused
        self.told = ""  # what Learntrace or the system said about that
        self.account: Account | None = None
        self._settings, self._on_disk, self._delivery, self._log = settings, on_disk, delivery, log
        self._holder = Holder()
        self._account_at = self._looked_at = float("-inf")
        self._failures = 0
        self._most = MOST_EVENTS
        self._said: set[str] = set()
        self._stopping = False
        self._wake: asyncio.Event | None = None
        self._spoken: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def owner(self) -> Owner:
        return owner_of(self._settings.url, self._settings.credential, self.account.actor if self.account else "")

    @property
    def collecting(self) -> bool:
        """Whether the learner's events may be kept; as long as nobody has said no."""
        return self.account is None or self.account.collecting

    @property
    def takes_source(self) -> bool:
        fresh = time.monotonic() - self._account_at < SOURCE_SECONDS
        return fresh and self.account is not None and self.account.collects_source

    async def start(self) -> None:
        wake, spoken = self._wake, self._spoken = asyncio.Event(), asyncio.Event()
        with suppress(SpoolUnusable):
            self.account = (await self._on_disk(Spool.totals, self.owner)).account
        self._task = asyncio.get_running_loop().create_task(self._run(wake, spoken))

    def kick(self) -> None:
        """There is something to send."""
        if self._wake is not None:
            self._wake.set()

    async def look(self, seconds: float = 2.0) -> None:
        """Somebody wants to know how it stands: have the account asked again if it is old, and wait for its first word."""
        self._looked_at = time.monotonic()
        if self._account_is_old():
            self.kick()
        if self._spoken is not None and not self._spoken.is_set():
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._spoken.wait(), seconds)

    async def consent(self, collecting: bool) -> None:
        """Say the learner's yes or no; raises a Failure or SpoolUnusable."""
        await self._learn(await self._delivery.consent(collecting))
        self.kick()

    async def stop(self) -> None:
        """End, after a short last attempt. What isn't sent stays in the spool."""
        self._stopping = True
        self.kick()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._finish(), LAST_ATTEMPT_SECONDS)
        if self._task is not None:
            self._task.cancel()
        self._delivery.close()

    async def _finish(self) -> None:
        if self._task is not None:
            await asyncio.shield(self._task)
            if self.reason != REFUSED:
                await self._turn()

    async def _run(self, wake: asyncio.Event, spoken: asyncio.Event) -> None:
        while not self._stopping:
            seconds, until_kicked = await self._turn()
            spoken.set()
            await self._rest(wake, seconds, until_kicked)

    async def _rest(self, wake: asyncio.Event, seconds: float, until_kicked: bool) -> None:
        """Wait. A server that is away isn't asked more often because there is more to send."""
        end = time.monotonic() + seconds
        while not self._stopping and (left := end - time.monotonic()) > 0:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(wake.wait(), left)
            kicked = wake.is_set()
            wake.clear()
            if kicked and until_kicked:
                return

    async def _turn(self) -> tuple[float, bool]:
        """Send what can be sent. Returns how long to rest, and whether something new ends the rest."""
        try:
            await self._work()
        except _AnotherSends:
            return ANOTHER_SENDS_SECONDS, False
        except OptedOut as failure:
            await self._note_opt_out(failure)
        except Refused as failure:
            await self._note(REFUSED, failure)
            return REFUSED_SECONDS, False
        except Away as failure:
            await self._note(AWAY, failure)
            return max(self._backoff(), failure.retry_after), False
        except SpoolUnusable as problem:
            self._say_once("spool", "Learntrace: %s", problem)
            return self._backoff(), False
        except Exception:
            # Nothing of ours may trouble the Jupyter server; what waits is on disk.
            self._say_once("unexpected", "Learntrace: sending failed unexpectedly", exc_info=True)
            return self._backoff(), False
        self._recover()
        return ACCOUNT_SECONDS, True

    async def _work(self) -> None:
        waiting = await self._on_disk(Spool.waiting, self.owner)
        looked = time.monotonic() - self._looked_at < 2 * ACCOUNT_SECONDS
        if self._account_is_old() and (waiting or looked or self.account is None):
            await self._learn(await self._delivery.account())
            waiting = await self._on_disk(Spool.waiting, self.owner)
        if not waiting or not self.collecting:
            return
        try:
            while await self._hold_lease():
                batch = await self._on_disk(Spool.oldest, self.owner, self._most, MOST_BYTES)
                if not batch:
                    return
                await self._send(batch)
                self._most = min(MOST_EVENTS, self._most * 2)
        finally:
            with suppress(SpoolUnusable):
                await self._on_disk(Spool.release, self._holder)

    async def _hold_lease(self) -> bool:
        if not await self._on_disk(Spool.claim, self._holder):
            raise _AnotherSends
        return True

    async def _send(self, events: Sequence[Spooled]) -> None:
        """Send a batch; if Learntrace doesn't take it as a whole, in halves, until the one that it never takes is alone."""
        try:
            receipt = await self._delivery.send([event.body for event in events])
        except BatchRefused as refusal:
            if len(events) == 1:
                await self._settle([], [Rejection(events[0], refusal.code, str(refusal))])
                return
            middle = len(events) // 2
            for half in (events[:middle], events[middle:]):
                await self._hold_lease()
                await self._send(half)
            return
        except Away as failure:
            if failure.broken:
                await self._make_way(events)
            raise
        self._recover()
        rejected = [Rejection(events[index], *why) for index, why in receipt.rejected.items()]
        await self._settle([event for index, event in enumerate(events) if index not in receipt.rejected], rejected)

    async def _settle(self, delivered: Sequence[Spooled], rejected: Sequence[Rejection]) -> None:
        await self._on_disk(Spool.settle, self.owner, delivered, rejected)
        for one in rejected:
            self._say_once(
                f"rejected {one.code}", "Learntrace rejected an event (%s): %s. `jupyter learntrace status` shows all.",
                one.code, one.detail,
            )  # fmt: skip

    async def _make_way(self, events: Sequence[Spooled]) -> None:
        """Learntrace fails over these events, perhaps because of one: try fewer, and at last others before it."""
        if len(events) == 1:
            await self._on_disk(Spool.postpone, events[0])
        self._most = max(1, len(events) // 2)

    def _account_is_old(self) -> bool:
        return time.monotonic() - self._account_at > ACCOUNT_SECONDS

    async def _learn(self, account: Account) -> None:
        self.account, self._account_at = account, time.monotonic()
        await self._on_disk(Spool.learn, self.owner, account)
        if not account.collecting:
            await self._discard()

    async def _note_opt_out(self, failure: Failure) -> None:
        known = self.account or Account(self._settings.credential.claimed)
        self.told = str(failure)
        with suppress(SpoolUnusable):
            await self._learn(replace(known, collecting=False))

    async def _discard(self) -> None:
        dropped = await self._on_disk(Spool.discard, self.owner)
        if dropped:
            self._log.info("Learntrace: the learner doesn't want telemetry; %d waiting events were dropped", dropped)

    async def _note(self, reason: str, failure: Failure) -> None:
        self._say_once(
            reason, "Learntrace at %s %s (%s). Events are kept and sent later.",
            self._settings.url, "is away" if reason == AWAY else "refuses us", failure,
        )  # fmt: skip
        changed = (self.reason, self.told) != (reason, str(failure))
        self.reason, self.told = reason, str(failure)
        if changed:
            with suppress(SpoolUnusable):
                await self._on_disk(Spool.note_error, self.owner, str(failure))

    def _recover(self) -> None:
        if self.reason:
            self._log.info("Learntrace at %s answers again", self._settings.url)
        self.reason = self.told = ""
        self._failures = 0
        # Codes of rejected events stay said: once each is enough.
        self._said -= {AWAY, REFUSED, "spool", "unexpected"}

    def _backoff(self) -> float:
        """Seconds, doubling, with jitter, so that a class whose server returns doesn't meet at its door."""
        self._failures += 1
        longest = min(LAST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(self._failures - 1, 10))
        return max(FIRST_BACKOFF, longest * random.uniform(0.5, 1.0))  # noqa: S311

    def _say_once(self, what: str, text: str, *values: object, exc_info: bool = False) -> None:
        if what not in self._said:
            self._said.add(what)
            self._log.warning(text, *values, exc_info=exc_info)
