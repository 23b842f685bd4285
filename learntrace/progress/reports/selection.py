"""The selection that a report is about: all of an academy, or some of its assets, cohorts and learners; and a period."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from learntrace.accounts.cohort_limits.limit import seen, within
from learntrace.accounts.filters import LEARNERS, cohorts, flag, learners, moment
from learntrace.accounts.models import Academy, CohortLearner
from learntrace.accounts.scope import learners_of
from learntrace.assignments.tasks import tasks_seen_in
from learntrace.core.errors import Problem
from learntrace.core.http.filters import natural, words
from learntrace.progress.class_cells.cells import LearnerCells
from learntrace.progress.class_cells.kept import ClassCells, kept_cells
from learntrace.progress.models import Exclusion, Progress
from learntrace.progress.periods.period import ALL_TIMES, Period
from learntrace.registry.models import AssetAlias
from learntrace.registry.resolution import load_registry

# The rows of fewer learners are read sooner than a look tells which of all the academy's have changed.
_MANY_LEARNERS: Final = 300

PERIOD: Mapping[str, str] = {
    "since": "figures of activities from this time on, in ISO 8601; not with `explain`",
    "until": "figures of activities before this time, in ISO 8601; not with `explain`",
}
FILTERS: Mapping[str, str] = {
    "asset": "one or more assets by id, slug or alias, comma-separated; a translation stands for its asset",
    "cohort": "one or more ids or slugs of cohorts, comma-separated: the learners who have a task of them",
    "learner": LEARNERS,
    **PERIOD,
}


class EndsBeforeItBegins(Problem):
    slug = "invalid-filter"
    text = _("The time “until” is before the time “since”")

    def told(self) -> str:
        return gettext("The period ends before it begins.")


class NoExplanation(Problem):
    """Explanations tell how the stored figures came about, which are those of all times."""

    slug = "invalid-filter"
    text = _("Figures of a period are not explained: leave out `explain`, or `since` and `until`")


@dataclass(frozen=True)
class Selection:
    """An academy with its selected assets, cohorts and learners; None means all of them.

    `assets` are ids, those of translations included. `learners` are the learners of the selected cohorts, the named
    learners, or with both given their intersection; never others than the academy's member sees. Where nobody is selected,
    `learner_ids` is what the member sees. With a `period`, figures are those of its activities alone; states, signals and
    due dates are as of now whatever it is.
    """

    academy: Academy
    assets: frozenset[int] | None = None
    cohorts: frozenset[int] | None = None
    learners: frozenset[int] | None = None
    period: Period = ALL_TIMES

    def __post_init__(self) -> None:
        if self.learners is not None:
            object.__setattr__(self, "learners", within(self.academy, self.learners))

    @property
    def asset_ids(self) -> list[int] | None:
        """The assets as a parameter of a statement."""
        return None if self.assets is None else sorted(self.assets)

    @property
    def learner_ids(self) -> list[int] | None:
        """The learners as a parameter of a statement."""
        learners = within(self.academy, self.learners)
        return None if learners is None else sorted(learners)

    @cached_property
    def cells(self) -> ClassCells | None:
        """The academy's kept cells, where sums over them are cheaper than over rows: for many learners, of all times.

        Looked up once, so that all reports of a selection are about the same cells.
        """
        learners = self.learner_ids
        if self.period or (learners is not None and len(learners) < _MANY_LEARNERS):
            return None
        return kept_cells(self.academy.pk)

    def cells_of_learners(self, cells: ClassCells) -> Mapping[int, LearnerCells]:
        """Return the cells of the selection's learners, by learner in the order of their ids."""
        wanted = sorted(cells.by_learner) if self.learner_ids is None else self.learner_ids
        return {user_id: cells.by_learner[user_id] for user_id in wanted if user_id in cells.by_learner}

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of a statement."""
        return {
            "academy": self.academy.pk,
            "assets": self.asset_ids,
            "learners": self.learner_ids,
            **self.period.parameters(),
        }


def selection_of(academy: Academy, request: Request) -> Selection:
    """Return the selection of the query string. Names that match nothing select nothing."""
    wanted_cohorts = frozenset(cohorts(request, academy)) if words(request, "cohort") else None
    members = None if wanted_cohorts is None else learners_of_cohorts(academy, wanted_cohorts)
    if words(request, "learner"):
        named = people_of(academy, learners(request, academy))
        members = named if members is None else members & named
    assets = assets_named(academy, words(request, "asset")) if words(request, "asset") else None
    return Selection(academy, assets, wanted_cohorts, members, period_of(request))


def period_of(request: Request) -> Period:
    """Return the period that `since` and `until` of the query string name.

    Raises EndsBeforeItBegins; NoExplanation where explanations are asked for too.
    """
    period = Period(moment(request, "since"), moment(request, "until"))
    if period.since is not None and period.until is not None and period.until < period.since:
        raise EndsBeforeItBegins
    if period and flag(request, "explain"):
        raise NoExplanation
    return period


def people_of(academy: Academy, user_ids: Collection[int]) -> frozenset[int]:
    """Return those of the users who belong to the academy or were seen in it, excluded attempts included."""
    members = learners_of(academy).filter(pk__in=user_ids).values_list("pk", flat=True)
    worked = Progress.objects.filter(seen(academy), academy=academy, user__in=user_ids)
    excluded = Exclusion.objects.filter(seen(academy), academy=academy, user__in=user_ids, lifted_at__isnull=True)
    both = (
        worked.order_by().values_list("user_id", flat=True).union(excluded.order_by().values_list("user_id", flat=True))
    )
    return frozenset([*members, *both])


def learners_of_cohorts(academy: Academy, cohort_ids: frozenset[int]) -> frozenset[int]:
    """Return the ids of the learners of the cohorts, by a task of one of them or as they were put there."""
    by_task = tasks_seen_in(academy).filter(cohort__in=cohort_ids).values_list("user_id", flat=True)
    listed = CohortLearner.objects.filter(seen(academy), cohort__in=cohort_ids, cohort__academy=academy)
    return frozenset(by_task) | frozenset(listed.values_list("user_id", flat=True))


def assets_named(academy: Academy, names: list[str]) -> frozenset[int]:
    """Return the ids of the assets with these ids, slugs or aliases that the academy may name, with all translations."""
    numbers = [number for name in names if (number := natural(name)) is not None]
    registry = load_registry(ids=numbers, slugs=names, named_in=[academy.pk])
    assets = {registry.by_id[number] for number in numbers if number in registry.by_id}
    assets |= {asset for name in names if (asset := registry.by_slug(name)) is not None}
    return frozenset(translation.id for asset in assets for translation in registry.translations(asset))


def translations_of(asset_ids: Collection[int]) -> frozenset[int]:
    """Return the ids of assets and of all their translations."""
    registry = load_registry(ids=asset_ids)
    assets = [registry.by_id[asset_id] for asset_id in asset_ids if asset_id in registry.by_id]
    return frozenset(translation.id for asset in assets for translation in registry.translations(asset))


def slugs_of(asset_ids: frozenset[int]) -> dict[str, int]:
    """Return every slug and alias by which tasks may name these assets, each with the asset of `asset_ids` it stands for.

    That is the asset with the slug if it is among them, else a translation of it.
    """
    registry = load_registry(ids=asset_ids)
    stands_for = {
        translation.id: translation.id if translation.id in asset_ids else asset_id
        for asset_id in asset_ids
        if asset_id in registry.by_id
        for translation in registry.translations(registry.by_id[asset_id])
    }
    slugs = {registry.by_id[translation_id].slug: asset_id for translation_id, asset_id in stands_for.items()}
    aliases = AssetAlias.objects.filter(asset__in=list(stands_for)).values_list("slug", "asset_id")
    return {**slugs, **{slug: stands_for[translation_id] for slug, translation_id in aliases}}
