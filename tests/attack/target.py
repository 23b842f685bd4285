"""The copy that is attacked: an installation of its own, with what an attack asks of it and measures on it."""

import gzip
import http.client
import json
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.attack.cast import ALPHA, LEARNER, Person, roster
from tests.faults.installation import HOST, Installation
from tests.support.waiting import wait_until

TELEMETRY = "/v1/assignment/me/telemetry"
EVENTS = "/v1/notebook/me/events"
# What a person in front of a page takes for an answer at once.
PROMPT_SECONDS = 2.0


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    cookies: tuple[str, ...] = ()

    def json(self) -> Any:
        return json.loads(self.body)


class Target:
    """A running installation with two academies (`cast`)."""

    def __init__(self, folder: Path) -> None:
        self.installation = Installation(folder / "var")
        self._folder = folder

    def start(self) -> None:
        path = self._folder / "roster.json"
        path.write_text(json.dumps(roster()))
        self.installation.start()
        imported = self.installation.command(
            "roster", "import", str(path), LEARNTRACE_DATABASE_URL=self.installation.database_url
        )
        assert imported.wait(120) == 0, self.installation.log_tail()

    @property
    def port(self) -> int:
        return self.installation.port

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self.installation.sql(statement, *values)

    def ask(
        self,
        method: str,
        path: str,
        person: Person | None = None,
        body: bytes | Mapping[str, Any] | Sequence[Any] | None = None,
        *,
        academy: int | None = None,
        timeout: float = 120,
        **headers: str,
    ) -> Response:
        """Send one request on a connection of its own; `body`: bytes, or what is sent as JSON."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if person is not None:
            sent.setdefault("Authorization", f"Token {person.key}")
        if academy is not None:
            sent["Academy"] = str(academy)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(HOST, self.port, timeout=timeout)
        began = time.monotonic()
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            text = answer.read()
            cookies = tuple(answer.headers.get_all("Set-Cookie") or ())
            return Response(answer.status, dict(answer.headers), text, time.monotonic() - began, cookies)
        finally:
            connection.close()

    def send(self, person: Person, document: Mapping[str, Any]) -> Response:
        """Send a LearnPack batch."""
        return self.ask("POST", TELEMETRY, person, document)

    def send_packed(self, person: Person, document: Mapping[str, Any]) -> Response:
        """Send a LearnPack batch as gzip."""
        packed = gzip.compress(json.dumps(document).encode())
        return self.ask("POST", TELEMETRY, person, packed, Content_Encoding="gzip", Content_Type="application/json")

    def settle(self, seconds: float = 60) -> None:
        """Wait until no webhook is due any more: deferred ones may wait for their time."""
        due = "SELECT count(*) FROM learnpack_webhook WHERE status = 'PENDING' AND retry_at <= now()"
        wait_until(lambda: self.sql(due) == [(0,)], "every webhook that is due processed", seconds)

    def beside(self) -> Response:
        """Send a small batch of a learner as one does while others attack."""
        return self.send(LEARNER, {"asset_id": 301, "slug": "alpha-intro", "steps": [], "workout_session": []})

    def connect(self, timeout: float = 30) -> socket.socket:
        return socket.create_connection((HOST, self.port), timeout=timeout)

    def is_alive(self) -> bool:
        """Whether the health check answers a new connection promptly."""
        try:
            return self.ask("GET", "/health/live", timeout=PROMPT_SECONDS).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def web(self) -> psutil.Process:
        """The process that answers requests."""
        return self.installation.only("web_child")

    def worker(self) -> psutil.Process:
        return self.installation.only("worker")

    def record(self, person: Person, slug: str) -> list[tuple[Any, ...]]:
        """The telemetry record of a learner on an asset."""
        return self.sql(
            "SELECT telemetry, engagement_score, completion_rate FROM assignments_assignmenttelemetry "
            "WHERE user_id = %s AND asset_slug = %s",
            person.id,
            slug,
        )

    def teacher_sees(self, teacher: Person, path: str, academy: int = ALPHA) -> str:
        """The text of an answer to a teacher, as the API gives it."""
        return self.ask("GET", path, teacher, academy=academy).body.decode(errors="replace")


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def megabytes(process: psutil.Process) -> float:
    """Return a process's resident memory in MiB."""
    return float(process.memory_info().rss) / 1024 / 1024
