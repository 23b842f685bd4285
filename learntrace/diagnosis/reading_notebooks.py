"""What came of a learner's notebook: events, those that were rejected, and how far the newest has been taken."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from django.db import connection
from django.db.models import Count, Max, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from learntrace.accounts.models import Academy, User
from learntrace.diagnosis import reading_door
from learntrace.diagnosis.facts import Book, Facts, FrontEnd, Misspoken, Rejected, Seen, Taking
from learntrace.diagnosis.matching import is_called
from learntrace.notebooks.activities import SOURCE
from learntrace.notebooks.checking import MALFORMED_ASSIGNMENT
from learntrace.notebooks.models import Arrival, Consent, Event, Notebook, NotebookAssignment, RejectedEvent
from learntrace.notebooks.rejections import TELEMETRY_OF_ANOTHER, sentence
from learntrace.progress.models import Activity, Stale

MOST = 500  # pairs of notebook and assignment that a learner's events are told apart by

# One scan of the learner's events, of which there are thousands where the table has millions.
_SEEN = """
SELECT coalesce(object ->> 'notebook', ''), coalesce(object ->> 'assignment', ''), flags @> %(malformed)s::jsonb,
       verb = 'executed', count(*), max(created_at)
  FROM events
 WHERE user_id = %(user)s AND academy_id = %(academy)s
 GROUP BY 1, 2, 3, 4
 ORDER BY 6 DESC LIMIT %(most)s
"""


def book_of(academy: Academy, assets: Collection[int]) -> Book | None:
    """What the academy has published of an asset and its translations."""
    notebooks = list(Notebook.objects.filter(academy=academy, asset__in=assets).order_by("pk"))
    if not notebooks:
        return None
    tags = NotebookAssignment.objects.filter(notebook__in=notebooks).values_list("tag", flat=True)
    paths = tuple(notebook.path for notebook in notebooks)
    return Book(paths, frozenset(tags), max(notebook.updated_at for notebook in notebooks))


def _seen(academy: Academy, user: User) -> list[Seen]:
    malformed = msgspec.json.encode([MALFORMED_ASSIGNMENT]).decode()
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, {"malformed": malformed, "user": user.pk, "academy": academy.pk, "most": MOST})
        return [Seen(*row) for row in cursor.fetchall()]


def seen_as(academy: Academy, user: User, asked: str) -> tuple[Seen, ...]:
    """Events of a learner in a notebook that is called as somebody asks, whatever is published."""
    return tuple(one for one in _seen(academy, user) if is_called(asked, one.notebook, one.tag))


def add(academy: Academy, user: User, facts: Facts, book: Book) -> Facts:
    """The facts with what there is about a published notebook."""
    seen = tuple(one for one in _seen(academy, user) if one.tag in book.tags or one.notebook in book.paths)
    consent = Consent.objects.filter(user=user).first()
    words = [*book.paths, *book.tags]

    def mentioned(named: str) -> bool:
        return not named or named in words

    return replace(
        facts,
        book=book,
        seen=seen,
        front_end=_front_end(academy, user),
        collecting=consent is None or consent.collecting,
        refused=reading_door.refused(user, reading_door.NOTEBOOKS, mentioned, one_client=True),
        rejected=_rejected(academy, user, words),
        misspoken=_misspoken(academy, user, words),
        taking=_taking(academy, user, facts, book) if seen else None,
    )


def _front_end(academy: Academy, user: User) -> FrontEnd | None:
    newest = Event.objects.filter(user=user, academy=academy).order_by("-created_at", "-arrival")
    row = newest.values_list("created_at", "context").first()
    if row is None:
        return None
    context = row[1] if isinstance(row[1], dict) else {}
    return FrontEnd(row[0], *(str(context.get(name) or "")[:60] for name in ("frontend", "version")))


def _about(rows: QuerySet[RejectedEvent], words: Sequence[str]) -> QuerySet[RejectedEvent]:
    """Those whose JSON has one of the words as a text, or doesn't tell a notebook."""
    untold = ~Q(raw__contains='"notebook"') & ~Q(raw__contains='"assignment"')
    for word in words:
        # As JSON has it: a text of a learner's code that happens to hold the word has other signs around it.
        untold |= Q(raw__contains=msgspec.json.encode(word).decode())
    return rows.filter(untold)


def _rejected(academy: Academy, user: User, words: Sequence[str]) -> tuple[Rejected, ...]:
    rows = RejectedEvent.objects.filter(academy=academy, user=user).exclude(code=TELEMETRY_OF_ANOTHER)
    grouped = (
        _about(rows, words)
        .order_by()
        .values_list("code")
        .annotate(events=Count("id"), last_at=Max("updated_at"), newest=Max("id"))
        .order_by("-last_at")
    )
    found = list(grouped)
    texts = {row.pk: _told(row) for row in RejectedEvent.objects.filter(pk__in=[row[3] for row in found])}
    return tuple(Rejected(row[0], texts.get(row[3], ""), *row[1:]) for row in found)


def _told(row: RejectedEvent) -> str:
    try:
        return sentence(row.code, row.reason_values)
    except (KeyError, TypeError, ValueError):
        return row.detail


def _misspoken(academy: Academy, user: User, words: Sequence[str]) -> tuple[Misspoken, ...]:
    """Events for this learner, or by this learner for others, that the sender may not send."""
    rows = RejectedEvent.objects.filter(academy=academy, code=TELEMETRY_OF_ANOTHER)
    rows = rows.alias(actor=KeyTextTransform("actor", "reason_values")).filter(actor=user.username)
    grouped: Any = (
        _about(rows, words)
        .order_by()
        .values_list("sender__username")
        .annotate(requests=Count("id"), last_at=Max("updated_at"))
        .order_by("-last_at")[:MOST]
    )
    return tuple(Misspoken(row[0], row[1], row[2], named=True) for row in grouped)


def _taking(academy: Academy, user: User, facts: Facts, book: Book) -> Taking | None:
    """How far the newest event on one of the notebook's assignments has come."""
    events = Event.objects.filter(user=user, academy=academy).alias(tag=KeyTextTransform("assignment", "object"))
    newest = (
        events.filter(tag__in=book.tags).order_by("-created_at", "-arrival").values_list("pk", "created_at").first()
    )
    if newest is None:
        return None
    event, arrived_at = newest
    if not Activity.objects.filter(pk=event).exists():
        arrival = Arrival.objects.filter(events__contains=[event]).first()
        return Taking(str(event), arrived_at, taken=False, fault=arrival.fault if arrival else "")
    slug = facts.target.canonical if facts.target else ""
    stale = Stale.objects.filter(user=user, asset_slug=slug, source=SOURCE).first()
    return Taking(str(event), arrived_at, stale_since=stale.since if stale else None)
