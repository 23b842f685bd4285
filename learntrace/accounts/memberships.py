"""Active memberships: the academies of a user, and the people of academies by role."""

from collections.abc import Collection, Mapping

from django.db.models import Count, Q

from learntrace.accounts.models import Academy, Membership, User


def active_academies(user: User) -> list[Academy]:
    """Return the active academies in which the user has an active membership, in the order of their ids."""
    return list(
        Academy.objects.filter(
            memberships__user=user, memberships__status=Membership.Status.ACTIVE, status=Academy.Status.ACTIVE
        ).order_by("id")
    )


def count_readers(
    learner: User, academies: Collection[Academy], roles: Collection[str]
) -> Mapping[tuple[int, str], int]:
    """Count the active members of academies who see the learner, by (academy id, role); roles without one are left out.

    Who is limited to cohorts sees the learner by a task of one of these. One query.
    """
    sees = Q(only_cohorts=False) | Q(cohorts__tasks__user=learner)
    rows = (
        Membership.objects.filter(sees, academy__in=academies, status=Membership.Status.ACTIVE, role__in=roles)
        .order_by()
        .values_list("academy_id", "role")
        .annotate(members=Count("id", distinct=True))
    )
    return {(academy, role): members for academy, role, members in rows}
