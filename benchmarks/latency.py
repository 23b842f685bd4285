"""The time from a learner's failed execution to the signal on the live stream, while 200 learners work.

The reference is the time to the acknowledgement of the same execution (`accepted`), for which a client waits anyway.
"""

import asyncio
import json
import random
import statistics
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from benchmarks.figures import Benchmark, Row
from benchmarks.load import exchange, request
from learntrace.accounts.models import Academy, Membership, Token, User
from tests.faults.installation import HOST, Installation

LEARNERS = 200
# Seconds between a learner's executions, most of which fail.
PAUSE = 3.0
PROBES = 40
PROBE_PAUSE = 0.5
PATH = "/v1/notebook/me/events"


def _prepare() -> tuple[Academy, str, list[str]]:
    academy = Academy.objects.create(slug=f"bench-latency-{uuid.uuid4().hex[:8]}", name="Bench")
    teacher = User.objects.create(username=f"teacher-{academy.pk}")
    Membership.objects.create(user=teacher, academy=academy, role="teacher")
    keys = []
    for number in range(LEARNERS + PROBES):
        user = User.objects.create(username=f"worker-{academy.pk}-{number}")
        Membership.objects.create(user=user, academy=academy, role="student")
        keys.append(Token.issue(user)[1])
    return academy, Token.issue(teacher)[1], keys


def _event(session: str, code: str, outcome: str) -> dict[str, Any]:
    tag = f"assignment:lesson-{random.randrange(6)}-exercise-1" if code else "assignment:lesson-1-exercise-1"
    return {
        "id": str(uuid.uuid4()),
        "verb": "executed",
        "session_id": session,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "object": {
            "type": "cell",
            "id": "c1",
            "notebook": "lesson_01.ipynb",
            "assignment": tag,
            "code_hash": (code or "f") * 64,
        },
        "result": {"outcome": outcome, "error_name": "NameError", "error_value": "name 'x' is not defined"},
    }


class _Connection:
    """A learner's connection to the server."""

    def __init__(self, port: int, key: str) -> None:
        self._port, self._key = port, key
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, *events: dict[str, Any]) -> None:
        if self._streams is None:
            self._streams = await asyncio.open_connection(HOST, self._port)
        reader, writer = self._streams
        headers = {"Authorization": f"Token {self._key}", "Content-Type": "application/json"}
        answer = await exchange(reader, writer, request(HOST, PATH, json.dumps(events).encode(), headers))
        assert answer.status == 200, answer
        assert json.loads(answer.body)["accepted"] == len(events), answer


async def _work(connection: _Connection, until: float) -> None:
    session = str(uuid.uuid4())
    await asyncio.sleep(random.random() * PAUSE)
    while time.perf_counter() < until:
        await connection.post(_event(session, random.choice("abcdef"), random.choice(("error", "error", "ok"))))
        await asyncio.sleep(random.random() * 2 * PAUSE)


async def _watch(port: int, key: str, academy: int, seen: dict[str, float], ready: asyncio.Event) -> None:
    """Store in `seen` when each learner's first signal for consecutive errors arrives."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(
        f"GET /v1/signal/academy/stream?kinds=signal HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Token {key}\r\n"
        f"Academy: {academy}\r\n\r\n".encode()
    )
    while True:
        line = await reader.readline()
        ready.set()
        if line.startswith(b"data: ") and b"consecutive_errors" in line:
            signal = json.loads(line[6:])
            seen.setdefault(signal["learner"]["username"], time.perf_counter())


async def _probe(connection: _Connection) -> tuple[float, float]:
    """Provoke a signal with a third failed execution; return when it was sent, and the seconds to its acknowledgement."""
    session = str(uuid.uuid4())
    await connection.post(_event(session, "", "error"), _event(session, "", "error"))
    await asyncio.sleep(PROBE_PAUSE)
    start = time.perf_counter()
    await connection.post(_event(session, "", "error"))
    return start, time.perf_counter() - start


async def _run(
    installation: Installation, academy: Academy, teacher: str, keys: list[str]
) -> tuple[list[float], list[float]]:
    """Return the seconds to the signal, and to the acknowledgement, of each probe."""
    port = installation.port
    until = time.perf_counter() + PROBES * PROBE_PAUSE + 6
    workers = [asyncio.create_task(_work(_Connection(port, key), until)) for key in keys[:LEARNERS]]
    seen: dict[str, float] = {}
    ready = asyncio.Event()
    watcher = asyncio.create_task(_watch(port, teacher, academy.pk, seen, ready))
    await ready.wait()
    await asyncio.sleep(3)
    probes = {
        f"worker-{academy.pk}-{number}": await _probe(_Connection(port, key))
        for number, key in enumerate(keys[LEARNERS:], LEARNERS)
    }
    await asyncio.sleep(3)
    watcher.cancel()
    for worker in workers:
        worker.cancel()
    missing = probes.keys() - seen.keys()
    assert not missing, f"{len(missing)} signals never came"
    signalled = [seen[name] - start for name, (start, _seconds) in probes.items()]
    return signalled, [seconds for _start, seconds in probes.values()]


def benchmarks(installation: Installation) -> Iterator[Benchmark]:
    name = f"failed execution to signal on the stream, {LEARNERS} at work"
    row = Row(name, "ms", "the same execution to `accepted`")
    acknowledged: list[float] = []

    def ours() -> float:
        signalled, acknowledged[:] = asyncio.run(_run(installation, *_prepare()))
        p95 = statistics.quantiles(signalled, n=20, method="inclusive")[18] * 1000
        row.name = f"{name}, median; p95 {p95:,.0f} ms"
        return statistics.median(signalled) * 1000

    yield Benchmark(row, ours, lambda: statistics.median(acknowledged) * 1000)
