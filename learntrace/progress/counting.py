"""Which activities count: those after the floor of their learner that staff hasn't excluded.

Whatever reads `progress_activity` for a number, a state, a signal, a chart or an explanation reads only those that count;
what shows attempts one by one shows the others too, struck out. `tests/unit/progress/test_counting.py` looks for a
statement that forgets it.
"""

from django.db.models import Q

# As a condition of the Django ORM.
COUNTED = Q(exclusion_id__isnull=True, before_floor=False)


def counts(alias: str) -> str:
    """Return the SQL condition that a row of `progress_activity`, under this alias, counts."""
    return f"{alias}.exclusion_id IS NULL AND NOT {alias}.before_floor"


def below_floor(alias: str) -> str:
    """Return the SQL condition that an activity lies before a floor of its learner (`corrections.floors`).

    `alias` as for `exclusion_of`.
    """
    return f"EXISTS (SELECT FROM progress_floor l WHERE {_FLOOR.format(alias=alias)})"


def not_kept(alias: str) -> str:
    """Return the SQL condition that an activity is not stored: its learner has erased what was before, or it is so old that
    its academy doesn't keep it. `alias` as for `exclusion_of`.

    The parameter `told_once` says whether the source itself keeps out what was before an erasure; it knows of clocks that are
    years behind.
    """
    return f"""(EXISTS (SELECT FROM personal_erasure r
                 WHERE NOT %(told_once)s AND r.user_id = {alias}.user_id AND {alias}.at < r.erased_at)
        OR EXISTS (SELECT FROM progress_floor l WHERE l.cause = 'retention' AND {_FLOOR.format(alias=alias)}))"""  # noqa: S608


# An empty scope is all of an academy's, one that ends with a slash a package, any other an assignment.
_FLOOR = """l.user_id = {alias}.user_id AND l.academy_id = {alias}.academy_id AND {alias}.at < l.at
           AND (l.scope IN ('', {alias}.assignment)
                OR right(l.scope, 1) = '/' AND starts_with({alias}.assignment, l.scope))"""


def exclusion_of(alias: str) -> str:
    """Return the SQL expression of the id of the exclusion that covers an activity, null if none does.

    `alias` has an activity's id, user_id, academy_id, assignment, told_as, session_id and at. Of several exclusions the
    oldest is named. A span includes both of its ends.
    """
    return f"""(SELECT min(e.id) FROM progress_exclusion e
         WHERE e.lifted_at IS NULL AND e.user_id = {alias}.user_id AND e.academy_id = {alias}.academy_id
           AND (e.activity_id IS NULL OR e.activity_id = {alias}.id)
           AND (e.session_id IS NULL OR e.session_id = {alias}.session_id)
           AND (e.assignment IS NULL OR e.assignment IN ({alias}.assignment, {alias}.told_as))
           AND (e.since IS NULL OR e.since <= {alias}.at) AND (e.until IS NULL OR {alias}.at <= e.until))"""  # noqa: S608
