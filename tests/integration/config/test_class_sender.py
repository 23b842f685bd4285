"""Sending the class to a server that is busy, refuses, goes away or is in time, over real connections."""

import gzip
import http.server
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from learntrace.config.demo.class_events import Timed
from learntrace.config.demo.class_sender import EVENTS_PATH, MOST_EVENTS, Sender, SendError, Server

START = datetime(2020, 10, 2, 17, tzinfo=UTC)


class Endpoint(http.server.ThreadingHTTPServer):
    """Answers each request with the next of `answers` (a status, or None to hang up), and then takes everything."""

    daemon_threads = True

    def __init__(self, *answers: int | None) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers = list(answers)
        self.batches: list[tuple[float, list[str]]] = []
        self.taken: set[str] = set()
        self.lock = threading.Lock()


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert (self.path, self.headers["Authorization"], self.headers["Academy"]) == (EVENTS_PATH, "Token key", "7")
        ids = [event["id"] for event in json.loads(gzip.decompress(body))]
        with self.server.lock:
            self.server.batches.append((time.monotonic(), ids))
            status = self.server.answers.pop(0) if self.server.answers else 200
            new = set(ids) - self.server.taken
            if status in (200, None):  # who hangs up may have taken them
                self.server.taken |= new
        if status is None:
            self.close_connection = True
            return
        told: dict[str, Any] = {"detail": "not now"}
        if status == 200:
            told = {"accepted": len(new), "duplicates": len(ids) - len(new), "rejected": []}
        text = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_arguments: object) -> None:
        """Nothing is told."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def sender(endpoint: Endpoint, clients: int = 1, stopping: threading.Event | None = None) -> Sender:
    server = Server(f"http://127.0.0.1:{endpoint.server_port}", "key", 7)
    return Sender(server, stopping or threading.Event(), clients)


def events(count: int, every: float = 1.0) -> list[Timed]:
    return [Timed(START + timedelta(seconds=every * number), {"id": str(number)}) for number in range(count)]


def test_everything_is_sent_once_in_batches(endpoint: Endpoint) -> None:
    sent = sender(endpoint, clients=4).send(events(2 * MOST_EVENTS + 10))
    assert (sent.accepted, sent.duplicates, sent.retries) == (1010, 0, 0)
    assert sorted(len(ids) for _at, ids in endpoint.batches) == [10, MOST_EVENTS, MOST_EVENTS]
    assert endpoint.taken == {str(number) for number in range(1010)}


@pytest.mark.parametrize(("answer", "accepted", "duplicates"), [(503, 30, 0), (429, 30, 0), (None, 0, 30)])
def test_a_server_that_is_busy_or_hangs_up_gets_it_again(
    endpoint: Endpoint, answer: int | None, accepted: int, duplicates: int
) -> None:
    endpoint.answers = [answer]
    sent = sender(endpoint).send(events(30))
    assert (sent.accepted, sent.duplicates, sent.retries) == (accepted, duplicates, 1)
    assert len(endpoint.taken) == 30


def test_a_server_that_refuses_is_told_of_at_once(endpoint: Endpoint) -> None:
    endpoint.answers = [403]
    with pytest.raises(SendError, match="403: not now"):
        sender(endpoint).send(events(30))
    assert len(endpoint.batches) == 1


def test_with_a_speed_each_event_is_sent_in_its_time(endpoint: Endpoint) -> None:
    began = time.monotonic()
    sender(endpoint, clients=2).send(events(5, every=10), speed=20)
    at = {int(identifier): moment - began for moment, ids in endpoint.batches for identifier in ids}
    assert sorted(at) == [0, 1, 2, 3, 4]
    assert all(moment >= number * 0.5 for number, moment in at.items())


def test_it_stops_when_it_is_told_to(endpoint: Endpoint) -> None:
    stopping = threading.Event()
    threading.Timer(0.3, stopping.set).start()
    began = time.monotonic()
    sent = sender(endpoint, stopping=stopping).send(events(2, every=3600), speed=1)
    assert sent.accepted == 1
    assert time.monotonic() - began < 30


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(SendError, match="is not an address"):
        Server("ftp://example.org")
