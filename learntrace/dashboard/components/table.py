"""Tables: sorted and paged by the query string, and answered as CSV."""

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise, lazy
from django.utils.text import format_lazy
from django.utils.timezone import get_current_timezone_name, localtime
from django.utils.translation import gettext_lazy as _

from learntrace.core.csv_cells import escape_cell
from learntrace.core.http.filters import natural

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

    def with_each(self, change: Callable[[Row], Row]) -> "Paging[Row]":
        """Return the page with its rows changed: for what only the shown rows need."""
        return replace(self, rows=[change(row) for row in self.rows])


def paged(rows: Sequence[Row], request: HttpRequest, per_page: int = PER_PAGE) -> Paging[Row]:
    """Return the page of a list that `?page=` names, else the nearest one."""
    return _page(rows, len(rows), request, per_page)


def paged_rows(
    rows: "QuerySet[_Model]",
    request: HttpRequest,
    per_page: int = PER_PAGE,
    otherwise: int = 1,
    *,
    parameter: str = "page",
) -> "Paging[_Model]":
    """Return the page of a query's rows that `?page=` names, else the nearest one; `otherwise` where it names none. Two
    queries. `parameter`: another name, for the second table of a page."""
    return _page(rows, rows.count(), request, per_page, otherwise, parameter)


_Model = TypeVar("_Model", bound=Model)


def _page(
    rows: Any, count: int, request: HttpRequest, per_page: int, otherwise: int = 1, parameter: str = "page"
) -> Paging[Any]:
    pages = max(1, -(-count // per_page))
    wanted = natural(request.GET.get(parameter, "").strip()) or otherwise
    number = min(max(wanted, 1), pages, _MOST_PAGES)
    start = (number - 1) * per_page
    return Paging(list(rows[start : start + per_page]), number, pages, count, start + 1 if count else 0)


def sorted_rows(
    rows: Iterable[Row], request: HttpRequest, keys: Mapping[str, Callable[[Row], Any]], default: str
) -> list[Row]:
    """Return rows in the order that `?sort=` names (a key, with `-` before it for descending), else in the default one.

    Unknown values (None) come last in both directions.
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

Columns = Sequence[tuple[str | Promise, Callable[[Row], object]]]
"""The headings of a table, each with the function that returns a row's cell."""


def timed(title: str | Promise) -> str | Promise:
    """Return the heading of a column of times, which names their time zone."""
    return format_lazy("{title} ({zone})", title=title, zone=lazy(get_current_timezone_name, str)())


def raw(title: str | Promise) -> str | Promise:
    """Return the heading of a column for programs, with the numbers of another one as they are stored."""
    return format_lazy("{title} ({raw})", title=title, raw=_("not rounded"))


def rounded(value: float | None) -> float | None:
    """Return a number as pages show it, with two decimals."""
    return None if value is None else round(value, 2)


def whole(percentage: float | None) -> int | None:
    """Return a percentage as pages show it, rounded down: 100 only where nothing is left."""
    return None if percentage is None else math.floor(percentage)


def table_of(columns: Columns[Row], rows: Iterable[Row]) -> Table:
    """Return a table of these columns."""
    return [title for title, _cell in columns], ([cell(row) for _title, cell in columns] for row in rows)


def csv_of(request: HttpRequest, name: str, tables: Mapping[str, Callable[[], Table]]) -> HttpResponse | None:
    """Return the table that `?format=csv&table=` names, the first one by default; None unless CSV is asked for."""
    if not wants_csv(request):
        return None
    wanted = request.GET.get("table", "")
    table = wanted if wanted in tables else next(iter(tables))
    return csv_answer(name if table == next(iter(tables)) else f"{name}-{table}", *tables[table]())


def csv_answer(name: str, titles: Sequence[str | Promise], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """Return a table as a CSV file that every spreadsheet opens: UTF-8 with a byte order mark, times in the
    page's time zone, no formulas."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([escape_cell(title) for title in titles])
    writer.writerows([escape_cell(_told(value)) for value in row] for row in rows)
    answer = HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{_file_name(name)}.csv"'
    return answer


def _told(value: object) -> object:
    if not isinstance(value, datetime):
        return value
    return localtime(value).isoformat(timespec="seconds").replace("+00:00", "Z")


def _file_name(name: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "-" for letter in name)[:80]
