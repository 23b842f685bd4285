"""Chat services, through the library apprise: those of a list, none that could reach into this machine or its network."""

import logging
import re
import threading
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import FieldProblem
from learntrace.signals.models import NotificationRule
from learntrace.signals.notifications import failures
from learntrace.signals.notifications.addresses import guarded, resolve
from learntrace.signals.notifications.failures import DeliveryFailure
from learntrace.signals.notifications.message import Message

SECONDS = 10.0  # to connect, and for each part of an answer
MOST_SECONDS = 20.0  # for all of it
MOST_LINES = 20

# Those of one provider each, whose hosts the library knows.
SERVICES = frozenset({
    "slack", "discord", "tgram", "gchat", "webex", "wxteams", "zulip", "guilded",
    "flock", "ryver", "lark", "feishu", "dingtalk", "line", "pover", "threema", "twist",
})  # fmt: skip
# Those that many run themselves, or whose host stands in the address: it is checked as a webhook's.
OWN_SERVERS = frozenset({
    "mmost", "mmosts", "rocket", "rockets", "ntfy", "ntfys", "matrix", "matrixs", "nctalk", "nctalks", "gotify", "gotifys",
    "workflow", "workflows",
})  # fmt: skip
# What may stand after the "?". Others of apprise's read files (template=), turn off the check of certificates (verify=) or
# make it wait (retry=, wait=).
PARAMETERS = frozenset({
    "to", "channel", "thread", "threadid", "topic", "mode", "priority", "silent", "token", "key", "webhook", "hmac",
    "api-version", "sp", "sv", "sig", "version", "id", "auth",
})  # fmt: skip

_STATUS = re.compile(r"error=(\d{3})")
_NOT_SENT = re.compile(r"NewConnectionError|NameResolutionError|ConnectTimeout|SSLError|ProxyError")
# What apprise has said in this context, which it takes along to threads of its own.
_heard: ContextVar[list[str] | None] = ContextVar("heard", default=None)


class _Ear(logging.Handler):
    """Hears what apprise says, as its answer is only yes or no. Nothing of it reaches our log: it quotes addresses and
    keys."""

    def emit(self, record: logging.LogRecord) -> None:
        if (lines := _heard.get()) is not None:
            lines.append(record.getMessage())


_ear = _Ear(logging.DEBUG)
_loading = threading.Lock()


def _plugin(target: str) -> Any:
    """apprise's object for a target (Any: it has no types), or None if it knows none or the target isn't allowed."""
    import apprise  # only where somebody uses it: it takes half a second to load

    logger = logging.getLogger("apprise")
    with _loading:
        if _ear not in logger.handlers:
            logger.handlers[:] = [_ear]
            logger.propagate = False
            logger.setLevel(logging.DEBUG)
            # Its library for HTTP logs every address.
            logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    if {name.lower() for name, _value in parse_qsl(urlsplit(target).query, keep_blank_values=True)} - PARAMETERS:
        return None
    asset = apprise.AppriseAsset(storage_mode="memory", async_mode=False, http_redirects=False)
    plugin = apprise.Apprise.instantiate(target, asset=asset, suppress_exceptions=True)
    schemes = _schemes(plugin)
    if plugin is None or not schemes & (SERVICES | OWN_SERVERS):
        return None
    plugin.socket_connect_timeout = plugin.socket_read_timeout = SECONDS
    plugin.redirects, plugin.verify_certificate = False, True
    return plugin


def _schemes(plugin: Any) -> frozenset[str]:
    named: set[str] = set()
    for name in ("protocol", "secure_protocol"):
        schemes = getattr(plugin, name, None) or ()
        named.update([schemes] if isinstance(schemes, str) else schemes)
    return frozenset(named)


def check(target: str) -> None:
    """Raise FieldProblem unless it names an allowed chat service in apprise's way."""
    try:
        plugin = _plugin(target)
    except ValueError:
        plugin = None
    if plugin is None:
        raise FieldProblem(
            "target",
            _(
                "This is no address of a chat service that can be used here, in the form of apprise; the services are %(names)s"
            ),
            names=", ".join(sorted(SERVICES | OWN_SERVERS)),
        )
    if plugin.host and _schemes(plugin) & OWN_SERVERS:
        try:
            resolve(plugin.host.strip("[]"), plugin.port or 443)
        except DeliveryFailure as failure:
            raise FieldProblem(
                "target", "%(sentence)s", sentence=failures.sentence(failure.reason, failure.detail)
            ) from None


def mask(target: str) -> str:
    """The service alone: in such an address everything else may be a key."""
    return f"{urlsplit(target).scheme}://…"


def send(rule: NotificationRule, message: Message) -> None:
    """Post the message to the service.

    Raises DeliveryFailure.
    """
    try:
        plugin = _plugin(rule.target)
    except ValueError:
        plugin = None
    if plugin is None:
        raise DeliveryFailure(failures.INVALID)
    import apprise

    said: list[str] = []
    token = _heard.set(said)
    try:
        with guarded():
            sent = apprise.Apprise(plugin, asset=plugin.asset).notify(
                title=message.subject,
                body=message.text(MOST_LINES),
                body_format=apprise.NotifyFormat.TEXT,
                timeout=MOST_SECONDS,
            )
    finally:
        _heard.reset(token)
    if not sent:
        raise _failure(said)


def _failure(said: list[str]) -> DeliveryFailure:
    """What apprise's words come to. Where a service may have taken the message it isn't sent again."""
    text = "\n".join(said)
    if found := _STATUS.search(text):
        status = int(found[1])
        if status in (408, 429) or status >= 500:
            return DeliveryFailure(failures.BUSY, f"HTTP {status}", again=True)
        return DeliveryFailure(failures.REFUSED, f"HTTP {status}")
    if _NOT_SENT.search(text):
        return DeliveryFailure(failures.UNREACHED, "no connection", again=True)
    # A connection that broke later, a time-out, or words that we don't know.
    return DeliveryFailure(failures.UNCLEAR)
