"""Reports on an asset's steps: how many learners completed, attempted or skipped each one, and where they stopped."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import DataError, transaction

from learntrace.assignments.asset_reports import LearnerTelemetry
from learntrace.assignments.completion import COMPLETE
from learntrace.core.sql import fetch

# 3,000 learners on 60 steps take some 250 ms. A report that takes longer than CHEAP_SECONDS is kept until new telemetry
# comes, and then still for a hundred times as long as it took: counting uses at most a hundredth of the time.
CHEAP_SECONDS = 0.05
KEPT_TIMES = 100
KEPT_SECONDS = 3600

# Most steps were opened by nobody: these are not counted but inferred. There are few distinct times in whole seconds, so
# they are counted instead of sorted, and the median is taken from the counts. Casts are from text, because those from
# jsonb go through numeric.
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
# Staff may write any JSON as metrics (contract, section 7). This form counts what is not a number as 0 and skips what is
# not a step.
_SAFE_NUMBER = (
    "CASE jsonb_typeof(s.metrics->'{name}') WHEN 'number' THEN"
    " least(greatest((s.metrics->>'{name}')::numeric, 0), 1000000000)::float8 ELSE 0 END"
)
_SAFE = _STEPS.format(
    steps="""jsonb_array_elements(CASE jsonb_typeof(t.metrics->'steps') WHEN 'array' THEN t.metrics->'steps' ELSE '[]' END)
           WITH ORDINALITY AS e(step, place)
     CROSS JOIN LATERAL (SELECT step->>'slug' AS slug, step->'metrics' AS metrics, place) AS s""",
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
class StepCounts:
    """How many learners completed, attempted or skipped a step; mean struggles and median seconds of who opened it."""

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
class StepReport:
    """The counts of each step by its slug, and how many learners stopped at which step (None: at no step)."""

    counts: Mapping[str, StepCounts]
    stopped: Mapping[str | None, int]

    @property
    def learners(self) -> int:
        """How many of the learners have scored steps."""
        return sum(self.stopped.values())


def step_report(kept_as: str, slug: str, learners: Sequence[LearnerTelemetry]) -> StepReport:
    """Count the steps of learners on a canonical slug; learners come with the latest first.

    `kept_as` names whose learners they are: the academy, and what a limited member sees of it.

    Two queries, or none where an expensive report is still kept.
    """
    key = f"asset-steps-{kept_as}-{hashlib.sha256(slug.encode()).hexdigest()}"
    version = (len(learners), learners[0].updated_at if learners else None)
    kept_version, kept_until, kept = cache.get(key, (None, 0.0, None))
    if isinstance(kept, StepReport) and (kept_version == version or time.time() < kept_until):
        return kept
    begun = time.perf_counter()
    report = _count(slug, [learner.user_id for learner in learners])
    taken = time.perf_counter() - begun
    if taken > CHEAP_SECONDS:
        cache.set(key, (version, time.time() + KEPT_TIMES * taken, report), KEPT_SECONDS)
    return report


def _count(slug: str, user_ids: Sequence[int]) -> StepReport:
    parameters: Mapping[str, Any] = {"slug": slug, "learners": user_ids, "complete": COMPLETE}
    stopped: dict[str | None, int] = dict(fetch(_STOPPED, parameters))
    try:
        with transaction.atomic():
            rows = fetch(_FAST, parameters)
    except DataError:
        rows = fetch(_SAFE, parameters)
    return StepReport({step: StepCounts(*counts) for step, *counts in rows}, stopped)
