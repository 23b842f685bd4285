"""Network addresses that may be connected to: a teacher's target must not reach into the server's own network."""

import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from django.conf import settings

from learntrace.core.errors import FieldProblem
from learntrace.signals.notifications import failures
from learntrace.signals.notifications.failures import DeliveryFailure

# All public IPv6 addresses are in _UNICAST. The other networks carry an IPv4 address in 32 of their bits, from the given
# lowest one on: NAT64 (RFC 6052), mapped ones (RFC 4291), 6to4 (RFC 3056).
_UNICAST = IPv6Network("2000::/3")
_CARRIERS = (
    (IPv6Network("64:ff9b::/96"), 0),
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("2002::/16"), 80),
)


# Never reached by a message though Python calls some of them global: relays of 6to4, which forward into any network
# (RFC 7526), and what was meant for documentation, benchmarks and the like.
_NETWORKS = (
    "192.88.99.0/24", "192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "198.18.0.0/15",
    "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "100.64.0.0/10", "2001::/23", "2001:db8::/32", "3fff::/20",
    "2620:4f:8000::/48", "5f00::/16", "100::/64",
)  # fmt: skip
_NEVER = tuple(map(ip_network, _NETWORKS))


def is_allowed(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address may be connected to: a public one, or one in LEARNTRACE_ALLOW_PRIVATE_WEBHOOKS."""
    if isinstance(address, IPv6Address):
        for network, lowest_bit in _CARRIERS:
            if address in network:
                return is_allowed(IPv4Address(int(address) >> lowest_bit & 0xFFFFFFFF))
    if any(address.version == network.version and address in network for network in settings.ALLOW_PRIVATE_WEBHOOKS):
        return True
    if any(address.version == network.version and address in network for network in _NEVER):
        return False
    unicast = isinstance(address, IPv4Address) or address in _UNICAST
    return unicast and address.is_global and not (address.is_multicast or address.is_reserved)


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of a host, in the resolver's order; each of them may be connected to.

    Spellings such as 0x7f.1 are resolved like names. Raises DeliveryFailure.
    """
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise DeliveryFailure(failures.UNREACHED, "no address found for the host", again=True) from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
    # A private address among public ones is usually a trick: none of them is connected to.
    if not addresses or not all(is_allowed(ip_address(address)) for address in addresses):
        raise DeliveryFailure(failures.PRIVATE)
    return addresses


def check_host(host: str, port: int) -> None:
    """Raise FieldProblem for a rule's target on a host that can't be resolved, or may not be connected to."""
    try:
        resolve(host, port)
    except DeliveryFailure as failure:
        sentence = failures.sentence(failure.reason, failure.detail)
        raise FieldProblem("target", "%(sentence)s", sentence=sentence) from None


@dataclass
class _Guard:
    refused: bool = False


# Bound to a context, not to a thread: libraries take it along to threads of their own.
_guard: ContextVar[_Guard | None] = ContextVar("guard", default=None)
_hook_lock = threading.Lock()
_hook_added = False


class _Refused(OSError):
    pass


def _check_connect(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: stop a guarded connection unless it goes to an IP address that may be connected to."""
    if event != "socket.connect" or (guard := _guard.get()) is None:
        return
    target = arguments[1]
    try:
        allowed = isinstance(target, tuple) and is_allowed(ip_address(str(target[0])))
    except ValueError:
        allowed = False  # a name, which may be resolved to another address than ours
    if not allowed:
        guard.refused = True
        raise _Refused("this address may not be written to")


@contextmanager
def guarded() -> Iterator[None]:
    """Check every connection that is opened in this context, when and with the address with which it is opened.

    For libraries that open their connections themselves. An audit hook (PEP 578) sees them all, redirects included, and
    no name can be resolved differently after the check. Other contexts are not affected.

    Raises DeliveryFailure at the end if a connection was stopped.
    """
    global _hook_added
    with _hook_lock:
        if not _hook_added:
            sys.addaudithook(_check_connect)
            _hook_added = True
    guard = _Guard()
    token = _guard.set(guard)
    try:
        yield
    finally:
        _guard.reset(token)
        if guard.refused:
            raise DeliveryFailure(failures.PRIVATE) from None
