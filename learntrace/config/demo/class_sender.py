"""Send events as a Jupyter server does: packed batches over several connections, retried if the server is busy."""

import gzip
import http.client
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from learntrace.config.demo.class_events import Timed
from learntrace.core.progress_line import ProgressLine

EVENTS_PATH = "/v1/notebook/me/events"
MOST_EVENTS = 500
# Seconds between two checks for events that are due, in a replay that keeps time.
_LOOK_SECONDS = 0.2
_BUSY = (429, 502, 503, 504)
_ATTEMPTS = 12
_LONGEST_PAUSE = 30.0
_SHOWN = 5
WRONG_INSTALLATION = (
    "is another installation's server: LEARNTRACE_HOME and LEARNTRACE_DATABASE_URL must be those that it has"
)


class SendError(Exception):
    """The server refuses the events; the text says what it answered."""


@dataclass
class Sent:
    """Counts of the events that the server has answered for."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    retries: int = 0
    seconds: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def events(self) -> int:
        return self.accepted + self.duplicates + self.rejected

    @property
    def per_second(self) -> float:
        return self.events / self.seconds if self.seconds else 0.0


class Server:
    """A server's URL and a key to an academy on it. Each thread has its own connection."""

    def __init__(self, url: str, key: str = "", academy: int | None = None) -> None:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SendError(f"{url} is not an address such as http://127.0.0.1:8000")
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path.rstrip("/")
        self._is_safe = parts.scheme == "https"
        self._headers = {"Authorization": f"Token {key}"} if key else {}
        if academy is not None:
            self._headers["Academy"] = str(academy)
        self._own = threading.local()

    def request(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, Any, float | None]:
        """Send a request; return the answer's status and JSON, and the seconds that it asks to wait.

        Raises OSError or http.client.HTTPException; the next request then opens a new connection.
        """
        connection = getattr(self._own, "connection", None)
        if connection is None:
            kind = http.client.HTTPSConnection if self._is_safe else http.client.HTTPConnection
            connection = self._own.connection = kind(self._host, self._port, timeout=60)
        try:
            connection.request(method, self._path + path, body, {**self._headers, **headers})
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        wait = answer.headers.get("Retry-After", "")
        return answer.status, _decoded(text), float(wait) if wait.isascii() and wait.isdigit() else None

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._own, "connection", None)
        if connection is not None:
            connection.close()
            self._own.connection = None

    def is_ready(self) -> bool:
        """Whether the server answers and is ready."""
        try:
            return self.request("GET", "/health/ready")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def put(self, path: str, document: dict[str, Any]) -> None:
        """Send a PUT request with a JSON document.

        Raises SendError.
        """
        try:
            status, answer, _wait = self.request(
                "PUT", path, json.dumps(document).encode(), **{"Content-Type": "application/json"}
            )
        except (OSError, http.client.HTTPException) as error:
            raise SendError(f"{self.url} doesn't answer: {error}") from error
        if status == 401:
            raise SendError(f"{self.url} {WRONG_INSTALLATION} ({_detail_of(answer)})")
        if status >= 300:
            raise SendError(f"{self.url}{path} answered {status}: {_detail_of(answer)}")


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text[:200].decode(errors="replace")


def _detail_of(answer: Any) -> str:
    return str(answer.get("detail", answer) if isinstance(answer, dict) else answer)


class Sender:
    """Sends events in their order through several clients; each posts its next batch when the last one was answered.

    With a `speed` an event is sent when its time since the first event, divided by the speed, has passed.
    """

    def __init__(self, server: Server, stopping: threading.Event, clients: int) -> None:
        self.sent = Sent()
        self._server, self._stopping, self._clients = server, stopping, clients
        self._batches: deque[list[dict[str, Any]]] = deque()
        self._lock = threading.Condition()
        self._no_more = False
        self._fault: Exception | None = None

    def send(self, events: Sequence[Timed], speed: float = 0.0) -> Sent:
        """Send all events, as fast as possible or, with a speed, each at its time; return early when told to stop.

        Raises SendError.
        """
        progress = ProgressLine("events", len(events))
        began = time.monotonic()
        clients = [
            threading.Thread(target=self._run, args=(progress,), name=f"client-{n}") for n in range(self._clients)
        ]
        for client in clients:
            client.start()
        try:
            self._feed(events, speed, began)
        finally:
            with self._lock:
                self._no_more = True
                self._lock.notify_all()
            for client in clients:
                client.join()
        self.sent.seconds = time.monotonic() - began
        if self._fault is not None:
            raise self._fault
        return self.sent

    def _feed(self, events: Sequence[Timed], speed: float, began: float) -> None:
        """Queue the batches: all at once, or each when it is due."""
        place = 0
        while place < len(events) and not self._has_to_end():
            end = len(events)
            if speed:
                first = events[0].at
                passed = (time.monotonic() - began) * speed
                end = place
                while end < len(events) and (events[end].at - first).total_seconds() <= passed:
                    end += 1
            with self._lock:
                for start in range(place, end, MOST_EVENTS):
                    self._batches.append([timed.event for timed in events[start : min(start + MOST_EVENTS, end)]])
                self._lock.notify_all()
            place = end
            if place < len(events):
                self._stopping.wait(_LOOK_SECONDS)

    def _has_to_end(self) -> bool:
        return self._stopping.is_set() or self._fault is not None

    def _run(self, progress: ProgressLine) -> None:
        try:
            while (batch := self._next()) is not None:
                answer = self._post(batch)
                if answer is None:
                    return
                with self._lock:
                    self._count(answer)
                    progress.advance(len(batch))
        except SendError as error:
            self._fault = self._fault or error
        finally:
            self._server.close()

    def _next(self) -> list[dict[str, Any]] | None:
        with self._lock:
            while not self._batches and not self._no_more and not self._has_to_end():
                self._lock.wait(_LOOK_SECONDS)
            return None if self._has_to_end() or not self._batches else self._batches.popleft()

    def _post(self, batch: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Post a batch and return the answer; None when told to stop.

        Events have ids, so a batch that was stored although no answer came is not stored twice. Raises SendError.
        """
        body = gzip.compress(json.dumps(batch).encode(), 5)
        trouble = ""
        for attempt in range(_ATTEMPTS):
            wait: float | None = None
            try:
                status, answer, wait = self._server.request(
                    "POST", EVENTS_PATH, body, **{"Content-Type": "application/json", "Content-Encoding": "gzip"}
                )
            except (OSError, http.client.HTTPException) as error:
                trouble = f"{type(error).__name__}: {error}"
            else:
                if status == 200:
                    return dict(answer)
                trouble = f"{status}: {_detail_of(answer)}"
                if status not in _BUSY:
                    break
            with self._lock:
                self.sent.retries += 1
            if self._stopping.wait(min(wait or 0.25 * 2**attempt, _LONGEST_PAUSE)):
                return None
        raise SendError(f"{self._server.url} doesn't take the events: {trouble}")

    def _count(self, answer: dict[str, Any]) -> None:
        self.sent.accepted += answer["accepted"]
        self.sent.duplicates += answer["duplicates"]
        self.sent.rejected += len(answer["rejected"])
        self.sent.reasons.update(rejection["detail"] for rejection in answer["rejected"])


def most_common(reasons: Counter[str]) -> list[str]:
    """Return the most frequent reasons of rejections, one per line."""
    return [f"{count} x {reason}" for reason, count in reasons.most_common(_SHOWN)]
