"""Whom a member sees who is limited to cohorts: the learners of these (`people.cohort_learners`). Decided here only.

An Academy that was read for a member carries the member's limit (`seen_cohorts`), and every query that gets the academy asks
here. Who reads an academy for somebody uses `as_seen_by`.
"""

import copy
import hashlib
from collections.abc import Collection

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, Cohort, Membership
from learntrace.accounts.people.cohort_learners import in_cohorts
from learntrace.core.errors import Forbidden


class WholeAcademyOnly(Forbidden):
    """What is changed concerns learners whom the member doesn't see."""

    slug = "limited-to-cohorts"
    text = _(
        "This concerns all learners of the academy, and you are limited to some cohorts. Ask a colleague who isn't"
    )


def as_seen_by(membership: Membership) -> Academy:
    """Return the membership's academy with the member's limit; one query where there is one."""
    academy = membership.academy
    academy.seen_cohorts = None
    if membership.only_cohorts:
        own = membership.cohorts.filter(academy=academy)
        academy.seen_cohorts = frozenset(own.values_list("pk", flat=True))
    return academy


def as_a_whole(academy: Academy) -> Academy:
    """Return the academy as who sees all of it: for what is decided or told the same way for everybody."""
    whole = copy.copy(academy)
    whole.seen_cohorts = None
    return whole


def is_limited(academy: Academy) -> bool:
    """Whether the academy was read for a member who sees some cohorts only."""
    return academy.seen_cohorts is not None


def require_all_cohorts(academy: Academy) -> None:
    """Raise WholeAcademyOnly for a member who is limited to cohorts."""
    if is_limited(academy):
        raise WholeAcademyOnly


def seen(academy: Academy, learner: str = "user_id") -> Q:
    """Return the condition on rows about the learners whom the member sees; `learner` is the name of their id column.

    It says nothing about the academy itself, and for a member without a limit nothing at all.
    """
    if academy.seen_cohorts is None:
        return Q()
    return Q(**{f"{learner}__in": _learners(academy)})


def seen_learners(academy: Academy) -> frozenset[int] | None:
    """Return the ids of the learners whom the member sees, for statements; None: all. One query where there is a limit."""
    return None if academy.seen_cohorts is None else frozenset(_learners(academy))


def within(academy: Academy, learners: Collection[int] | None) -> frozenset[int] | None:
    """Return those of the learners whom the member sees; None stands for all."""
    visible = seen_learners(academy)
    if visible is None or learners is None:
        return visible if learners is None else frozenset(learners)
    return visible & frozenset(learners)


def parameter(academy: Academy) -> list[int] | None:
    """Return `seen_learners` as a parameter of a statement: `(%(seen)s::bigint[] IS NULL OR user_id = ANY(%(seen)s))`."""
    visible = seen_learners(academy)
    return None if visible is None else sorted(visible)


def cohorts_of(academy: Academy) -> QuerySet[Cohort]:
    """Return the academy's cohorts that the member sees."""
    rows = Cohort.objects.filter(academy=academy)
    return rows if academy.seen_cohorts is None else rows.filter(pk__in=academy.seen_cohorts)


def cache_name(academy: Academy) -> str:
    """Return the part of a cache key that keeps apart what members with different limits see of an academy."""
    if academy.seen_cohorts is None:
        return str(academy.pk)
    cohorts = ",".join(map(str, sorted(academy.seen_cohorts)))
    return f"{academy.pk}-{hashlib.sha256(cohorts.encode()).hexdigest()[:16]}"


def _learners(academy: Academy) -> QuerySet[Membership, int]:
    rows = Membership.objects.filter(in_cohorts(academy.seen_cohorts or ()), academy=academy)
    return rows.order_by().values_list("user_id", flat=True).distinct()
