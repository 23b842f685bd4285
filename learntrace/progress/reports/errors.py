"""The errors of a class by group: how many learners met each, how often, who solved it, and how long that took.

All that tells figures about errors reads them here, from the rows that `recording.error_counts` keeps: pages, CSV files, API.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from learntrace.core.sql import fetch, json_rows
from learntrace.measures.error_groups import one_line
from learntrace.progress.catalogue import SHOWN_TO_CLASS
from learntrace.progress.class_window import ClassWindow
from learntrace.progress.counting import counts
from learntrace.progress.periods.errors import recounted
from learntrace.progress.periods.period import ALL_TIMES, Period

# The variants that are shown of a group.
MOST_VARIANTS = 20

# The counts of the period: those that lie in it as they are kept, and those that it cuts through counted again.
_COUNTS = """
counted AS (
     SELECT p.assignment, p.user_id, e.name, e.message, e.digest, e.group_digest, e.kind, e.pattern, e.count,
            e.first_at, e.last_at, CASE WHEN e.solved_at < %(until)s::timestamptz THEN e.solved_at END AS solved_at
       FROM progress_progress p JOIN progress_errorcount e ON e.progress_id = p.id
      WHERE p.academy_id = %(academy)s AND (%(keys)s::text[] IS NULL OR p.assignment = ANY(%(keys)s))
        AND (%(learners)s::bigint[] IS NULL OR p.user_id = ANY(%(learners)s))
        AND (%(digests)s::text[] IS NULL OR e.group_digest = ANY(%(digests)s))
        AND e.first_at >= %(since)s::timestamptz AND e.last_at < %(until)s::timestamptz
      UNION ALL
     SELECT p.assignment, p.user_id, r.name, r.message, r.digest, r.group_digest, r.kind, r.pattern, r.count,
            r.first_at, r.last_at, r.solved_at
       FROM jsonb_to_recordset(%(recounted)s::jsonb)
         AS r(progress_id bigint, name text, message text, digest text, group_digest text, kind text, pattern text, count int,
              first_at timestamptz, last_at timestamptz, solved_at timestamptz)
       JOIN progress_progress p ON p.id = r.progress_id
)"""
# A learner's group on an assignment: met first with its first variant, solved by the first success after that.
_MET = f"""
{_COUNTS}, met AS (
     SELECT assignment, user_id, group_digest, min(kind) AS kind, min(pattern) AS pattern, sum(count) AS times,
            min(first_at) AS first_at, max(last_at) AS last_at, min(solved_at) AS solved_at
       FROM counted
      GROUP BY assignment, user_id, group_digest
)"""  # noqa: S608 (no text from outside)
_GROUPED = f"""
WITH {_MET}, grouped AS (
     SELECT assignment, group_digest, min(kind) AS kind, min(pattern) AS pattern, count(*) AS learners,
            sum(times)::bigint AS times, count(solved_at) AS solved,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM solved_at - first_at)::float8) AS median,
            max(last_at) AS last_at
       FROM met GROUP BY assignment, group_digest
)
SELECT assignment, group_digest, kind, pattern, learners, times, solved, median, last_at
  FROM (SELECT *, row_number() OVER (PARTITION BY assignment
                                     ORDER BY learners DESC, times DESC, kind, pattern, group_digest) AS place
          FROM grouped g
         WHERE %(keys)s::text[] IS NOT NULL OR {SHOWN_TO_CLASS.format(academy="%(academy)s", key="g.assignment")}) AS placed
 WHERE place <= %(most)s
 ORDER BY learners DESC, times DESC, kind, pattern, assignment, group_digest
