"""Learners who send without a pause, each request with a marker of its own, and what they were told."""

import asyncio
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from benchmarks.load import request
from tests.faults.academy import LEARNERS, NAMES_OF, Learner
from tests.faults.installation import HOST
from tests.support.waiting import wait_until

PATIENCE = 25.0  # far above any wait that the server allows itself
_EPOCH_MS = 1_780_000_000_000


@dataclass(frozen=True)
class Sent:
    """One request: what it was about, and its place in the order of batches (contract, 3.3) but for the receipt."""

    marker: str
    learner: int
    asset: str
    event: str
    moment_ms: int | None
    completion: float

    def order(self, receipt: int) -> tuple[bool, int, int]:
        return (self.moment_ms is not None, self.moment_ms or 0, receipt)


@dataclass
class Told:
    """What came of the requests, kept by one thread and read by another."""

    sent: dict[str, Sent] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    # When the latest request that was answered ok had been begun.
    latest_ok_began: float = 0.0
    slowest: float = 0.0


class Crowd:
    """A context: inside it, all learners send; after it, none does and `told` stays as it is."""

    def __init__(self, port: int, seed: int, *, pause: float = 0.02) -> None:
        self.told = Told()
        self._port, self._seed, self._pause = port, seed, pause
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="crowd")

    def __enter__(self) -> "Crowd":
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stopping.set()
        self._thread.join(PATIENCE + 10)
        assert not self._thread.is_alive()

    def wait_answered(self, since: float, seconds: float = 40) -> None:
        """Wait until a request that began after a moment (time.monotonic) was answered ok."""
        wait_until(lambda: self.told.latest_ok_began > since, "a request answered ok", seconds)

    def wait_accepted(self, more: int) -> None:
        """Wait until so many more requests were answered ok."""
        goal = len(self.told.accepted) + more
        wait_until(lambda: len(self.told.accepted) >= goal, f"{more} more requests answered ok")

    async def _run(self) -> None:
        await asyncio.gather(*(self._learn(learner) for learner in LEARNERS))

    async def _learn(self, learner: Learner) -> None:
        choice = random.Random(f"{self._seed} {learner.id}")
        number, writer = 0, None
        while not self._stopping.is_set():
            number += 1
            sent, raw = _compose(learner, number, choice)
            self.told.sent[sent.marker] = sent
            began = time.monotonic()
            try:
                async with asyncio.timeout(PATIENCE):
                    if writer is None:
                        reader, writer = await asyncio.open_connection(HOST, self._port)
                    status, body = await _exchange(reader, writer, raw)
            except TimeoutError:
                self.told.answers["no answer in time"] += 1
            except (OSError, EOFError) as error:
                # The server was killed, or is not there: begin anew.
                self.told.answers[type(error).__name__] += 1
            else:
                self._note(sent, status, body, began)
                await asyncio.sleep(choice.uniform(0, 2 * self._pause))
                continue
            if writer is not None:
                writer.transport.abort()
            writer = None
            await asyncio.sleep(choice.uniform(0.05, 0.3))
        if writer is not None:
            writer.transport.abort()
        await asyncio.sleep(0)  # lets the transport close itself

    def _note(self, sent: Sent, status: int, body: bytes, began: float) -> None:
        self.told.answers[str(status)] += 1
        self.told.slowest = max(self.told.slowest, time.monotonic() - began)
        if body == b"ok":
            assert status == 200
            self.told.accepted.add(sent.marker)
            self.told.latest_ok_began = max(self.told.latest_ok_began, began)


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytes) -> tuple[int, bytes]:
    writer.write(raw)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
    return int(head[9:12]), await reader.readexactly(length)


def _compose(learner: Learner, number: int, choice: random.Random) -> tuple[Sent, bytes]:
    """A request: mostly a batch, whose time jumps back and forth and takes every form; now and then an event."""
    marker = f"{learner.id}-{number}"
    asset = choice.choice(list(NAMES_OF))
    document: dict[str, Any] = {"slug": choice.choice(NAMES_OF[asset]), "user_id": learner.id, "marker": marker}
    if choice.random() < 0.15:
        document |= {"event": "open_step", "step_position": number}
        sent = Sent(marker, learner.id, asset, "open_step", None, 0.0)
    else:
        moment = None if choice.random() < 0.1 else _EPOCH_MS + number * 1000 + choice.randrange(-20_000, 20_000)
        done = choice.randrange(4)
        document |= _state(moment, done, choice)
        sent = Sent(marker, learner.id, asset, "batch", moment, 25.0 * done)
    body = json.dumps(document).encode()
    headers = {"Authorization": f"Token {learner.key}"}
    return sent, request(HOST, "/v1/assignment/me/telemetry", body, headers)


def _state(moment: int | None, done: int, choice: random.Random) -> dict[str, Any]:
    """A learner's whole state, with `done` of four steps completed."""
    start = _EPOCH_MS - 3_600_000
    run = {"starting_at": start, "ended_at": start + 900, "exitCode": 1, "source_code": "x" * choice.choice((20, 4000))}
    steps = [
        {"slug": f"0{n}-step", "opened_at": start + n, "completed_at": start + 60_000 if n < done else None,
         "compilations": [run] * choice.randrange(3), "tests": []}
        for n in range(4)
    ]  # fmt: skip
    shown: object = moment
    if moment is not None and choice.random() < 0.3:
        shown = datetime.fromtimestamp(moment / 1000, UTC).isoformat()
    told = {} if moment is None else {"last_interaction_at": shown}
    return {"steps": steps, "tutorial_started_at": start, "workout_session": [{"started_at": start}], **told}
