"""What a request asks about: all of an academy, or some of its assets, cohorts and learners."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rest_framework.request import Request

from learntrace.accounts.filters import cohorts, learners
from learntrace.accounts.models import Academy
from learntrace.accounts.scope import learners_of
from learntrace.assignments.tasks import tasks_seen_in
from learntrace.core.filters import natural, words
from learntrace.progress.models import Progress
from learntrace.registry.models import AssetAlias
from learntrace.registry.resolution import load_registry

FILTERS: Mapping[str, str] = {
    "asset": "one or more assets by id, slug or alias, comma between; a translation stands for its asset",
    "cohort": "one or more ids or slugs of cohorts, comma between: the learners who have a task of them",
    "learner": "one or more user ids or user names, comma between",
}


@dataclass(frozen=True)
class Selection:
    """An academy, and what of it is asked about; None is everything.

    `assets` are ids, each with those of its translations. `learners` are those of the cohorts, those that were named, or
    who is both.
    """

    academy: Academy
    assets: frozenset[int] | None = None
    cohorts: frozenset[int] | None = None
    learners: frozenset[int] | None = None

    @property
    def asset_ids(self) -> list[int] | None:
        """As a parameter of a statement."""
        return None if self.assets is None else sorted(self.assets)

    @property
    def learner_ids(self) -> list[int] | None:
        return None if self.learners is None else sorted(self.learners)


def selection_of(academy: Academy, request: Request) -> Selection:
    """What the query string asks about. What nobody is, or nothing has, gives nothing."""
    wanted_cohorts = frozenset(cohorts(request, academy)) if words(request, "cohort") else None
    members = None if wanted_cohorts is None else learners_of_cohorts(academy, wanted_cohorts)
    if words(request, "learner"):
        named = people_of(academy, learners(request))
        members = named if members is None else members & named
    assets = assets_named(words(request, "asset")) if words(request, "asset") else None
    return Selection(academy, assets, wanted_cohorts, members)


def people_of(academy: Academy, user_ids: Collection[int]) -> frozenset[int]:
    """Those of the users who belong to the academy, or were seen in it."""
    members = learners_of(academy).filter(pk__in=user_ids).values_list("pk", flat=True)
    seen = Progress.objects.filter(academy=academy, user__in=user_ids).values_list("user_id", flat=True)
    return frozenset([*members, *seen.distinct()])


def learners_of_cohorts(academy: Academy, cohort_ids: frozenset[int]) -> frozenset[int]:
    """Who has a task of one of the cohorts."""
    return frozenset(tasks_seen_in(academy).filter(cohort__in=cohort_ids).values_list("user_id", flat=True))


def assets_named(names: list[str]) -> frozenset[int]:
    """The ids of the assets that ids, slugs or aliases lead to, with all of their translations."""
    numbers = [number for name in names if (number := natural(name)) is not None]
    registry = load_registry(ids=numbers, slugs=names)
    found = {registry.by_id[number] for number in numbers if number in registry.by_id}
    found |= {asset for name in names if (asset := registry.by_slug(name)) is not None}
    return frozenset(one.id for asset in found for one in registry.translations(asset))


def slugs_of(asset_ids: frozenset[int]) -> dict[str, int]:
    """Every slug and alias under which tasks may know these assets, with the asset among them that it stands for: that
    of the slug, else its translation."""
    registry = load_registry(ids=asset_ids)
    stands_for = {
        one.id: one.id if one.id in asset_ids else asset_id
        for asset_id in asset_ids if asset_id in registry.by_id
        for one in registry.translations(registry.by_id[asset_id])
    }  # fmt: skip
    slugs = {registry.by_id[one].slug: asset_id for one, asset_id in stands_for.items()}
    aliases = AssetAlias.objects.filter(asset__in=list(stands_for)).values_list("slug", "asset_id")
    return {**slugs, **{slug: stands_for[one] for slug, one in aliases}}
