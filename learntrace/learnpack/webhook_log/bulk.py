"""Deleting or retrying many failed webhooks: they are counted first, and then only the counted ones are changed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy
from learntrace.core.errors import Problem
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.webhook_log.queries import delete_rows, process_again


@dataclass(frozen=True)
class Counted:
    """The number of failed rows, their newest id, and when the last of them failed.

    Rows that come or fail later don't belong to them.
    """

    rows: int
    newest: int
    at: datetime


class MoreThanCounted(Problem):
    """A row failed at the moment of the count."""

    status_code = 409
    text = _("More of these webhooks have failed since they were counted. Look at the new number first.")


def count_failed(rows: QuerySet[Webhook]) -> Counted:
    """Count the failed ones of these rows."""
    totals = (
        rows.filter(status=Webhook.Status.ERROR)
        .order_by()
        .aggregate(rows=Count("pk"), newest=Max("pk"), at=Max("updated_at"))
    )
    return Counted(totals["rows"], totals["newest"] or 0, totals["at"] or timezone.now())


def delete_counted(academy: Academy, rows: QuerySet[Webhook], counted: Counted) -> int:
    """Delete the counted rows that still exist; return how many.

    Raises MoreThanCounted, and nothing is deleted.
    """
    return _change(rows, counted, lambda failed: delete_rows(failed, academy))


def retry_counted(academy: Academy, rows: QuerySet[Webhook], counted: Counted) -> int:
    """Put the counted rows that still exist back into the queue; return how many.

    Raises MoreThanCounted, and nothing is changed.
    """
    return _change(rows, counted, lambda failed: process_again(failed, academy))


def _change(rows: QuerySet[Webhook], counted: Counted, change: Callable[[QuerySet[Webhook]], int]) -> int:
    failed = rows.filter(status=Webhook.Status.ERROR, pk__lte=counted.newest, updated_at__lte=counted.at)
    with transaction.atomic():
        changed = change(failed.order_by())
        # A row's time is when its transaction began: a row that failed during the count may have an earlier time.
        if changed > counted.rows:
            raise MoreThanCounted
    return changed
