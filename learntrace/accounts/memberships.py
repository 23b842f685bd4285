"""Active memberships: the academies of a user, and the people of academies by role."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, Membership, User
from learntrace.core.errors import NotFound, Problem
from learntrace.core.http.filters import natural


class NoSuchAcademy(NotFound):
    slug = "academy-not-found"
    text = _("There is no academy %(name)s.")


class LastAdmin(Problem):
    """A change would leave an academy without anybody who may give roles and change settings."""

    status_code = 409
    slug = "last-admin"
    text = _("%(academy)s would have no administrator any more. Give somebody else that role first")


@contextmanager
def keeping_an_admin() -> Iterator[None]:
    """Raise LastAdmin at the end of a block, within its transaction, if an academy has lost its last active admin in it."""
    before = _with_an_admin()
    yield
    left = _with_an_admin()
    for pk, name in sorted(before.items()):
        if pk not in left and Academy.objects.filter(pk=pk).exists():
            raise LastAdmin(academy=name)


def _with_an_admin() -> dict[int, str]:
    """Return the academies with an active admin, as names by their ids."""
    admins = Membership.objects.filter(role="admin", status=Membership.Status.ACTIVE, user__is_active=True)
    return dict(admins.order_by().values_list("academy_id", "academy__name").distinct())


def academy_named(name: str) -> Academy:
    """Return the academy with a slug or an id, for whoever runs the server.

    Raises NoSuchAcademy.
    """
    number = natural(name)
    by_slug = Academy.objects.filter(slug=name).first()
    academy = by_slug or (Academy.objects.filter(pk=number).first() if number is not None else None)
    if academy is None:
        raise NoSuchAcademy(name=name[:100])
    return academy


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

    Who is limited to cohorts sees the learners of these. One query.
    """
    sees = Q(only_cohorts=False) | Q(cohorts__tasks__user=learner) | Q(cohorts__listed_learners__user=learner)
    rows = (
        Membership.objects.filter(sees, academy__in=academies, status=Membership.Status.ACTIVE, role__in=roles)
        .order_by()
        .values_list("academy_id", "role")
        .annotate(members=Count("id", distinct=True))
    )
    return {(academy, role): members for academy, role, members in rows}
