"""Who is in a cohort: whoever has a task of it, and whoever was put into it. Decided here only."""

from collections.abc import Collection, Iterable
from typing import Final

from django.db.models import Q

from learntrace.accounts.models import Cohort
from learntrace.accounts.people.models import CohortLearner
from learntrace.core.sql import fetch

# The same for statements: the learners of cohorts, some of them several times, in the columns cohort_id and user_id.
COHORT_LEARNERS: Final = (
    "(SELECT cohort_id, user_id FROM assignments_task WHERE cohort_id IS NOT NULL "
    "UNION ALL SELECT cohort_id, user_id FROM accounts_cohortlearner)"
)


def in_cohorts(cohort_ids: Collection[int], learner: str = "user_id") -> Q:
    """Return the condition on rows about the learners of cohorts; `learner` is the name of their id column."""
    # Tasks are in a room above this one, and known here by the names of their columns only.
    with_tasks = Cohort.objects.filter(pk__in=cohort_ids, tasks__isnull=False).values("tasks__user")
    listed = CohortLearner.objects.filter(cohort__in=cohort_ids).values("user")
    return Q(**{f"{learner}__in": with_tasks}) | Q(**{f"{learner}__in": listed})


def cohorts_by_learner(user_ids: Iterable[int], academy_id: int) -> dict[int, list[Cohort]]:
    """Return the academy's cohorts of each learner, by name; two queries."""
    wanted = list(user_ids)
    cohorts = {cohort.pk: cohort for cohort in Cohort.objects.filter(academy=academy_id)}
    pairs = set(CohortLearner.objects.filter(user__in=wanted, cohort__in=cohorts).values_list("user_id", "cohort_id"))
    rows = Cohort.objects.filter(pk__in=cohorts, tasks__user__in=wanted).order_by()
    pairs |= set(rows.values_list("tasks__user_id", "pk").distinct())
    found: dict[int, list[Cohort]] = {user_id: [] for user_id in wanted}
    for user_id, cohort_id in pairs:
        found[user_id].append(cohorts[cohort_id])
    return {user_id: sorted(own, key=lambda cohort: (cohort.name, cohort.pk)) for user_id, own in found.items()}


def count_learners(cohort_ids: Collection[int]) -> dict[int, int]:
    """Return the number of learners of each cohort that has some; one query."""
    statement = (
        f"SELECT cohort_id, count(DISTINCT user_id) FROM {COHORT_LEARNERS} AS place"  # noqa: S608 (texts of ours)
        " WHERE cohort_id = ANY(%s) GROUP BY cohort_id"
    )
    return dict(fetch(statement, [list(cohort_ids)])) if cohort_ids else {}
