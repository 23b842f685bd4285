"""What a user may do, over all academies."""

from learntrace.accounts.models import Academy, Membership, User
from learntrace.accounts.roles import ROLES, permissions_from, served_academies


def permissions_of(user: User) -> list[str]:
    """The permissions granted to the user or carried by any of the user's roles (contract, section 1)."""
    granted, held = _grants_and_roles(user)
    return sorted(permissions_from(granted, [role for role, _academy in held]))


def academies_served_by(user: User) -> frozenset[int] | None:
    """The academies for whose members and assets the user may speak as a service; None: for everybody's."""
    return served_academies(*_grants_and_roles(user))


def _grants_and_roles(user: User) -> tuple[list[str], list[tuple[str, int]]]:
    held = user.memberships.filter(status=Membership.Status.ACTIVE).exclude(academy__status=Academy.Status.DELETED)
    return list(user.grants.values_list("permission", flat=True)), list(held.values_list("role", "academy_id"))


def active_roles(user: User) -> list[Membership]:
    """The memberships that give the user capabilities now, each with its academy."""
    return list(
        user.memberships.filter(status=Membership.Status.ACTIVE, academy__status=Academy.Status.ACTIVE, role__in=ROLES)
        .select_related("academy")
        .order_by("academy_id")
    )
