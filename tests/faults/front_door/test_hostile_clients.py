"""Clients that want to stop the server: a learner beside them is served, and memory stays bounded."""

import asyncio
import contextlib
import gzip
import http.client
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from learntrace.intake.connections.open_connections import GRACE_SECONDS
from tests.faults.academy import LEARNERS
from tests.faults.conftest import installing
from tests.faults.installation import HOST, Installation
from tests.support.waiting import slowness, wait_until

EVENTS = "/v1/notebook/me/events"
BATCHES = "/v1/assignment/me/telemetry"
MIB = 1024 * 1024
# Above the time-out of the installation; a busy machine may take longer.
BODY_SECONDS, PATIENCE = 6, 30
BOMB = gzip.compress(b'{"a":[' + b"[]," * 1_700_000 + b"1e999]}")


class HostileInstallation(Installation):
    """An installation with a short time-out for bodies, and few connections for an address, this machine's too."""

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "LEARNTRACE_BODY_SECONDS": str(BODY_SECONDS),
            "LEARNTRACE_CONNECTIONS_PER_ADDRESS": "1500",
            "LEARNTRACE_TRUSTED_PROXIES": "false",
            "LEARNTRACE_ADDRESS_UNKNOWN": "0",
            "LEARNTRACE_ACCOUNT_REQUESTS": "1/20",
        }


