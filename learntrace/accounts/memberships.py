"""Active memberships: the academies of a user, and the people of academies by role."""

from collections.abc import Collection, Mapping

from django.db.models import Count

from learntrace.accounts.models import Academy, Membership, User


def active_academies(user: User) -> list[Academy]:
    """Return the active academies in which the user has an active membership, in the order of their ids."""
    return list(
        Academy.objects.filter(
            memberships__user=user, memberships__status=Membership.Status.ACTIVE, status=Academy.Status.ACTIVE
        ).order_by("id")
    )


def count_members(academies: Collection[Academy], roles: Collection[str]) -> Mapping[tuple[int, str], int]:
    """Count the active members of academies by (academy id, role); roles without a member are left out. One query."""
    rows = (
        Membership.objects.filter(academy__in=academies, status=Membership.Status.ACTIVE, role__in=roles)
        .order_by()
        .values_list("academy_id", "role")
        .annotate(members=Count("id"))
    )
    return {(academy, role): members for academy, role, members in rows}
