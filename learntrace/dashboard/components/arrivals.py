"""Webhooks, notebook events and rejected events as lines of a page."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing.outcomes import status_text
from learntrace.registry.models import Asset

NEWEST = 10
NEWEST_EVENTS = 5


@dataclass(frozen=True)
class Arrival:
    """One webhook, notebook event or rejected event as a line of the page; `subject` is a title where there is one.

    `name` is what the client called the subject.
    """

    id: int | str
    at: datetime
    learner: str
    event: str
    subject: str
    status: str
    sentence: str
    name: str = ""


def arrivals(webhooks: Collection[Webhook], assets: QuerySet[Asset]) -> tuple[Arrival, ...]:
    """Return webhooks as lines; `assets` are those whose titles the reader may see. At most one query."""
    titles = titles_of_webhooks(webhooks, assets)
    return tuple(
        Arrival(
            id=webhook.pk,
            at=webhook.created_at,
            learner=webhook.student.display_name if webhook.student else "",
            event=webhook.event,
            subject=titles.get(slug, slug),
            status=webhook.status.lower(),
            sentence=status_text(webhook) or "",
            name=slug,
        )
        for webhook in webhooks
        for slug in [named_slug(webhook)]
    )


def named_slug(webhook: Webhook) -> str:
    """Return the slug of the webhook's asset, else of the package that it names."""
    return webhook.asset.slug if webhook.asset else webhook.package_slug or ""


def titles_of_webhooks(webhooks: Collection[Webhook], assets: QuerySet[Asset]) -> dict[str, str]:
    """Return the titles of what webhooks are about, by slug; a client may name its package by slug only."""
    titles = {webhook.asset.slug: webhook.asset.title for webhook in webhooks if webhook.asset and webhook.asset.title}
    named = {slug for webhook in webhooks if (slug := named_slug(webhook)) and slug not in titles}
    rows = assets.filter(slug__in=named).exclude(title="").values_list("slug", "title") if named else ()
    return {**titles, **dict(rows)}
