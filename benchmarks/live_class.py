"""A live class: each learner has an execution every 10 seconds and sends LearnPack's state every 30, and a teacher looks.

Figures: the time from a third error to its signal on the teacher's stream, the age of the queues, how long requests take
and refusals, and what it costs. By itself: `python -m benchmarks.live_class --learners 1000 --seconds 60`.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg

from benchmarks.figures import Benchmark, Row
from benchmarks.load import exchange, request
from benchmarks.server import running
from tests.faults.installation import HOST, Installation
from tests.faults.processes import WEB, WORKER, command_of, processes_of

LEARNERS = 1000
SECONDS = 60.0
# Seconds between a learner's executions, and between the states that a client sends.
EXECUTION_PAUSE, STATE_PAUSE = 10.0, 30.0
# Learners meet a third error that often, in seconds, beside the class.
PROBE_PAUSE = 0.5
# What is sent before the figures count, in seconds: everybody's first state is a new record.
WARM_UP = 30.0
CONNECTIONS = 128
STEPS = 8
_EVENTS, _TELEMETRY = "/v1/notebook/me/events", "/v1/assignment/me/telemetry"
_AGES = """
SELECT (SELECT extract(epoch FROM now() - min(created_at)) FROM learnpack_webhook WHERE status = 'PENDING'),
       (SELECT extract(epoch FROM now() - min(created_at)) FROM notebooks_arrival)
"""


@dataclass
class Class:
    """Who takes part: the keys of the learners and of those who meet a third error, and the teacher's."""

    academy: int
    asset: int
    teacher: str
    learners: list[tuple[str, str]]
    probes: list[tuple[str, str]]


@dataclass
class Figures:
    """What was measured; times in milliseconds, ages in seconds."""

    learners: int
    requests: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    signals: list[float] = field(default_factory=list)
    missing: int = 0
    ages: list[float] = field(default_factory=list)
    cores: dict[str, float] = field(default_factory=dict)
    milliseconds: dict[str, float] = field(default_factory=dict)
    megabytes: float = 0.0

    def lines(self) -> dict[str, Any]:
        """Return the figures by name."""
        return {
            "learners": self.learners,
            "requests": dict(self.statuses),
            "request p50, p99 (ms)": [round(_percentile(self.requests, percent), 1) for percent in (50, 99)],
            "refused p50, p99 (ms)": [round(_percentile(self.refused, percent), 1) for percent in (50, 99)],
            "third error to the stream p50, p95 (ms)": [round(_percentile(self.signals, part), 1) for part in (50, 95)],
            "signals": len(self.signals),
            "signals that never came": self.missing,
            "queue age at most, at the end (s)": [round(max(self.ages), 2), round(self.ages[-1], 2)],
            "cores of the server, its database included": round(sum(self.cores.values()), 2),
            "cores of each kind of process": {kind: round(cores, 2) for kind, cores in self.cores.items()},
            "CPU for a request (ms)": {kind: round(took, 2) for kind, took in self.milliseconds.items()},
            "memory, shared pages once (MB)": round(self.megabytes),
        }


def _percentile(values: list[float], percent: int) -> float:
    if len(values) < 2:
        return float("nan")
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def prepare(learners: int, probes: int) -> Class:
    """Create an academy with people and an asset, in the database that Django is set up for."""
    from learntrace.accounts.models import Academy, Membership, Token, User
    from learntrace.assignments.models import Task
    from learntrace.registry.models import Asset

    name = uuid.uuid4().hex[:8]
    academy = Academy.objects.create(slug=f"live-{name}", name="Live")
    asset = Asset.objects.create(slug=f"live-{name}", lang="us", graded=True, academy=academy)
    names = [f"live-{name}-{number}" for number in range(learners + probes)]
    users = User.objects.bulk_create([User(username=username) for username in names])
    Membership.objects.bulk_create([Membership(user=user, academy=academy, role="student") for user in users])
    Task.objects.bulk_create(
        [Task(user=user, title="x", associated_slug=asset.slug, task_type="EXERCISE") for user in users[:learners]]
    )
    teacher = User.objects.create(username=f"live-{name}-teacher")
    Membership.objects.create(user=teacher, academy=academy, role="teacher")
    keys = [(user.username, Token.issue(user)[1]) for user in users]
    return Class(academy.pk, asset.pk, Token.issue(teacher)[1], keys[:learners], keys[learners:])


