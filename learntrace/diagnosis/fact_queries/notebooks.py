"""Facts about a learner's notebook: its events, rejected events, and how far the newest event was processed."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
from django.db.models import Count, Max, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Academy, User
from learntrace.core.sql import fetch, json_rows
from learntrace.diagnosis.fact_queries import front_door
from learntrace.diagnosis.facts import (
    EventGroup,
    Facts,
    ForeignSender,
    FrontEnd,
    NewestEvent,
    PublishedNotebooks,
    RejectionGroup,
)
from learntrace.diagnosis.matching import is_named_like
from learntrace.notebooks.documents.activities import SOURCE
from learntrace.notebooks.models import Arrival, Consent, Event, Notebook, NotebookAssignment, RejectedEvent
from learntrace.notebooks.validation.event import MALFORMED_ASSIGNMENT
from learntrace.notebooks.validation.rejections import TELEMETRY_OF_ANOTHER, sentence
from learntrace.progress.models import Activity, Stale

MOST = 500  # the most groups of a learner's events

# One scan of the learner's events: thousands, where the table has millions.
_EVENT_GROUPS = """
SELECT coalesce(object ->> 'notebook', ''), coalesce(object ->> 'assignment', ''), flags @> %(malformed)s::jsonb,
       verb = 'executed', count(*), max(created_at)
  FROM events
 WHERE user_id = %(user)s AND academy_id = %(academy)s
 GROUP BY 1, 2, 3, 4
 ORDER BY 6 DESC LIMIT %(most)s
"""


def published_notebooks(academy: Academy, assets: Collection[int]) -> PublishedNotebooks | None:
    """Return the notebooks that the academy has published as an asset and its translations, None where there are none."""
    notebooks = list(Notebook.objects.filter(academy=academy, asset__in=assets).order_by("pk"))
    if not notebooks:
        return None
    tags = NotebookAssignment.objects.filter(notebook__in=notebooks).values_list("tag", flat=True)
    paths = tuple(notebook.path for notebook in notebooks)
    return PublishedNotebooks(paths, frozenset(tags), max(notebook.updated_at for notebook in notebooks))


def _event_groups(academy: Academy, user: User) -> list[EventGroup]:
    malformed = json_rows([MALFORMED_ASSIGNMENT])
    parameters = {"malformed": malformed, "user": user.pk, "academy": academy.pk, "most": MOST}
    return [EventGroup(*row) for row in fetch(_EVENT_GROUPS, parameters)]


def events_named_like(academy: Academy, user: User, asked: str) -> tuple[EventGroup, ...]:
    """Return a learner's events in notebooks with a name like the one asked for, published or not."""
    return tuple(group for group in _event_groups(academy, user) if is_named_like(asked, group.notebook, group.tag))


def add_notebook_facts(academy: Academy, user: User, facts: Facts, published: PublishedNotebooks) -> Facts:
    """Return the facts with those about a published notebook."""
    seen = tuple(
        group
        for group in _event_groups(academy, user)
        if group.tag in published.tags or group.notebook in published.paths
    )
    consent = Consent.objects.filter(user=user).first()
    words = [*published.paths, *published.tags]

    def mentioned(named: str) -> bool:
        return not named or named in words

    return replace(
        facts,
        published=published,
        seen=seen,
        front_end=_front_end(academy, user),
        collecting=consent is None or consent.collecting,
        refused=front_door.refused(user, front_door.NOTEBOOKS, mentioned, one_client=True),
        rejected=_rejected(academy, user, words),
        foreign_senders=_foreign_senders(academy, user, words),
        newest_event=_newest_event(academy, user, facts, published) if seen else None,
    )


def _front_end(academy: Academy, user: User) -> FrontEnd | None:
    newest = Event.objects.filter(user=user, academy=academy).order_by("-created_at", "-arrival")
    row = newest.values_list("created_at", "context", "clock_offset_ms").first()
    if row is None:
        return None
    at, given, offset = row
    context = given if isinstance(given, dict) else {}
    name, version = (str(context.get(key) or "")[:60] for key in ("frontend", "version"))
    return FrontEnd(at, name, version, None if offset is None else timedelta(milliseconds=offset))


def _about(rows: QuerySet[RejectedEvent], words: Sequence[str]) -> QuerySet[RejectedEvent]:
    """Return the rejected events whose JSON holds one of the words as a string, or names no notebook."""
    unnamed = ~Q(raw__contains='"notebook"') & ~Q(raw__contains='"assignment"')
    for word in words:
        # With its quotes: code of a learner that holds the word has other characters around it.
        unnamed |= Q(raw__contains=msgspec.json.encode(word).decode())
    return rows.filter(unnamed)


def _rejected(academy: Academy, user: User, words: Sequence[str]) -> tuple[RejectionGroup, ...]:
    rejected = RejectedEvent.objects.filter(academy=academy, user=user).exclude(code=TELEMETRY_OF_ANOTHER)
    groups = list(
        _about(rejected, words)
        .order_by()
        .values_list("code")
        .annotate(events=Count("id"), last_at=Max("updated_at"), newest=Max("id"))
        .order_by("-last_at")
    )
    newest = RejectedEvent.objects.filter(pk__in=[newest_id for *_counts, newest_id in groups])
    sentences = {row.pk: _sentence(row) for row in newest}
    return tuple(
        RejectionGroup(code, sentences.get(newest_id, ""), events, last_at, newest_id)
        for code, events, last_at, newest_id in groups
    )


def _sentence(row: RejectedEvent) -> str:
    try:
        return sentence(row.code, row.reason_values)
    except (KeyError, TypeError, ValueError):
        return row.detail


def _foreign_senders(academy: Academy, user: User, words: Sequence[str]) -> tuple[ForeignSender, ...]:
    """Return who sent events for this learner without the permission to."""
    rows = RejectedEvent.objects.filter(seen(academy, "sender_id"), academy=academy, code=TELEMETRY_OF_ANOTHER)
    rows = rows.alias(actor=KeyTextTransform("actor", "reason_values")).filter(actor=user.username)
    grouped: Any = (
        _about(rows, words)
        .order_by()
        .values_list("sender__username")
        .annotate(requests=Count("id"), last_at=Max("updated_at"))
        .order_by("-last_at")[:MOST]
    )
    return tuple(ForeignSender(row[0], row[1], row[2], named=True) for row in grouped)


def _newest_event(academy: Academy, user: User, facts: Facts, published: PublishedNotebooks) -> NewestEvent | None:
    """Return how far the newest event on one of the notebook's assignments was processed, None without an event."""
    events = Event.objects.filter(user=user, academy=academy).alias(tag=KeyTextTransform("assignment", "object"))
    newest = (
        events.filter(tag__in=published.tags)
        .order_by("-created_at", "-arrival")
        .values_list("pk", "created_at")
        .first()
    )
    if newest is None:
        return None
    event, arrived_at = newest
    if not Activity.objects.filter(pk=event).exists():
        arrival = Arrival.objects.filter(events__contains=[event]).first()
        return NewestEvent(str(event), arrived_at, taken=False, fault=arrival.fault if arrival else "")
    slug = facts.target.canonical if facts.target else ""
    stale = Stale.objects.filter(user=user, asset_slug=slug, source=SOURCE).first()
    return NewestEvent(str(event), arrived_at, stale_since=stale.since if stale else None)
