"""One's own keys: made, listed and ended by their owner. The command makes and ends keys of anybody with the same entries."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import TOKEN_MADE, TOKEN_REVOKED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import Token, User
from learntrace.core.errors import NotFound, Problem

MOST: Final = 100


class NoSuchToken(NotFound):
    slug = "token-not-found"
    text = _("Token not found")


class TooManyTokens(Problem):
    slug = "too-many-tokens"
    text = _("There are %(most)s keys, which is as many as one user may have. Revoke some first")


def tokens_of(user: User) -> QuerySet[Token]:
    """Return the user's tokens that haven't expired, the newest first."""
    in_force = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    return Token.objects.filter(in_force, user=user).order_by("-id")


def make(user: User, scope: str, name: str, days: int | None, *, academy_id: int | None = None) -> tuple[Token, str]:
    """Make a key of a user; return it with its key, which can't be shown again. `academy_id`: whose admin makes it.

    Raises TooManyTokens.
    """
    check_room_for_one(user)
    until = timezone.now() + timedelta(days=days) if days else None
    with transaction.atomic():
        token, key = Token.issue(user, Token.Kind.PERMANENT, until, scope=scope, name=name)
        record_made(token, academy_id)
    return token, key


def check_room_for_one(user: User) -> None:
    """Raise TooManyTokens where a user may have no more."""
    if tokens_of(user).count() >= MOST:
        raise TooManyTokens(most=MOST)


def end_token(user: User, token_id: int) -> None:
    """End one of the user's tokens.

    Raises NoSuchToken.
    """
    if not end_tokens(user, Token.objects.filter(pk=token_id)):
        raise NoSuchToken


@transaction.atomic
def end_tokens(user: User, tokens: QuerySet[Token]) -> int:
    """End those of the tokens that are the user's at once; return how many."""
    rows = list(tokens.filter(user=user).select_for_update())
    record_ended(user.pk, rows)
    return Token.objects.filter(pk__in=[row.pk for row in rows]).delete()[0]


def record_made(token: Token, academy_id: int | None = None) -> None:
    """Record in the audit log that a token was made."""
    record(TOKEN_MADE, academy_id=academy_id, object_id=token.pk, subject_id=token.user_id, after=_told(token))


def record_ended(user_id: int, tokens: Sequence[Token], academy_id: int | None = None) -> None:
    """Record in the audit log that tokens of a user are ended, all in one entry."""
    if len(tokens) == 1:
        before, object_id = _told(tokens[0]), tokens[0].pk
    else:
        before, object_id = {token.prefix: _told(token) for token in tokens}, None
    record(TOKEN_REVOKED, academy_id=academy_id, object_id=object_id, subject_id=user_id, before=before)


def _told(token: Token) -> dict[str, Any]:
    until = token.expires_at.isoformat().replace("+00:00", "Z") if token.expires_at else None
    return {"prefix": token.prefix, "kind": token.kind, "scope": token.scope, "expires_at": until}
