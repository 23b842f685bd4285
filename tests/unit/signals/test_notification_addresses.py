"""No notification goes into a private network, however its address is written."""

import socket
import threading
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import pytest
from pytest_django import Settings

from learntrace.signals.notifications.addresses import guarded, is_allowed, resolve
from learntrace.signals.notifications.failures import DeliveryFailure

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:10.0.0.1",
    "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:a00:1::1",
    "2002:7f00:1::", "2001:0:53aa:64c::1", "fc00::1", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1", "100::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused(address: str) -> None:
    assert not is_allowed(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_taken(address: str) -> None:
    assert is_allowed(ip_address(address))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.1", "0", "localhost", "::1",
             "::ffff:127.0.0.1"],
)  # fmt: skip
def test_a_host_that_leads_there_by_any_spelling_is_refused(host: str) -> None:
    with pytest.raises(DeliveryFailure) as caught:
        resolve(host, 80)
    assert (caught.value.reason, caught.value.again) == ("private-address", False)


def test_a_host_without_an_address_may_have_one_later() -> None:
    with pytest.raises(DeliveryFailure) as caught:
        resolve("nowhere.invalid", 80)
    assert (caught.value.reason, caught.value.again) == ("unreached", True)


def test_a_network_that_the_operator_names_is_open_and_no_other(settings: Settings) -> None:
    settings.ALLOW_PRIVATE_WEBHOOKS = (ip_network("10.20.0.0/16"), ip_network("fd00::/8"))
    assert is_allowed(ip_address("10.20.3.4"))
    assert is_allowed(ip_address("::ffff:10.20.3.4"))
    assert is_allowed(ip_address("fd00::1"))
    assert not is_allowed(ip_address("10.21.0.1"))
    assert not is_allowed(ip_address("::1"))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_connection_that_a_library_opens_is_stopped_at_the_last_moment(listener: socket.socket) -> None:
    with pytest.raises(DeliveryFailure) as caught, guarded(), pytest.raises(OSError, match="may not be written to"):
        socket.create_connection(listener.getsockname(), timeout=2)
    assert caught.value.reason == "private-address"


def test_a_name_that_is_left_to_the_socket_is_stopped_too(listener: socket.socket) -> None:
    with socket.socket() as client, pytest.raises(DeliveryFailure), guarded(), pytest.raises(OSError, match="written"):
        client.connect(("localhost", listener.getsockname()[1]))


def test_other_threads_and_what_comes_after_are_left_alone(listener: socket.socket, settings: Settings) -> None:
    def connect() -> None:
        socket.create_connection(listener.getsockname(), timeout=2).close()
        connected.append(1)

    connected: list[int] = []
    with guarded():
        thread = threading.Thread(target=connect)
        thread.start()
        thread.join()
    connect()
    settings.ALLOW_PRIVATE_WEBHOOKS = (ip_network("127.0.0.0/8"),)
    with guarded():
        connect()
    assert len(connected) == 3
