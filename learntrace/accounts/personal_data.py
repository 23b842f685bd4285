"""Personal datasets of this room (`core.personal_data`): the account, which only the server's operator can close."""

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit import personal_data as audit
from learntrace.accounts.models import Grant, Membership, Token, User
from learntrace.core.personal_data import PersonalDataset, Rows, register_datasets

_ACCOUNT_COLUMNS = (
    "id",
    "username",
    "email",
    "first_name",
    "last_name",
    "language",
    "is_active",
    "is_staff",
    "is_superuser",
    "date_joined",
    "last_login",
)


def _account(user_id: int) -> Rows:
    # Without the password's hash.
    rows: Rows = User.objects.filter(pk=user_id).values(*_ACCOUNT_COLUMNS)
    return rows


def _memberships(user_id: int) -> Rows:
    rows = Membership.objects.filter(user=user_id).order_by("id")
    return rows.values("role", "status", "created_at", academy_slug=F("academy__slug"), academy_name=F("academy__name"))


def _grants(user_id: int) -> Rows:
    return Grant.objects.filter(user=user_id).order_by("id").values("permission")


def _tokens(user_id: int) -> Rows:
    # Without the keys' hashes.
    return Token.objects.filter(user=user_id).order_by("id").values("prefix", "kind", "expires_at", "created_at")


def register() -> None:
    account = _("It is what you sign in with. Whoever runs this server can close it.")
    membership = _("Your academies decide who belongs to them, and as what.")
    tokens = _("Your programs send with them. Whoever runs this server can revoke them.")
    register_datasets(
        PersonalDataset("account", _("Account"), _account, stays=account, table=True),
        PersonalDataset("memberships", _("Roles in academies"), _memberships, stays=membership, table=True),
        PersonalDataset("permissions", _("Permissions outside any role"), _grants, stays=membership, table=True),
        PersonalDataset("tokens", _("Tokens, without their keys"), _tokens, stays=tokens, table=True),
        *audit.DATASETS,
    )
