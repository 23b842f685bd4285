"""The list of an academy's assets: filtered and sorted by the query string, with the means of their telemetry."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.http import HttpRequest

from learntrace.accounts.models import Academy
from learntrace.assignments.asset_reports import AssetMeans, means_of
from learntrace.dashboard.components.table import sorted_rows
from learntrace.registry.translated_assets import TranslatedAsset


@dataclass(frozen=True)
class AssetRow:
    """A row of the list; an asset without telemetry has no means."""

    translated: TranslatedAsset
    means: AssetMeans | None = None

    @property
    def stale(self) -> bool:
        """Whether telemetry has come that isn't in the statistics."""
        synced = self.translated.asset.last_synch_at
        return self.means is not None and (synced is None or self.means.newest > synced)


def _mean(name: str) -> Callable[[AssetRow], Any]:
    return lambda row: getattr(row.means, name, None)


_SORT_BY_ASSET: Mapping[str, Callable[[AssetRow], Any]] = {
    "title": lambda row: (row.translated.title.casefold(), row.translated.asset.pk),
    "slug": attrgetter("translated.asset.slug"),
    "type": attrgetter("translated.asset.asset_type"),
    "languages": lambda row: row.translated.languages or None,
}
_SORT_BY_MEAN: Mapping[str, Callable[[AssetRow], Any]] = {
    "learners": _mean("learners"),
    "engagement": _mean("engagement"),
    "frustration": _mean("frustration"),
    "completion": _mean("completion"),
    "newest": _mean("newest"),
}


@dataclass(frozen=True)
class Filters:
    """The filters of the query string; one that is empty, or has a value that cannot be chosen, does not filter."""

    q: str = ""
    type: str = ""
    lang: str = ""
    graded: str = ""
    telemetry: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> "Filters":
        return cls(**{name: request.GET.get(name, "").strip() for name in cls.__dataclass_fields__})

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__dataclass_fields__)

    def match(self, translated: TranslatedAsset) -> bool:
        """Whether an asset passes all filters but the one on its telemetry."""
        names = [f"{asset.title} {asset.slug}".casefold() for asset in translated.translations]
        words = self.q.casefold().split()
        return (
            (not words or any(all(word in name for word in words) for name in names))
            and self.type in ("", translated.asset.asset_type)
            and (not self.lang or self.lang in translated.languages)
            and self.graded in ("", "yes" if translated.asset.graded else "no")
        )

    def match_telemetry(self, row: AssetRow) -> bool:
        """Whether a row with its means passes the filter on telemetry."""
        return self.telemetry in ("", "with" if row.means else "without")


def rows_of(
    academy: Academy, assets: Sequence[TranslatedAsset], request: HttpRequest, *, with_means: bool
) -> list[AssetRow]:
    """Return the assets that the query string asks for, in its order.

    The rows have their means if filter or order depend on them, or if `with_means`; otherwise `add_means` adds them to
    the rows that are shown.
    """
    filters = Filters.of(request)
    rows = [AssetRow(asset) for asset in assets if filters.match(asset)]
    if with_means or filters.telemetry or request.GET.get("sort", "").removeprefix("-") in _SORT_BY_MEAN:
        rows = [row for row in add_means(academy, rows) if filters.match_telemetry(row)]
    return sorted_rows(rows, request, {**_SORT_BY_ASSET, **_SORT_BY_MEAN}, "title")


def add_means(academy: Academy, rows: Sequence[AssetRow]) -> list[AssetRow]:
    """Return the rows with their means; one query, unless they have them."""
    if any(row.means for row in rows):
        return list(rows)
    means = means_of(academy, [row.translated.slug for row in rows])
    return [AssetRow(row.translated, means.get(row.translated.slug)) for row in rows]
