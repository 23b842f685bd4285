"""Whose a port is, before anybody listens on it."""

import argparse
import socket
import sys

import pytest

from learntrace.config.runtime import serve
from learntrace.config.runtime.ports import PortClaim, PortTakenError, cannot_listen, port_number
from tests.faults.installation import HOST, free_port


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that end with their process")
def test_a_port_that_another_has_claimed_is_refused_though_nobody_listens_there_yet() -> None:
    port = free_port()
    first, second = PortClaim(HOST, port), PortClaim("localhost", port)
    first.take()
    with pytest.raises(PortTakenError, match=f"localhost:{port} can't be listened on: Address already in use"):
        second.take()
    assert cannot_listen(HOST, port)
    PortClaim(HOST, port, of_parent=True).take()
    first.drop()
    assert cannot_listen(HOST, port) == ""
    second.take()
    second.drop()


def test_a_port_on_which_somebody_listens_is_refused_until_it_is_free() -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match="can't be listened on"):
            PortClaim(HOST, port).take(0.3)
    assert cannot_listen(HOST, port) == ""


def test_an_address_that_is_not_this_machines_is_told() -> None:
    assert "203.0.113.7:8000 can't be listened on: Cannot assign" in cannot_listen("203.0.113.7", 8000)


@pytest.mark.parametrize("text", ["abc", "", "-1", "0", "65536", "8000.5", "٨٠٠٠", "9" * 5000])
def test_what_is_no_port_is_told(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected a number from 1 to 65535"):
        port_number(text)
    assert port_number("8000") == 8000


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--port", "argument --port: 'abc' is no port: expected a number"),
        ("--workers", "'abc' can't be used: expected"),
    ],
)
def test_the_command_line_says_what_it_takes(option: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        serve.web([option, "abc"])
    assert caught.value.code == 2
    assert told in capsys.readouterr().err