"""  # noqa: S608 (no text from outside)
_VARIANTS = f"""
WITH {_COUNTS}, asked AS (
     SELECT * FROM jsonb_to_recordset(%(groups)s::jsonb) AS r(number int, about text, digest text)
), variant AS (
     SELECT asked.number, min(e.name) AS name, min(e.message) AS message, count(*) AS learners,
            sum(e.count)::bigint AS times, e.digest
       FROM counted e JOIN asked ON asked.about = e.assignment AND asked.digest = e.group_digest
      GROUP BY asked.number, e.digest
)
SELECT number, name, message, learners, times, variants
  FROM (SELECT *, count(*) OVER (PARTITION BY number) AS variants,
               row_number() OVER (PARTITION BY number ORDER BY learners DESC, times DESC, name, message, digest) AS place
          FROM variant) AS placed
 WHERE place <= %(most)s
 ORDER BY number, place
"""  # noqa: S608 (no text from outside)
# The index activity_academy finds who failed; what they met then stands in their counts.
_RECENT = f"""
WITH failed AS MATERIALIZED (
     SELECT DISTINCT a.user_id, a.assignment
       FROM progress_activity a
      WHERE a.academy_id = %(academy)s AND a.at > %(since)s AND a.at <= %(now)s AND a.outcome = 'error'
        AND a.part IS DISTINCT FROM 'check' AND a.assignment IS NOT NULL AND {counts("a")}
        AND (%(learners)s::bigint[] IS NULL OR a.user_id = ANY(%(learners)s))
        AND (%(keys)s::text[] IS NULL OR a.assignment = ANY(%(keys)s))
)
SELECT p.assignment, e.group_digest, count(DISTINCT p.user_id) AS recent
  FROM failed
  JOIN progress_progress p
    ON p.user_id = failed.user_id AND p.assignment = failed.assignment AND p.academy_id = %(academy)s
  JOIN progress_errorcount e ON e.progress_id = p.id AND e.last_at > %(since)s AND e.first_at <= %(now)s
 WHERE {SHOWN_TO_CLASS.format(academy="p.academy_id", key="p.assignment")}
 GROUP BY p.assignment, e.group_digest
 ORDER BY recent DESC, max(e.last_at) DESC, p.assignment, e.group_digest
 LIMIT %(most)s
