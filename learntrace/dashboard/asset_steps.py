"""How an asset's learners did on each of its steps, and where they stop."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import DataError, connection, transaction

from learntrace.accounts.models import Academy
from learntrace.assignments.completion import COMPLETE
from learntrace.dashboard.asset_shelf import Shelved
from learntrace.dashboard.asset_telemetry import LearnerTelemetry
from learntrace.progress.keys import PREFIX
from learntrace.progress.models import Assignment

# 3,000 learners on 60 steps take some 250 ms. What takes longer than CHEAP_SECONDS is shown again as long as nothing comes,
# and if something comes, for a hundred times as long as it took: a hundredth of the time goes into counting.
CHEAP_SECONDS = 0.05
KEPT_TIMES = 100
KEPT_SECONDS = 3600

# Steps that nobody opened are most of them, and are not counted but inferred. Times in whole seconds are few enough to be
# counted and not sorted; the median is that of the counts. Casts of texts, as those of jsonb go through numeric.
_STEPS = """
WITH counted AS (
    SELECT s.slug, s.metrics->>'status' AS status, {time} AS seconds, count(*) AS learners, min(s.place) AS place,
           sum({compiled}) AS compiled, sum({tested}) AS tested
      FROM assignments_assignmenttelemetry t
     CROSS JOIN LATERAL {steps}
     WHERE t.asset_slug = %(slug)s AND t.user_id = ANY(%(learners)s)
       AND s.metrics->>'status' IN ('completed', 'attempted', 'skipped') AND s.slug IS NOT NULL
     GROUP BY 1, 2, 3
), summed AS (
    SELECT *, sum(learners) OVER (PARTITION BY slug ORDER BY seconds ROWS UNBOUNDED PRECEDING) AS upto,
           sum(learners) OVER (PARTITION BY slug) AS opened
      FROM counted
)
SELECT slug, coalesce(sum(learners) FILTER (WHERE status = 'completed'), 0)::int,
       coalesce(sum(learners) FILTER (WHERE status = 'attempted'), 0)::int,
       coalesce(sum(learners) FILTER (WHERE status = 'skipped'), 0)::int,
       sum(compiled)::float8 / max(opened)::float8, sum(tested)::float8 / max(opened)::float8,
       min(seconds) FILTER (WHERE 2 * upto >= opened)
  FROM summed GROUP BY slug ORDER BY min(place), slug
"""
_NUMBER = "(s.metrics->>'{name}')::float8"
_FAST = _STEPS.format(
    steps="""ROWS FROM (jsonb_to_recordset(t.metrics->'steps') AS (slug text, metrics jsonb))
           WITH ORDINALITY AS s(slug, metrics, place)""",
    time=f"round({_NUMBER.format(name='time_spent')})::int",
    compiled=_NUMBER.format(name="comp_struggles"),
    tested=_NUMBER.format(name="test_struggles"),
)
# Staff may write any JSON as metrics (contract, section 7): then what is no number is 0, and what is no step is none.
_SAFE_NUMBER = (
    "CASE jsonb_typeof(s.metrics->'{name}') WHEN 'number' THEN"
    " least(greatest((s.metrics->>'{name}')::numeric, 0), 1000000000)::float8 ELSE 0 END"
)
_SAFE = _STEPS.format(
    steps="""jsonb_array_elements(CASE jsonb_typeof(t.metrics->'steps') WHEN 'array' THEN t.metrics->'steps' ELSE '[]' END)
           WITH ORDINALITY AS e(one, place)
     CROSS JOIN LATERAL (SELECT one->>'slug' AS slug, one->'metrics' AS metrics, place) AS s""",
    time=f"round({_SAFE_NUMBER.format(name='time_spent')})::int",
    compiled=_SAFE_NUMBER.format(name="comp_struggles"),
    tested=_SAFE_NUMBER.format(name="test_struggles"),
)
_STOPPED = """
SELECT CASE WHEN t.completion_rate >= %(complete)s THEN NULL
            ELSE jsonb_path_query_array(t.metrics, '$.steps[*] ? (@.metrics.status != "unread").slug') ->> -1 END AS stopped,
       count(*)
  FROM assignments_assignmenttelemetry t
 WHERE t.asset_slug = %(slug)s AND t.user_id = ANY(%(learners)s) AND jsonb_typeof(t.metrics->'steps') = 'array'
 GROUP BY stopped
