"""The academy that sees a learner's work on an asset."""

from collections.abc import Collection
from typing import NamedTuple

from learntrace.accounts.models import Membership
from learntrace.core.sql import fetch

_JOINED = """
SELECT user_id, academy_id FROM accounts_membership WHERE user_id = ANY(%s) ORDER BY status <> %s::text, id
"""


class Scope(NamedTuple):
    """A learner, and the asset's academy; None where the asset has no academy or is unknown."""

    user_id: int
    asset_academy_id: int | None


def academies_of(scopes: Collection[Scope]) -> dict[Scope, int | None]:
    """Return the academy of each: the asset's if the learner is a member there, else the first that the learner joined.

    Active memberships come before others; None for a learner in no academy.
    """
    learners = sorted({scope.user_id for scope in scopes})
    joined: dict[int, list[int]] = {}
    for user_id, academy_id in fetch(_JOINED, [learners, Membership.Status.ACTIVE.value]):
        joined.setdefault(user_id, []).append(academy_id)
    return {scope: _choice(joined.get(scope.user_id, []), scope.asset_academy_id) for scope in scopes}


def _choice(joined: list[int], asset_academy_id: int | None) -> int | None:
    return asset_academy_id if asset_academy_id in joined else next(iter(joined), None)
