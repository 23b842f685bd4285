"""A user's permissions, over all academies."""

from learntrace.accounts.models import Academy, Membership, User
from learntrace.accounts.roles import ROLES, permissions_from, served_academies


def permissions_of(user: User) -> list[str]:
    """Return the permissions that the user has by grants or by any role (contract, section 1)."""
    granted, held = _grants_and_roles(user)
    return sorted(permissions_from(granted, [role for role, _academy in held]))


def academies_served_by(user: User) -> frozenset[int] | None:
    """Return the academies for whose members and assets the user may send as a service; None: all academies."""
    return served_academies(*_grants_and_roles(user))


def _grants_and_roles(user: User) -> tuple[list[str], list[tuple[str, int]]]:
    held = user.memberships.filter(status=Membership.Status.ACTIVE).exclude(academy__status=Academy.Status.DELETED)
    return list(user.grants.values_list("permission", flat=True)), list(held.values_list("role", "academy_id"))


def active_roles(user: User) -> list[Membership]:
    """Return the memberships that currently give the user capabilities, each with its academy."""
    return list(
        user.memberships.filter(status=Membership.Status.ACTIVE, academy__status=Academy.Status.ACTIVE, role__in=ROLES)
        .select_related("academy")
        .order_by("academy_id")
    )
