"""Rotate a key: another one with the same use follows it, and the old one ends after a grace, so that clients can change."""

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import TOKEN_ROTATED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import Token
from learntrace.accounts.tokens import own
from learntrace.core.errors import Problem

# Hours for which the old key may stay: at once, an hour, a day, a week.
GRACES: Final = (0, 1, 24, 168)


class NotRotated(Problem):
    slug = "key-not-rotated"
    text = _("This key came with a sign-in and ends by itself, so it can't be rotated: revoke it instead")


def rotate_locked(token: Token, grace: timedelta, academy_id: int | None = None) -> tuple[Token, str]:
    """Rotate a key whose row the open transaction has locked; return the new one with its key.

    The new one lasts as long as the old one was made for. Without a grace the old one is deleted at once.

    Raises NotRotated, TooManyTokens.
    """
    if token.kind != Token.Kind.PERMANENT:
        raise NotRotated
    own.check_room_for_one(token.user)
    now = timezone.now()
    until = now + (token.expires_at - token.created_at) if token.expires_at else None
    new, key = Token.issue(token.user, token.kind, until, scope=token.scope, name=token.name)
    ends_at = min(token.expires_at or now + grace, now + grace)
    before = {"prefix": token.prefix, "expires_at": _iso(token.expires_at)}
    after = {"prefix": new.prefix, "expires_at": _iso(new.expires_at), "old_ends_at": _iso(ends_at)}
    record(
        TOKEN_ROTATED, academy_id=academy_id, object_id=token.pk, subject_id=token.user_id, before=before, after=after
    )
    if ends_at <= now:
        Token.objects.filter(pk=token.pk).delete()
    else:
        Token.objects.filter(pk=token.pk).update(expires_at=ends_at)
    return new, key


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
