"""Which academies a roster would leave without an administrator, told before anything is written."""

from collections.abc import Sequence
from typing import Any

from learntrace.accounts.models import Academy, Membership, User
from learntrace.accounts.roster.plan import Plan


def academies_without_an_admin(plans: Sequence[Plan[Any]]) -> list[str]:
    """Return the names of the academies that have an active admin now, and wouldn't after the plans are written."""
    memberships = {draft.row.pk: draft.row for draft in _drafts(plans, Membership) if draft.row.pk}
    closed = {draft.row.pk for draft in _drafts(plans, User) if draft.row.pk and not draft.row.is_active}
    touched = {row.academy_id for row in memberships.values()}
    held = Membership.objects.filter(role="admin", status=Membership.Status.ACTIVE, user__is_active=True)
    if closed:
        touched |= set(held.filter(user__in=closed).values_list("academy_id", flat=True))
    names = dict(Academy.objects.filter(pk__in=touched).values_list("pk", "name"))
    before: dict[int, bool] = {}
    for row in held.filter(academy__in=touched):
        now = memberships.get(row.pk, row)
        stays = now.role == "admin" and now.status == Membership.Status.ACTIVE and row.user_id not in closed
        before[row.academy_id] = before.get(row.academy_id, False) or stays
    new = {
        draft.row.academy_id
        for draft in _drafts(plans, Membership)
        if draft.row.role == "admin" and draft.row.status == Membership.Status.ACTIVE and draft.row.user.is_active
    }
    return sorted(names[pk] for pk, stays in before.items() if not stays and pk not in new)


def _drafts(plans: Sequence[Plan[Any]], model: type) -> list[Any]:
    return [draft for plan in plans if plan.section.model is model for draft in plan.drafts]
