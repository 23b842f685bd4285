"""Merges that an academy's admin may carry out: of people who belong to that academy alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, Membership, User
from learntrace.accounts.people.listing import PersonNotFound
from learntrace.accounts.people.reach import acts_beyond
from learntrace.accounts.roles import roles_with
from learntrace.core.errors import Problem
from learntrace.personal.merging.merging import MergeNotFound, Plan, merge, plan_of, undo
from learntrace.personal.models import UserMerge


class NotYoursToMerge(Problem):
    status_code = 403
    slug = "merge-elsewhere"
    text = _(
        "%(name)s also has a role outside this academy. Whoever runs the server can merge the two: "
        "learntrace users merge"
    )


@dataclass(frozen=True)
class Merged:
    """A merge that can be undone: its number, who was merged, and when."""

    number: int
    name: str
    at: datetime


def check_own(academy: Academy, *users: User) -> None:
    """Raise PersonNotFound or NotYoursToMerge unless all of them belong to the academy, and to no other."""
    for user in users:
        if not Membership.objects.filter(academy=academy, user=user).exists():
            raise PersonNotFound
        if acts_beyond(user, academy):
            raise NotYoursToMerge(name=user.display_name)


def own_plan(academy: Academy, merged: User, into: User) -> Plan:
    """Return what a merge would do.

    Raises PersonNotFound, NotYoursToMerge, CannotMerge.
    """
    check_own(academy, merged, into)
    return plan_of(merged, into)


def merge_own(academy: Academy, merged: User, into: User, by: User) -> UserMerge:
    """Merge two people of the academy.

    Raises PersonNotFound, NotYoursToMerge, CannotMerge.
    """
    check_own(academy, merged, into)
    return merge(merged, into, by)


def merges_into(user: User, academy: Academy) -> Sequence[Merged]:
    """Return the standing merges into somebody that admins of the academy have made on its pages, the newest first."""
    rows = _own_merges(academy).filter(into=user, undone_at__isnull=True).select_related("merged").order_by("-pk")
    return [Merged(row.pk, _former_name(row), row.merged_at) for row in rows]


def undo_own(academy: Academy, number: int, by: User) -> UserMerge:
    """Undo a merge that an admin of the academy has made.

    Raises MergeNotFound, NotYoursToMerge, CannotMerge.
    """
    row = _own_merges(academy).filter(pk=number).select_related("into").first()
    if row is None or not Membership.objects.filter(academy=academy, user=row.into).exists():
        raise MergeNotFound
    if acts_beyond(row.into, academy):
        raise NotYoursToMerge(name=row.into.display_name)
    return undo(number, by)


def _own_merges(academy: Academy) -> QuerySet[UserMerge]:
    admins = Membership.objects.filter(academy=academy, role__in=roles_with("crud_member")).values("user")
    return UserMerge.objects.filter(merged_by__in=admins)


def _former_name(row: UserMerge) -> str:
    person = row.undo.get("persons", {}).get(str(row.merged_id), {})
    return str(person.get("username") or row.merged.username)
