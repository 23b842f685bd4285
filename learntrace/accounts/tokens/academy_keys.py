"""Keys of an academy's people and programs, which its admins make, rotate and end.

A key acts for its user wherever that user may act. So admins manage only the keys of accounts that act nowhere else: those
of members of other academies, of accounts with a grant and of the installation's operators are left to themselves. And a
key that opens a person's own data is made by that person alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import TOKEN_REVOKED, TOKEN_ROTATED
from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.models import Academy, Membership, Token, User
from learntrace.accounts.people.naming import called
from learntrace.accounts.people.reach import beyond
from learntrace.accounts.tokens import own
from learntrace.accounts.tokens.rotation import rotate_locked
from learntrace.accounts.tokens.scopes import TokenScope
from learntrace.core.errors import NotFound, Problem
from learntrace.core.time_zones import day_and_time

_PROGRAM_ROLE: Final = "staff"
_LEARNER_ROLE: Final = "student"
# Expired keys are shown for this long: whoever asks why a client is refused finds the key that it sends.
EXPIRED_SHOWN: Final = timedelta(days=90)
_MOST_WORDS: Final = 8


class NoSuchAccount(NotFound):
    slug = "account-not-found"
    text = _("%(academy)s has no account “%(name)s”. Check the spelling, or name it by id, such as id:101")


class SeveralAccounts(Problem):
    slug = "several-accounts"
    text = _("%(name)s means several accounts: %(found)s. Name one by id, such as id:101")


class AccountInactive(Problem):
    slug = "account-inactive"
    text = _("The account of %(name)s is not active, so a key of it would open nothing")


class NotThisAcademysAlone(Problem):
    slug = "account-shared"
    text = _(
        "The account of %(name)s is not only this academy's, and a key would open more than this academy. "
        "%(name)s creates and revokes its keys under Sign-in and keys"
    )


class OnlyForSending(Problem):
    slug = "key-of-a-person"
    text = _(
        "For a person, only a key that sends telemetry can be created here: any other one would open what only %(name)s may "
        "read and decide. %(name)s creates it under Sign-in and keys"
    )


class KeyEnded(NotFound):
    """The key is gone; the sentence says who ended it and when, where the audit log knows."""

    slug = "key-ended"
    text = _("This key was revoked or has expired in the meantime. Nothing was changed")


class KeyEndedBy(KeyEnded):
    text = _("%(who)s revoked this key on %(when)s. Nothing was changed")


@dataclass(frozen=True)
class KeyWish:
    """A key to be made: for what, called how, for how many days; None: until it is ended."""

    scope: str
    name: str
    days: int | None


def managed_accounts(academy: Academy, actor: User) -> QuerySet[User]:
    """Return the members whose keys the academy's admins manage, and the admin who asks."""
    here = Exists(Membership.objects.filter(user=OuterRef("pk"), academy=academy))
    return User.objects.filter(here).filter(~beyond(academy) | Q(pk=actor.pk))


def left_out(academy: Academy, actor: User) -> int:
    """Return how many members' keys are not managed here."""
    members = User.objects.filter(Exists(Membership.objects.filter(user=OuterRef("pk"), academy=academy)))
    return members.exclude(pk__in=managed_accounts(academy, actor).values("pk")).count()


def keys_of(academy: Academy, actor: User, text: str = "", *, expired: bool = False) -> QuerySet[Token]:
    """Return the keys in force, or those that expired lately, the newest first.

    `text`: all of its words are in the names of the account, of the key or in its visible prefix.
    """
    now = timezone.now()
    rows = Token.objects.filter(user__in=managed_accounts(academy, actor)).select_related("user")
    if expired:
        rows = rows.filter(expires_at__lte=now, expires_at__gt=now - EXPIRED_SHOWN).order_by("-expires_at", "-id")
    else:
        rows = rows.filter(Q(expires_at=None) | Q(expires_at__gt=now)).order_by("-id")
    for word in text.replace("\0", "").split()[:_MOST_WORDS]:
        fields = ("user__username", "user__first_name", "user__last_name", "user__email", "name")
        matches = Q(prefix__istartswith=word)
        for field in fields:
            matches |= Q(**{f"{field}__contains_word": word})
        rows = rows.filter(matches)
    return rows


def find_accounts(academy: Academy, actor: User, words: Sequence[str], most: int) -> list[User]:
    """Return active accounts whose keys are managed here, with all words in their names or e-mail addresses."""
    rows = managed_accounts(academy, actor).filter(is_active=True)
    for word in words:
        names = Q(username__contains_word=word) | Q(first_name__contains_word=word) | Q(last_name__contains_word=word)
        rows = rows.filter(names | Q(email__contains_word=word))
    return list(rows.order_by("username")[:most])


