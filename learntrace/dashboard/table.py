"""Tables: sorted and paged by the address, and given out as CSV."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise

from learntrace.core.cells import harmless
from learntrace.core.filters import natural

Row = TypeVar("Row")
PER_PAGE = 50
_MOST_PAGES = 10**6


@dataclass(frozen=True)
class Paging(Generic[Row]):
    """One page of a list; numbers count from 1."""

    rows: Sequence[Row]
    number: int
    pages: int
    count: int
    first: int

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.number < self.pages else None


def paged(rows: Sequence[Row], request: HttpRequest, per_page: int = PER_PAGE) -> Paging[Row]:
    """The page that `?page=` names; the nearest one where there is none of that number."""
    return _page(rows, len(rows), request, per_page)


def paged_rows(rows: "QuerySet[_Model]", request: HttpRequest, per_page: int = PER_PAGE) -> "Paging[_Model]":
    """The same of a table's rows; two queries."""
    return _page(rows, rows.count(), request, per_page)


_Model = TypeVar("_Model", bound=Model)


def _page(rows: Any, count: int, request: HttpRequest, per_page: int) -> Paging[Any]:
    pages = max(1, -(-count // per_page))
    asked = natural(request.GET.get("page", "").strip()) or 1
    number = min(max(asked, 1), pages, _MOST_PAGES)
    start = (number - 1) * per_page
    return Paging(list(rows[start : start + per_page]), number, pages, count, start + 1 if count else 0)


def sorted_rows(
    rows: Iterable[Row], request: HttpRequest, keys: Mapping[str, Callable[[Row], Any]], default: str
) -> list[Row]:
    """Rows in the order that `?sort=` names (a key, `-` before it for descending), else in the default one.

    What is unknown (None) comes last either way.
    """
    wanted = request.GET.get("sort", "")
    if wanted.removeprefix("-") not in keys:
        wanted = default
    key, descending = keys[wanted.removeprefix("-")], wanted.startswith("-")
    known: list[Row] = []
    unknown: list[Row] = []
    for row in rows:
        (unknown if key(row) is None else known).append(row)
    return [*sorted(known, key=key, reverse=descending), *unknown]


def wants_csv(request: HttpRequest) -> bool:
    return request.GET.get("format") == "csv"


Table = tuple[Sequence[str | Promise], Iterable[Sequence[object]]]
"""A table's headings and rows."""


def csv_of(request: HttpRequest, name: str, tables: Mapping[str, Callable[[], Table]]) -> HttpResponse | None:
    """The table of a page that `?format=csv&table=` asks for, the first one unless it is named; None where none is."""
    if not wants_csv(request):
        return None
    wanted = request.GET.get("table", "")
    table = wanted if wanted in tables else next(iter(tables))
    return csv_answer(name if table == next(iter(tables)) else f"{name}-{table}", *tables[table]())


def csv_answer(name: str, titles: Sequence[str | Promise], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A table as a CSV file that every spreadsheet opens: UTF-8 with its mark, times in UTC, no formulas."""
    out = io.StringIO()
    write = csv.writer(out)
    write.writerow([harmless(title) for title in titles])
    write.writerows([harmless(value) for value in row] for row in rows)
    answer = HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{_file_name(name)}.csv"'
    return answer


def _file_name(name: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "-" for letter in name)[:80]
