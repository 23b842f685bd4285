"""Sends the events of the spool to Learntrace, in the order of their arrival, until Learntrace has settled each."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from jupyter_learntrace.clocks import with_sent_at
from jupyter_learntrace.configuration import Settings
from jupyter_learntrace.delivery import Away, BatchRefused, Delivery, Failure, OptedOut, Refused
from jupyter_learntrace.identity import Account, Owner, owner_of
from jupyter_learntrace.lease import Holder
from jupyter_learntrace.spool import Rejection, Spool, Spooled
from jupyter_learntrace.spool_file import SpoolUnusable

# The number of events that Learntrace takes in one batch, and a size well below its limit.
MOST_EVENTS = 500
MOST_BYTES = 1024 * 1024

ACCOUNT_SECONDS = 60.0
# Source is kept only if the academy's decision to collect it is at most this old.
SOURCE_SECONDS = 300.0
REFUSED_SECONDS = 60.0
FIRST_BACKOFF, LAST_BACKOFF = 1.0, 30.0
ANOTHER_SENDS_SECONDS = 2.0
LAST_ATTEMPT_SECONDS = 2.0

AWAY, REFUSED = "server-away", "refused"

OnDisk = Callable[..., Awaitable[Any]]


class _AnotherSends(Exception):
    """Another Jupyter server of the user holds the lease of this spool."""


class Sender:
    """A loop that asks for the account, sends, and rests. `on_disk` calls a method of the spool in its thread."""

    def __init__(
        self,
        settings: Settings,
        on_disk: OnDisk,
        delivery: Delivery,
        log: logging.Logger,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.reason = ""  # why nothing can be sent: "", server-away or refused
        self.message = ""  # what Learntrace or the system said about that
        self.account: Account | None = None
        self._settings, self._on_disk, self._delivery, self._log = settings, on_disk, delivery, log
        self._clock = clock
        self._holder = Holder()
        self._account_at = self._viewed_at = float("-inf")
        self._decisions = 0  # how often the learner has said yes or no here
        self._failures = 0
        self._batch_limit = MOST_EVENTS
        self._logged: set[str] = set()
        self._stopping = False
        self._wake: asyncio.Event | None = None
        self._first_turn: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def owner(self) -> Owner:
        return owner_of(self._settings.url, self._settings.credential, self.account.actor if self.account else "")

    @property
    def collecting(self) -> bool:
        """Whether the learner's events may be kept: until Learntrace says that they may not."""
        return self.account is None or self.account.collecting

    @property
    def takes_source(self) -> bool:
        fresh = time.monotonic() - self._account_at < SOURCE_SECONDS
        return fresh and self.account is not None and self.account.collects_source

    async def start(self) -> None:
        wake, first_turn = self._wake, self._first_turn = asyncio.Event(), asyncio.Event()
        with suppress(SpoolUnusable):
            self.account = (await self._on_disk(Spool.totals, self.owner)).account
        self._task = asyncio.get_running_loop().create_task(self._run(wake, first_turn))

    def wake(self) -> None:
        """End the loop's rest: there is something to send."""
        if self._wake is not None:
            self._wake.set()

    async def refresh(self, seconds: float = 2.0) -> None:
        """Have the account asked for again if it is old, because it is being viewed; wait for the loop's first turn."""
        self._viewed_at = time.monotonic()
        if self._account_is_old():
            self.wake()
        if self._first_turn is not None and not self._first_turn.is_set():
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._first_turn.wait(), seconds)

    async def consent(self, collecting: bool) -> None:
        """Set whether the learner's events may be collected. Raises a Failure or SpoolUnusable."""
        account = await self._delivery.consent(collecting)
        self._decisions += 1
        await self._store_account(account)
        self.wake()

    async def help(self, method: str, body: bytes | None, language: str) -> dict[str, Any]:
        """Ask for the learner's raised hand, raise it or take it back. Raises a Failure."""
        return await self._delivery.help(method, body, language)

    async def stop(self) -> None:
        """Stop, after a short last attempt to send. Events that are not sent stay in the spool."""
        self._stopping = True
        self.wake()
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

    async def _run(self, wake: asyncio.Event, first_turn: asyncio.Event) -> None:
        while not self._stopping:
            seconds, wakes_early = await self._turn()
            first_turn.set()
            await self._rest(wake, seconds, wakes_early)

    async def _rest(self, wake: asyncio.Event, seconds: float, wakes_early: bool) -> None:
        """Rest; with `wakes_early`, until woken. New events don't make an absent server be asked more often."""
        end = time.monotonic() + seconds
        while not self._stopping and (left := end - time.monotonic()) > 0:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(wake.wait(), left)
            woken = wake.is_set()
            wake.clear()
            if woken and wakes_early:
                return

    async def _turn(self) -> tuple[float, bool]:
        """Send what can be sent. Return how many seconds to rest, and whether a new event ends the rest."""
        try:
            await self._work()
        except _AnotherSends:
            return ANOTHER_SENDS_SECONDS, False
        except OptedOut as failure:
            await self._record_opt_out(failure)
        except Refused as failure:
            await self._record_failure(REFUSED, failure)
            return REFUSED_SECONDS, False
        except Away as failure:
            await self._record_failure(AWAY, failure)
            return max(self._backoff(), failure.retry_after), False
        except SpoolUnusable as problem:
            self._log_once("spool", "Learntrace: %s", problem)
            return self._backoff(), False
        except Exception:
            # A defect here must not disturb the Jupyter server; waiting events are on disk.
            self._log_once("unexpected", "Learntrace: sending failed unexpectedly", exc_info=True)
            return self._backoff(), False
        self._recover()
        return ACCOUNT_SECONDS, True

    async def _work(self) -> None:
        waiting = await self._on_disk(Spool.waiting, self.owner)
        viewed = time.monotonic() - self._viewed_at < 2 * ACCOUNT_SECONDS
        if self._account_is_old() and (waiting or viewed or self.account is None):
            await self._ask_account()
            waiting = await self._on_disk(Spool.waiting, self.owner)
        if not waiting or not self.collecting:
            return
        try:
            while await self._hold_lease():
                batch = await self._on_disk(Spool.oldest, self.owner, self._batch_limit, MOST_BYTES)
                if not batch:
                    return
                await self._send(batch)
                self._batch_limit = min(MOST_EVENTS, self._batch_limit * 2)
        finally:
            with suppress(SpoolUnusable):
                await self._on_disk(Spool.release, self._holder)

    async def _ask_account(self) -> None:
        """Ask for the account. An answer that a decision of the learner overtook may be older than it, and is dropped."""
        decisions = self._decisions
        account = await self._delivery.account()
        if decisions == self._decisions:
            await self._store_account(account)

    async def _hold_lease(self) -> bool:
        if not await self._on_disk(Spool.claim, self._holder):
            raise _AnotherSends
        return True

    async def _send(self, events: Sequence[Spooled]) -> None:
        """Send a batch. If Learntrace refuses it as a whole, send its halves, until the event to blame is alone."""
        try:
            now = self._clock()
            receipt = await self._delivery.send([with_sent_at(event.body, event.ahead_ms, now) for event in events])
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
                await self._shrink_batch(events)
            raise
        self._recover()
        rejected = [Rejection(events[index], *reason) for index, reason in receipt.rejected.items()]
        await self._settle([event for index, event in enumerate(events) if index not in receipt.rejected], rejected)

    async def _settle(self, delivered: Sequence[Spooled], rejected: Sequence[Rejection]) -> None:
        await self._on_disk(Spool.settle, self.owner, delivered, rejected)
        text = "Learntrace rejected an event (%s): %s. `jupyter learntrace status` shows all."
        for rejection in rejected:
            self._log_once(f"rejected {rejection.code}", text, rejection.code, rejection.detail)

    async def _shrink_batch(self, events: Sequence[Spooled]) -> None:
        """Send fewer events next, as one of these may make Learntrace fail; postpone an event that fails alone."""
        if len(events) == 1:
            await self._on_disk(Spool.postpone, events[0])
        self._batch_limit = max(1, len(events) // 2)

    def _account_is_old(self) -> bool:
        return time.monotonic() - self._account_at > ACCOUNT_SECONDS

    async def _store_account(self, account: Account) -> None:
        self.account, self._account_at = account, time.monotonic()
        await self._on_disk(Spool.store_account, self.owner, account)
        if not account.collecting:
            await self._discard()

    async def _record_opt_out(self, failure: Failure) -> None:
        known = self.account or Account(self._settings.credential.claimed)
        self.message = str(failure)
        with suppress(SpoolUnusable):
            await self._store_account(replace(known, collecting=False))

    async def _discard(self) -> None:
        dropped = await self._on_disk(Spool.discard, self.owner)
        if dropped:
            self._log.info("Learntrace: the learner doesn't want telemetry; %d waiting events were dropped", dropped)

    async def _record_failure(self, reason: str, failure: Failure) -> None:
        what = "is away" if reason == AWAY else "refuses us"
        text = "Learntrace at %s %s (%s). Events are kept and sent later."
        self._log_once(reason, text, self._settings.url, what, failure)
        changed = (self.reason, self.message) != (reason, str(failure))
        self.reason, self.message = reason, str(failure)
        if changed:
            with suppress(SpoolUnusable):
                await self._on_disk(Spool.record_error, self.owner, str(failure))

    def _recover(self) -> None:
        if self.reason:
            self._log.info("Learntrace at %s answers again", self._settings.url)
        self.reason = self.message = ""
        self._failures = 0
        # Codes of rejected events stay: each is logged once only.
        self._logged -= {AWAY, REFUSED, "spool", "unexpected"}

    def _backoff(self) -> float:
        """Return seconds that double with each failure. Jitter spreads a class over time when its server returns."""
        self._failures += 1
        longest = min(LAST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(self._failures - 1, 10))
        return max(FIRST_BACKOFF, longest * random.uniform(0.5, 1.0))  # noqa: S311

    def _log_once(self, key: str, text: str, *values: object, exc_info: bool = False) -> None:
        if key not in self._logged:
            self._logged.add(key)
            self._log.warning(text, *values, exc_info=exc_info)
