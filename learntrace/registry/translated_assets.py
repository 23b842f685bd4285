"""The assets that an academy sees, each with its translations as one."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from learntrace.accounts.models import Academy
from learntrace.registry.models import Asset, AssetAlias
from learntrace.registry.visibility import academy_assets, find

_LISTED_COLUMNS = (
    "id",
    "slug",
    "title",
    "lang",
    "asset_type",
    "status",
    "graded",
    "academy_id",
    "translation_group_id",
    "last_synch_at",
)


@dataclass(frozen=True)
class TranslatedAsset:
    """An asset with the translations that the academy may see, itself included, the oldest first.

    `slug` is the canonical slug, under which telemetry is stored. It differs from the asset's own slug only where the
    canonical asset belongs to another academy.
    """

    asset: Asset
    translations: tuple[Asset, ...]
    slug: str

    @property
    def title(self) -> str:
        return self.asset.title or self.asset.slug

    @cached_property
    def languages(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(asset.lang for asset in self.translations if asset.lang))

    @property
    def ids(self) -> frozenset[int]:
        return frozenset(asset.pk for asset in self.translations)


def translated_assets(academy: Academy) -> list[TranslatedAsset]:
    """Return the academy's assets and those of no academy, in the order of their titles; two queries.

    Only the columns that lists show are loaded; the others are read on access.
    """
    groups: dict[object, list[Asset]] = {}
    for asset in academy_assets(academy).only(*_LISTED_COLUMNS).order_by("id"):
        groups.setdefault(asset.translation_group_id or asset.slug, []).append(asset)
    slugs = _canonical_slugs(group for group in groups if isinstance(group, int))
    entries = [
        TranslatedAsset(translations[0], tuple(translations), slugs.get(group, translations[0].slug))
        for group, translations in groups.items()
    ]
    return sorted(entries, key=lambda entry: (entry.title.casefold(), entry.asset.pk))


def translated_asset(academy: Academy, name: str) -> TranslatedAsset:
    """Return the asset with a slug, id or alias, its own or a translation's. Unlike in the API, an asset's own slug
    comes before all other names.

    Raises AssetNotFound.
    """
    visible = academy_assets(academy)
    asset = visible.filter(slug=name).first() or find(name, by_slug=visible, by_id=visible)
    group = asset.translation_group_id
    if group is None:
        return TranslatedAsset(asset, (asset,), asset.slug)
    translations = tuple(visible.filter(translation_group=group).order_by("id"))
    return TranslatedAsset(translations[0], translations, _canonical_slugs([group])[group])


def aliases_of(asset_ids: Collection[int]) -> tuple[str, ...]:
    """Return the aliases of assets in alphabetical order."""
    aliases = AssetAlias.objects.filter(asset__in=asset_ids).order_by("slug")
    return tuple(aliases.values_list("slug", flat=True))


def _canonical_slugs(groups: Iterable[int]) -> dict[object, str]:
    """Return the slug of the asset with the lowest id in each translation group, of any academy (contract, 3.1)."""
    rows = Asset.objects.filter(translation_group__in=list(groups)).order_by("-id")
    return dict(rows.values_list("translation_group_id", "slug"))
