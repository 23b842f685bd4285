"""How a class does on each asset, and how each cohort does."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median
from typing import Any, NamedTuple

from learntrace.accounts.cohort_limits.limit import cohorts_of, seen
from learntrace.accounts.models import CohortLearner
from learntrace.assignments.tasks import tasks_seen_in
from learntrace.progress.reports.assignments import percent
from learntrace.progress.reports.class_members import classes_of
from learntrace.progress.reports.learner_assets import LearnerAssetRow, learner_assets_of, published
from learntrace.progress.reports.selection import Selection, slugs_of
from learntrace.registry.models import Asset


@dataclass
class GroupRow:
    """A class's numbers on the assignments of some assets: seconds, counts, the rate 0 to 100.

    `learners` is the size of the class, `learners_done` the number of those who have done all assignments. `done` counts
    assignments, once for each learner who has done them. The median is over the learners who were seen.
    """

    assignments: int
    learners: int
    learners_seen: int
    learners_done: int
    done: int
    completion_rate: float
    attempts: int
    errors: int
    median_active_time: float | None
    last_seen_at: datetime | None
    by_learner: Mapping[int, "LearnerSums"]
    asset: Mapping[str, Any] | None = None
    cohort: Mapping[str, Any] | None = None
    explain: Mapping[str, Any] | None = None


class LearnerSums(NamedTuple):
    """One learner's part of a group's numbers."""

    done: int = 0
    attempts: int = 0
    errors: int = 0
    active_time: float = 0.0

    def plus(self, row: LearnerAssetRow) -> "LearnerSums":
        """Return the sums with one more asset of the learner."""
        return LearnerSums(
            self.done + row.done,
            self.attempts + row.attempts,
            self.errors + row.errors,
            self.active_time + row.active_time,
        )


def _group(rows: Collection[LearnerAssetRow], learners: frozenset[int], assignments: int) -> GroupRow:
    by_learner: dict[int, LearnerSums] = {}
    for row in rows:
        by_learner[row.user_id] = by_learner.get(row.user_id, LearnerSums()).plus(row)
    sums = by_learner.values()
    done = sum(learner.done for learner in sums)
    return GroupRow(
        assignments=assignments,
        learners=len(learners),
        learners_seen=len(by_learner),
        learners_done=sum(assignments > 0 and learner.done == assignments for learner in sums),
        done=done,
        completion_rate=percent(done, len(learners) * assignments),
        attempts=sum(learner.attempts for learner in sums),
        errors=sum(learner.errors for learner in sums),
        median_active_time=median(learner.active_time for learner in sums) if sums else None,
        last_seen_at=max((row.last_seen_at for row in rows), default=None),
        by_learner=by_learner,
    )


def asset_rows(selection: Selection) -> list[GroupRow]:
    """Return a row for each of the selection's assets that has assignments, by slug."""
    counts = published(selection)
    rows = learner_assets_of(selection)
    classes = classes_of(selection, frozenset(counts)) if counts else {}
    by_asset: dict[int, list[LearnerAssetRow]] = {asset_id: [] for asset_id in counts}
    for row in rows:
        if row.asset_id in by_asset:
            by_asset[row.asset_id].append(row)
    assets = Asset.objects.filter(pk__in=counts).order_by("slug").values("id", "slug", "title")
    return [
        replace(_group(by_asset[asset["id"]], classes[asset["id"]], counts[asset["id"]]), asset=asset)
        for asset in assets
    ]


def cohort_rows(selection: Selection) -> list[GroupRow]:
    """Return a row for each of the selection's cohorts, by slug.

    It is about the selection's assets; without any, about the assets of the cohort's tasks.
    """
    selected = cohorts_of(selection.academy)
    if selection.cohorts is not None:
        selected = selected.filter(pk__in=selection.cohorts)
    cohorts = list(selected.order_by("slug").values("id", "slug", "name"))
    counts = published(selection)
    learners, assets = _tasks_of(selection, [cohort["id"] for cohort in cohorts], frozenset(counts))
    rows = learner_assets_of(selection)
    groups = []
    for cohort in cohorts:
        members = learners.get(cohort["id"], frozenset())
        about = frozenset(counts) if selection.assets is not None else assets.get(cohort["id"], frozenset())
        own = [row for row in rows if row.user_id in members and row.asset_id in about]
        groups.append(replace(_group(own, members, sum(counts[asset_id] for asset_id in about)), cohort=cohort))
    return groups


def _tasks_of(
    selection: Selection, cohort_ids: list[int], assets: frozenset[int]
) -> tuple[dict[int, frozenset[int]], dict[int, frozenset[int]]]:
    """Return the learners of each cohort, and the assets of its tasks."""
    slugs = slugs_of(assets) if assets else {}
    learners: dict[int, set[int]] = {}
    about: dict[int, set[int]] = {}
    rows = tasks_seen_in(selection.academy).filter(cohort__in=cohort_ids)
    for cohort_id, user_id, slug in rows.values_list("cohort__id", "user_id", "associated_slug"):
        if selection.learners is None or user_id in selection.learners:
            learners.setdefault(cohort_id, set()).add(user_id)
        if slug in slugs:
            about.setdefault(cohort_id, set()).add(slugs[slug])
    listed = CohortLearner.objects.filter(seen(selection.academy), cohort__in=cohort_ids)
    for cohort_id, user_id in listed.values_list("cohort_id", "user_id"):
        if selection.learners is None or user_id in selection.learners:
            learners.setdefault(cohort_id, set()).add(user_id)
    return (
        {cohort: frozenset(user_ids) for cohort, user_ids in learners.items()},
        {cohort: frozenset(asset_ids) for cohort, asset_ids in about.items()},
    )
