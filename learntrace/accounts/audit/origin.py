"""Where an action comes from: the request in hand, and whose it is, or a command.

What carries an action out is shared by pages, API, administration and commands, and most of it is never told of a request.
So the request in hand is kept in the context, and read when something is recorded: its user is known by then.
"""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from learntrace.accounts.audit.models import AuditEntry
from learntrace.core.http.address import client_address

_request: ContextVar[HttpRequest | None] = ContextVar("request_in_hand", default=None)
_on_behalf: ContextVar["Origin | None"] = ContextVar("on_behalf", default=None)
_DOORS = {"/v1/": AuditEntry.Door.API, "/admin": AuditEntry.Door.ADMINISTRATION}


@dataclass(frozen=True)
class Origin:
    """Who acts, through which door, from which network address. A command's actor is the operating system's user."""

    door: AuditEntry.Door
    actor_id: int | None
    actor_name: str
    address: str


def current_origin() -> Origin:
    """Return the origin of what is done now."""
    if (asked := _on_behalf.get()) is not None:
        return asked
    request = _request.get()
    if request is None:
        return Origin(AuditEntry.Door.COMMAND, None, _system_user(), "")
    door = next((door for prefix, door in _DOORS.items() if request.path.startswith(prefix)), AuditEntry.Door.PAGE)
    user = getattr(request, "user", None)
    name = user.get_username() if user is not None and user.pk else ""
    return Origin(door, user.pk if user is not None else None, name, client_address(request)[:45])


@contextmanager
def on_behalf_of(origin: Origin) -> Iterator[None]:
    """Have what is recorded in a block told as done by whoever has asked for it on a page, when a worker carries it out."""
    token = _on_behalf.set(origin)
    try:
        yield
    finally:
        _on_behalf.reset(token)


def _system_user() -> str:
    try:
        return getpass.getuser()[:150]
    except (OSError, KeyError):
        # A container's account may have no name.
        return ""


class AuditOriginMiddleware:
    """Keeps the request in hand for what is recorded while it is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = _request.set(request)
        try:
            return self.get_response(request)
        finally:
            _request.reset(token)
