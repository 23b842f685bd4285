"""Finding assets by the names that clients use, with translations and canonical asset, in few queries."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import QuerySet

from learntrace.accounts.write_scope import AssetHome
from learntrace.core.sql import fetch
from learntrace.registry.languages import is_english
from learntrace.registry.models import Asset, AssetAlias
from learntrace.registry.visibility import is_open, nameable_assets


@dataclass(frozen=True)
class AssetFacts:
    """The columns of an asset that processing needs."""

    id: int
    slug: str
    lang: str | None
    learnpack_id: int | None
    academy_id: int | None
    graded: bool
    group_id: int | None
    # Published, and public or unlisted: who knows the slug may open it.
    open: bool = False

    @property
    def home(self) -> AssetHome:
        """The asset's place in the scope of writes."""
        return AssetHome(self.academy_id, self.open)


MayName = Callable[[AssetFacts], bool]
"""Whether an asset may be named in a case; to whom names one that may not be, it doesn't exist."""


def any_asset(asset: AssetFacts) -> bool:
    """Let every asset be named: for what the server does by itself."""
    return True


@dataclass(frozen=True)
class Registry:
    """The assets found for a set of names, with all their translations.

    `ids_by_slug` and `ids_by_package` hold the ids in the order in which they are tried.
    """

    by_id: Mapping[int, AssetFacts]
    ids_by_slug: Mapping[str, tuple[int, ...]]
    ids_by_package: Mapping[int, tuple[int, ...]]
    groups: Mapping[int, tuple[AssetFacts, ...]] = field(default_factory=dict)

    def by_slug(self, slug: str, may_name: MayName = any_asset) -> AssetFacts | None:
        """Return the asset of an alias or else of a slug."""
        return self._first(self.ids_by_slug.get(slug, ()), may_name)

    def by_package(self, package_id: int, may_name: MayName = any_asset) -> AssetFacts | None:
        """Return the asset of a LearnPack package; of several, one in English, then the oldest."""
        return self._first(self.ids_by_package.get(package_id, ()), may_name)

    def _first(self, ids: Iterable[int], may_name: MayName) -> AssetFacts | None:
        return next((asset for asset_id in ids if may_name(asset := self.by_id[asset_id])), None)

    def translations(self, asset: AssetFacts) -> tuple[AssetFacts, ...]:
        """Return the asset's whole translation group, itself included, lowest id first."""
        return self.groups.get(asset.group_id or 0, (asset,))

    def canonical(self, asset: AssetFacts) -> AssetFacts:
        """Return the asset with the lowest id in the translation group (contract, 3.1)."""
        return self.translations(asset)[0]


_COLUMNS = (
    "id",
    "slug",
    "lang",
    "learnpack_id",
    "academy_id",
    "graded",
    "translation_group_id",
    "status",
    "visibility",
)

# What `load_registry` loads, in one statement: assets by id, slug or alias, and package id, with all translations; each with
# those of the slugs that are its aliases. Unions, as each part of them is found by an index, which an OR of them isn't.
NAMED_ASSETS: Final = f"""
WITH named AS (
    SELECT a.id, a.translation_group_id FROM registry_asset a WHERE a.id = ANY(%(ids)s::bigint[])
     UNION
    SELECT a.id, a.translation_group_id FROM registry_asset a WHERE a.slug = ANY(%(slugs)s::text[])
     UNION
    SELECT a.id, a.translation_group_id FROM registry_asset a WHERE a.learnpack_id = ANY(%(packages)s::bigint[])
     UNION
    SELECT a.id, a.translation_group_id FROM registry_assetalias l JOIN registry_asset a ON a.id = l.asset_id
     WHERE l.slug = ANY(%(slugs)s::text[])
), found AS (
    SELECT id FROM named
     UNION
    SELECT a.id FROM registry_asset a JOIN named ON named.translation_group_id = a.translation_group_id
)
SELECT {", ".join(f"a.{name}" for name in _COLUMNS)},
       ARRAY(SELECT l.slug FROM registry_assetalias l WHERE l.asset_id = a.id AND l.slug = ANY(%(slugs)s::text[]))
  FROM found JOIN registry_asset a USING (id)
"""  # noqa: S608 (column names of ours)


def load_registry(
    ids: Collection[int] = (),
    slugs: Collection[str] = (),
    package_ids: Collection[int] = (),
    *,
    named_in: Collection[int] | None = None,
) -> Registry:
    """Load the assets of the given ids, slugs or aliases, and LearnPack package ids, with their translations.

    `named_in`: academies whose staff gave these names. What they may not name is not found, by the same queries as what
    doesn't exist.
    """
    if named_in is None:
        names = {"ids": list(ids), "slugs": list(slugs), "packages": list(package_ids)}
        return registry_from(fetch(NAMED_ASSETS, names) if any(names.values()) else ())
    nameable = nameable_assets(named_in)
    aliases = AssetAlias.objects.filter(slug__in=slugs, asset__in=nameable)
    aliased = dict(aliases.values_list("slug", "asset_id")) if slugs else {}
    assets = _facts(nameable, id__in={*ids, *aliased.values()})
    assets += _facts(nameable, slug__in=slugs) if slugs else []
    assets += _facts(nameable, learnpack_id__in=package_ids) if package_ids else []
    groups = {facts.group_id for facts in assets if facts.group_id}
    assets += _facts(Asset.objects.all(), translation_group_id__in=groups) if groups else []
    return _registry(assets, aliased)


def registry_from(rows: Iterable[tuple[Any, ...]]) -> Registry:
    """Return the registry of the rows of NAMED_ASSETS."""
    assets, aliased = [], {}
    for *columns, aliases in rows:
        facts = _asset_facts(*columns)
        assets.append(facts)
        aliased.update(dict.fromkeys(aliases, facts.id))
    return _registry(assets, aliased)


def _registry(assets: Iterable[AssetFacts], aliased: Mapping[str, int]) -> Registry:
    by_id = {facts.id: facts for facts in sorted(assets, key=lambda facts: facts.id)}
    by_slug: dict[str, tuple[int, ...]] = {alias: (asset_id,) for alias, asset_id in aliased.items()}
    groups: dict[int, tuple[AssetFacts, ...]] = {}
    for facts in by_id.values():
        by_slug[facts.slug] = (*by_slug.get(facts.slug, ()), facts.id)
        if facts.group_id:
            groups[facts.group_id] = (*groups.get(facts.group_id, ()), facts)
    by_package: dict[int, tuple[int, ...]] = {}
    for facts in sorted(by_id.values(), key=lambda facts: (not is_english(facts.lang), facts.id)):
        if facts.learnpack_id is not None:
            by_package[facts.learnpack_id] = (*by_package.get(facts.learnpack_id, ()), facts.id)
    return Registry(by_id, by_slug, by_package, groups)


def _facts(assets: QuerySet[Asset], **condition: object) -> list[AssetFacts]:
    rows = assets.filter(**condition).order_by("id").values_list(*_COLUMNS)
    return [_asset_facts(*row) for row in rows]


def _asset_facts(*columns: Any) -> AssetFacts:
    *facts, status, visibility = columns
    return AssetFacts(*[*facts, is_open(status, visibility)])


def canonical_slug(slug: str, academy_id: int) -> str:
    """Return the canonical slug of a slug, alias or translation that an academy may name; else the slug as it is."""
    registry = load_registry(slugs=[slug], named_in=[academy_id])
    asset = registry.by_slug(slug)
    return registry.canonical(asset).slug if asset else slug