"""


@dataclass(frozen=True)
class Counts:
    """How many learners are where with a step; struggles are means over those who opened it, the time a median in seconds."""

    completed: int = 0
    attempted: int = 0
    skipped: int = 0
    compiled: float | None = None
    tested: float | None = None
    seconds: float | None = None

    @property
    def opened(self) -> int:
        return self.completed + self.attempted + self.skipped


@dataclass(frozen=True)
class Step:
    """A step with its counts. `key` is its assignment's, empty where none is published; `stopped` learners got no further."""

    slug: str
    title: str
    key: str
    counts: Counts
    unread: int
    stopped: int


@dataclass(frozen=True)
class Steps:
    """The steps in the order of the asset, then those that it no longer has; of `learners` whose steps were scored."""

    rows: tuple[Step, ...]
    learners: int

    @property
    def most_stopped(self) -> int:
        return max((row.stopped for row in self.rows), default=0)


Counted = tuple[Mapping[str, Counts], Mapping[str | None, int]]
"""The counts of each step, and how many stopped at which; None stands for nowhere."""


def steps_of(academy: Academy, shelved: Shelved, learners: Sequence[LearnerTelemetry]) -> Steps:
    """Count the steps of learners, who come with the latest first; three queries."""
    counts, stopped = _kept(academy, shelved.slug, learners)
    total = sum(stopped.values())
    published = _published(academy, shelved)
    told = {**dict.fromkeys(published, Counts()), **counts}
    rows = [
        Step(
            slug, title=published[slug].title if slug in published else "",
            key=published[slug].key if slug in published else "", counts=one, unread=max(total - one.opened, 0),
            stopped=stopped.get(slug, 0),
        )
        for slug, one in told.items()
    ]  # fmt: skip
    return Steps(tuple(rows), total)


def _published(academy: Academy, shelved: Shelved) -> dict[str, Assignment]:
    """The published steps in their order, by the slugs that documents call them."""
    rows = Assignment.objects.filter(academy=academy, asset__in=shelved.ids).order_by("asset_id", "position", "pk")
    return {row.key.removeprefix(PREFIX).removeprefix(f"{shelved.slug}/"): row for row in rows}


def _kept(academy: Academy, slug: str, learners: Sequence[LearnerTelemetry]) -> Counted:
    """The counts: where they cost much, those of a moment ago, and for as long as nothing comes."""
    key = f"asset-steps-{academy.pk}-{hashlib.sha256(slug.encode()).hexdigest()}"
    version = (len(learners), learners[0].updated_at if learners else None)
    counted_version, until, found = cache.get(key, (None, 0.0, None))
    if found is not None and (counted_version == version or time.time() < until):
        return found  # type: ignore[no-any-return] # a cache knows no types
    begun = time.perf_counter()
    counted = _count({"slug": slug, "learners": [one.user_id for one in learners], "complete": COMPLETE})
    taken = time.perf_counter() - begun
    if taken > CHEAP_SECONDS:
        cache.set(key, (version, time.time() + KEPT_TIMES * taken, counted), KEPT_SECONDS)
    return counted


def _count(asked: Mapping[str, Any]) -> Counted:
    stopped: dict[str | None, int] = dict(_read(_STOPPED, asked))
    try:
        with transaction.atomic():
            rows = _read(_FAST, asked)
    except DataError:
        rows = _read(_SAFE, asked)
    return {slug: Counts(*counts) for slug, *counts in rows}, stopped


def _read(statement: str, asked: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return list(cursor.fetchall())
