"""The collector: takes events from browsers, keeps them in the spool, has them sent, and reports the state of delivery."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tornado.ioloop import IOLoop

from jupyter_learntrace import delivery_state
from jupyter_learntrace.capture import CapturedEvent, Unacceptable, capture_event
from jupyter_learntrace.clocks import ahead_of
from jupyter_learntrace.configuration import Settings
from jupyter_learntrace.delivery import Delivery, Denied, Failure
from jupyter_learntrace.delivery_state import DeliveryState
from jupyter_learntrace.identity import Owner
from jupyter_learntrace.messages import Sentence, _
from jupyter_learntrace.sender import Sender
from jupyter_learntrace.spool import Spool, Totals
from jupyter_learntrace.spool_file import SpoolUnusable

MOST_POSTED_BYTES = 4 * 1024 * 1024
MOST_POSTED = 200
MOST_HELP_BYTES = 8 * 1024


class Refusal(Exception):
    """A request of the browser is refused, with an HTTP status and a reason."""

    def __init__(self, status: int, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True)
class Posted:
    """What a browser posts: events, and its present time in ISO 8601 where it tells it."""

    events: list[Any]
    sent_at: object = None


class Collector:
    """Collects events under one set of settings. `clock` returns the present time in seconds since 1970."""

    def __init__(self, settings: Settings, log: logging.Logger, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._log, self._clock = settings, log, clock
        self._spool = Spool(settings.spool, settings.spool_limit, log)
        # One thread: SQLite blocks on the disk, which the server's loop must not, and a single writer needs no lock.
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="learntrace-spool")
        self._sender = Sender(settings, self._on_disk, Delivery(settings), log, clock)
        self._trouble: Sentence | None = None

    async def start(self) -> None:
        await self._sender.start()

    async def stop(self) -> None:
        await self._sender.stop()
        with suppress(RuntimeError):
            await self._on_disk(Spool.close)
        self._disk.shutdown(wait=False)

    async def take(self, body: bytes, language: str) -> dict[str, Any]:
        """Keep the events of a request's body; they are on disk when this returns. Raises Refusal."""
        if not self._sender.collecting:
            return {"accepted": 0, "rejected": [], "state": await self._state(language)}
        try:
            accepted, rejected = await IOLoop.current().run_in_executor(
                self._disk, self._keep, body, self._sender.owner, self._sender.takes_source, self._clock()
            )
        except SpoolUnusable as problem:
            if self._trouble is None:
                self._log.error("Learntrace: %s Events wait in the browser.", problem)
            self._trouble = problem.sentence
            raise Refusal(503, problem.sentence) from None
        self._trouble = None
        self._sender.wake()
        refusals = [
            {"index": index, "id": identifier, "code": problem.code, "detail": problem.sentence.language(language)}
            for index, identifier, problem in rejected
        ]
        return {"accepted": accepted, "rejected": refusals, "state": await self._state(language)}

    async def state(self, language: str) -> dict[str, Any]:
        await self._sender.refresh()
        return await self._state(language)

    async def consent(self, collecting: bool, language: str) -> dict[str, Any]:
        """Set whether the learner's events may be collected. Raises Refusal."""
        try:
            await self._sender.consent(collecting)
        except Denied:
            raise Refusal(403, _("Your academy doesn't allow turning telemetry off.")) from None
        except Failure as failure:
            raise Refusal(
                503,
                _("Learntrace can't be reached right now (%(told)s). Please try again.", told=Sentence(str(failure))),
            ) from None
        except SpoolUnusable as problem:
            raise Refusal(503, problem.sentence) from None
        return await self._state(language)

    async def help(self, method: str, body: bytes | None, language: str) -> dict[str, Any]:
        """Read the learner's raised hand at Learntrace, raise it or take it back. Raises Refusal."""
        wanted = _wanted_help(body) if body is not None else None
        try:
            return await self._sender.help(method, wanted, language)
        except Denied as denied:
            # Learntrace's own sentence, in the language that it was asked for.
            raise Refusal(403, Sentence(str(denied))) from None
        except Failure as failure:
            raise Refusal(
                503,
                _("Learntrace can't be reached right now (%(told)s). Please try again.", told=Sentence(str(failure))),
            ) from None

    async def _on_disk(self, work: Any, *arguments: Any) -> Any:
        return await IOLoop.current().run_in_executor(self._disk, work, self._spool, *arguments)

    def _keep(
        self, body: bytes, owner: Owner, with_source: bool, now: float
    ) -> tuple[int, list[tuple[int, str | None, Unacceptable]]]:
        """Keep events, in the spool's thread. Return how many, and the index, id and reason of each rejected one."""
        kept: list[CapturedEvent] = []
        rejected: list[tuple[int, str | None, Unacceptable]] = []
        posted = posted_in(body)
        for index, event in enumerate(posted.events):
            outcome = _capture(event, with_source)
            if isinstance(outcome, CapturedEvent):
                kept.append(outcome)
            else:
                identifier = event.get("id") if isinstance(event, dict) else None
                rejected.append((index, identifier if isinstance(identifier, str) else None, outcome))
        if kept:
            self._spool.add(owner, kept, ahead_of(now, posted.sent_at))
        return len(kept), rejected

    async def _state(self, language: str) -> dict[str, Any]:
        sender = self._sender
        waiting, totals = 0, Totals()
        # A spool that can't be read shows in the state, by `_trouble`; the request doesn't fail.
        with suppress(SpoolUnusable):
            waiting = await self._on_disk(Spool.waiting, sender.owner)
            totals = await self._on_disk(Spool.totals, sender.owner)
        state = delivery_state.decide(sender.collecting, sender.reason, sender.message, self._trouble, waiting)
        return delivery_state.document(
            state,
            language,
            self._settings.url,
            waiting,
            totals,
            sender.account,
            sender.collecting and sender.takes_source,
        )


