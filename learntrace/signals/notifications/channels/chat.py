"""Chat services, through the library apprise: only listed ones, none of which can reach into this machine or its network."""

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
from learntrace.signals.notifications.addresses import check_host, guarded
from learntrace.signals.notifications.channels.base import Channel
from learntrace.signals.notifications.failures import DeliveryFailure
from learntrace.signals.notifications.message import Message

SECONDS = 10.0  # to connect, and for each part of an answer
MOST_SECONDS = 20.0  # for all of it
MOST_LINES = 20

# Services of one provider each, whose hosts the library knows.
SERVICES = frozenset({
    "slack", "discord", "tgram", "gchat", "webex", "wxteams", "zulip", "guilded",
    "flock", "ryver", "lark", "feishu", "dingtalk", "line", "pover", "threema", "twist",
})  # fmt: skip
# Services that many run themselves, or whose URL has a host in it: the host is checked as a webhook's is.
OWN_SERVERS = frozenset({
    "mmost", "mmosts", "rocket", "rockets", "ntfy", "ntfys", "matrix", "matrixs", "nctalk", "nctalks", "gotify", "gotifys",
    "workflow", "workflows",
})  # fmt: skip
# Parameters that are allowed after the "?". Others of apprise's read files (template=), turn off the check of certificates
# (verify=) or make it wait (retry=, wait=).
PARAMETERS = frozenset({
    "to", "channel", "thread", "threadid", "topic", "mode", "priority", "silent", "token", "key", "webhook", "hmac",
    "api-version", "sp", "sv", "sig", "version", "id", "auth",
})  # fmt: skip

_NO_SERVICE = _(
    "This isn't the address of a chat service that can be used here. Write it as Apprise does, such as discord://… or "
    "slack://…; the documentation lists the services"
)
_STATUS = re.compile(r"error=(\d{3})")
_NOT_SENT = re.compile(r"NewConnectionError|NameResolutionError|ConnectTimeout|SSLError|ProxyError")
# apprise's log lines of this context, which it takes along to threads of its own.
_apprise_lines: ContextVar[list[str] | None] = ContextVar("apprise_lines", default=None)


class _AppriseLog(logging.Handler):
    """Collects apprise's log lines, as its result is only true or false. They quote URLs and keys: none reaches our log."""

    def emit(self, record: logging.LogRecord) -> None:
        if (lines := _apprise_lines.get()) is not None:
            lines.append(record.getMessage())


_apprise_log = _AppriseLog(logging.DEBUG)
_loading = threading.Lock()


def _plugin(target: str) -> Any:
    """Return apprise's object for a target (Any: it has no types), None if it knows none or the target isn't allowed."""
    import apprise  # only here: it takes half a second to load

    _silence()
    try:
        names = {name.lower() for name, _value in parse_qsl(urlsplit(target).query, keep_blank_values=True)}
        if names - PARAMETERS:
            return None
        asset = apprise.AppriseAsset(storage_mode="memory", async_mode=False, http_redirects=False)
        plugin = apprise.Apprise.instantiate(target, asset=asset, suppress_exceptions=True)
    except ValueError:
        return None
    if plugin is None or not _schemes(plugin) & (SERVICES | OWN_SERVERS):
        return None
    plugin.socket_connect_timeout = plugin.socket_read_timeout = SECONDS
    plugin.redirects, plugin.verify_certificate = False, True
    return plugin


def _silence() -> None:
    """Have apprise log to `_AppriseLog` alone."""
    logger = logging.getLogger("apprise")
    with _loading:
        if _apprise_log not in logger.handlers:
            logger.handlers[:] = [_apprise_log]
            logger.propagate = False
            logger.setLevel(logging.DEBUG)
            # Its HTTP library logs every URL.
            logging.getLogger("urllib3").setLevel(logging.CRITICAL)


def _schemes(plugin: Any) -> frozenset[str]:
    names: set[str] = set()
    for attribute in ("protocol", "secure_protocol"):
        schemes = getattr(plugin, attribute, None) or ()
        names.update([schemes] if isinstance(schemes, str) else schemes)
    return frozenset(names)


class ChatChannel(Channel):
    """Messages to a chat service, whose target is a URL of apprise's."""

    def check(self, target: str) -> None:
        """Raise FieldProblem unless the target names an allowed chat service in apprise's form."""
        plugin = _plugin(target)
        if plugin is None:
            raise FieldProblem("target", _NO_SERVICE)
        if plugin.host and _schemes(plugin) & OWN_SERVERS:
            check_host(plugin.host.strip("[]"), plugin.port or 443)

    def mask(self, target: str) -> str:
        """Return the service alone: everything else in such a URL may be a key."""
        return f"{urlsplit(target).scheme}://…"

    def send(self, rule: NotificationRule, message: Message) -> None:
        """Post the message to the service.

        Raises DeliveryFailure.
        """
        plugin = _plugin(rule.target)
        if plugin is None:
            raise DeliveryFailure(failures.INVALID)
        lines: list[str] = []
        token = _apprise_lines.set(lines)
        try:
            with guarded():
                sent = _notify(plugin, message)
        finally:
            _apprise_lines.reset(token)
        if not sent:
            raise _failure(lines)


def _notify(plugin: Any, message: Message) -> bool:
    import apprise

    return bool(
        apprise.Apprise(plugin, asset=plugin.asset).notify(
            title=message.subject,
            body=message.text(MOST_LINES),
            body_format=apprise.NotifyFormat.TEXT,
            timeout=MOST_SECONDS,
        )
    )


def _failure(lines: list[str]) -> DeliveryFailure:
    """Return the failure that apprise's log lines describe. A message that may have arrived isn't sent again."""
    text = "\n".join(lines)
    if match := _STATUS.search(text):
        status = int(match[1])
        if status in (408, 429) or status >= 500:
            return DeliveryFailure(failures.BUSY, f"HTTP {status}", again=True)
        return DeliveryFailure(failures.REFUSED, f"HTTP {status}")
    if _NOT_SENT.search(text):
        return DeliveryFailure(failures.UNREACHED, "no connection", again=True)
    # The connection broke later, a time-out, or lines that we don't know.
    return DeliveryFailure(failures.UNCLEAR)
