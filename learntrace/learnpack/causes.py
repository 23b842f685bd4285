"""Why webhooks failed: status texts without what differs from row to row, so that one cause is one line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Func, Max, QuerySet, TextField, Value
from django.db.models.functions import Coalesce, Left

from learntrace.accounts.models import Academy
from learntrace.learnpack.log import rows_of
from learntrace.learnpack.models import Webhook

MOST_ROWS: Final = 10_000
"""Of how many failed rows, the newest, causes are told: grouping these takes some 50 ms however many there are."""
MOST_CAUSES: Final = 50

# Lists, quoted values, hexadecimal ids and numbers; what stands in backticks is the name of an event or a field. In the
# dialect that PostgreSQL and Python share.
_VALUES = r"""\[[^]]*\]|(?<!\w)'[^']*'|"[^"]*"|[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9]+"""
_GAP = "…"
_READ, _KEPT = 2000, 200
_CAUSE = Left(
    Func(
        Left(Coalesce("status_text", Value("")), _READ), Value(_VALUES), Value(_GAP), Value("g"),
        function="regexp_replace", output_field=TextField(),
    ), _KEPT,
)  # fmt: skip


@dataclass(frozen=True)
class Cause:
    """Failed rows of one event whose texts are alike; `example` is the newest of them, without its payload."""

    text: str
    event: str
    rows: int
    learners: int
    newest_at: datetime
    example: Webhook


@dataclass(frozen=True)
class Causes:
    """Causes, that of most rows first; `cut` says that there are more failed rows than were looked at."""

    found: tuple[Cause, ...]
    cut: bool


def cleaned(text: str) -> str:
    """A status text, in any language, without what differs from row to row."""
    return re.sub(_VALUES, _GAP, text[:_READ])[:_KEPT]


def with_cause(rows: QuerySet[Webhook], cause: str) -> QuerySet[Webhook]:
    """Those of the rows that failed for a cause, given by its `text`."""
    return rows.filter(status=Webhook.Status.ERROR).alias(cause=_CAUSE).filter(cause=cause)


def causes_of(academy: Academy, since: datetime) -> Causes:
    """Why the academy's webhooks that came since then failed; two queries."""
    failed = rows_of(academy).filter(status=Webhook.Status.ERROR, created_at__gte=since)
    # As a subquery that is limited: the aggregate must not read further than this.
    newest = failed.order_by("-created_at").values("pk")[:MOST_ROWS]
    groups = list(
        Webhook.objects.filter(pk__in=newest)
        .order_by()
        .annotate(cause=_CAUSE)
        .values("cause", "event")
        .annotate(
            rows=Count("pk"),
            learners=Count("student_id", distinct=True),
            newest_at=Max("created_at"),
            example=Max("pk"),
        )
        .order_by("-rows", "cause", "event")
    )
    examples = _examples([one["example"] for one in groups[:MOST_CAUSES]])
    found = tuple(
        Cause(one["cause"], one["event"], one["rows"], one["learners"], one["newest_at"], examples[one["example"]])
        for one in groups[:MOST_CAUSES] if one["example"] in examples
    )  # fmt: skip
    return Causes(found, sum(one["rows"] for one in groups) >= MOST_ROWS)


def _examples(ids: list[int]) -> Mapping[int, Webhook]:
    rows = Webhook.objects.select_related("student", "asset").defer("payload")
    return rows.in_bulk(ids)