class Idle:
    """Stands in for the collector where nothing is collected."""

    def __init__(self, state: DeliveryState) -> None:
        self._state = state

    async def start(self) -> None:
        """Nothing to do."""

    async def stop(self) -> None:
        """Nothing to do."""

    async def take(self, body: bytes, language: str) -> dict[str, Any]:
        return {"accepted": 0, "rejected": [], "state": await self.state(language)}

    async def state(self, language: str) -> dict[str, Any]:
        return delivery_state.document(self._state, language)

    async def consent(self, collecting: bool, language: str) -> dict[str, Any]:
        raise Refusal(503, self._state.sentence)

    async def help(self, method: str, body: bytes | None, language: str) -> dict[str, Any]:
        """Return that no hand can be raised here: there is no server to raise it at."""
        return {"allowed": False, "academy": None, "hand": None}


def _wanted_help(body: bytes) -> bytes:
    """Return what a hand is to be about as JSON, with the known keys only. Raises Refusal."""
    try:
        document = json.loads(body) if len(body) <= MOST_HELP_BYTES else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Refusal(400, _("The request's body isn't JSON."))
    known = {key: document[key] for key in ("text", "assignment") if isinstance(document.get(key), str)}
    return json.dumps(known).encode()


def _capture(event: object, with_source: bool) -> CapturedEvent | Unacceptable:
    try:
        return capture_event(event, with_source=with_source)
    except Unacceptable as problem:
        return problem


def posted_in(body: bytes) -> Posted:
    """Parse a request's body. Raises Refusal."""
    if len(body) > MOST_POSTED_BYTES:
        raise Refusal(413, _("The request is larger than %(limit)s MiB.", limit=MOST_POSTED_BYTES // 1024 // 1024))
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(400, _("The request's body isn't JSON.")) from None
    events = document.get("events") if isinstance(document, dict) else None
    if not isinstance(events, list) or not 1 <= len(events) <= MOST_POSTED:
        raise Refusal(400, _("The request has to hold a list of 1 to %(limit)s events.", limit=MOST_POSTED))
    return Posted(events, document.get("sent_at"))
