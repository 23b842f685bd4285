"""One's own keys: made, listed and ended by their owner."""

from datetime import timedelta
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Token, User
from learntrace.core.errors import NotFound, Problem

MOST: Final = 100


class NoSuchToken(NotFound):
    slug = "token-not-found"
    text = _("Token not found")


class TooManyTokens(Problem):
    slug = "too-many-tokens"
    text = _("You have %(most)s keys, which is as many as one user may have. End some first")


def tokens_of(user: User) -> QuerySet[Token]:
    """Return the user's tokens that haven't expired, the newest first."""
    in_force = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    return Token.objects.filter(in_force, user=user).order_by("-id")


def make(user: User, scope: str, name: str, days: int | None) -> tuple[Token, str]:
    """Make a key for oneself; return it with its key, which can't be shown again.

    Raises TooManyTokens.
    """
    if tokens_of(user).count() >= MOST:
        raise TooManyTokens(most=MOST)
    until = timezone.now() + timedelta(days=days) if days else None
    return Token.issue(user, Token.Kind.PERMANENT, until, scope=scope, name=name)


def end_token(user: User, token_id: int) -> None:
    """End one of the user's tokens.

    Raises NoSuchToken.
    """
    if not end_tokens(Token.objects.filter(user=user, pk=token_id)):
        raise NoSuchToken


def end_tokens(tokens: QuerySet[Token]) -> int:
    """End tokens at once; return how many."""
    # The place for an entry of an audit log: whose tokens were ended.
    return tokens.delete()[0]
