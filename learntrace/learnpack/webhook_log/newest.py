"""The newest webhooks of an academy or a learner, one webhook of the log, and what waits."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Now

from learntrace.accounts.models import Academy, User
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing.outcomes import DEFERRED
from learntrace.learnpack.webhook_log.queries import WebhookNotFound, rows_of


def count_since(academy: Academy, since: datetime) -> int:
    """Count the academy's webhooks that came after a time."""
    return rows_of(academy).filter(created_at__gt=since).count()


@dataclass(frozen=True)
class Waiting:
    """Webhooks that are not processed yet: when the oldest came, None where none waits, and those that are deferred.

    `deferred` are webhooks of accounts that send more than their share, `learners` how many accounts that are.
    """

    since: datetime | None
    deferred: int
    learners: int


def waiting_in(academy: Academy) -> Waiting:
    """Return what waits of an academy's webhooks; one query."""
    deferred = Q(reason=DEFERRED, retry_at__gt=Now())
    found = (
        rows_of(academy)
        .filter(status=Webhook.Status.PENDING)
        .aggregate(
            since=Min("created_at"),
            deferred=Count("pk", filter=deferred),
            learners=Count("student_id", filter=deferred, distinct=True),
        )
    )
    return Waiting(**found)


def webhook_of(academy: Academy, webhook_id: int) -> Webhook:
    """Return one of the academy's webhooks with its learner and asset, without its payload.

    Raises WebhookNotFound.
    """
    row = rows_of(academy).select_related("student", "asset").defer("payload").filter(pk=webhook_id).first()
    if row is None:
        raise WebhookNotFound
    return row


def newest_webhooks(learner: User, most: int) -> list[Webhook]:
    """Return a learner's newest webhooks, without the payloads, which may have hundreds of KB each."""
    rows = Webhook.objects.filter(student=learner).select_related("student", "asset")
    columns = rows.only(
        "event",
        "package_slug",
        "status",
        "status_text",
        "reason",
        "reason_values",
        "created_at",
        "asset__slug",
        "asset__title",
        "student__username",
        "student__first_name",
        "student__last_name",
    )
    return list(columns.order_by("-created_at", "-id")[:most])


def client_of(webhook_id: int) -> str:
    """Return the client that a webhook's payload names, empty where it names none."""
    agents = Webhook.objects.filter(pk=webhook_id).values_list(KeyTextTransform("agent", "payload"), flat=True)
    return agents[0] or ""


def failed_among(rows: QuerySet[Webhook]) -> QuerySet[Webhook]:
    """Return the failed ones of some rows."""
    return rows.filter(status=Webhook.Status.ERROR)


def newest_among(rows: QuerySet[Webhook], most: int) -> list[Webhook]:
    """Return the newest of some rows with their learners and assets, without the payloads."""
    newest = rows.select_related("student", "asset").defer("payload").order_by("-created_at", "-pk")
    return list(newest[:most])
