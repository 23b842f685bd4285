"""An academy's assets as its pages show them: one for all translations of each other."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from learntrace.accounts.models import Academy
from learntrace.registry.models import Asset
from learntrace.registry.shelves import academy_shelf, find

_LISTED = (
    "id", "slug", "title", "lang", "asset_type", "status", "graded", "academy_id", "translation_group_id",
    "last_synch_at",
)  # fmt: skip


@dataclass(frozen=True)
class Shelved:
    """An asset for all of its translations, itself among them, the oldest first; none that the academy may not see.

    `slug` is the canonical one, under which telemetry stands. It is the asset's own, unless the canonical asset is another
    academy's.
    """

    asset: Asset
    translations: tuple[Asset, ...]
    slug: str

    @property
    def title(self) -> str:
        return self.asset.title or self.asset.slug

    @cached_property
    def languages(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.lang for one in self.translations if one.lang))

    @property
    def ids(self) -> frozenset[int]:
        return frozenset(one.pk for one in self.translations)


def shelved_in(academy: Academy) -> list[Shelved]:
    """All of the academy's assets and those of none, in the order of their titles; two queries.

    They hold what lists show; the rest is read when it is asked for.
    """
    groups: dict[object, list[Asset]] = {}
    for asset in academy_shelf(academy).only(*_LISTED).order_by("id"):
        groups.setdefault(asset.translation_group_id or asset.slug, []).append(asset)
    slugs = _canonical_slugs(group for group in groups if isinstance(group, int))
    found = [Shelved(some[0], tuple(some), slugs.get(group, some[0].slug)) for group, some in groups.items()]
    return sorted(found, key=lambda one: (one.title.casefold(), one.asset.pk))


def shelved_as(academy: Academy, name: str) -> Shelved:
    """What a slug, id or alias leads to, be it a translation's. Unlike in the API, an asset's own slug comes before all.

    Raises AssetNotFound.
    """
    shelf = academy_shelf(academy)
    asset = shelf.filter(slug=name).first() or find(name, by_slug=shelf, by_id=shelf)
    group = asset.translation_group_id
    if group is None:
        return Shelved(asset, (asset,), asset.slug)
    translations = tuple(shelf.filter(translation_group=group).order_by("id"))
    return Shelved(translations[0], translations, _canonical_slugs([group])[group])


def _canonical_slugs(groups: Iterable[int]) -> dict[object, str]:
    """The slug of the asset with the lowest id in each translation group, whoever's it is (contract, 3.1)."""
    rows = Asset.objects.filter(translation_group__in=list(groups)).order_by("-id")
    return dict(rows.values_list("translation_group_id", "slug"))
