"""The import of a roster in the audit log: an entry for each academy that it has changed something in, for its admins to read.

What concerns no academy (users, permissions, tokens, tasks) is in an entry of the installation, or, where the file is about
one academy only, in that academy's. Rows are counted; told are the roles of staff, their limits to cohorts,
and whose password is another, by the ids of the users.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from learntrace.accounts.audit.actions import ROSTER_IMPORTED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import Academy, Membership, User
from learntrace.accounts.roster.plan import Counts, Draft, Plan

_LEARNERS = "student"
_COHORTS = "cohorts"
Told = dict[str, Any]


def record_import(plans: Sequence[Plan[Any]], only: int | None = None) -> None:
    """Record what the plans have written; nothing where they have changed nothing. `only`: all of it is this academy's."""
    before: dict[int | None, Told] = {}
    after: dict[int | None, Told] = {}
    for plan in plans:
        for draft in plan.drafts:
            if draft.is_new or draft.changed or draft.touched:
                academy_id = only or _academy_of(draft)
                _count(after.setdefault(academy_id, {}), plan.section.name, draft)
                _tell_role(before.setdefault(academy_id, {}), after[academy_id], draft)
                _tell_limit(before[academy_id], after[academy_id], draft)
                _tell_password(after[academy_id], draft)
    if len(after) == 2 and None in after:
        (only,) = (academy_id for academy_id in after if academy_id is not None)
        after[only] |= after.pop(None)
        before[only] |= before.pop(None)
    for academy_id, told in after.items():
        record(ROSTER_IMPORTED, academy_id=academy_id, before=before[academy_id], after=told)


def _academy_of(draft: Draft[Any]) -> int | None:
    if isinstance(draft.row, Academy):
        return draft.row.pk
    academy_id: int | None = getattr(draft.row, "academy_id", None)
    return academy_id


def _count(told: Told, section: str, draft: Draft[Any]) -> None:
    counts = told.setdefault(section, asdict(Counts()))
    counts["created" if draft.is_new else "updated"] += 1


def _tell_role(before: Told, after: Told, draft: Draft[Any]) -> None:
    row = draft.row
    if not isinstance(row, Membership):
        return
    held = draft.before.get("role", row.role)
    if held == row.role == _LEARNERS:
        return
    name = f"role of user {row.user_id}"
    after[name] = f"{row.role} ({row.status})"
    if not draft.is_new:
        before[name] = f"{held} ({draft.before.get('status', row.status)})"


def _tell_limit(before: Told, after: Told, draft: Draft[Any]) -> None:
    """Tell the ids of the cohorts to which a member is limited; None is the whole academy."""
    row = draft.row
    if not isinstance(row, Membership) or _COHORTS not in draft.extras:
        return
    was_limited = not draft.is_new and draft.before.get("only_cohorts", row.only_cohorts)
    was = draft.before.get(_COHORTS, []) if was_limited else None
    now = sorted(cohort.pk for cohort in draft.extras[_COHORTS]) if row.only_cohorts else None
    if was != now:
        name = f"cohorts of user {row.user_id}"
        before[name], after[name] = was, now


def _tell_password(after: Told, draft: Draft[Any]) -> None:
    """Tell that a stored user has another password now."""
    if isinstance(draft.row, User) and not draft.is_new and "password" in draft.changed:
        after[f"password of user {draft.row.pk}"] = "changed"
