"""Accept an invitation: with an account that one has, or with a new one."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import INVITATION_USED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.invitations.models import Invitation
from learntrace.accounts.models import Academy, Membership, User, key_hash
from learntrace.accounts.people.changes import checked, join
from learntrace.accounts.roles import roles_with
from learntrace.accounts.signing_in.passwords import WeakPassword, faults_of
from learntrace.core.errors import FieldProblem, Problem


class InvitationClosed(Problem):
    """The link opens nothing any more, or never did."""

    status_code = 410
    slug = "invitation-closed"


class ForSomebodyElse(Problem):
    status_code = 403
    slug = "invitation-for-another"
    text = _(
        "This invitation is for %(invited)s, and you are signed in as %(name)s (%(address)s). Sign out and open the link again."
    )


class BelongsAlready(Problem):
    status_code = 409
    slug = "belongs-already"
    text = _("You already belong to %(academy)s. The invitation stays open.")


@dataclass(frozen=True)
class Opened:
    """An invitation whose link was opened; `owner` is who has its address already, and has to sign in."""

    invitation: Invitation
    owner: User | None


@dataclass(frozen=True)
class Accepted:
    """What became of an invitation; `ended_keys`: how many keys ended that others had made for the new member."""

    membership: Membership
    ended_keys: int = 0


def opened(token: str) -> Opened:
    """Return the invitation of a link.

    Raises InvitationClosed.
    """
    return _opened(Invitation.objects.select_related("academy", "made_by"), token)


def _opened(rows: QuerySet[Invitation], token: str) -> Opened:
    row = rows.filter(token_hash=key_hash(token)).first()
    if row is None:
        raise InvitationClosed(_("This link isn't an invitation. Copy the whole link again."))
    if row.used_at is not None:
        raise InvitationClosed(_("This invitation has already been used. Sign in, or ask for another one."))
    if row.revoked_at is not None:
        raise InvitationClosed(_("This invitation was revoked. Ask whoever sent it."))
    if row.expires_at <= timezone.now():
        raise InvitationClosed(_("This invitation has expired. Ask whoever sent it for another one."))
    if row.academy.status != Academy.Status.ACTIVE:
        raise InvitationClosed(_("The academy of this invitation is closed."))
    if row.role != "student" and not _may_still_invite(row):
        raise InvitationClosed(_("Whoever sent this invitation may no longer invite people. Ask for another one."))
    owner = User.objects.filter(email__iexact=row.email).order_by("-is_active", "pk").first() if row.email else None
    return Opened(row, owner)


def _may_still_invite(row: Invitation) -> bool:
    """Whether its maker still gives roles at the academy: an admin who had to go must not come back by a link kept for that."""
    if row.made_by_id is None:
        return False
    makers = User.objects.filter(pk=row.made_by_id, is_active=True)
    admins = Membership.objects.filter(
        user__in=makers,
        academy=row.academy,
        status=Membership.Status.ACTIVE,
        role__in=roles_with("crud_member"),
    )
    return admins.exists() or makers.filter(is_superuser=True).exists()


@transaction.atomic
def accept_as(user: User, token: str) -> Accepted:
    """Make somebody who is signed in a member. Keys that admins of other academies have made end (`tokens/handed_out.py`).

    Raises InvitationClosed, ForSomebodyElse, BelongsAlready.
    """
    invitation = _locked(token).invitation
    if invitation.email and invitation.email.lower() != user.email.lower():
        raise ForSomebodyElse(invited=invitation.email, name=user.display_name, address=user.email or user.username)
    if Membership.objects.filter(user=user, academy=invitation.academy).exists():
        raise BelongsAlready(academy=invitation.academy.name)
    keys = user.tokens.count()
    return Accepted(_use(invitation, user), keys - user.tokens.count())


@transaction.atomic
def accept_as_new(token: str, fields: Mapping[str, str], password: str) -> Accepted:
    """Make an account, and make its owner a member. The address of an invitation by mail is the account's.

    Raises InvitationClosed, FieldProblem, WeakPassword.
    """
    found = _locked(token)
    if found.owner is not None:
        raise FieldProblem("email", _("There is already an account with this address. Sign in with it."))
    person = checked({**fields, "email": found.invitation.email or fields.get("email", "")})
    if not person["username"]:
        person["username"] = person["email"].lower()[:150]
    if not person["username"]:
        raise FieldProblem("username", _("Choose a user name."))
    if User.objects.filter(username=person["username"]).exists():
        raise FieldProblem("username", _("This user name is taken by somebody. Choose another one."))
    if person["email"] and User.objects.filter(email__iexact=person["email"]).exists():
        raise FieldProblem("email", _("There is already an account with this address. Sign in with it."))
    user = User(**person)
    if faults := faults_of(password, user):
        raise WeakPassword(faults)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise FieldProblem("username", _("This user name is taken by somebody. Choose another one.")) from error
    return Accepted(_use(found.invitation, user))


def _locked(token: str) -> Opened:
    """Return the invitation, locked: of two who open a link at the same time one is too late."""
    return _opened(Invitation.objects.select_for_update(of=("self",), no_key=True).select_related("academy"), token)


def _use(invitation: Invitation, user: User) -> Membership:
    cohorts = list(invitation.cohorts.filter(academy=invitation.academy))
    membership = join(user, invitation.academy, invitation.role, cohorts)
    invitation.used_at, invitation.used_by = timezone.now(), user
    invitation.save(update_fields=["used_at", "used_by"])
    record(
        INVITATION_USED,
        academy_id=invitation.academy_id,
        object_id=invitation.pk,
        subject_id=user.pk,
        after={"user": user.pk, "role": invitation.role, "cohorts": sorted(cohort.pk for cohort in cohorts)},
    )
    return membership