class _Clients:
    """Keep-alive connections that everybody shares; times count from when a request was due, not from when it was sent."""

    def __init__(self, port: int, figures: Figures) -> None:
        self._port, self._figures = port, figures
        self._free: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None] = asyncio.LifoQueue()
        for _ in range(CONNECTIONS):
            self._free.put_nowait(None)
        self.counts = False

    async def post(self, path: str, key: str, document: object) -> float:
        """Send a document; return when it was answered."""
        due = time.perf_counter()
        body = json.dumps(document).encode()
        streams = await self._free.get()
        try:
            if streams is None:
                streams = await asyncio.open_connection(HOST, self._port)
            headers = {"Authorization": f"Token {key}", "Content-Type": "application/json"}
            status = (await exchange(*streams, request(HOST, path, body, headers))).status
        except (OSError, asyncio.IncompleteReadError):
            streams, status = None, 0
        finally:
            self._free.put_nowait(streams)
        now = time.perf_counter()
        if self.counts:
            answered = self._figures.refused if status in (429, 503) else self._figures.requests
            answered.append((now - due) * 1000)
            self._figures.statuses[status] += 1
        return now


def execution(session: str, assignment: int, outcome: str, code: str) -> dict[str, Any]:
    """Return an event of an executed cell."""
    return {
        "id": str(uuid.uuid4()),
        "verb": "executed",
        "session_id": session,
        "timestamp": iso(time.time()),
        "object": {
            "type": "cell",
            "id": f"c{assignment}",
            "notebook": f"lesson_{assignment:02}.ipynb",
            "assignment": f"assignment:lesson-{assignment}-exercise-1",
            "code_hash": code * 64,
        },
        "result": {"outcome": outcome, "error_name": "NameError", "error_value": "name 'x' is not defined"},
    }


def iso(now: float) -> str:
    """Return a time as clients write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03}Z"


class Package:
    """A learner's state in a package, which grows by a run with each batch; about 6 KB."""

    def __init__(self, asset: int, began: float | None = None) -> None:
        self._asset, self._began = asset, int((began or time.time()) * 1000)
        self._steps: list[dict[str, Any]] = [
            {
                "slug": f"{number:02}-step",
                "position": number,
                "files": [{"path": f"exercises/{number:02}-step/app.py", "name": "app.py", "hidden": False}],
                "compilations": [self._run(number * 1000 + run) for run in range(3)],
                "tests": [],
                "is_testeable": True,
                "opened_at": self._began + number,
            }
            for number in range(STEPS)
        ]
        self._at = 0

    def _run(self, after: int) -> dict[str, Any]:
        return {
            "stdout": "",
            "stderr": "TmFtZUVycm9yOiBuYW1lICd4JyBpcyBub3QgZGVmaW5lZA==" if after % 3 else "",
            "source_code": "cHJpbnQoIkhlbGxvIFdvcmxkIikK",
            "exit_code": 1 if after % 3 else 0,
            "starting_at": self._began + after,
            "ended_at": self._began + after + 20,
        }

    def next(self, at: float | None = None) -> dict[str, Any]:
        """Return the state after another run, now or at that time."""
        now = int((at or time.time()) * 1000)
        self._steps[self._at % STEPS]["compilations"].append(self._run(now - self._began))
        if random.random() < 0.2:
            self._at += 1
        return {
            "asset_id": self._asset,
            "slug": "live",
            "agent": "vscode",
            "tutorial_started_at": self._began,
            "last_interaction_at": now,
            "steps": self._steps,
            "workout_session": [{"started_at": self._began}],
        }


async def _execute(clients: _Clients, key: str, until: float) -> None:
    session = str(uuid.uuid4())
    await asyncio.sleep(random.random() * EXECUTION_PAUSE)
    while time.perf_counter() < until:
        outcome = random.choice(("error", "error", "ok"))
        document = [execution(session, random.randrange(6), outcome, random.choice("abcdef"))]
        await asyncio.gather(clients.post(_EVENTS, key, document), asyncio.sleep(EXECUTION_PAUSE))


async def _send_states(clients: _Clients, key: str, asset: int, until: float) -> None:
    package = Package(asset)
    await asyncio.sleep(random.random() * STATE_PAUSE)
    while time.perf_counter() < until:
        await asyncio.gather(clients.post(_TELEMETRY, key, package.next()), asyncio.sleep(STATE_PAUSE))


async def _probe(clients: _Clients, key: str) -> float:
    """Provoke a signal by a third error; return when it was due."""
    session = str(uuid.uuid4())
    await clients.post(_EVENTS, key, [execution(session, 1, "error", "f"), execution(session, 1, "error", "f")])
    await asyncio.sleep(2 * PROBE_PAUSE)
    due = time.perf_counter()
    await clients.post(_EVENTS, key, [execution(session, 1, "error", "f")])
    return due


