"""Causes of failed webhooks: status texts without the values that differ from row to row, grouped."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Func, Max, QuerySet, TextField, Value
from django.db.models.functions import Coalesce, Left

from learntrace.accounts.models import Academy
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.webhook_log.queries import rows_of

MOST_ROWS: Final = 10_000
"""How many failed rows are grouped, the newest: that takes some 50 ms however many there are."""
MOST_CAUSES: Final = 50

# Lists, quoted values, hexadecimal ids and numbers, but not names of events and fields: these are in backticks, but for the
# two that a text of the contract has in quotes. The syntax is common to PostgreSQL and Python.
_VALUES = (
    r"""\[[^]]*\]|(?<!\w)'(?!(?:asset_id|slug)')[^']*'|"[^"]*"|"""
    r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9]+"
)
_GAP = "…"
_READ, _KEPT = 2000, 200
_TEXT = Left(Coalesce("status_text", Value("")), _READ)
_WITHOUT_VALUES = Func(
    _TEXT, Value(_VALUES), Value(_GAP), Value("g"), function="regexp_replace", output_field=TextField()
)
_CAUSE = Left(_WITHOUT_VALUES, _KEPT)


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
    """Causes, the one with most rows first; `cut` if there are more failed rows than were grouped."""

    found: tuple[Cause, ...]
    cut: bool


def cleaned(text: str) -> str:
    """Return a status text, in any language, without the values that differ from row to row."""
    return re.sub(_VALUES, _GAP, text[:_READ])[:_KEPT]


def with_cause(rows: QuerySet[Webhook], cause: str) -> QuerySet[Webhook]:
    """Return the rows that failed for a cause, given by its `text`."""
    return rows.filter(status=Webhook.Status.ERROR).alias(cause=_CAUSE).filter(cause=cause)


def causes_of(academy: Academy, since: datetime, until: datetime | None = None) -> Causes:
    """Return the causes of the academy's failed webhooks received since then, and before another time; two queries."""
    failed = rows_of(academy).filter(status=Webhook.Status.ERROR, created_at__gte=since)
    if until is not None:
        failed = failed.filter(created_at__lt=until)
    # A limited subquery, so that the aggregate reads no further.
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
    examples = _examples([group["example"] for group in groups[:MOST_CAUSES]])
    causes = [
        Cause(
            text=group["cause"],
            event=group["event"],
            rows=group["rows"],
            learners=group["learners"],
            newest_at=group["newest_at"],
            example=examples[group["example"]],
        )
        for group in groups[:MOST_CAUSES]
        if group["example"] in examples
    ]
    return Causes(tuple(causes), sum(group["rows"] for group in groups) >= MOST_ROWS)


def _examples(ids: list[int]) -> Mapping[int, Webhook]:
    rows = Webhook.objects.select_related("student", "asset").defer("payload")
    return rows.in_bulk(ids)
