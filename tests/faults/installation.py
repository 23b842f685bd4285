"""A whole Learntrace of its own: a home, a port and the processes of the real command, to start, hurt and stop."""

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import psycopg

from learntrace.config.postgres.server import EmbeddedPostgres
from tests.faults.processes import Roles, processes_of
from tests.support.paths import CHECKOUT
from tests.support.template_database import copy_prepared_home
from tests.support.waiting import wait_until

HOST = "127.0.0.1"
# Other tests may load the machine meanwhile, and a clean stop may then take longer than the ten seconds of the default.
STOP_SECONDS = 40
_OURS = ("LEARNTRACE_", "PROMETHEUS_", "DJANGO_", "CELERY_", "PG")


def free_port() -> int:
    """A port that is free, below those that the kernel gives to clients: one of them could meet itself there."""
    while True:
        port = random.SystemRandom().randrange(18000, 31000)
        if port_is_free(port):
            return port


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


class Installation:
    """`serve` on a home, and what runs beside it. `database_url`: a server of the test's, instead of the embedded one;
    `stop_seconds`: LEARNTRACE_STOP_SECONDS; `workers`: those of `serve`, 0 for as many as it has by
    default."""

    def __init__(
        self,
        home: Path,
        *,
        broker_url: str = "",
        database_url: str = "",
        stop_seconds: int = STOP_SECONDS,
        workers: int = 1,
    ) -> None:
        self.home = home
        self.port = free_port()
        self.output = home.parent / f"{home.name}.log"
        self.serve: subprocess.Popen[bytes] | None = None
        self.beside: list[subprocess.Popen[bytes]] = []
        self.stop_seconds = stop_seconds
        self.workers = workers
        self._broker_url, self._database_url = broker_url, database_url

    @property
    def database_url(self) -> str:
        return self._database_url or EmbeddedPostgres(self.home).url

    def environment(self) -> dict[str, str]:
        """Ours without any setting, and those of this installation."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return kept | {
            "LEARNTRACE_HOME": str(self.home),
            "LEARNTRACE_BROKER_URL": self._broker_url,
            "LEARNTRACE_DATABASE_URL": self._database_url,
            "LEARNTRACE_STOP_SECONDS": str(self.stop_seconds),
            "PYTHONUNBUFFERED": "1",
        }

    def command(self, *words: str, **more: str) -> "subprocess.Popen[bytes]":
        """Start `learntrace ...`; what it says goes to our log."""
        with self.output.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "learntrace.config", *words],
                cwd=CHECKOUT,
                env=self.environment() | more,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def prepare(self) -> None:
        """Begin with a home whose database has its tables, instead of having the first start make them.

        PostgreSQL's account must be able to enter the folder, as it can that of folder_on_disk().
        """
        copy_prepared_home(self.home)

    def start(self) -> None:
        """Start `serve`, and wait until it answers and works."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        workers = ("--workers", str(self.workers)) if self.workers else ()
        self.serve = self.command("serve", "--port", str(self.port), *workers)

    def start_worker(self, number: int | None = None) -> None:
        """Start a worker beside `serve`, one more or again the one of this number."""
        worker = self.command("worker", "--workers", "1", LEARNTRACE_DATABASE_URL=self.database_url)
        if number is None:
            self.beside.append(worker)
        else:
            self.beside[number] = worker

    def tend(self) -> None:
        """What a process manager does: start again what has ended of that which nobody else watches."""
        if self.serve is not None and self.serve.poll() is not None:
            self.launch()
        for number, worker in enumerate(self.beside):
            if worker.poll() is not None:
                self.start_worker(number)

    def wait_ready(self, seconds: float = 120) -> None:
        wait_until(self._is_ready, "ready", seconds)

    def _is_ready(self) -> bool:
        assert self.serve is not None
        assert self.serve.poll() is None, "serve has ended"
        try:
            return self.get("/health/ready")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def get(self, path: str, key: str = "") -> tuple[int, Any]:
        return self.request("GET", path, key)

    def post(self, document: dict[str, Any], key: str) -> int:
        """Send telemetry; the status of the answer, `ok` for 200."""
        status, body = self.request("POST", "/v1/assignment/me/telemetry", key, json.dumps(document))
        assert (status == 200) == (body == "ok")
        return status

    def request(self, method: str, path: str, key: str = "", body: str | None = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        try:
            headers = {"Authorization": f"Token {key}"} if key else {}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            is_json = "json" in answer.headers.get("Content-Type", "")
            return answer.status, json.loads(text) if is_json else text
        finally:
            connection.close()

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True, connect_timeout=60) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def count(self, status: str) -> int:
        (row,) = self.sql("SELECT count(*) FROM learnpack_webhook WHERE status = %s", status)
        return int(row[0])

    def wait_processed(self, seconds: float) -> None:
        """Wait until no webhook is pending."""
        wait_until(lambda: self.count("PENDING") == 0, "every webhook processed", seconds)

    def find(self, role: str) -> list[psutil.Process]:
        """The living processes of a role, as Roles names them."""
        assert self.serve is not None
        try:
            return Roles(psutil.Process(self.serve.pid), *(psutil.Process(one.pid) for one in self.beside)).find(role)
        except psutil.NoSuchProcess:
            return []

    def only(self, role: str) -> psutil.Process:
        """The first process of a role, when it has come."""
        wait_until(lambda: self.find(role), f"a process for the role {role}")
        return self.find(role)[0]

    def kill(self, role: str, choice: random.Random) -> int:
        """SIGKILL a process of a role, when one has come; its pid."""
        while True:
            wait_until(lambda: self.find(role), f"a process for the role {role}")
            if found := self.find(role):
                victim = choice.choice(found)
                try:
                    victim.kill()
                except psutil.NoSuchProcess:
                    continue
                return int(victim.pid)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Ask `serve` to end; its exit code, and the seconds until it had."""
        assert self.serve is not None
        began = time.monotonic()
        self.serve.send_signal(number)
        return self.serve.wait(60 + self.stop_seconds), time.monotonic() - began

    def stop_beside(self) -> list[int]:
        for worker in self.beside:
            worker.terminate()
        return [worker.wait(60 + self.stop_seconds) for worker in self.beside]

    def left(self) -> list[str]:
        """What is still alive of it, in words."""
        return [f"{one.pid} {' '.join(one.cmdline())}" for one in processes_of(self.home) if one.is_running()]

    def clear(self) -> None:
        """End whatever is alive, for the next test's sake."""
        for started in filter(None, (self.serve, *self.beside)):
            started.kill()
            started.wait()
        for process in processes_of(self.home):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        wait_until(lambda: not processes_of(self.home), "their end")

    def log(self) -> str:
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def log_tail(self, lines: int = 60) -> str:
        told = [line for line in self.log().splitlines() if "webhooks processed" not in line]
        return "\n".join(told[-lines:])


Install = Callable[..., Installation]
