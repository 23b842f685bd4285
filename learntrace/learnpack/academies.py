"""The academy that sees a learner's work on an asset."""

from collections.abc import Collection
from typing import NamedTuple

from django.db.models import Case, Value, When

from learntrace.accounts.models import Membership


class Scope(NamedTuple):
    """A learner, and the asset's academy; None where the asset has no academy or is unknown."""

    user_id: int
    asset_academy_id: int | None


def academies_of(scopes: Collection[Scope]) -> dict[Scope, int | None]:
    """Return the academy of each: the asset's if the learner is a member there, else the first that the learner joined.

    Active memberships come before others; None for a learner in no academy.
    """
    inactive = Case(When(status=Membership.Status.ACTIVE, then=Value(0)), default=Value(1))
    members = Membership.objects.filter(user_id__in={scope.user_id for scope in scopes})
    joined: dict[int, list[int]] = {}
    for user_id, academy_id in members.order_by(inactive, "id").values_list("user_id", "academy_id"):
        joined.setdefault(user_id, []).append(academy_id)
    return {scope: _choice(joined.get(scope.user_id, []), scope.asset_academy_id) for scope in scopes}


def _choice(joined: list[int], asset_academy_id: int | None) -> int | None:
    return asset_academy_id if asset_academy_id in joined else next(iter(joined), None)
