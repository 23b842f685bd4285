"""Pagination and sorting of lists: a bare list or an object, both with the same headers (contract, section 1)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.views import APIView

from learntrace.core.errors import Problem
from learntrace.core.http.filters import words

_Row = TypeVar("_Row", bound=Model)
_Item = TypeVar("_Item")

DEFAULT_LIMIT = 20
MAX_LIMIT = 1000
# PostgreSQL's OFFSET is a bigint.
_MAX_OFFSET = 2**63 - 1


def _number(text: str, *, least: int, most: int, otherwise: int) -> int:
    try:
        number = int(text)
    except ValueError:
        return otherwise
    return min(number, most) if number >= least else otherwise


def _tidy(url: str) -> str:
    return url.replace("%2C", ",")


class Pages(BasePagination):
    """Pagination by limit and offset; `always_envelope`: for lists that the contract documents as an object."""

    always_envelope = False
    most: ClassVar[int] = MAX_LIMIT

    @classmethod
    def answer(cls, rows: QuerySet[_Row], request: Request, serialize: Callable[[list[_Row]], Any]) -> Response:
        """Return the page of rows that the request asks for."""
        pages = cls()
        return pages.get_paginated_response(serialize(pages.paginate_queryset(rows, request)))

    @classmethod
    def answer_items(
        cls, items: Sequence[_Item], request: Request, serialize: Callable[[list[_Item]], Any]
    ) -> Response:
        """Return the page of items, already in memory, that the request asks for."""
        pages = cls()
        return pages.get_paginated_response(serialize(pages.paginate_queryset(items, request)))

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        query = request.query_params
        self.request = request
        self.limit = _number(query.get("limit", ""), least=1, most=self.most, otherwise=DEFAULT_LIMIT)
        self.offset = _number(query.get("offset", ""), least=0, most=_MAX_OFFSET, otherwise=0)
        self.envelope = self.always_envelope or bool(query.get("limit") or query.get("offset"))
        if not self.always_envelope and query.get("envelope"):
            self.envelope = query["envelope"].lower() not in {"false", "0", "no"}
        self.count = queryset.count() if isinstance(queryset, QuerySet) else len(queryset)
        if self.offset >= self.count:
            return []
        return list(queryset[self.offset : self.offset + self.limit])

    def _links(self) -> dict[str, str | None]:
        url = self.request.build_absolute_uri()
        limited = replace_query_param(url, "limit", self.limit)
        more, before = self.offset + self.limit < self.count, self.offset > 0
        earlier = self.offset - self.limit
        previous = (
            replace_query_param(limited, "offset", earlier) if earlier > 0 else remove_query_param(limited, "offset")
        )
        return {
            "first": _tidy(remove_query_param(url, "offset")) if before else None,
            "next": _tidy(replace_query_param(limited, "offset", self.offset + self.limit)) if more else None,
            "previous": _tidy(previous) if before else None,
            "last": _tidy(replace_query_param(limited, "offset", self.count - self.limit)) if more else None,
        }

    def get_paginated_response(self, data: Any) -> Response:
        links = self._links()
        headers = {
            "X-Total-Count": str(self.count),
            "X-Per-Page": str(self.limit),
            "X-Page": str(self.offset // self.limit + 1),
        }
        if link_values := [f'<{url}>; rel="{name}"' for name, url in links.items() if url]:
            headers["Link"] = ", ".join(link_values)
        body = {"count": self.count, **links, "results": data} if self.envelope else data
        return Response(body, headers=headers)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        page = {
            "type": "object",
            "required": ["count", "results"],
            "properties": {
                "count": {"type": "integer"},
                **dict.fromkeys(("first", "next", "previous", "last"), link),
                "results": schema,
            },
        }
        return page if self.always_envelope else {"oneOf": [schema, page]}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        def parameter(name: str, kind: str, description: str) -> dict[str, Any]:
            return {
                "name": name,
                "in": "query",
                "required": False,
                "description": description,
                "schema": {"type": kind},
            }

        envelope = "Whether the page comes in an object; without it, only where limit or offset is given."
        return [
            parameter("limit", "integer", f"Rows a page, {DEFAULT_LIMIT} unless told, {self.most} at most."),
            parameter("offset", "integer", "Rows to leave out before the page."),
            parameter("envelope", "boolean", envelope),
            parameter("sort", "string", "Fields in order, comma-separated, - before a field for descending."),
        ]


class EnvelopedPages(Pages):
    always_envelope = True


def _sort_of(request: Request, allowed: Sequence[str] | Mapping[str, str]) -> list[tuple[str, bool]]:
    """Return the columns that `?sort=a,-b` names, each with whether it is descending.

    Raises Problem (400) for an unknown field.
    """
    columns = allowed if isinstance(allowed, Mapping) else {name: name for name in allowed}
    order = []
    for name in words(request, "sort"):
        bare = name.removeprefix("-")
        if bare not in columns:
            raise Problem(
                _("Can't sort by `%(field)s`. The fields to sort by are: %(fields)s"),
                field=bare,
                fields=", ".join(columns),
            )
        order.append((columns[bare], name.startswith("-")))
    return order


def sorted_by(rows: QuerySet[_Row], request: Request, allowed: Sequence[str] | Mapping[str, str]) -> QuerySet[_Row]:
    """Replace the rows' default order by `?sort=a,-b`.

    `allowed`: the fields that may be named; a mapping gives the column of each.

    Raises Problem (400) for an unknown field.
    """
    order = [("-" if descending else "") + column for column, descending in _sort_of(request, allowed)]
    # The primary key makes the order total, so that each row is on exactly one page.
    return rows.order_by(*order, "pk") if order else rows


def sorted_items(
    items: Sequence[_Item], request: Request, allowed: Mapping[str, Callable[[_Item], Any]]
) -> Sequence[_Item]:
    """Return items, already in memory, sorted by `?sort=a,-b`; `allowed` maps each field to a key function. None comes
    last, and equal items keep their order.

    Raises Problem (400) for an unknown field.
    """
    ordered = list(items)
    for field, descending in reversed(_sort_of(request, list(allowed))):
        read = allowed[field]
        known = [item for item in ordered if read(item) is not None]
        unknown = [item for item in ordered if read(item) is None]
        ordered = sorted(known, key=read, reverse=descending) + unknown
    return ordered
