"""The network address of a request's client: the same for limits, guesses, sessions and the audit log."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the client's network address (`behind_proxies`)."""
    return behind_proxies(str(request.META.get("REMOTE_ADDR", "")), request.headers.get("X-Forwarded-For", ""))[:45]


def behind_proxies(peer: str, forwarded: str) -> str:
    """Return who sent a request that came from `peer`; behind our proxies, the last one in the header that is none of theirs.

    What stands before it was sent by the client, which may say anything. The header itself is one of our proxies'
    (`intake.proxies`).
    """
    if settings.USE_X_FORWARDED_HOST:
        for named in reversed(forwarded.split(",")):
            if named.strip() and not is_trusted(named.strip()):
                return named.strip()
    return peer


@lru_cache(maxsize=4096)
def is_trusted(address: str) -> bool:
    """Whether an address is one of our proxies, from which everybody comes."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    networks: tuple[IPv4Network | IPv6Network, ...] = settings.TRUSTED_PROXIES
    return any(parsed in network for network in networks)
