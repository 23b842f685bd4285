"""What this room holds about users (`core.personal`): all of it is the account, which whoever runs the server closes."""

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Grant, Membership, Token, User
from learntrace.core.personal import Holding, Rows, hold


def _account(user_id: int) -> Rows:
    # Never the password's hash.
    return User.objects.filter(pk=user_id).values(
        "id", "username", "email", "first_name", "last_name", "language", "is_active", "is_staff", "is_superuser",
        "date_joined", "last_login",
    )  # fmt: skip


def _memberships(user_id: int) -> Rows:
    rows = Membership.objects.filter(user=user_id).order_by("id")
    return rows.values("role", "status", "created_at", academy_slug=F("academy__slug"), academy_name=F("academy__name"))


def _grants(user_id: int) -> Rows:
    return Grant.objects.filter(user=user_id).order_by("id").values("permission")


def _tokens(user_id: int) -> Rows:
    # Never the keys' hashes.
    return Token.objects.filter(user=user_id).order_by("id").values("prefix", "kind", "expires_at", "created_at")


def register() -> None:
    account = _("It is what you sign in with. Whoever runs this server can close it.")
    membership = _("Your academies decide who belongs to them, and as what.")
    tokens = _("Your programs send with them. Whoever runs this server can revoke them.")
    hold(
        Holding("account", _("Account"), _account, stays=account, table=True),
        Holding("memberships", _("Roles in academies"), _memberships, stays=membership, table=True),
        Holding("permissions", _("Permissions outside any role"), _grants, stays=membership, table=True),
        Holding("tokens", _("Tokens, without their keys"), _tokens, stays=tokens, table=True),
    )
