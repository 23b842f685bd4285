"""The list of an academy's assets: narrowed and sorted by the address, with what their telemetry amounts to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.http import HttpRequest

from learntrace.accounts.models import Academy
from learntrace.dashboard.asset_shelf import Shelved
from learntrace.dashboard.asset_telemetry import Measures, measures_of
from learntrace.dashboard.table import sorted_rows


@dataclass(frozen=True)
class AssetRow:
    """An asset as a line; without telemetry it has no measures."""

    shelved: Shelved
    measures: Measures | None = None

    @property
    def stale(self) -> bool:
        """Whether telemetry has come that isn't in the statistics."""
        synced = self.shelved.asset.last_synch_at
        return self.measures is not None and (synced is None or self.measures.newest > synced)


def _measure(name: str) -> Callable[[AssetRow], Any]:
    return lambda row: getattr(row.measures, name, None)


PLAIN: Mapping[str, Callable[[AssetRow], Any]] = {
    "title": lambda row: (row.shelved.title.casefold(), row.shelved.asset.pk),
    "slug": attrgetter("shelved.asset.slug"),
    "type": attrgetter("shelved.asset.asset_type"),
    "languages": lambda row: row.shelved.languages or None,
}
MEASURED: Mapping[str, Callable[[AssetRow], Any]] = {
    "learners": _measure("learners"),
    "engagement": _measure("engagement"),
    "frustration": _measure("frustration"),
    "completion": _measure("completion"),
    "newest": _measure("newest"),
}


@dataclass(frozen=True)
class Filters:
    """What of the assets is asked for; what is empty, or nothing that can be chosen, doesn't narrow."""

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

    def let(self, one: Shelved) -> bool:
        """Whether an asset is asked for, as far as its telemetry doesn't matter."""
        names = [f"{each.title} {each.slug}".casefold() for each in one.translations]
        words = self.q.casefold().split()
        return (
            (not words or any(all(word in name for word in words) for name in names))
            and self.type in ("", one.asset.asset_type)
            and (not self.lang or self.lang in one.languages)
            and self.graded in ("", "yes" if one.asset.graded else "no")
        )

    def let_row(self, row: AssetRow) -> bool:
        return self.telemetry in ("", "with" if row.measures else "without")


def rows_of(academy: Academy, assets: Sequence[Shelved], request: HttpRequest, *, whole: bool) -> list[AssetRow]:
    """The assets that the address asks for, in its order.

    They have their measures where these are needed for that, or `whole` asks for it; else `measured` adds them to those
    that are shown.
    """
    filters = Filters.of(request)
    rows = [AssetRow(one) for one in assets if filters.let(one)]
    if whole or filters.telemetry or request.GET.get("sort", "").removeprefix("-") in MEASURED:
        rows = [row for row in measured(academy, rows) if filters.let_row(row)]
    return sorted_rows(rows, request, {**PLAIN, **MEASURED}, "title")


def measured(academy: Academy, rows: Sequence[AssetRow]) -> list[AssetRow]:
    """The rows with their measures; one query, unless they have them."""
    if any(row.measures for row in rows):
        return list(rows)
    found = measures_of(academy, [row.shelved.slug for row in rows])
    return [AssetRow(row.shelved, found.get(row.shelved.slug)) for row in rows]
