"""Webhooks, notebook events and rejected events as lines of a page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing.outcomes import status_text

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


def arrivals(webhooks: Iterable[Webhook]) -> tuple[Arrival, ...]:
    """Return webhooks as lines."""
    return tuple(
        Arrival(
            id=webhook.pk,
            at=webhook.created_at,
            learner=webhook.student.display_name if webhook.student else "",
            event=webhook.event,
            subject=(webhook.asset.title or webhook.asset.slug) if webhook.asset else webhook.package_slug or "",
            status=webhook.status.lower(),
            sentence=status_text(webhook) or "",
            name=webhook.asset.slug if webhook.asset else "",
        )
        for webhook in webhooks
    )