@pytest.fixture(scope="module")
def hostile(prepared: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """One for all tests of the module, because it takes seconds to start."""
    with installing(prepared, request.node, HostileInstallation) as install:
        installation = install()
        installation.start()
        yield installation


def rss(installation: Installation) -> int:
    """Return the most memory of one of the web processes, in MiB."""
    return max(int(process.memory_info().rss) for process in installation.find("web_child")) // MIB


def send_batch(installation: Installation, learner: int = 0) -> float:
    """Send a learner's batch, which has to be accepted; return the seconds that it took."""
    began = time.monotonic()
    document = {"slug": "intro", "last_interaction_at": 1}
    assert installation.post(document, LEARNERS[learner].key) == 200
    return time.monotonic() - began


def post(installation: Installation, path: str, body: bytes, key: str = "", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(HOST, installation.port, timeout=60)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", path, body, given | ({"Authorization": f"Token {key}"} if key else {}))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.mark.parametrize("path", [EVENTS, BATCHES])
def test_packed_bodies_of_unknown_keys_cost_nothing(hostile: Installation, path: str) -> None:
    send_batch(hostile)
    before = rss(hostile)
    with ThreadPoolExecutor(12) as attackers:
        attacks = [
            attackers.submit(post, hostile, path, BOMB, "f" * 40, Content_Encoding="gzip") for _number in range(12)
        ]
        assert send_batch(hostile, 1) < PATIENCE
        assert {attack.result().status for attack in attacks} == {401}
    assert rss(hostile) - before < 32


@pytest.mark.parametrize("path", [EVENTS, BATCHES])
def test_packed_bodies_of_a_known_key_are_refused_before_they_are_decoded(hostile: Installation, path: str) -> None:
    before = rss(hostile)
    with ThreadPoolExecutor(12) as attackers:
        attacks = [
            attackers.submit(post, hostile, path, BOMB, LEARNERS[2].key, Content_Encoding="gzip") for _ in range(12)
        ]
        assert send_batch(hostile, 1) < PATIENCE
        assert {attack.result().status for attack in attacks} == {413}
    assert rss(hostile) - before < 128
    rows = hostile.sql("SELECT times FROM intake_refusal WHERE user_id = %s AND path = %s", LEARNERS[2].id, path)
    # Two, should an hour begin meanwhile.
    assert len(rows) <= 2
    assert sum(row[0] for row in rows) == 12


def chunks(installation: Installation, path: str, mib: int, key: str = "") -> bytes:
    """Send a chunked body until the server answers or closes; return the beginning of the answer."""
    with socket.create_connection((HOST, installation.port), timeout=60) as client:
        authorization = f"Authorization: Token {key}\r\n" if key else ""
        client.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n{authorization}Transfer-Encoding: chunked\r\n\r\n".encode())
        with contextlib.suppress(ConnectionError):
            for _part in range(mib):
                client.sendall(b"100000\r\n" + b" " * MIB + b"\r\n")
            client.sendall(b"0\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            return client.recv(100)
        return b""


@pytest.mark.parametrize("path", ["/v1/auth/login", "/sign-in", "/nowhere", EVENTS])
def test_a_chunked_body_without_a_key_is_not_read(hostile: Installation, path: str) -> None:
    before, began = rss(hostile), time.monotonic()
    answer = chunks(hostile, path, 200)
    assert answer == b"" or answer.split()[1] in (b"401", b"413")
    assert rss(hostile) - before < 32
    assert time.monotonic() - began < PATIENCE
    send_batch(hostile)


def test_a_chunked_body_of_a_known_key_is_read_up_to_the_limit(hostile: Installation) -> None:
    before = rss(hostile)
    answer = chunks(hostile, "/v1/me/export", 200, LEARNERS[3].key)
    assert answer == b"" or answer.split()[1] == b"413"
    assert rss(hostile) - before < 64


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"P",
        b"POST / HTTP/1.1\r\nHo",
        f"POST {BATCHES} HTTP/1.1\r\nHost: x\r\nAuthorization: Token {LEARNERS[4].key}\r\nContent-Length: 9\r\n\r\n{{".encode(),
    ],
    ids=["nothing", "one byte", "half a header", "one byte of a body"],
)
def test_silent_connections_stop_nobody_and_are_closed(hostile: Installation, beginning: bytes) -> None:
    async def attack() -> list[bytes]:
        opened = [await asyncio.open_connection(HOST, hostile.port) for _number in range(1200)]
        for _reader, writer in opened:
            writer.write(beginning)
        assert await asyncio.to_thread(send_batch, hostile, 1) < PATIENCE
        answers = await asyncio.gather(
            *(asyncio.wait_for(reader.read(), 60 * slowness()) for reader, _writer in opened)
        )
        for _reader, writer in opened:
            writer.close()
        return answers

    answers = asyncio.run(attack())
    assert {answer[9:12] for answer in answers} == ({b"408"} if beginning.endswith(b"{") else {b""})


def connect_from(installation: Installation, port: int) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.bind((HOST, port))
    client.settimeout(PATIENCE)
    client.connect((HOST, installation.port))
    return client


def test_a_connection_from_the_port_of_one_that_is_to_be_ended_lives_on(hostile: Installation) -> None:
    """The server ends connections whose request it didn't read; their ports are soon used by others."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    with connect_from(hostile, port) as unread:
        unread.sendall(b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n{")
        assert unread.recv(100).split()[1] == b"401"
        # Closed at once, without the wait in which the system keeps the port.
        unread.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with connect_from(hostile, port) as client:
        until = time.monotonic() + GRACE_SECONDS + 3
        while time.monotonic() < until:
            client.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(2000).split()[1] == b"200"
            time.sleep(0.2)


def test_an_address_holds_a_limited_number_of_connections(hostile: Installation) -> None:
    """Beyond 1,500 the youngest are closed, and the oldest live on."""
    stream = b"GET /v1/signal/academy/stream HTTP/1.1\r\nHost: x\r\n"

    async def attack() -> int:
        opened = [await asyncio.open_connection(HOST, hostile.port) for _number in range(1700)]
        for _reader, writer in opened:
            writer.write(stream)
        closed = 0
        until = time.monotonic() + BODY_SECONDS + PATIENCE
        while closed < 200 and time.monotonic() < until:
            await asyncio.sleep(0.1)
            closed = sum(reader.at_eof() for reader, _writer in opened)
        for _reader, writer in opened:
            writer.close()
        return closed

    assert asyncio.run(attack()) >= 200
    wait_until(lambda: "too many connections from one address" in hostile.log(), "it said so")


def test_what_a_learner_sends_over_the_share_is_kept_and_processed_later(hostile: Installation) -> None:
    learner = LEARNERS[10]
    statuses = {hostile.post({"slug": "intro", "last_interaction_at": n}, learner.key) for n in range(40)}
    assert statuses == {200}
    deferred = hostile.sql(
        "SELECT count(*) FROM learnpack_webhook WHERE student_id = %s AND status = 'PENDING' AND reason = 'deferred'"
        " AND retry_at > created_at",
        learner.id,
    )
    assert deferred[0][0] > 5


def test_notebook_events_over_the_limit_are_refused_until_later_and_counted(hostile: Installation) -> None:
    learner = LEARNERS[11]
    answers = [post(hostile, EVENTS, b"[]", learner.key) for _number in range(40)]
    refused = [answer for answer in answers if answer.status == 429]
    assert len(refused) > 5
    assert int(refused[0].headers["Retry-After"]) >= 1

    def times() -> int:
        rows = hostile.sql(
            "SELECT sum(times) FROM intake_refusal WHERE user_id = %s AND reason = 'too-many-requests'", learner.id
        )
        return int(rows[0][0] or 0)

    wait_until(lambda: times() == len(refused), "counted")
