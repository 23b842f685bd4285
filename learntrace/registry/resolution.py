"""Finding the asset that a client means, its translations and its canonical one, for many names in three queries."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from learntrace.registry.languages import is_english
from learntrace.registry.models import Asset, AssetAlias


@dataclass(frozen=True)
class AssetFacts:
    """What processing needs of an asset."""

    id: int
    slug: str
    lang: str | None
    learnpack_id: int | None
    academy_id: int | None
    graded: bool
    group_id: int | None


@dataclass(frozen=True)
class Registry:
    """The assets that a set of names leads to, with all their translations."""

    by_id: Mapping[int, AssetFacts]
    ids_by_slug: Mapping[str, int]
    ids_by_package: Mapping[int, int]
    groups: Mapping[int, tuple[AssetFacts, ...]] = field(default_factory=dict)

    def by_slug(self, slug: str) -> AssetFacts | None:
        """The asset of a slug; an alias wins over a slug."""
        found = self.ids_by_slug.get(slug)
        return None if found is None else self.by_id[found]

    def by_package(self, package_id: int) -> AssetFacts | None:
        """The asset of a LearnPack package; of several, one in English, then the oldest."""
        found = self.ids_by_package.get(package_id)
        return None if found is None else self.by_id[found]

    def translations(self, asset: AssetFacts) -> tuple[AssetFacts, ...]:
        """The asset's whole translation group, itself included, lowest id first."""
        return self.groups.get(asset.group_id or 0, (asset,))

    def canonical(self, asset: AssetFacts) -> AssetFacts:
        """The asset with the lowest id in the translation group (contract, 3.1)."""
        return self.translations(asset)[0]


_COLUMNS = ("id", "slug", "lang", "learnpack_id", "academy_id", "graded", "translation_group_id")


def load_registry(
    ids: Collection[int] = (), slugs: Collection[str] = (), package_ids: Collection[int] = ()
) -> Registry:
    """Load what the given ids, slugs or aliases and LearnPack package ids lead to."""
    aliased = dict(AssetAlias.objects.filter(slug__in=slugs).values_list("slug", "asset_id")) if slugs else {}
    found = {facts.id: facts for facts in _facts(id__in={*ids, *aliased.values()})}
    named = _facts(slug__in=slugs) if slugs else []
    packaged = _facts(learnpack_id__in=package_ids) if package_ids else []
    found |= {facts.id: facts for facts in (*named, *packaged)}
    groups = _groups({facts.group_id for facts in found.values() if facts.group_id})
    found |= {facts.id: facts for group in groups.values() for facts in group}
    best = sorted(packaged, key=lambda facts: (not is_english(facts.lang), facts.id), reverse=True)
    return Registry(
        by_id=found,
        ids_by_slug={facts.slug: facts.id for facts in named} | aliased,
        ids_by_package={facts.learnpack_id: facts.id for facts in best if facts.learnpack_id is not None},
        groups=groups,
    )


def _facts(**condition: object) -> list[AssetFacts]:
    return [AssetFacts(*row) for row in Asset.objects.filter(**condition).order_by("id").values_list(*_COLUMNS)]


def _groups(group_ids: Collection[int]) -> dict[int, tuple[AssetFacts, ...]]:
    groups: dict[int, tuple[AssetFacts, ...]] = {}
    for facts in _facts(translation_group_id__in=group_ids) if group_ids else []:
        groups[facts.group_id or 0] = (*groups.get(facts.group_id or 0, ()), facts)
    return groups


def canonical_slug(slug: str) -> str:
    """The canonical slug of a slug, alias or translation; a slug that no asset has is taken as it is."""
    registry = load_registry(slugs=[slug])
    asset = registry.by_slug(slug)
    return registry.canonical(asset).slug if asset else slug
