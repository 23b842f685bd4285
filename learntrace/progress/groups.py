"""How classes do: on each asset, and in each cohort."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median
from typing import Any

from learntrace.accounts.models import Cohort
from learntrace.assignments.tasks import tasks_seen_in
from learntrace.progress.assignments import percent
from learntrace.progress.classes import classes_of
from learntrace.progress.selection import Selection, slugs_of
from learntrace.progress.shares import Share, published, shares_of
from learntrace.registry.models import Asset


@dataclass
class GroupRow:
    """What a class did on some assets' assignments: seconds, counts, the rate 0 to 100.

    `learners` is the class, `learners_done` those who have done all. `done` counts assignments, each as often as
    somebody has done it. The median is that of the learners who were seen.
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
    # Per learner: (done, attempts, errors, active time).
    by_learner: Mapping[int, tuple[int, int, int, float]]
    asset: Mapping[str, Any] | None = None
    cohort: Mapping[str, Any] | None = None
    explain: Mapping[str, Any] | None = None


def _group(shares: Collection[Share], learners: frozenset[int], assignments: int) -> GroupRow:
    by_learner: dict[int, tuple[int, int, int, float]] = {}
    for share in shares:
        done, attempts, errors, active = by_learner.get(share.user_id, (0, 0, 0, 0.0))
        by_learner[share.user_id] = (
            done + share.done, attempts + share.attempts, errors + share.errors, active + share.active_time,
        )  # fmt: skip
    done = sum(one[0] for one in by_learner.values())
    return GroupRow(
        assignments=assignments,
        learners=len(learners),
        learners_seen=len(by_learner),
        learners_done=sum(assignments > 0 and one[0] == assignments for one in by_learner.values()),
        done=done,
        completion_rate=percent(done, len(learners) * assignments),
        attempts=sum(one[1] for one in by_learner.values()),
        errors=sum(one[2] for one in by_learner.values()),
        median_active_time=median(one[3] for one in by_learner.values()) if by_learner else None,
        last_seen_at=max((share.last_seen_at for share in shares), default=None),
        by_learner=by_learner,
    )


def asset_rows(selection: Selection) -> list[GroupRow]:
    """Each of the selection's assets that has assignments, by slug."""
    counts = published(selection)
    shares = shares_of(selection)
    classes = classes_of(selection, frozenset(counts)) if counts else {}
    by_asset: dict[int, list[Share]] = {asset_id: [] for asset_id in counts}
    for share in shares:
        if share.asset_id in by_asset:
            by_asset[share.asset_id].append(share)
    assets = Asset.objects.filter(pk__in=counts).order_by("slug").values("id", "slug", "title")
    return [
        replace(_group(by_asset[asset["id"]], classes[asset["id"]], counts[asset["id"]]), asset=asset)
        for asset in assets
    ]


def cohort_rows(selection: Selection) -> list[GroupRow]:
    """Each of the selection's cohorts by slug, on the selection's assets; without any, on those of the cohort's tasks."""
    cohorts = Cohort.objects.filter(academy=selection.academy)
    if selection.cohorts is not None:
        cohorts = cohorts.filter(pk__in=selection.cohorts)
    found = list(cohorts.order_by("slug").values("id", "slug", "name"))
    counts = published(selection)
    learners, assets = _tasks_of(selection, [cohort["id"] for cohort in found], frozenset(counts))
    shares = shares_of(selection)
    rows = []
    for cohort in found:
        mine = learners.get(cohort["id"], frozenset())
        about = frozenset(counts) if selection.assets is not None else assets.get(cohort["id"], frozenset())
        theirs = [share for share in shares if share.user_id in mine and share.asset_id in about]
        rows.append(replace(_group(theirs, mine, sum(counts[one] for one in about)), cohort=cohort))
    return rows


def _tasks_of(
    selection: Selection, cohort_ids: list[int], assets: frozenset[int]
) -> tuple[dict[int, frozenset[int]], dict[int, frozenset[int]]]:
    """The learners, and the assets, of each cohort's tasks."""
    slugs = slugs_of(assets) if assets else {}
    learners: dict[int, set[int]] = {}
    about: dict[int, set[int]] = {}
    rows = tasks_seen_in(selection.academy).filter(cohort__in=cohort_ids)
    for cohort_id, user_id, slug in rows.values_list("cohort__id", "user_id", "associated_slug"):
        if selection.learners is None or user_id in selection.learners:
            learners.setdefault(cohort_id, set()).add(user_id)
        if slug in slugs:
            about.setdefault(cohort_id, set()).add(slugs[slug])
    return (
        {cohort: frozenset(found) for cohort, found in learners.items()},
        {cohort: frozenset(found) for cohort, found in about.items()},
    )
