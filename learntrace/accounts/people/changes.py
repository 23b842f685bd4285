"""What admins change about people: add somebody, names and addresses, roles, the archive."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import (
    PERSON_ADDED,
    PERSON_ARCHIVED,
    PERSON_CHANGED,
    PERSON_RESTORED,
    ROLE_CHANGED,
)
from learntrace.accounts.audit.recording import record
from learntrace.accounts.cohort_limits.changes import check_limit
from learntrace.accounts.cohort_limits.limit import require_all_cohorts
from learntrace.accounts.memberships import keeping_an_admin
from learntrace.accounts.models import Academy, Cohort, CohortLearner, Membership, User
from learntrace.accounts.people.former_address import tell_former_address
from learntrace.accounts.people.reach import acts_beyond
from learntrace.accounts.roles import LIMITED_ROLES, ROLES
from learntrace.accounts.signing_in import reset
from learntrace.accounts.signing_in.names import LONGEST_NAME
from learntrace.core.errors import FieldProblem, Problem

PERSON: Final = ("username", "email", "first_name", "last_name")
_LONGEST: Final = {"username": 150, "email": 254, "first_name": 150, "last_name": 150}


class AddressTaken(FieldProblem):
    def __init__(self, owner: User, *, here: bool) -> None:
        text = (
            _("%(name)s already has the address %(address)s.")
            if here
            else _("The address %(address)s is taken by somebody outside your academy. Invite them instead.")
        )
        super().__init__("email", text, address=owner.email, name=owner.display_name)


class InviteInstead(FieldProblem):
    """Where mail is sent, an address is its owner's to give: nobody else learns whether there is an account with it."""

    def __init__(self) -> None:
        super().__init__("email", _("Whoever has an address is invited, and joins with the link in the e-mail."))


class NotYoursToChange(Problem):
    """Names and addresses are told to every academy of a person: none of them changes these alone."""

    status_code = 403
    slug = "person-elsewhere"
    text = _("%(name)s also has a role outside this academy: nobody else can change this person's name and address.")


@transaction.atomic
def add_person(academy: Academy, fields: Mapping[str, str], role: str, cohorts: Collection[Cohort]) -> Membership:
    """Add somebody new to the academy, without a password. Where mail is sent, somebody with an address is invited instead.

    `cohorts` are those that a learner is put into, or that a teacher or an assistant is limited to.
    Raises FieldProblem, LimitRefused, WholeAcademyOnly.
    """
    require_all_cohorts(academy)
    person = checked(fields)
    person["username"] = person["username"] or person["email"].lower()[:150]
    if not person["username"]:
        raise FieldProblem("username", _("Enter a user name or an e-mail address."))
    _check_role(role)
    if person["email"] and reset.is_available():
        raise InviteInstead
    _check_free(person, academy, None)
    user = User(**person)
    user.set_unusable_password()
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise FieldProblem("username", _("This user name is taken by somebody. Choose another one.")) from error
    membership = join(user, academy, role, cohorts)
    told = {**person, "role": role, "cohorts": sorted(cohort.pk for cohort in cohorts)}
    record(PERSON_ADDED, academy_id=academy.pk, object_id=user.pk, subject_id=user.pk, after=told)
    return membership


def join(user: User, academy: Academy, role: str, cohorts: Collection[Cohort]) -> Membership:
    """Make somebody a member, in the open transaction.

    Raises LimitRefused.
    """
    membership = Membership(user=user, academy=academy, role=role)
    limited = bool(cohorts) and role in LIMITED_ROLES
    if limited:
        check_limit(membership, cohorts)
        membership.only_cohorts = True
    membership.save(force_insert=True)
    if limited:
        membership.cohorts.set(cohorts)
    elif role == "student":
        CohortLearner.objects.bulk_create(
            [CohortLearner(user=user, cohort=cohort) for cohort in cohorts], ignore_conflicts=True
        )
    return membership


