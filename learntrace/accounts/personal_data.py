"""Personal datasets of this room (`core.personal_data`): the account, which only the server's operator can close."""

from django.contrib.postgres.aggregates import StringAgg
from django.db.models import F, Q, Value
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit import personal_data as audit
from learntrace.accounts.models import (
    CohortLearner,
    Grant,
    Invitation,
    Membership,
    MergedUser,
    RosterJob,
    Token,
    User,
)
from learntrace.accounts.roster.jobs.erasing import erase_from_jobs
from learntrace.accounts.second_factor.models import AuthenticatorApp, Passkey, RecoveryCode
from learntrace.accounts.signing_in.models import SignInSession
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
    return rows.values(
        "role",
        "status",
        "created_at",
        "only_cohorts",
        academy_slug=F("academy__slug"),
        academy_name=F("academy__name"),
        seen_cohorts=StringAgg("cohorts__slug", Value(", "), default=Value("")),
    )


def _grants(user_id: int) -> Rows:
    return Grant.objects.filter(user=user_id).order_by("id").values("permission")


def _tokens(user_id: int) -> Rows:
    # Without the keys' hashes.
    columns = ("prefix", "name", "kind", "scope", "expires_at", "created_at", "last_used_at", "last_used_from")
    rows: Rows = Token.objects.filter(user=user_id).order_by("id").values(*columns)
    return rows


def _sessions(user_id: int) -> Rows:
    # Without the sessions' keys.
    columns = ("created_at", "last_seen_at", "address", "user_agent")
    rows: Rows = SignInSession.objects.filter(user=user_id).order_by("id").values(*columns)
    return rows


def _passkeys(user_id: int) -> Rows:
    # Without secrets and public keys.
    columns = ("name", "created_at", "last_used_at")
    rows: Rows = Passkey.objects.filter(user=user_id).order_by("id").values(*columns)
    return rows


def _app(user_id: int) -> Rows:
    rows: Rows = AuthenticatorApp.objects.filter(user=user_id).values("created_at", "confirmed_at")
    return rows


def _recovery_codes(user_id: int) -> Rows:
    rows: Rows = RecoveryCode.objects.filter(user=user_id).order_by("id").values("created_at", "used_at")
    return rows


def _former_names(user_id: int) -> Rows:
    return MergedUser.objects.filter(user=user_id).order_by("former_id").values("former_id", "former_name")


def _cohort_places(user_id: int) -> Rows:
    places = CohortLearner.objects.filter(user=user_id).order_by("id")
    rows: Rows = places.values("created_at", cohort_slug=F("cohort__slug"), cohort_name=F("cohort__name"))
    return rows


def _invitations(user_id: int) -> Rows:
    # Without the hashes of their links.
    columns = (
        "email",
        "role",
        "created_at",
        "expires_at",
        "mailed",
        "used_at",
        "revoked_at",
        "made_by_id",
        "used_by_id",
    )
    invitations = Invitation.objects.filter(Q(made_by=user_id) | Q(used_by=user_id)).order_by("id")
    rows: Rows = invitations.values(*columns, academy_slug=F("academy__slug"))
    return rows


def _imports(user_id: int) -> Rows:
    # Without what they say of others.
    columns = ("file_name", "form", "state", "address", "created_at", "applied_at", "undone_at")
    jobs = RosterJob.objects.filter(made_by=user_id).order_by("id")
    rows: Rows = jobs.values(*columns, academy_slug=F("academy__slug"))
    return rows


def register() -> None:
    account = _("It is what you sign in with. The administration of this server can close it.")
    membership = _("Your academies decide who belongs to them, and in which role.")
    tokens = _("Your programs send with them. You can revoke them under Sign-in and keys.")
    sessions = _("They show you where you are signed in. You can end them under Sign-in and keys.")
    factors = _("You sign in with them. You can remove them under Sign-in and keys.")
    register_datasets(
        PersonalDataset("account", _("Account"), _account, stays=account, table=True),
        PersonalDataset("former-names", _("Former ids and user names"), _former_names, stays=account, table=True),
        PersonalDataset("memberships", _("Roles in academies"), _memberships, stays=membership, table=True),
        PersonalDataset(
            "cohort-places",
            _("Places in cohorts, given by hand"),
            _cohort_places,
            stays=membership,
            table=True,
        ),
        PersonalDataset(
            "invitations", _("Invitations that you created or accepted"), _invitations, stays=membership, table=True
        ),
        PersonalDataset("roster-imports", _("Rosters that you imported"), _imports, erase_from_jobs, table=True),
        PersonalDataset("permissions", _("Permissions outside any role"), _grants, stays=membership, table=True),
        PersonalDataset("tokens", _("Keys, without the secret itself"), _tokens, stays=tokens, table=True),
        PersonalDataset("sessions", _("Sessions on this server's pages"), _sessions, stays=sessions, table=True),
        PersonalDataset("passkeys", _("Passkeys"), _passkeys, stays=factors, table=True),
        PersonalDataset("authenticator-app", _("Authenticator app"), _app, stays=factors, table=True),
        PersonalDataset(
            "recovery-codes",
            _("Recovery codes, without the codes themselves"),
            _recovery_codes,
            stays=factors,
            table=True,
        ),
        *audit.DATASETS,
    )
