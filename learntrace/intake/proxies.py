"""Who may say where a request came from: the proxies of LEARNTRACE_TRUSTED_PROXIES, and nobody else.

Behind a proxy its headers name the client, the host and whether TLS was used. Everybody can send such headers, so those of
others are taken away here, before anything reads them: limits, the sign-in, links, cookies and /metrics all see the same.
"""

from typing import Final

from django.conf import settings

from learntrace.core.http.address import is_trusted
from learntrace.intake.body import Receive
from learntrace.intake.front_door import Application, Scope, Send

FORWARDED: Final = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-proto", b"x-real-ip"}
)
CAME_BY_PROXY: Final = "learntrace.came_by_proxy"
"""In the scope of a request that had such a header, whoever sent it."""


class TrustedProxies:
    """The ASGI application around all others: passes each request on with the headers that may be believed."""

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry."""
        headers = scope.get("headers", ())
        if any(name in FORWARDED for name, _value in headers):
            scope = {**scope, CAME_BY_PROXY: True}
            if not _believed(scope):
                scope["headers"] = [header for header in headers if header[0] not in FORWARDED]
        await self._inner(scope, receive, send)


def _believed(scope: Scope) -> bool:
    return bool(settings.USE_X_FORWARDED_HOST) and is_trusted((scope.get("client") or ("",))[0])
