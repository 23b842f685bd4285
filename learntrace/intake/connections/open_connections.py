"""Open connections: how many a web process takes, and how many of them one network address may hold.

The server gives each connection's headers a time to come, but a client may open many, and again and again. Its limit is one
for the process; this thread keeps a single address from taking most of it. On Linux only, where a process can list its files.
"""

import contextlib
import os
import resource
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from learntrace.core.http.address import is_trusted
from learntrace.intake.limits import LIMIT_HITS

log = structlog.get_logger(__name__)

MOST: Final = 16_384
_FOR_OTHER_FILES: Final = 256
_LOOK_SECONDS = 1.0
# For the answer to reach a client that is still sending.
GRACE_SECONDS: Final = 10.0
_FILES = Path("/proc/self/fd")
_MOST_FILES = 65_536


def raise_file_limit() -> None:
    """Let this process, and those that it starts, open as many files as the system permits."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS names no limit and takes less
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def most_connections() -> int:
    """Return how many connections a web process takes."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST
    return max(min(soft - _FOR_OTHER_FILES, MOST), 64)


def watch_connections(most_per_address: int) -> None:
    """Start the thread that closes connections passed to `end_soon`.

    Once half of all connections are in use, it also closes the newest ones of an address that is over its limit; 0 disables
    that.
    """
    if _FILES.is_dir():
        threading.Thread(target=_watch, args=(most_per_address,), daemon=True, name="connections").start()


# The clients whose connections are to be closed, and when at the latest.
_ending: dict[tuple[str, int], float] = {}


def end_soon(client: Sequence[Any] | None) -> None:
    """End a client's connection in a while: the server may wait forever for the rest of a body that never comes."""
    if client:
        _ending[str(client[0]), int(client[1])] = time.monotonic() + GRACE_SECONDS


def keep_open(client: Sequence[Any] | None) -> None:
    """Take back `end_soon`, where a request begins: the client's port belongs to a new connection by now."""
    if _ending and client:
        _ending.pop((str(client[0]), int(client[1])), None)


def _watch(most: int) -> None:
    ages = _Ages()
    while True:
        time.sleep(_LOOK_SECONDS)
        try:
            _end_due()
            if most and len(list(_files())) >= min(most_connections() // 2, most):
                peers = _peers()
                _shut_down(peers, ages.of(peers), most)
        except OSError as error:
            log.warning("connections not counted", error=str(error))


def _end_due() -> None:
    now = time.monotonic()
    due = [peer for peer, until in list(_ending.items()) if until <= now]
    peers = _peers() if due else {}
    for peer in due:
        if _ending.pop(peer, None) and peer in peers:
            _close(peer, peers[peer])


class _Ages:
    """The order in which connections were first seen; files' numbers are used again."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], int] = {}
        self._last = 0

    def of(self, peers: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Return the number of each connection, higher for younger ones."""
        for peer in peers:
            if peer not in self._seen:
                self._last += 1
                self._seen[peer] = self._last
        self._seen = {peer: number for peer, number in self._seen.items() if peer in peers}
        return self._seen


def _peers() -> dict[tuple[str, int], int]:
    """Return the file numbers of this process's connections, by the address and port of the client."""
    peers: dict[tuple[str, int], int] = {}
    for file in _files():
        with contextlib.suppress(OSError, ValueError), _borrowed(file) as connection:
            if connection.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            # Our own connections, as to the database, go to another port than the one that clients come to.
            address, port = connection.getpeername()[:2]
            if _is_ours(connection):
                peers[address, port] = file
    return peers


def _is_ours(connection: socket.socket) -> bool:
    return bool(connection.getsockname()[1] == _listening_port())


def _files() -> Iterable[int]:
    """Return the numbers of this process's open files; where no number is free to list them, all possible ones."""
    try:
        return [int(name) for name in os.listdir(_FILES)]
    except OSError:
        return range(min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], _MOST_FILES))


@contextlib.contextmanager
def _borrowed(file: int) -> Iterator[socket.socket]:
    """Yield a file of the server's as a socket, without a file of our own: there may be no number left for one.

    Raises OSError if it is no socket.
    """
    connection = socket.socket(fileno=file)
    try:
        yield connection
    finally:
        connection.detach()


_port: int | None = None


def _listening_port() -> int | None:
    """Return the port that clients come to: the one of our listening socket."""
    global _port
    if _port is None:
        for file in _files():
            with contextlib.suppress(OSError, ValueError), _borrowed(file) as found:
                if found.family in (socket.AF_INET, socket.AF_INET6) and found.getsockopt(
                    socket.SOL_SOCKET, socket.SO_ACCEPTCONN
                ):
                    _port = found.getsockname()[1]
    return _port


def _shut_down(peers: dict[tuple[str, int], int], seen: dict[tuple[str, int], int], most: int) -> None:
    """Shut down what an address holds over its limit, the youngest first."""
    by_address: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for peer in peers:
        by_address[peer[0]].append(peer)
    for address, held in by_address.items():
        if len(held) <= most or is_trusted(address):
            continue
        youngest = sorted(held, key=seen.__getitem__)[most:]
        for peer in youngest:
            _close(peer, peers[peer])
        LIMIT_HITS.labels("address-connections").inc(len(youngest))
        log.warning("too many connections from one address", address=address, closed=len(youngest))


def _close(peer: tuple[str, int], file: int) -> None:
    with contextlib.suppress(OSError), _borrowed(file) as connection:
        # The number may belong to another connection by now.
        if connection.getpeername()[:2] == peer:
            connection.shutdown(socket.SHUT_RDWR)
