"""The watch over a web process's connections costs it no files."""

import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from learntrace.intake.connections import open_connections as connections

FILES = Path("/proc/self/fd")
pytestmark = pytest.mark.skipif(not FILES.is_dir(), reason="only Linux lists a process's files")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A client of a server in this process."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(connections, "_port", server.getsockname()[1])
        with socket.create_connection(server.getsockname()) as one, server.accept()[0]:
            yield one


def open_files() -> int:
    return len(os.listdir(FILES))


def test_a_look_at_the_connections_leaves_no_file_open(client: socket.socket) -> None:
    before = open_files()
    for _look in range(3):
        assert client.getsockname()[:2] in connections._peers()
    assert open_files() == before


def test_connections_are_ended_where_no_file_can_be_opened(client: socket.socket) -> None:
    client.settimeout(30)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.dup(0)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 64, hard))
    try:
        while len(taken) < 5000:
            taken.append(os.dup(0))
    except OSError:
        peer = client.getsockname()[:2]
        connections._close(peer, connections._peers()[peer])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for file in taken:
            os.close(file)
    assert client.recv(1) == b""
