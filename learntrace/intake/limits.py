"""Limits on what one account, academy or network address may send, counted in each process.

Telemetry of LearnPack beyond an account's share is stored and processed later, never refused: its client would skip the
other copy that it sends. Only ten times the share is refused.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from prometheus_client import Counter

from learntrace.core.errors import Problem, Unavailable
from learntrace.core.http.address import behind_proxies, is_trusted
from learntrace.core.rate_limit import Rate

MOST_REMEMBERED: Final = 20_000
REFUSED_FROM: Final = 10  # shares
LONGEST_WAIT: Final = 3600

LIMIT_HITS = Counter("learntrace_limits_met_total", "Requests that met a limit", ["limit"])


class TooManyRequests(Problem):
    """More than a limit allows; the client may come again after a while, and loses nothing if it does."""

    status_code = 429
    slug = "too-many-requests"
    text = _("Too many requests or too much data: this is over the limit of one %(whose)s. Try again in %(seconds)s s")

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.values["seconds"])}


class NoRoom(Unavailable):
    """The bodies that are being read take all the memory that they may."""

    slug = "no-room"
    text = _("This server is reading as much as it can hold. Please try again")


class Buckets:
    """A token bucket for each key; the keys that were used least recently are forgotten, which fills their buckets."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._buckets: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def spend(self, key: object, cost: float = 1.0, *, least: float = 0.0) -> float:
        """Take `cost` tokens and return 0, or take none and return the seconds until they are there.

        `least`: how far below zero the bucket may sink; with it the tokens are taken in advance.
        """
        rate = self._rate
        if not rate.per_second:
            return 0.0
        now = time.monotonic()
        left, at = self._buckets.get(key, (rate.burst, now))
        left = min(left + (now - at) * rate.per_second, rate.burst)
        cost = min(cost, rate.burst)
        taken = left - cost >= least
        if taken:
            left = max(left - cost, -LONGEST_WAIT * rate.per_second)
        self._buckets[key] = (left, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > MOST_REMEMBERED:
            self._buckets.popitem(last=False)
        return 0.0 if taken else max((least + cost - left) / rate.per_second, 0.001)

    def debt(self, key: object) -> float:
        """Return the seconds until the bucket is no longer below zero."""
        left = self._buckets.get(key, (0.0, 0.0))[0]
        return -left / self._rate.per_second if left < 0 else 0.0


_WHOSE: Mapping[str, Any] = {"account": _("account"), "academy": _("academy"), "address": _("network address")}


class Limits:
    """All limits of this process."""

    def __init__(self) -> None:
        self._address = Buckets(settings.ADDRESS_REQUESTS)
        self._unknown = Buckets(settings.ADDRESS_UNKNOWN)
        self._account = Buckets(settings.ACCOUNT_REQUESTS)
        self._bytes = Buckets(settings.ACCOUNT_BYTES)
        self._rows = Buckets(settings.ACCOUNT_ROWS)
        self._academy = Buckets(settings.ACADEMY_REQUESTS)
        self._share = Buckets(settings.ACCOUNT_REQUESTS)
        self._absolute = Buckets(_times(settings.ACCOUNT_REQUESTS))

    def check_address(self, address: str) -> None:
        """Count a request of a network address.

        Raises TooManyRequests.
        """
        if not is_trusted(address):
            _refuse("address", "address-requests", self._address.spend(address))

    def check_unknown(self, address: str, cost: float = 1.0) -> None:
        """Count a request whose credential is unknown.

        Raises TooManyRequests.
        """
        if not is_trusted(address):
            _refuse("address", "address-unknown", self._unknown.spend(address, cost))

    def check_account(self, account: object, academies: tuple[int, ...], size: int) -> None:
        """Count a request and its bytes for an account and its academies.

        Raises TooManyRequests.
        """
        _refuse("account", "account-requests", self._account.spend(account))
        _refuse("account", "account-bytes", self._bytes.spend(account, size))
        for academy in academies:
            _refuse("academy", "academy-requests", self._academy.spend(academy))

    def check_rows(self, account: object, rows: int) -> None:
        """Count the rows that a request of an account writes.

        Raises TooManyRequests.
        """
        _refuse("account", "account-rows", self._rows.spend(account, rows))

    def check_absolute(self, account: object) -> None:
        """Count a request of LearnPack, which is refused from ten shares on.

        Raises TooManyRequests.
        """
        _refuse("account", "account-requests", self._absolute.spend(account))

    def delay(self, account: object) -> float:
        """Count a batch of a learner; return the seconds by which its processing is deferred, 0 within the share."""
        self._share.spend(account, least=-math.inf)
        seconds = self._share.debt(account)
        if seconds:
            LIMIT_HITS.labels("account-share").inc()
        return min(seconds, LONGEST_WAIT)


def _times(rate: Rate) -> Rate:
    return Rate(rate.per_second * REFUSED_FROM, rate.burst * REFUSED_FROM)


def _refuse(whose: str, limit: str, seconds: float) -> None:
    if seconds:
        LIMIT_HITS.labels(limit).inc()
        raise TooManyRequests(whose=_WHOSE[whose], seconds=min(math.ceil(seconds), LONGEST_WAIT))


def address_of(scope: Mapping[str, Any], forwarded: str) -> str:
    """Return the client's network address of a request (`core.http.address`); `forwarded`: its X-Forwarded-For."""
    return behind_proxies((scope.get("client") or ("",))[0], forwarded)


_limits: Limits | None = None


def limits() -> Limits:
    """Return the limits of this process."""
    global _limits
    if _limits is None:
        _limits = Limits()
    return _limits
