"""Invite people to an academy, by mail or by a link to hand on, and take invitations back."""

import secrets
from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from learntrace.accounts.audit.actions import INVITATION_MADE, INVITATION_REVOKED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.cohort_limits.changes import check_limit
from learntrace.accounts.cohort_limits.limit import require_all_cohorts
from learntrace.accounts.models import Academy, Cohort, Invitation, Membership, User, key_hash
from learntrace.accounts.roles import LIMITED_ROLES, ROLES
from learntrace.accounts.signing_in import reset
from learntrace.core.errors import FieldProblem, NotFound, Problem
from learntrace.core.time_zones import day_and_time

# Days for which an invitation may stand.
LIFETIMES: Final = (7, 14, 30)
USUAL_LIFETIME: Final = 14
# Of an academy in a day: this server's mail is no means to write to the world.
MOST_A_DAY: Final = 500


class State(StrEnum):
    """What became of an invitation."""

    OPEN = "open"
    USED = "used"
    REVOKED = "revoked"
    EXPIRED = "expired"


class InvitationNotFound(NotFound):
    slug = "invitation-not-found"
    text = gettext_lazy("There is no such invitation")


class TooManyInvitations(Problem):
    status_code = 429
    slug = "too-many-invitations"
    text = gettext_lazy("%(most)s invitations were created since yesterday: import a roster, or continue tomorrow")


class UsedAlready(Problem):
    status_code = 409
    slug = "invitation-used"
    text = gettext_lazy("This invitation has already been used: change the person's role instead.")


def invitations_of(academy: Academy) -> QuerySet[Invitation]:
    """Return the academy's invitations, the newest first."""
    rows = Invitation.objects.filter(academy=academy).select_related("made_by", "used_by")
    return rows.prefetch_related("cohorts").order_by("-pk")


@transaction.atomic
def invite(
    academy: Academy, by: User, *, email: str, role: str, cohorts: Collection[Cohort], days: int
) -> tuple[Invitation, str]:
    """Make an invitation; return it with its token, which can't be shown again. Without an address it is for whoever opens it.

    Raises FieldProblem, LimitRefused, TooManyInvitations, WholeAcademyOnly.
    """
    require_all_cohorts(academy)
    email = email.replace("\0", "").strip()
    _check(academy, email, role, cohorts, days)
    token = secrets.token_urlsafe(32)
    # A second invitation to an address takes the place of the first.
    now = timezone.now()
    lately = Invitation.objects.filter(academy=academy, created_at__gt=now - timedelta(days=1))
    if lately.count() >= MOST_A_DAY:
        raise TooManyInvitations(most=MOST_A_DAY)
    if email:
        open_ones(academy).filter(email__iexact=email).update(revoked_at=now)
    row = Invitation.objects.create(
        academy=academy,
        email=email,
        role=role,
        token_hash=key_hash(token),
        made_by=by,
        expires_at=now + timedelta(days=days),
    )
    row.cohorts.set(cohorts)
    told = {"role": role, "cohorts": sorted(cohort.pk for cohort in cohorts), "days": days, "by_mail": bool(email)}
    record(INVITATION_MADE, academy_id=academy.pk, object_id=row.pk, after=told)
    return row, token


@transaction.atomic
def revoke(academy: Academy, invitation_id: int) -> None:
    """Take an invitation back: its link opens nothing any more.

    Raises InvitationNotFound, UsedAlready, WholeAcademyOnly.
    """
    require_all_cohorts(academy)
    row = Invitation.objects.select_for_update(no_key=True).filter(academy=academy, pk=invitation_id).first()
    if row is None:
        raise InvitationNotFound
    if row.used_at is not None:
        raise UsedAlready
    if row.revoked_at is None:
        row.revoked_at = timezone.now()
        row.save(update_fields=["revoked_at"])
        record(INVITATION_REVOKED, academy_id=academy.pk, object_id=row.pk, before={"role": row.role})


def state_of(row: Invitation) -> State:
    """Return whether an invitation can still be accepted, and else why not."""
    if row.used_at is not None:
        return State.USED
    if row.revoked_at is not None:
        return State.REVOKED
    return State.EXPIRED if row.expires_at <= timezone.now() else State.OPEN


def link_to(request: HttpRequest, token: str) -> str:
    """Return the URL that opens an invitation."""
    path = reverse("invitation", args=[token])
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)


def open_ones(academy: Academy) -> QuerySet[Invitation]:
    """Return the academy's invitations that can still be accepted."""
    return Invitation.objects.filter(
        academy=academy, used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=timezone.now()
    )


def mail(invitation: Invitation, link: str) -> bool:
    """Send an invitation to its address; False where no mail is configured, and the link has to be handed on."""
    if not (invitation.email and reset.is_available()):
        return False
    by = invitation.made_by.display_name if invitation.made_by else invitation.academy.name
    until = timezone.localtime(invitation.expires_at)
    text = _(
        "%(by)s invites you to %(academy)s on Learntrace.\n\n"
        "Accept here until %(until)s; the link works once:\n%(link)s\n\n"
        "If you don't know what this is about, do nothing."
    ) % {
        "by": by,
        "academy": invitation.academy.name,
        "until": f"{day_and_time(until)} {until:%Z}",
        "link": link,
    }
    subject = " ".join((_("Invitation to %(academy)s") % {"academy": invitation.academy.name}).split())
    reset.post(EmailMessage(subject, text, reset.sender(), [invitation.email]))
    Invitation.objects.filter(pk=invitation.pk).update(mailed=True)
    return True


def _check(academy: Academy, email: str, role: str, cohorts: Collection[Cohort], days: int) -> None:
    if role not in ROLES:
        raise FieldProblem("role", gettext_lazy("Choose a role."))
    if days not in LIFETIMES:
        raise FieldProblem("days", gettext_lazy("Choose how long the invitation is valid."))
    if cohorts and role in LIMITED_ROLES:
        check_limit(Membership(academy=academy, role=role), cohorts)
    if not email:
        return
    try:
        validate_email(email)
    except ValidationError as error:
        text = gettext_lazy("This is not an e-mail address: %(address)s")
        raise FieldProblem("email", text, address=email[:100]) from error
    member = Membership.objects.filter(academy=academy, user__email__iexact=email).select_related("user").first()
    if member is not None:
        text = (
            gettext_lazy("%(name)s has the address %(address)s and already belongs to the academy.")
            if member.status == Membership.Status.ACTIVE
            else gettext_lazy("%(name)s has the address %(address)s and is archived: restore them instead.")
        )
        raise FieldProblem("email", text, name=member.user.display_name, address=email)