"""  # noqa: S608 (no text from outside)
_LEARNERS = f"""
WITH {_MET}
SELECT assignment, group_digest, user_id, times::bigint, first_at, last_at, solved_at FROM met ORDER BY first_at, user_id
"""  # noqa: S608 (no text from outside)


@dataclass(frozen=True)
class Variant:
    """A variant of a group as it was told, with how many learners met it, and how often."""

    name: str
    message: str
    learners: int
    times: int

    @property
    def text(self) -> str:
        return one_line(self.name, self.message)


@dataclass(frozen=True)
class ErrorRow:
    """A group of errors on an assignment.

    `learners` met it, `times` in all: an attempt counts once for each of the group's variants that it shows. `solved` counts
    the learners with a success on the assignment after they met it first, or who were done after that; `median_seconds` is the
    median of their times until then, None where nobody solved it. `recent` counts the learners who met it in the last half
    hour, None where that wasn't asked.
    """

    assignment: str
    digest: str
    kind: str
    pattern: str
    learners: int
    times: int
    solved: int
    median_seconds: float | None
    last_at: datetime
    recent: int | None = None
    variant_count: int = 0
    variants: Sequence[Variant] = ()
    explain: Mapping[str, Any] | None = field(default=None, compare=False)

    @property
    def text(self) -> str:
        """The group as one line."""
        return one_line(self.kind, self.pattern)


@dataclass(frozen=True)
class LearnerMet:
    """A learner who met a group, and when it was solved."""

    user_id: int
    times: int
    first_at: datetime
    last_at: datetime
    solved_at: datetime | None


def recent_errors(window: ClassWindow, most: int) -> list[ErrorRow]:
    """Return the groups that most learners met in the last half hour, at most `most`; their figures are of all times.

    Runs two queries.
    """
    recent = {
        (assignment, digest): learners
        for assignment, digest, learners in fetch(_RECENT, {**window.parameters(), "most": most})
    }
    if not recent:
        return []
    keys, digests = {key for key, _digest in recent}, {digest for _key, digest in recent}
    rows = _grouped(window.academy_id, keys, window.learners, len(recent) * len(keys), digests)
    by_group = {(row.assignment, row.digest): row for row in rows}
    return [replace(by_group[group], recent=learners) for group, learners in recent.items() if group in by_group]


def groups_named(
    academy_id: int, groups: Collection[Sequence[str]], learners: Collection[int] | None
) -> list[ErrorRow]:
    """Return groups that are named by assignment and digest, those of most learners first; runs one query, without any none."""
    if not groups:
        return []
    keys, digests = {key for key, _digest in groups}, {digest for _key, digest in groups}
    rows = _grouped(academy_id, keys, learners, len(digests), digests)
    named = {(key, digest) for key, digest in groups}
    return [row for row in rows if (row.assignment, row.digest) in named]


def errors_on(
    academy_id: int,
    keys: Collection[str] | None,
    learners: Collection[int] | None,
    most: int,
    period: Period = ALL_TIMES,
) -> list[ErrorRow]:
    """Return the groups met on the assignments (None: on any), those of most learners first; at most `most` of each.

    Without their variants; runs one query, over a period two.
    """
    return _grouped(academy_id, keys, learners, most, None, period)


def with_variants(
    academy_id: int, rows: Sequence[ErrorRow], learners: Collection[int] | None, period: Period = ALL_TIMES
) -> list[ErrorRow]:
    """Return the rows with their most frequent variants, and how many there are; runs one query, over a period two."""
    asked = [{"number": number, "about": row.assignment, "digest": row.digest} for number, row in enumerate(rows)]
    if not rows:
        return []
    keys, digests = {row.assignment for row in rows}, {row.digest for row in rows}
    parameters = {
        **_parameters(academy_id, keys, learners, digests, period),
        "groups": json_rows(asked),
        "most": MOST_VARIANTS,
    }
    variants: list[list[Variant]] = [[] for _ in rows]
    totals = [0 for _ in rows]
    for number, name, message, met_by, times, total in fetch(_VARIANTS, parameters):
        variants[number].append(Variant(name, message, met_by, times))
        totals[number] = total
    return [
        replace(row, variants=own, variant_count=total) for row, own, total in zip(rows, variants, totals, strict=True)
    ]


def learners_who_met(
    academy_id: int, rows: Collection[ErrorRow], learners: Collection[int] | None
) -> dict[tuple[str, str], list[LearnerMet]]:
    """Return by assignment and digest the learners who met these groups, who met it first first; runs one query."""
    keys, digests = {row.assignment for row in rows}, {row.digest for row in rows}
    met: dict[tuple[str, str], list[LearnerMet]] = {(row.assignment, row.digest): [] for row in rows}
    for assignment, digest, *learner in fetch(_LEARNERS, _parameters(academy_id, keys, learners, digests)):
        if (assignment, digest) in met:
            met[assignment, digest].append(LearnerMet(*learner))
    return met


def _grouped(
    academy_id: int,
    keys: Collection[str] | None,
    learners: Collection[int] | None,
    most: int,
    digests: Iterable[str] | None,
    period: Period = ALL_TIMES,
) -> list[ErrorRow]:
    parameters = {**_parameters(academy_id, keys, learners, digests, period), "most": most}
    return [ErrorRow(*row) for row in fetch(_GROUPED, parameters)]


def _parameters(
    academy_id: int,
    keys: Collection[str] | None,
    learners: Collection[int] | None,
    digests: Iterable[str] | None,
    period: Period = ALL_TIMES,
) -> dict[str, Any]:
    parameters = {
        "academy": academy_id,
        "keys": _listed(keys),
        "learners": _listed(learners),
        "digests": _listed(digests),
        **period.parameters(),
    }
    return {**parameters, "recounted": json_rows(recounted(parameters) if period else [])}


def _listed(values: Iterable[Any] | None) -> list[Any] | None:
    return None if values is None else list(values)
