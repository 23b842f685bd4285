"""Receivers of notifications that really listen, and signals and rules to tell of."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from django.db import transaction
from django.utils import timezone

from learntrace.accounts.models import Academy, User
from learntrace.signals.models import NotificationRule, Signal
from learntrace.signals.notifications.queueing import queue_for
from tests.support import builders

_exercises = count(1)


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass
class WebServer:
    """Answers as `answer` says (a status, and a place to redirect to), and keeps what it got."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answer: Callable[[], tuple[int, str]] = lambda: (204, "")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/secret-path?key=secret-key"

    def signal_ids(self) -> list[int]:
        return [signal["id"] for one in self.received for signal in one.document["signals"]]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed, or hung up, is what the tests are about."""


@contextmanager
def web_server(certificate: Path | None = None) -> Iterator[WebServer]:
    """A server on a port of its own; with a certificate (and its key, in one file) it speaks TLS."""
    state = WebServer()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.received.append(Received(self.path, dict(self.headers), body))
            status, place = state.answer()
            self.send_response(status)
            if place:
                self.send_header("Location", place)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """No noise."""

    server = _Server(("127.0.0.1", 0), Answering)
    state.port = server.server_address[1]
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


class MailServer:
    """A mail server that keeps what it got; `replies` are given instead of taking a message, one after the other."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.replies: list[str] = []
        self.hang_up = False
        self.port = 0

    async def handle_RCPT(  # noqa: N802 (aiosmtpd calls it so)
        self, server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.replies:
            return self.replies.pop(0)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(mail)
        self.recipients += envelope.rcpt_tos
        if self.hang_up:
            server.transport.abort()
        return "250 taken"


class _Controller(Controller):
    """On a port that the system chooses; the original would knock at port 0 to see whether it is there."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server() -> Iterator[MailServer]:
    state = MailServer()
    controller = _Controller(state, hostname="127.0.0.1", port=0)
    controller.start()
    state.port = controller.port
    try:
        yield state
    finally:
        controller.stop()


def make_rule(user: User, academy: Academy, **fields: Any) -> NotificationRule:
    return NotificationRule.objects.create(user=user, academy=academy, **fields)


def make_webhook_rule(user: User, academy: Academy, server: WebServer, **fields: Any) -> NotificationRule:
    return make_rule(user, academy, channel="webhook", target=server.url, secret="s" * 64, **fields)


def make_signal(learner: User, academy: Academy | None, *, at: datetime | None = None, **fields: Any) -> Signal:
    """An open signal of just now, of a concern of its own unless an assignment is given."""
    at = at or timezone.now()
    own = {"assignment": f"assignment:lesson-03-exercise-{next(_exercises)}"}
    defaults = {"severity": 2, "opened_at": at, "last_seen_at": at, **own}
    return builders.make_signal(learner, academy, **defaults | fields)


def queue(*signals: Signal, now: datetime | None = None) -> int:
    with transaction.atomic():
        return queue_for(signals, now)
