"""Webhooks: a signed POST to an address that was checked, and to no other."""

import hashlib
import hmac
import ssl
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpcore
import msgspec
from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import FieldProblem
from learntrace.signals.models import NotificationRule
from learntrace.signals.notifications import failures
from learntrace.signals.notifications.addresses import resolve
from learntrace.signals.notifications.failures import DeliveryFailure
from learntrace.signals.notifications.message import Message

SECONDS = 10.0  # for all of it: connecting, sending, and the answer
MOST_BYTES = 64 * 1024  # of the answer, of which we need the status alone
_AGAIN = frozenset({408, 429})


def check(target: str) -> None:
    """Raise FieldProblem unless it is an address that may be sent to."""
    parts = _parts(target)
    if parts is None:
        raise FieldProblem(
            "target", _("A webhook's address starts with https:// or http:// and has a host, and no user or password")
        )
    try:
        resolve(str(parts.hostname), _port(parts))
    except DeliveryFailure as failure:
        raise FieldProblem(
            "target", "%(sentence)s", sentence=failures.sentence(failure.reason, failure.detail)
        ) from None


def mask(target: str) -> str:
    """The address without what may open something: its path and what follows."""
    parts = urlsplit(target)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"


def signature(secret: str, moment: int, body: bytes) -> str:
    """The header that proves to the receiver who sent the body and when: HMAC-SHA-256 of "<moment>.<body>"."""
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def send(rule: NotificationRule, message: Message) -> None:
    """Post the message as JSON.

    An attempt that broke anywhere is made again: the receiver can tell by the id that it has the message.

    Raises DeliveryFailure.
    """
    body = msgspec.json.encode(message.document)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Learntrace",
        "Learntrace-Delivery": message.id,
        "Learntrace-Signature": signature(rule.secret, int(time.time()), body),
    }
    status = _post(rule.target, headers, body)
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise DeliveryFailure(failures.REDIRECT, f"HTTP {status}")
    if status in _AGAIN or status >= 500:
        raise DeliveryFailure(failures.BUSY, f"HTTP {status}", again=True)
    raise DeliveryFailure(failures.REFUSED, f"HTTP {status}")


def _post(target: str, headers: Mapping[str, str], body: bytes) -> int:
    """The status of the answer. Nothing of the error of a connection is passed on: it may quote the address."""
    if _parts(target) is None:
        raise DeliveryFailure(failures.INVALID)
    with httpcore.ConnectionPool(
        ssl_context=ssl.create_default_context(), network_backend=_CheckedNetwork(time.monotonic() + SECONDS)
    ) as pool:
        try:
            with pool.stream("POST", target, headers=list(headers.items()), content=body) as answer:
                _read(answer.iter_stream())
                return answer.status
        except httpcore.ConnectError as error:
            # The certificate's fault has no target in it, and is all the difference to whoever looks for it.
            cause = error.__context__
            told = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else ""
            raise DeliveryFailure(failures.UNREACHED, told or "no connection", again=True) from None
        except (httpcore.TimeoutException, TimeoutError):
            raise DeliveryFailure(failures.UNREACHED, f"no answer within {SECONDS:.0f} s", again=True) from None
        except (httpcore.NetworkError, httpcore.ProtocolError):
            raise DeliveryFailure(failures.UNREACHED, "the connection broke", again=True) from None
        except (httpcore.UnsupportedProtocol, ValueError):
            raise DeliveryFailure(failures.INVALID) from None


def _read(parts: Iterable[bytes]) -> None:
    size = 0
    for part in parts:
        size += len(part)
        if size > MOST_BYTES:
            return


def _parts(target: str) -> SplitResult | None:
    """The parts of an address that can be sent to; None of another one."""
    try:
        parts = urlsplit(target)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
        port_is_number = parts.port != 0
    except ValueError:
        return None
    plain = target.isascii() and target.isprintable() and " " not in target
    return parts if usable and port_is_number and plain else None


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


class _Stream(httpcore.NetworkStream):
    """A connection that has to be done with by a moment, however slowly its other end drips."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream = stream
        self._until = until

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._left()), self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _CheckedNetwork(httpcore.NetworkBackend):
    """Connects to the very addresses that were checked. The name stays what certificate, SNI and Host go by."""

    def __init__(self, until: float) -> None:
        self._network = httpcore.SyncBackend()
        self._until = until

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        addresses = resolve(host, port)
        for place, address in enumerate(addresses, 1):
            left = self._until - time.monotonic()
            if left <= 0:
                raise httpcore.ConnectTimeout
            # The first of several gets no more than its share of the time.
            share = left / (len(addresses) - place + 1)
            try:
                stream = self._network.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if place == len(addresses):
                    raise
            else:
                return _Stream(stream, self._until)
        raise httpcore.ConnectError
