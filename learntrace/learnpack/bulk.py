"""Deleting or retrying many failed webhooks: first they are counted, then it happens to those and to no others."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import Problem
from learntrace.learnpack.log import process_again
from learntrace.learnpack.models import Webhook


@dataclass(frozen=True)
class Counted:
    """How many failed rows there were, the newest id among them, and when the last of them failed.

    What comes or fails later is none of them.
    """

    rows: int
    newest: int
    at: datetime


class MoreThanCounted(Problem):
    """A row failed in the moment of the count."""

    status_code = 409
    text = _("More of these webhooks have failed since they were counted. Look at the new number first.")


def count_failed(rows: QuerySet[Webhook]) -> Counted:
    """Count the failed ones of these rows."""
    found = (
        rows.filter(status=Webhook.Status.ERROR)
        .order_by()
        .aggregate(rows=Count("pk"), newest=Max("pk"), at=Max("updated_at"))
    )
    return Counted(found["rows"], found["newest"] or 0, found["at"] or timezone.now())


def delete_counted(rows: QuerySet[Webhook], counted: Counted) -> int:
    """Delete the failed rows that were counted, as far as they are still there; how many.

    Raises MoreThanCounted, and nothing is deleted.
    """
    return _change(rows, counted, lambda failed: failed.delete()[0])


def retry_counted(rows: QuerySet[Webhook], counted: Counted) -> int:
    """Put the failed rows that were counted back into the queue, as far as they are still there; how many.

    Raises MoreThanCounted, and nothing is changed.
    """
    return _change(rows, counted, process_again)


def _change(rows: QuerySet[Webhook], counted: Counted, change: Callable[[QuerySet[Webhook]], int]) -> int:
    failed = rows.filter(status=Webhook.Status.ERROR, pk__lte=counted.newest, updated_at__lte=counted.at)
    with transaction.atomic():
        changed = change(failed.order_by())
        # Rows bear the time at which their transaction began: one that failed while it was counted may bear an earlier one.
        if changed > counted.rows:
            raise MoreThanCounted
    return changed
