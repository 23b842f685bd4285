"""Merge a user into another, tell before what that would do, and undo it.

All in one transaction, under the locks of both learners. What follows from activities is made again by a recomputation.
The merged user stays as an inactive account without anything, so that the merge can be undone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import USERS_MERGED, USERS_SEPARATED, Action
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import MergedUser, Token, User
from learntrace.accounts.people.reach import opens_more
from learntrace.accounts.tokens.handed_out import end_handed_out
from learntrace.core.errors import NotFound, Problem
from learntrace.personal.merging.policies import Rule
from learntrace.personal.merging.tables import UserColumn, user_columns
from learntrace.personal.models import PendingErasure, UserMerge

_ATTEMPTS = 5
_PERSON = ("username", "first_name", "last_name", "email", "is_active")


class CannotMerge(Problem):
    slug = "cannot-merge"


class MergeNotFound(NotFound):
    slug = "merge-not-found"
    text = _("There is no such merge.")


# Callbacks of rooms above, for (the merged user's id, the other's).
Step = Callable[[int, int], Any]
Undoer = Callable[[int, int, Any], None]


@dataclass
class Steps:
    """What rooms above do around a merge and its undoing, by a name.

    `locks` lock what workers lock. `before` runs before rows go over, and returns what `undo` gets after they came back
    (JSON). `after` runs at the end of both, and makes again what follows from the rows.
    """

    locks: list[Step] = field(default_factory=list)
    before: dict[str, Step] = field(default_factory=dict)
    undo: dict[str, Undoer] = field(default_factory=dict)
    after: list[Step] = field(default_factory=list)


STEPS = Steps()


@dataclass(frozen=True)
class Plan:
    """How many rows would go over, and how many would be dropped because there is one already, by table and column."""

    moved: Mapping[str, int]
    dropped: Mapping[str, int]


def check(merged: User, into: User) -> None:
    """Raise CannotMerge where two users can't be merged."""
    if merged.pk == into.pk:
        raise CannotMerge(_("A user can't be merged into the same user"))
    if MergedUser.objects.filter(former_id__in=[merged.pk, into.pk]).exists():
        raise CannotMerge(_("One of the two is already merged into another user"))
    if merged.is_superuser and not into.is_superuser:
        raise CannotMerge(_("%(user)s is an administrator; merge the other way round"), user=merged.username)
    if PendingErasure.objects.filter(user__in=[merged, into]).exists():
        raise CannotMerge(_("An erasure is waiting for one of the two: undo it, or merge when it is done"))


def plan_of(merged: User, into: User) -> Plan:
    """Return what a merge would do; nothing is changed.

    Raises CannotMerge.
    """
    check(merged, into)
    keys_end = opens_more(merged, into)
    moved: dict[str, int] = {}
    dropped: dict[str, int] = {}
    for column in _moving():
        conflicts = _dropped(column, merged, into, keys_end=keys_end)
        if rows := column.count(merged.pk, conflicts):
            moved[column.label] = rows
        if conflicts:
            dropped[column.label] = len(conflicts)
    return Plan(moved, dropped)


def _moving() -> list[UserColumn]:
    return [column for column in user_columns() if column.policy.rule not in (Rule.STAY, Rule.DERIVED)]


def _dropped(column: UserColumn, merged: User, into: User, *, keys_end: bool) -> list[str]:
    """Return the keys of the rows that don't go over: what the other has already, and keys that would open more than they did.

    Whoever has given or been given a learner's key must not hold one of staff by a merge. An undo gives the keys back.
    """
    if column.model is Token and keys_end:
        return column.keys_of(merged.pk)
    return column.conflicts(merged.pk, into.pk)


def merge(merged: User, into: User, by: User | None = None) -> UserMerge:
    """Merge a user into another; return the record with which it can be undone.

    Begun again after a deadlock with a worker. Raises CannotMerge.
    """
    for _attempt in range(_ATTEMPTS - 1):
        try:
            return _merge(merged, into, by)
        except OperationalError as error:
            if not isinstance(error.__cause__, psycopg.errors.DeadlockDetected):
                raise
    return _merge(merged, into, by)


