"""The assignment that each learner is on: the one that the learner was seen on last, with the state there.

Read in one statement for a class of any size. The state is that of `measures.learner_state`, as everywhere.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from learntrace.core.sql import fetch
from learntrace.measures.activity import Failure
from learntrace.measures.error_groups import variant_of
from learntrace.measures.failures import NO_NAMES
from learntrace.measures.learner_state import Evidence, Standing, learner_state
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.catalogue import REPEATED_TITLES, SHOWN_TO_CLASS, TOLD_TITLE, shown_keys, titles_of
from learntrace.progress.class_cells.cells import LearnerCells, derive, same
from learntrace.progress.evidence import EVIDENCE
from learntrace.progress.models import Assignment
from learntrace.progress.reports.selection import Selection

_CURRENT = f"""
WITH latest AS MATERIALIZED (
     SELECT DISTINCT ON (p.user_id) p.id, p.user_id, p.academy_id, p.assignment, p.last_seen_at, {EVIDENCE.format(row="p")}
       FROM progress_progress p
      WHERE p.user_id = ANY(%(learners)s) AND (%(academy)s::bigint IS NULL OR p.academy_id = %(academy)s)
        AND (%(assets)s::bigint[] IS NULL
             OR p.assignment IN (SELECT key FROM progress_assignment
                                  WHERE academy_id = p.academy_id AND asset_id = ANY(%(assets)s)))
        AND (NOT %(to_class)s OR {SHOWN_TO_CLASS.format(academy="p.academy_id", key="p.assignment")})
      ORDER BY p.user_id, p.last_seen_at DESC, p.assignment COLLATE "C" DESC
)
SELECT p.user_id, p.assignment, coalesce({TOLD_TITLE}, ''), p.last_seen_at, e.name, e.message, {EVIDENCE.format(row="p")}
  FROM latest p
  LEFT JOIN progress_assignment a ON a.academy_id = p.academy_id AND a.key = p.assignment
  LEFT JOIN registry_asset asset ON asset.id = a.asset_id
  LEFT JOIN ({REPEATED_TITLES.format(academies="SELECT academy_id FROM latest")}) AS repeated
    ON repeated.academy_id = a.academy_id AND repeated.title = a.title
  LEFT JOIN LATERAL (SELECT name, message FROM progress_errorcount WHERE progress_id = p.id
                      ORDER BY last_at DESC, id DESC LIMIT 1) AS e ON true
"""  # noqa: S608 (only texts of this package)


@dataclass(frozen=True, slots=True)
class CurrentWork:
    """An assignment in hand; `title` is empty for one that is not published, `error` what was met there last, in a word."""

    key: str
    title: str
    last_seen_at: datetime
    standing: Standing
    error: str = ""

    @property
    def name(self) -> str:
        """The assignment's key without its prefix."""
        return self.key.removeprefix(PREFIX)


def current_work(
    learner_ids: Collection[int],
    academy_id: int | None = None,
    assets: Collection[int] | None = None,
    *,
    to_class: bool = False,
) -> dict[int, CurrentWork]:
    """Return the work in hand of those of the learners who were seen; one query.

    `academy_id`: only there; None means everywhere. `assets`: only on their published assignments. `to_class`: only what pages
    of a class may name.
    """
    asked = {
        "learners": sorted(learner_ids),
        "academy": academy_id,
        "assets": None if assets is None else sorted(assets),
        "to_class": to_class,
    }
    return {
        user_id: CurrentWork(key, title, seen_at, learner_state(Evidence(*evidence)), _word(name, message))
        for user_id, key, title, seen_at, name, message, *evidence in fetch(_CURRENT, asked)
    }


def works_of_class(selection: Selection, learner_ids: Collection[int]) -> dict[int, CurrentWork]:
    """Return what `current_work` does of what pages of a class may name, from the selection's kept cells where it has them.

    Those are without errors, which no list shows; three queries at most.
    """
    academy = selection.academy
    if (cells := selection.cells) is None:
        return current_work(learner_ids, academy.pk, selection.assets, to_class=True)
    shown = shown_keys(academy.pk, cells.keys)
    if selection.assets is not None:
        of_assets = Assignment.objects.filter(academy=academy, asset__in=selection.assets, key__in=shown)
        shown = set(of_assets.values_list("key", flat=True))
    titles = titles_of(academy.pk, shown)
    named = same(tuple((key, titles.get(key, "")) for key in sorted(shown)))
    by_key = dict(named)
    works = {
        user_id: derive(own, "work", named, partial(_latest, own, by_key))
        for user_id in learner_ids
        if (own := cells.by_learner.get(user_id)) is not None
    }
    return {user_id: work for user_id, work in works.items() if work is not None}


def _latest(cells: LearnerCells, titles: Mapping[str, str]) -> CurrentWork | None:
    """Return the work in hand among the assignments with these titles; None for a learner who wasn't seen on them."""
    seen = [(cell.last_seen_at, key) for key, cell in cells.items() if key in titles and cell.last_seen_at is not None]
    if not seen:
        return None
    at, key = max(seen)
    return CurrentWork(key, titles[key], at, cells[key].standing)


def _word(name: str | None, message: str | None) -> str:
    """Return an error in a word: its type, where it has one that says anything, else what it says; empty if it says nothing."""
    if not name:
        return ""
    variant = variant_of(Failure(name, message or ""))
    return variant.message if variant.name in NO_NAMES else variant.name
