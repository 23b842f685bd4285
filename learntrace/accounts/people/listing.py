"""The people of an academy, searched and filtered."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Academy, Cohort, Membership, User
from learntrace.accounts.people.cohort_learners import cohorts_by_learner, in_cohorts
from learntrace.core.errors import NotFound

# What is asked for; without `archived` those who aren't.
ARCHIVED, EVERYBODY = "archived", "all"


@dataclass(frozen=True)
class PeopleFilter:
    """What people are searched by: words in names and addresses, a role, a cohort, and whether they are archived."""

    words: tuple[str, ...] = ()
    role: str = ""
    cohort: Cohort | None = None
    archived: str = ""


@dataclass(frozen=True)
class Person:
    """Somebody of the academy, with the cohorts that they learn in, and those that they are limited to (None: no limit)."""

    user: User
    membership: Membership
    cohorts: Sequence[Cohort] = ()
    limited_to: Sequence[Cohort] | None = None

    @property
    def archived(self) -> bool:
        return self.membership.status == Membership.Status.INACTIVE


class PersonNotFound(NotFound):
    slug = "person-not-found"
    text = _("There is no such person at this academy")


def people_of(academy: Academy, wanted: PeopleFilter) -> QuerySet[Membership]:
    """Return the memberships that the filter names, by name; of a limited member's cohorts only."""
    rows = Membership.objects.filter(seen(academy), academy=academy).select_related("user")
    for word in wanted.words:
        rows = rows.filter(
            Q(user__username__contains_word=word)
            | Q(user__email__contains_word=word)
            | Q(user__first_name__contains_word=word)
            | Q(user__last_name__contains_word=word)
        )
    if wanted.role:
        rows = rows.filter(role=wanted.role)
    if wanted.cohort is not None:
        rows = rows.filter(in_cohorts([wanted.cohort.pk]) | Q(cohorts=wanted.cohort)).distinct()
    if wanted.archived != EVERYBODY:
        status = Membership.Status.INACTIVE if wanted.archived == ARCHIVED else Membership.Status.ACTIVE
        rows = rows.filter(status=status)
    return rows.order_by(F("user__last_name"), F("user__first_name"), F("user__username"), "pk")


def with_cohorts(academy: Academy, memberships: Sequence[Membership]) -> list[Person]:
    """Return people with their cohorts; three queries."""
    learning = cohorts_by_learner([row.user_id for row in memberships], academy.pk)
    limits: dict[int, list[Cohort]] = {}
    through = Membership.cohorts.through.objects.filter(
        membership__in=[row.pk for row in memberships if row.only_cohorts]
    )
    for place in through.select_related("cohort").order_by("cohort__name"):
        limits.setdefault(place.membership_id, []).append(place.cohort)
    return [
        Person(row.user, row, learning[row.user_id], limits.get(row.pk, []) if row.only_cohorts else None)
        for row in memberships
    ]


def person_of(academy: Academy, user_id: int) -> Person:
    """Return somebody of the academy whom the member sees.

    Raises PersonNotFound.
    """
    rows = Membership.objects.filter(seen(academy), academy=academy, user=user_id).select_related("user", "academy")
    if (row := rows.first()) is None:
        raise PersonNotFound
    return with_cohorts(academy, [row])[0]
