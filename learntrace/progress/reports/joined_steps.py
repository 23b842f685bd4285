"""Counts of a package's steps that were renamed: a learner's step under the old name is the one under the new name."""

from collections.abc import Mapping, Sequence
from typing import Final

from learntrace.accounts.models import Academy
from learntrace.assignments.asset_reports import LearnerTelemetry
from learntrace.assignments.step_reports import StepCounts
from learntrace.core.sql import fetch, json_rows
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.corrections.step_renames import standing
from learntrace.registry.resolution import canonical_slug
from learntrace.registry.translated_assets import TranslatedAsset

# Staff may write any JSON as metrics: what is not a number counts as 0, as in `assignments.step_reports`.
_NUMBER: Final = (
    "CASE jsonb_typeof(step->'metrics'->'{name}') WHEN 'number' THEN"
    " least(greatest((step->'metrics'->>'{name}')::numeric, 0), 1000000000)::float8 ELSE 0 END"
)
# A median can't be made of two medians, so that joined steps are counted anew; only these are looked for in the documents. Of a
# learner who tells both names, the one that got further counts.
_COUNT = f"""
WITH told AS (
    SELECT DISTINCT ON (t.user_id, n.read_as) n.read_as, step->'metrics'->>'status' AS status,
           round({_NUMBER.format(name="time_spent")}) AS seconds, {_NUMBER.format(name="comp_struggles")} AS compiled,
           {_NUMBER.format(name="test_struggles")} AS tested
      FROM assignments_assignmenttelemetry t
     CROSS JOIN LATERAL jsonb_path_query(
           t.metrics, 'lax $.steps[*] ? (@.slug == $slugs[*])', jsonb_build_object('slugs', to_jsonb(%(slugs)s::text[]))
           ) AS step
      JOIN jsonb_to_recordset(%(names)s::jsonb) AS n(told text, read_as text) ON n.told = step->>'slug'
     WHERE t.asset_slug = %(slug)s AND t.user_id = ANY(%(learners)s)
       AND step->'metrics'->>'status' IN ('completed', 'attempted', 'skipped')
     ORDER BY t.user_id, n.read_as, array_position(ARRAY['completed', 'attempted', 'skipped'], step->'metrics'->>'status'),
              n.told
)
SELECT read_as, count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status = 'attempted'),
       count(*) FILTER (WHERE status = 'skipped'), avg(compiled), avg(tested),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds)
  FROM told GROUP BY read_as
"""  # noqa: S608 (no text from outside)


def new_names(academy: Academy, translated: TranslatedAsset) -> dict[str, str]:
    """Return the slugs of an asset's renamed steps, each with that of the step as which it is read; one query."""
    here = f"{translated.slug}/"
    rows = standing(academy).filter(asset__in=translated.ids, old_key__startswith=here, read_as__startswith=here)
    return {old.removeprefix(here): new.removeprefix(here) for old, new in rows.values_list("old_key", "read_as")}


def joined_counts(slug: str, names: Mapping[str, str], learners: Sequence[LearnerTelemetry]) -> dict[str, StepCounts]:
    """Return the counts of each step that others are read as, by its slug; `names` as of `new_names`. One query, or none."""
    if not names or not learners:
        return {}
    read_as = {**names, **{new: new for new in names.values()}}
    rows = fetch(
        _COUNT,
        {
            "slug": slug,
            "slugs": list(read_as),
            "names": json_rows([{"told": told, "read_as": new} for told, new in read_as.items()]),
            "learners": [learner.user_id for learner in learners],
        },
    )
    return {step: StepCounts(*counts) for step, *counts in rows}


def read_as(academy: Academy, name: str) -> str:
    """Return the key of the step as which a former step with this name is read, empty where it isn't renamed.

    The step may be named by an alias or a translation of its asset. One query where an academy has no
    renames, none for a notebook's tag.
    """
    asset, slash, step = name.partition("/")
    if not slash or name.startswith(PREFIX):
        return ""
    names = dict(standing(academy).values_list("old_key", "read_as"))
    if not names:
        return ""
    key = name if name in names else f"{canonical_slug(asset, academy.pk)}/{step}"
    # Of steps that were renamed to and fro each is read as itself.
    return "" if names.get(key) == key else names.get(key, "")