def account_named(academy: Academy, actor: User, name: str) -> User:
    """Return the account of the academy that a name means, if its keys are managed here.

    Raises NoSuchAccount, SeveralAccounts, NotThisAcademysAlone, AccountInactive.
    """
    members = User.objects.filter(memberships__academy=academy).distinct()
    name = name.replace("\0", "").strip()[:320]
    users = list(called(name, members)[:4]) if name else []
    if not users:
        raise NoSuchAccount(academy=academy.name, name=name[:100])
    if len(users) > 1:
        raise SeveralAccounts(name=name[:100], found=", ".join(f"{user.pk} ({user.username})" for user in users))
    (user,) = users
    if not managed_accounts(academy, actor).filter(pk=user.pk).exists():
        raise NotThisAcademysAlone(name=user.display_name)
    if not user.is_active:
        raise AccountInactive(name=user.display_name)
    return user


def key_of(academy: Academy, actor: User, token_id: int) -> Token:
    """Return a key, in force or expired.

    Raises KeyEnded.
    """
    managed = managed_accounts(academy, actor)
    token = Token.objects.select_related("user").filter(pk=min(token_id, 2**63 - 1), user__in=managed).first()
    if token is None:
        raise ended_problem(token_id, managed)
    return token


def scopes_for(academy: Academy, actor: User, user: User) -> tuple[str, ...]:
    """Return the scopes of which an admin may get a key for an account: all for programs and for oneself."""
    if user.pk == actor.pk or user.pk in programs_among(academy, [user]):
        return tuple(TokenScope.values)
    return (TokenScope.TELEMETRY.value,)


def programs_among(academy: Academy, users: Iterable[User]) -> set[int]:
    """Return the ids of those accounts that are programs': by their role, or as nobody can or did ever sign in with them."""
    people = {user.pk: user for user in users}
    roles = dict(Membership.objects.filter(user__in=people, academy=academy).values_list("user_id", "role"))
    return {
        pk
        for pk, user in people.items()
        if roles.get(pk) == _PROGRAM_ROLE
        or (roles.get(pk) != _LEARNER_ROLE and not user.has_usable_password() and user.last_login is None)
    }


def rotatable(academy: Academy, actor: User, tokens: Sequence[Token]) -> set[int]:
    """Return the ids of those of the keys that an admin may rotate; one query."""
    programs = programs_among(academy, [token.user for token in tokens])
    sending = TokenScope.TELEMETRY.value
    return {
        token.pk
        for token in tokens
        if token.kind == Token.Kind.PERMANENT
        and (token.scope == sending or token.user_id == actor.pk or token.user_id in programs)
    }


def make_for(academy: Academy, actor: User, user: User, wish: KeyWish) -> tuple[Token, str]:
    """Make a key for an account; return it with its key, which can't be shown again.

    Raises OnlyForSending, TooManyTokens.
    """
    if wish.scope not in scopes_for(academy, actor, user):
        raise OnlyForSending(name=user.display_name)
    return own.make(user, wish.scope, wish.name, wish.days, academy_id=academy.pk)


def end(academy: Academy, actor: User, token_id: int) -> Token:
    """End a key, in force or expired; return what it was.

    Raises KeyEnded.
    """
    with transaction.atomic():
        token = _locked(academy, actor, token_id)
        own.record_ended(token.user_id, [token], academy_id=academy.pk)
        Token.objects.filter(pk=token.pk).delete()
    return token


def rotate(academy: Academy, actor: User, token_id: int, grace: timedelta) -> tuple[Token, str]:
    """Make the key that follows another one, which ends after the grace; return it with its key.

    Who rotates a key holds the new one: so only of those uses of which one may make a key.

    Raises KeyEnded, OnlyForSending, NotRotated, TooManyTokens.
    """
    with transaction.atomic():
        token = _locked(academy, actor, token_id)
        if token.scope not in scopes_for(academy, actor, token.user):
            raise OnlyForSending(name=token.user.display_name)
        return rotate_locked(token, grace, academy_id=academy.pk)


def _locked(academy: Academy, actor: User, token_id: int) -> Token:
    rows = Token.objects.select_for_update(of=("self",)).select_related("user")
    token = rows.filter(pk=token_id, user__in=managed_accounts(academy, actor)).first()
    if token is None:
        raise ended_problem(token_id, managed_accounts(academy, actor))
    return token


def ended_problem(token_id: int, people: QuerySet[User]) -> KeyEnded:
    """Return the problem that a key is gone; it says who ended it, if it was one of these people's."""
    entry = (
        AuditEntry.objects.filter(object_type="token", object_id=token_id, subject_id__in=people.values("pk"))
        .filter(action__in=(TOKEN_REVOKED.slug, TOKEN_ROTATED.slug))
        .annotate(who=F("values__actor_name"))
        .order_by("-id")
        .first()
    )
    who = User.objects.filter(pk=entry.actor_id).first() if entry is not None and entry.actor_id else None
    if entry is None or who is None:
        return KeyEnded()
    return KeyEndedBy(who=who.display_name, when=_spoken(entry.at))


def _spoken(at: datetime) -> str:
    return day_and_time(timezone.localtime(at))
