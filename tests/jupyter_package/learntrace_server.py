"""A Learntrace that can be told to misbehave, for what the real one can't be made to do: fail, hang, answer nonsense."""

import gzip
import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

EVENTS, CONSENT, HELP = "/v1/notebook/me/events", "/v1/me/consent", "/v1/me/help-request"


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    document: Any


@dataclass
class Answer:
    """`body` as bytes is sent as it is; `cut` is how many bytes of it never arrive."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0


Behaviour = Callable[[Request], Answer | None]


class LearntraceServer:
    """As a context: it listens, and keeps what it took in `taken` (how often each id was told to be accepted).

    `behaviour` may answer in its place; None is what Learntrace would do. `consent` is what it says of its only learner.
    """

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.stored: dict[str, dict[str, Any]] = {}
        self.taken: Counter[str] = Counter()
        self.behaviour: Behaviour = lambda _request: None
        self.consent: dict[str, Any] = {
            "user": {"id": 7, "username": "ada"},
            "academy": {"id": 1, "slug": "downtown", "name": "Downtown"},
            "collecting": True,
            "may_opt_out": True,
            "collects_source": False,
        }
        self.released = threading.Event()
        self._port = port
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> "LearntraceServer":
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.released.set()
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._server = _Server(("127.0.0.1", self._port), _handler_of(self))
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Be away; what was taken stays."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def sent(self, path: str = EVENTS) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    def answer(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
        return self.behaviour(request) or self.usual(request)

    def usual(self, request: Request) -> Answer:
        if request.path == CONSENT:
            if request.method == "PUT":
                self.consent = {**self.consent, **request.document}
            return Answer(body=self.consent)
        if request.path == HELP:
            hand = {"state": "waiting", "before": 2, **request.document} if request.method == "POST" else None
            return Answer(body={"allowed": True, "academy": 1, "hand": hand})
        with self._lock:
            fresh = [event for event in request.document if event["id"] not in self.stored]
            self.stored.update({event["id"]: event for event in fresh})
            self.taken.update(event["id"] for event in request.document)
        duplicates = len(request.document) - len(fresh)
        return Answer(body={"accepted": len(fresh), "duplicates": duplicates, "rejected": []})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


def _handler_of(server: LearntraceServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            document = json.loads(body) if body else None
            answer = server.answer(Request(self.command, self.path, dict(self.headers), document))
            told = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told[: len(told) - answer.cut])
            self.close_connection = bool(answer.cut)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names are http.server's

        def log_message(self, *_arguments: object) -> None:
            """Silent."""

    return Handler
