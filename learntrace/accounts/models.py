"""Users, academies, memberships and permissions, and the tokens that authenticate users."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Lower
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from learntrace.accounts.audit.models import AuditEntry, AuditValues
from learntrace.accounts.roles import LIMITED_ROLES, PERMISSIONS, ROLES
from learntrace.accounts.tokens.scopes import TokenScope

# Django looks for a room's tables here.
__all__ = [
    "Academy", "AcademySettings", "AuditEntry", "AuditValues", "Cohort", "CohortLearner", "Grant", "Invitation", "Membership",
    "RosterJob", "RosterProgress", "Token", "User", "key_hash", "key_prefix",
]  # fmt: skip


class User(AbstractUser):
    """A person or a service."""

    language = models.CharField(max_length=10, blank=True, choices=settings.LANGUAGES, default="")

    class Meta(AbstractUser.Meta):
        indexes = [models.Index(Lower("email"), name="user_email_lower")]

    def __str__(self) -> str:
        return self.username

    @property
    def display_name(self) -> str:
        """First and last name; the user name if both are missing."""
        return self.get_full_name() or self.username


class MergedUser(models.Model):
    """A user that was found to be the same person as another: who names it by its former id or name means that one.

    Clients go on sending under both (`personal.merging`).
    """

    former_id = models.BigIntegerField(primary_key=True)
    former_name = models.CharField(max_length=150, unique=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("merged user")
        verbose_name_plural = _("merged users")

    def __str__(self) -> str:
        return f"{self.former_name} is {self.user_id}"


class Academy(models.Model):
    """An organisation; no academy sees another one's data."""

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", _("Active")
        INACTIVE = "INACTIVE", _("Inactive")
        DELETED = "DELETED", _("Deleted")

    slug = models.SlugField(max_length=150, unique=True)
    name = models.CharField(max_length=150)
    status = models.CharField(max_length=15, choices=Status.choices, default=Status.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    # The cohorts to which the member is limited for whom the academy was read, None without a limit
    # (`cohort_limits.limit`). Not a column.
    seen_cohorts: frozenset[int] | None = None

    class Meta:
        verbose_name = _("academy")
        verbose_name_plural = _("academies")

    def __str__(self) -> str:
        return self.slug


class AcademySettings(models.Model):
    """An academy's settings: `learnpack_features` (the ignore rules among others), `notebook_features`, and
    `signal_features` (the detectors' thresholds); `access_features` say how staff sign in, `page_features` what pages and
    messages say."""

    academy = models.OneToOneField(Academy, models.CASCADE, related_name="settings")
    learnpack_features = models.JSONField(default=dict, blank=True)
    notebook_features = models.JSONField(default=dict, db_default={}, blank=True)
    signal_features = models.JSONField(default=dict, db_default={}, blank=True)
    access_features = models.JSONField(default=dict, db_default={}, blank=True)
    page_features = models.JSONField(default=dict, db_default={}, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("academy settings")
        verbose_name_plural = _("academy settings")

    def __str__(self) -> str:
        return f"settings of {self.academy_id}"


class Cohort(models.Model):
    """A group of learners who take a course together, from the first day to the last one where these are known (UTC)."""

    slug = models.SlugField(max_length=150, unique=True)
    name = models.CharField(max_length=150)
    academy = models.ForeignKey(Academy, models.CASCADE, related_name="cohorts")
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("cohort")
        verbose_name_plural = _("cohorts")

    def __str__(self) -> str:
        return self.slug

    def clean(self) -> None:
        if self.ends_on and (not self.starts_on or self.ends_on < self.starts_on):
            raise ValidationError(_("A cohort can't end before it starts"))


# Memberships were written, in the open transaction; `user_ids`: whose. A membership may open more to the keys of its owner.
memberships_saved = Signal()


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Tells of memberships that are written many at a time, as `Membership.save` does of one."""

    @transaction.atomic
    def bulk_create(self, objs: Iterable["Membership"], *arguments: Any, **options: Any) -> list["Membership"]:
        rows = super().bulk_create(objs, *arguments, **options)
        memberships_saved.send(Membership, user_ids={row.user_id for row in rows})
        return rows


class Membership(models.Model):
    """A user's role in an academy. An inactive one gives no capability, but the user's data stay visible there.

    With `only_cohorts` a teacher or an assistant sees the learners of `cohorts` and nobody else (`cohort_limits.limit`). It is
    a column of its own, so that a limit to a cohort that was deleted stays a limit.
    """

    class Status(models.TextChoices):
        ACTIVE = "ACTIVE", _("Active")
        INACTIVE = "INACTIVE", _("Inactive")

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    academy = models.ForeignKey(Academy, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=[(role.slug, role.name) for role in ROLES.values()])
    status = models.CharField(max_length=15, choices=Status.choices, default=Status.ACTIVE)
    only_cohorts = models.BooleanField(default=False, db_default=False)
    cohorts = models.ManyToManyField(Cohort, blank=True, related_name="limited_members")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = models.Manager.from_queryset(MembershipQuerySet)()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [models.UniqueConstraint(fields=["user", "academy"], name="one_role_per_academy")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} in {self.academy_id}"

    @transaction.atomic
    def save(self, *arguments: Any, **options: Any) -> None:
        super().save(*arguments, **options)
        memberships_saved.send(Membership, user_ids={self.user_id})

    def clean(self) -> None:
        if self.only_cohorts and self.role not in LIMITED_ROLES:
            raise ValidationError(_("Only teachers and assistants can be limited to cohorts: give another role first"))


class Grant(models.Model):
    """A permission that a user has outside any role."""

    user = models.ForeignKey(User, models.CASCADE, related_name="grants")
    permission = models.CharField(max_length=60, choices=[(name, name) for name in PERMISSIONS])

    class Meta:
        verbose_name = _("permission outside a role")
        verbose_name_plural = _("permissions outside roles")
        constraints = [models.UniqueConstraint(fields=["user", "permission"], name="one_grant_per_permission")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.permission}"


def key_hash(key: str) -> str:
    """Return the hash that is stored of a key: its SHA-256, which suffices as the key has 160 random bits."""
    return hashlib.sha256(key.encode()).hexdigest()


def key_prefix(key: str) -> str:
    """Return the part of a key that may be shown: its first 8 characters, but at most a third of it."""
    return key[: min(Token.PREFIX_LENGTH, len(key) // 3)]


class Token(models.Model):
    """A key, stored as its hash and a visible prefix."""

    class Kind(models.TextChoices):
        LOGIN = "login", _("Login (7 days)")
        TEMPORAL = "temporal", _("Temporary (24 hours)")
        SHORT = "short", _("Short (15 minutes)")
        ONE_TIME = "one_time", _("One time")
        PERMANENT = "permanent", _("Permanent")

    LIFETIMES = {
        Kind.LOGIN: timedelta(days=7),
        Kind.TEMPORAL: timedelta(hours=24),
        Kind.SHORT: timedelta(minutes=15),
    }
    PREFIX_LENGTH = 8

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(max_length=PREFIX_LENGTH, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PERMANENT)
    expires_at = models.DateTimeField(null=True, blank=True)
    scope = models.CharField(
        max_length=10, choices=TokenScope.choices, default=TokenScope.WRITE, db_default=TokenScope.WRITE.value
    )
    name = models.CharField(max_length=60, blank=True, default="", db_default="")
    created_at = models.DateTimeField(auto_now_add=True)
    # To within five minutes, so that requests don't each write.
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_from = models.CharField(max_length=45, blank=True, default="", db_default="", editable=False)

    class Meta:
        verbose_name = pgettext_lazy("what opens something", "key")
        verbose_name_plural = pgettext_lazy("what opens something", "keys")

    def __str__(self) -> str:
        return f"{self.prefix}…"

    @classmethod
    def issue(
        cls,
        user: User,
        kind: str = Kind.PERMANENT,
        expires_at: datetime | None = None,
        *,
        scope: str = TokenScope.WRITE,
        name: str = "",
    ) -> tuple["Token", str]:
        """Create a token; return it with its key, which can't be shown again."""
        key = secrets.token_hex(20)
        lifetime = cls.LIFETIMES.get(cls.Kind(kind))
        if expires_at is None and lifetime:
            expires_at = timezone.now() + lifetime
        token = cls.objects.create(
            user=user,
            key_hash=key_hash(key),
            prefix=key_prefix(key),
            kind=kind,
            expires_at=expires_at,
            scope=scope,
            name=name,
        )
        return token, key


# Django finds a room's tables through this module.
from learntrace.accounts.first_setup.models import SampleData, SetupCode  # noqa: E402, F401
from learntrace.accounts.invitations.models import Invitation  # noqa: E402
from learntrace.accounts.people.models import CohortLearner  # noqa: E402
from learntrace.accounts.roster.jobs.models import RosterJob, RosterProgress  # noqa: E402
from learntrace.accounts.second_factor.models import AuthenticatorApp, Passkey, RecoveryCode  # noqa: E402, F401
from learntrace.accounts.signing_in.models import GuessCount, SignInSession  # noqa: E402, F401
