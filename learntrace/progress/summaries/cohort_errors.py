"""The errors that most learners of each of several cohorts met, at most one of an assignment."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from learntrace.core.sql import fetch, json_rows
from learntrace.progress.reports.errors import ErrorRow, groups_named

# How many learners of each cohort met each group, and how often: what decides which are told, without what is told of them. A
# learner's group is no row of its own here, as that takes several times as long.
_MET = """
WITH member AS (
    SELECT * FROM jsonb_to_recordset(%(members)s::jsonb) AS r(cohort bigint, learner bigint)
)
SELECT m.cohort, p.assignment, e.group_digest, count(DISTINCT p.id), sum(e.count)
  FROM member m
  JOIN progress_progress p ON p.user_id = m.learner AND p.academy_id = %(academy)s AND p.assignment = ANY(%(keys)s)
  JOIN progress_errorcount e ON e.progress_id = p.id
 GROUP BY m.cohort, p.assignment, e.group_digest
"""
_Group = tuple[str, str]
_Met = tuple[int, int]


def most_met(
    academy_id: int, keys: Collection[str], members: Mapping[int, Collection[int]], most: int
) -> dict[int, list[ErrorRow]]:
    """Return by cohort the groups that most of its learners met on the assignments, at most `most`, of an assignment one.

    The same as the first ones of `errors_on` for each cohort; runs one query, and one more for each cohort.
    """
    rows = [{"cohort": cohort, "learner": learner} for cohort, learners in members.items() for learner in learners]
    asked = {"academy": academy_id, "members": json_rows(rows), "keys": sorted(keys)}
    met: dict[int, dict[_Group, _Met]] = defaultdict(dict)
    for cohort, assignment, digest, learners, times in fetch(_MET, asked):
        met[cohort][assignment, digest] = (learners, times)
    return {
        cohort: _first(groups_named(academy_id, _candidates(met[cohort], most), learners), most)
        for cohort, learners in members.items()
    }


def _candidates(met: Mapping[_Group, _Met], most: int) -> list[_Group]:
    """Return the groups of which the first ones are; of equal ones all, as their texts decide."""
    best: dict[str, _Met] = {}
    for (assignment, _digest), count in met.items():
        best[assignment] = max(best.get(assignment, count), count)
    first = sorted(best.values(), reverse=True)[:most]
    return [group for group, count in met.items() if count == best[group[0]] and count >= first[-1]]


def _first(rows: Collection[ErrorRow], most: int) -> list[ErrorRow]:
    """Return the first row of each of the first assignments."""
    by_assignment: dict[str, ErrorRow] = {}
    for row in rows:
        by_assignment.setdefault(row.assignment, row)
    return list(by_assignment.values())[:most]
