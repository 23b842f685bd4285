"""Webhooks: a signed POST to network addresses that were checked, and to no others."""

import hashlib
import hmac
import ssl
import time
from collections.abc import Iterable, Mapping
from urllib.parse import SplitResult, urlsplit

import httpcore
import msgspec
from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import FieldProblem
from learntrace.signals.models import NotificationRule
from learntrace.signals.notifications import failures
from learntrace.signals.notifications.addresses import check_host
from learntrace.signals.notifications.channels.base import Channel
from learntrace.signals.notifications.checked_network import CheckedNetwork
from learntrace.signals.notifications.failures import DeliveryFailure
from learntrace.signals.notifications.message import Message

SECONDS = 10.0  # for all of it: connecting, sending and the answer
MOST_BYTES = 64 * 1024  # of the answer, of which only the status is used
_AGAIN = frozenset({408, 429})


class WebhookChannel(Channel):
    """Messages as JSON to a URL, signed with the rule's secret."""

    signed = True

    def check(self, target: str) -> None:
        """Raise FieldProblem unless the target is a URL that may be sent to."""
        parts = _parts(target)
        if parts is None:
            raise FieldProblem(
                "target",
                _("A webhook's address starts with https:// or http:// and has a host, and no user or password"),
            )
        check_host(str(parts.hostname), _port(parts))

    def mask(self, target: str) -> str:
        """Return the URL without its path and query, which may hold a key."""
        parts = urlsplit(target)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"

    def send(self, rule: NotificationRule, message: Message) -> None:
        """Post the message as JSON.

        An attempt that fails at any point is repeated: the receiver can tell by the id that it has the message.

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


def signature(secret: str, moment: int, body: bytes) -> str:
    """Return the header that proves who sent the body and when: HMAC-SHA-256 of "<moment>.<body>"."""
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def _post(target: str, headers: Mapping[str, str], body: bytes) -> int:
    """Post the body and return the answer's status. A connection error's text isn't passed on: it may quote the URL."""
    if _parts(target) is None:
        raise DeliveryFailure(failures.INVALID)
    with httpcore.ConnectionPool(
        ssl_context=ssl.create_default_context(), network_backend=CheckedNetwork(time.monotonic() + SECONDS)
    ) as pool:
        try:
            with pool.stream("POST", target, headers=list(headers.items()), content=body) as answer:
                _read(answer.iter_stream())
                return answer.status
        except httpcore.ConnectError as error:
            # A certificate's fault has no target in it, and is what whoever looks for the reason needs.
            cause = error.__context__
            detail = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else ""
            raise DeliveryFailure(failures.UNREACHED, detail or "no connection", again=True) from None
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
    """Return the parts of a URL that can be sent to, None for any other."""
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
