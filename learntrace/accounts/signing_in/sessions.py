"""The sessions of the pages, as their users see and end them."""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from learntrace.accounts.audit.actions import SESSIONS_ENDED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import User
from learntrace.accounts.second_factor.sign_in import check_again
from learntrace.accounts.signing_in.models import SignInSession
from learntrace.core.http.address import client_address

SEEN_SECONDS: Final = 60.0
MOST_REMEMBERED: Final = 10_000

GetResponse = Callable[[HttpRequest], HttpResponse]


# When each session was last noted by this process.
_noted: OrderedDict[str, float] = OrderedDict()


class SessionsSeen:
    """Middleware that notes when and from where a session was last seen, once a minute in each process.

    As often it asks whether an academy has begun to ask the user for a second factor.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # Only where the view has asked who it is: other requests must not pay for it.
        user = getattr(request, "_cached_user", None)
        key = request.session.session_key
        if isinstance(user, User) and key and time.monotonic() - _noted.get(key, -SEEN_SECONDS) >= SEEN_SECONDS:
            note(request, user)
            check_again(request, user)
        return response


def note(request: HttpRequest, user: User) -> None:
    """Note the request's session as seen now."""
    key, now = request.session.session_key, timezone.now()
    if not key:
        return
    row = SignInSession(
        user=user,
        session_key=key,
        created_at=now,
        last_seen_at=now,
        address=client_address(request),
        user_agent=request.headers.get("User-Agent", "").replace("\0", "")[:300],
    )
    seen = ["last_seen_at", "address", "user_agent"]
    _noted[key] = time.monotonic()
    _noted.move_to_end(key)
    if len(_noted) > MOST_REMEMBERED:
        _noted.popitem(last=False)
    SignInSession.objects.bulk_create([row], update_conflicts=True, unique_fields=["session_key"], update_fields=seen)


def sessions_of(user: User) -> QuerySet[SignInSession]:
    """Return the user's sessions that are open, the one that was seen last first."""
    return SignInSession.objects.filter(Exists(_open()), user=user).order_by("-last_seen_at", "-pk")


def _open() -> QuerySet[Session]:
    return Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=timezone.now())


def end_sessions(sessions: QuerySet[SignInSession]) -> int:
    """End sessions at once; return how many."""
    rows = list(sessions)
    Session.objects.filter(session_key__in=[row.session_key for row in rows]).delete()
    SignInSession.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


@transaction.atomic
def end_own_sessions(user: User, sessions: QuerySet[SignInSession]) -> int:
    """End sessions of a user who asks for it, and record it; return how many."""
    told = {f"session {row.pk}": row.address for row in sessions}
    record(SESSIONS_ENDED, object_id=user.pk, subject_id=user.pk, before=told)
    return end_sessions(sessions)


def delete_old_sessions() -> int:
    """Delete the sessions that have expired."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    gone = SignInSession.objects.exclude(Exists(_open()))
    # One that begins at this moment may not be stored yet.
    return gone.filter(last_seen_at__lt=timezone.now() - timedelta(minutes=10)).delete()[0]


def _signed_in(sender: object, request: HttpRequest | None, user: User, **_rest: Any) -> None:
    if request is not None:
        note(request, user)


def _signed_out(sender: object, request: HttpRequest | None, **_rest: Any) -> None:
    # Before Django deletes the session itself.
    if request is not None and request.session.session_key:
        SignInSession.objects.filter(session_key=request.session.session_key).delete()


def connect() -> None:
    """Have sessions noted from the sign-in on."""
    user_logged_in.connect(_signed_in, dispatch_uid="note-session")
    user_logged_out.connect(_signed_out, dispatch_uid="forget-session")