@transaction.atomic
def _merge(merged: User, into: User, by: User | None) -> UserMerge:
    _lock(merged, into)
    check(merged, into)
    # Before roles and grants go over.
    keys_end = opens_more(merged, into)
    prepared = {name: step(merged.pk, into.pk) for name, step in STEPS.before.items()}
    moved: dict[str, list[str]] = {}
    dropped: dict[str, list[str]] = {}
    for column in _moving():
        if rows := column.take_out(_dropped(column, merged, into, keys_end=keys_end)):
            dropped[column.label] = rows
        if keys := column.hand_over(merged.pk, into.pk, into.username):
            moved[column.label] = keys
    for column in user_columns():
        if column.policy.rule is Rule.DERIVED:
            column.delete(merged.pk)
    persons = {str(user.pk): {name: getattr(user, name) for name in _PERSON} for user in (merged, into)}
    _become_one(merged, into)
    for step in STEPS.after:
        step(merged.pk, into.pk)
    # Roles have gone over: those who stay may act at an academy whose admins didn't make their keys.
    end_handed_out([into.pk])
    undo = {"moved": moved, "dropped": dropped, "persons": persons, "prepared": prepared}
    counts = {label: len(keys) for label, keys in moved.items()}
    lost = {label: len(rows) for label, rows in dropped.items()}
    row = UserMerge.objects.create(merged=merged, into=into, merged_by=by, moved=counts, dropped=lost, undo=undo)
    _record(USERS_MERGED, row)
    return row


def _record(action: Action, row: UserMerge) -> None:
    """Record a merge or its undoing in the audit log, about the user who stays, with the ids of both."""
    both = {"merged": row.merged_id, "into": row.into_id}
    record(action, object_id=row.pk, subject_id=row.into_id, after=both)


def _lock(merged: User, into: User) -> None:
    list(User.objects.select_for_update(no_key=True).filter(pk__in=[merged.pk, into.pk]).order_by("pk"))
    for lock in STEPS.locks:
        lock(merged.pk, into.pk)
    for user in (merged, into):
        user.refresh_from_db()


def _become_one(merged: User, into: User) -> None:
    """Keep the names and ids under which clients send, and fill what is known of the merged user only."""
    MergedUser.objects.create(former_id=merged.pk, former_name=merged.username, user=into)
    for name in ("first_name", "last_name", "email"):
        setattr(into, name, getattr(into, name) or getattr(merged, name))
    into.save(update_fields=["first_name", "last_name", "email"])
    merged.username, merged.email, merged.is_active = f"merged-{merged.pk}", "", False
    merged.save(update_fields=["username", "email", "is_active"])


@transaction.atomic
def undo(merge_id: int, by: User | None = None) -> UserMerge:
    """Give back what a merge has handed over; what came since stays with the user into whom it was merged.

    Raises MergeNotFound, CannotMerge.
    """
    row = UserMerge.objects.select_for_update(of=("self",)).filter(pk=merge_id).first()
    if row is None:
        raise MergeNotFound
    if row.undone_at is not None:
        raise CannotMerge(_("This merge has already been undone"))
    merged, into = row.merged, row.into
    _lock(merged, into)
    if not MergedUser.objects.filter(former_id=merged.pk, user=into).exists():
        raise CannotMerge(_("%(user)s was merged again since; undo that first"), user=into.username)
    persons = row.undo["persons"]
    MergedUser.objects.filter(former_id=merged.pk).delete()
    _restore(merged, persons[str(merged.pk)])
    columns = {column.label: column for column in user_columns()}
    for label, keys in row.undo["moved"].items():
        columns[label].hand_back(keys, merged.pk, persons[str(merged.pk)]["username"])
    for label, rows in row.undo["dropped"].items():
        columns[label].put_back(rows)
    for name, undoer in STEPS.undo.items():
        undoer(merged.pk, into.pk, row.undo["prepared"].get(name))
    for step in STEPS.after:
        step(merged.pk, into.pk)
    row.undone_at, row.undone_by = timezone.now(), by
    row.undo = {}
    row.save(update_fields=["undone_at", "undone_by", "undo"])
    _record(USERS_SEPARATED, row)
    return row


def _restore(user: User, person: Mapping[str, Any]) -> None:
    if User.objects.filter(username=person["username"]).exclude(pk=user.pk).exists():
        raise CannotMerge(_("The user name %(user)s is another user's by now"), user=person["username"])
    for name in _PERSON:
        setattr(user, name, person[name])
    user.save(update_fields=list(_PERSON))
