"""Which network addresses may be written to: a teacher's target must not reach into the server's own network."""

import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from django.conf import settings

from learntrace.signals.notifications import failures
from learntrace.signals.notifications.failures import DeliveryFailure

# All public IPv6 addresses are in here. The other networks carry an IPv4 address in 32 of their bits, of which the
# lowest is given: NAT64 (RFC 6052), mapped ones (RFC 4291), 6to4 (RFC 3056).
_UNICAST = IPv6Network("2000::/3")
_CARRIERS = (
    (IPv6Network("64:ff9b::/96"), 0),
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("2002::/16"), 80),
)


def is_allowed(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether something may be sent there: a public address, or one that LEARNTRACE_ALLOW_PRIVATE_WEBHOOKS names."""
    if isinstance(address, IPv6Address):
        for network, lowest_bit in _CARRIERS:
            if address in network:
                return is_allowed(IPv4Address(int(address) >> lowest_bit & 0xFFFFFFFF))
    if any(address.version == network.version and address in network for network in settings.ALLOW_PRIVATE_WEBHOOKS):
        return True
    unicast = isinstance(address, IPv4Address) or address in _UNICAST
    return unicast and address.is_global and not (address.is_multicast or address.is_reserved)


def resolve(host: str, port: int) -> Sequence[str]:
    """The IP addresses of a host, in the resolver's order, every one of which may be written to.

    Spellings such as 0x7f.1 are resolved like names. Raises DeliveryFailure.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise DeliveryFailure(failures.UNREACHED, "no address found for the host", again=True) from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    # One that is private among public ones is a trick as a rule: nothing goes to any of them.
    if not addresses or not all(is_allowed(ip_address(one)) for one in addresses):
        raise DeliveryFailure(failures.PRIVATE)
    return addresses


@dataclass
class _Guard:
    refused: bool = False


# Of a context, not of a thread: libraries take it along to threads of theirs.
_guard: ContextVar[_Guard | None] = ContextVar("guard", default=None)
_hook_lock = threading.Lock()
_hook_added = False


class _Refused(OSError):
    pass


def _look_at(event: str, arguments: tuple[Any, ...]) -> None:
    """Stop a guarded connection unless its address is an IP address that may be written to."""
    if event != "socket.connect" or (guard := _guard.get()) is None:
        return
    target = arguments[1]
    try:
        allowed = isinstance(target, tuple) and is_allowed(ip_address(str(target[0])))
    except ValueError:
        allowed = False  # a name: whoever resolves it may get another address than we would
    if not allowed:
        guard.refused = True
        raise _Refused("this address may not be written to")


@contextmanager
def guarded() -> Iterator[None]:
    """Have every connection that is opened in here checked, at the moment and with the address of its opening.

    For libraries that open their connections themselves. An audit hook sees them all (PEP 578), redirects included, and
    no name can be resolved differently after the check. Other contexts are left alone.

    Raises DeliveryFailure at the end when something was stopped.
    """
    global _hook_added
    with _hook_lock:
        if not _hook_added:
            sys.addaudithook(_look_at)
            _hook_added = True
    guard = _Guard()
    token = _guard.set(guard)
    try:
        yield
    finally:
        _guard.reset(token)
        if guard.refused:
            raise DeliveryFailure(failures.PRIVATE) from None