@transaction.atomic
def change_person(membership: Membership, fields: Mapping[str, str]) -> bool:
    """Change somebody's names and address; return whether they differ from before.

    Raises FieldProblem, NotYoursToChange.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=membership.user_id)
    person = checked(fields)
    before = {name: getattr(user, name) for name in PERSON}
    if person == before:
        return False
    if acts_beyond(user, membership.academy):
        raise NotYoursToChange(name=user.display_name)
    if not person["username"]:
        raise FieldProblem("username", _("Enter a user name."))
    _check_free(person, membership.academy, user)
    for name, value in person.items():
        setattr(user, name, value)
    try:
        with transaction.atomic():
            user.save(update_fields=list(PERSON))
    except IntegrityError as error:
        raise FieldProblem("username", _("This user name is taken by somebody. Choose another one.")) from error
    record(
        PERSON_CHANGED,
        academy_id=membership.academy_id,
        object_id=user.pk,
        subject_id=user.pk,
        before=before,
        after=person,
    )
    tell_former_address(user, before["email"], membership.academy)
    return True


@transaction.atomic
def change_role(membership: Membership, role: str, cohorts: Collection[Cohort] | None) -> bool:
    """Give somebody a role; `cohorts` are those that a teacher or an assistant is limited to, None for the whole academy.

    Return whether it differs from before.
    Raises FieldProblem, LimitRefused, LastAdmin.
    """
    _check_role(role)
    row = (
        Membership.objects.select_for_update(no_key=True, of=("self",)).select_related("academy").get(pk=membership.pk)
    )
    before = _role_told(row)
    with keeping_an_admin():
        row.role = role
        row.only_cohorts = cohorts is not None
        if cohorts is not None:
            check_limit(row, cohorts)
        row.save(update_fields=["role", "only_cohorts"])
        row.cohorts.set(cohorts or ())
    after = _role_told(row)
    if after != before:
        _record(ROLE_CHANGED, row, before, after)
    return after != before


def archive(membership: Membership) -> None:
    """Take somebody's role away without deleting it: the data stay visible, and everything can be given back.

    Raises LastAdmin.
    """
    _set_status(membership, Membership.Status.INACTIVE)


def restore(membership: Membership) -> None:
    """Give somebody who was archived the role back."""
    _set_status(membership, Membership.Status.ACTIVE)


@transaction.atomic
def _set_status(membership: Membership, status: Membership.Status) -> None:
    row = Membership.objects.select_for_update(no_key=True).get(pk=membership.pk)
    before = {"status": row.status}
    row.status = status
    with keeping_an_admin():
        row.save(update_fields=["status"])
    action = PERSON_ARCHIVED if status == Membership.Status.INACTIVE else PERSON_RESTORED
    _record(action, row, before, {"status": row.status})


def _record(action: Any, row: Membership, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    record(
        action,
        academy_id=row.academy_id,
        object_id=row.pk,
        subject_id=row.user_id,
        before=before,
        after=after,
    )


def _role_told(row: Membership) -> dict[str, Any]:
    cohorts = sorted(row.cohorts.values_list("pk", flat=True)) if row.only_cohorts else None
    return {"role": row.role, "cohorts": cohorts}


def checked(fields: Mapping[str, str]) -> dict[str, str]:
    """Return names and address as they are stored.

    Raises FieldProblem.
    """
    person = {name: " ".join(fields.get(name, "").replace("\0", "").split()) for name in PERSON}
    for name, value in person.items():
        if len(value) > min(_LONGEST[name], LONGEST_NAME):
            raise FieldProblem(name, _("This is too long."))
    try:
        if person["username"]:
            UnicodeUsernameValidator()(person["username"])
    except ValidationError as error:
        raise FieldProblem("username", _("A user name consists of letters, digits and the signs @ . + - _")) from error
    try:
        if person["email"]:
            validate_email(person["email"])
    except ValidationError as error:
        raise FieldProblem("email", _("This is not an e-mail address: %(address)s"), address=person["email"]) from error
    return person


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise FieldProblem("role", _("Choose a role."))


def _check_free(person: Mapping[str, str], academy: Academy, user: User | None) -> None:
    others = User.objects.all() if user is None else User.objects.exclude(pk=user.pk)
    if others.filter(username=person["username"]).exists():
        raise FieldProblem("username", _("This user name is taken by somebody. Choose another one."))
    if person["email"] and (user is None or person["email"].lower() != user.email.lower()):
        owner = others.filter(email__iexact=person["email"]).order_by("pk").first()
        if owner is not None:
            here = Membership.objects.filter(user=owner, academy=academy).exists()
            raise AddressTaken(owner, here=here)