async def _watch(port: int, members: Class, seen: dict[str, float]) -> None:
    """Note in `seen` when each learner's signal for consecutive errors arrives on the teacher's stream."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(
        f"GET /v1/signal/academy/stream?kinds=signal HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Token {members.teacher}\r\n"
        f"Academy: {members.academy}\r\n\r\n".encode()
    )
    while True:
        line = await reader.readline()
        if line.startswith(b"data: ") and b"consecutive_errors" in line:
            seen.setdefault(json.loads(line[6:])["learner"]["username"], time.perf_counter())


async def _look_at_queues(url: str, figures: Figures) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            row = await (await connection.execute(_AGES)).fetchone()
            figures.ages.append(max(float(age or 0) for age in row or (0,)))
            await asyncio.sleep(1)


def _cpu(installation: Installation) -> dict[str, float]:
    """Return the CPU seconds of the installation's living processes and of the load generator, by their kind."""
    seconds: defaultdict[str, float] = defaultdict(float, load=time.process_time())
    for process in processes_of(installation.home):
        with suppress(Exception):
            times = process.cpu_times()
            seconds[_kind(command_of(process))] += times.user + times.system
    return seconds


def _kind(command: str) -> str:
    """Return what a process of an installation does, by its command line."""
    kinds = {WEB: "web", WORKER: "worker", "[local]": "database, sessions", "postgres": "database, the rest"}
    return next((kind for words, kind in kinds.items() if words in command), "supervisor")


def _megabytes(installation: Installation) -> float:
    total = 0
    for process in processes_of(installation.home):
        with suppress(Exception):
            total += process.memory_full_info().pss
    return total / 1e6


async def run(installation: Installation, members: Class, seconds: float, warm_up: float) -> Figures:
    """Have the class at work for some seconds; return the figures of what came after the warm-up."""
    figures = Figures(len(members.learners))
    clients = _Clients(installation.port, figures)
    until = time.perf_counter() + warm_up + seconds
    work = [_execute(clients, key, until) for _name, key in members.learners]
    work += [_send_states(clients, key, members.asset, until) for _name, key in members.learners]
    seen: dict[str, float] = {}
    tasks = [asyncio.create_task(one) for one in (*work, _watch(installation.port, members, seen))]
    await asyncio.sleep(warm_up)
    tasks.append(asyncio.create_task(_look_at_queues(installation.database_url, figures)))
    clients.counts = True
    before, began = _cpu(installation), time.perf_counter()
    probes = {}
    for name, key in members.probes:
        probes[name] = asyncio.create_task(_probe(clients, key))
        await asyncio.sleep(PROBE_PAUSE)
        if time.perf_counter() > until:
            break
    used, took = _cpu(installation), time.perf_counter() - began
    spent = {kind: seconds - before.get(kind, 0.0) for kind, seconds in used.items()}
    figures.milliseconds = {kind: seconds * 1000 / max(figures.statuses.total(), 1) for kind, seconds in spent.items()}
    figures.cores = {kind: seconds / took for kind, seconds in spent.items() if kind != "load"}
    figures.megabytes = _megabytes(installation)
    # What is late is waited for, so that it counts.
    with suppress(TimeoutError):
        async with asyncio.timeout(30):
            while not all(name in seen for name in probes):
                await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    due = {name: await task for name, task in probes.items()}
    figures.signals = [(seen[name] - at) * 1000 for name, at in due.items() if name in seen]
    figures.missing = sum(name not in seen for name in due)
    return figures


def measure(installation: Installation, learners: int, seconds: float, warm_up: float = WARM_UP) -> Figures:
    """Make a class and have it at work."""
    return asyncio.run(run(installation, prepare(learners, int(seconds / PROBE_PAUSE)), seconds, warm_up))


def benchmarks(installation: Installation) -> Iterator[Benchmark]:
    name = f"live class of {LEARNERS:,}, third error to the stream, p95"
    row = Row(name, "ms", "its requests, p99")
    latest: list[Figures] = []

    def ours() -> float:
        latest[:] = [measure(installation, LEARNERS, SECONDS)]
        figures = latest[0]
        assert not figures.missing, f"{figures.missing} signals never came"
        row.name = f"{name}; queue age {max(figures.ages):.1f} s at most, {sum(figures.cores.values()):.2f} cores"
        return _percentile(figures.signals, 95)

    yield Benchmark(row, ours, lambda: _percentile(latest[0].requests, 99))


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.live_class", description=__doc__)
    parser.add_argument("--learners", type=int, default=LEARNERS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    purpose = "seconds before the figures count: a large class's first documents take minutes (%(default)s)"
    parser.add_argument("--warm-up", type=float, default=WARM_UP, metavar="SECONDS", help=purpose)
    arguments = parser.parse_args()
    with running() as installation:
        figures = measure(installation, arguments.learners, arguments.seconds, arguments.warm_up)
    print(json.dumps(figures.lines(), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
