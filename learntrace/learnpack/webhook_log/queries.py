"""The webhook log of an academy, and deleting and retrying its failed rows (contract, section 5)."""

from collections.abc import Mapping

from django.db import transaction
from django.db.models import Max, Min, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from learntrace.accounts.audit.actions import WEBHOOKS_DELETED, WEBHOOKS_RETRIED, Action
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import Academy
from learntrace.accounts.scope import seen_in
from learntrace.core.errors import NotFound, Problem
from learntrace.core.http.filters import ids, words
from learntrace.core.wakeup import announce
from learntrace.learnpack.inbox.source import TOPIC
from learntrace.learnpack.models import Webhook

SORTABLE: Mapping[str, str] = {
    "id": "id",
    "is_streaming": "is_streaming",
    "event": "event",
    "asset_id": "asset_id",
    "learnpack_package_id": "learnpack_package_id",
    "status": "status",
    "status_text": "status_text",
    "student": "student_id",
    "created_at": "created_at",
    "updated_at": "updated_at",
}

FILTERS: Mapping[str, str] = {
    "id": "one or more rows by their ids, comma-separated",
    "student": "one or more user ids, comma-separated",
    "asset_id": "one or more asset ids, comma-separated",
    "learnpack_package_id": "one or more package ids, comma-separated",
    "event": "one or more events, comma-separated",
    "status": "one or more of PENDING, DONE, ERROR, IGNORED, comma-separated",
}
_SHOWN = (
    "is_streaming", "event", "asset_id", "learnpack_package_id", "status", "status_text", "reason", "reason_values",
    "replaced",
    "student__first_name", "student__last_name", "created_at", "updated_at",
)  # fmt: skip
_BY_ID = {"id": "pk", "student": "student_id", "asset_id": "asset_id", "learnpack_package_id": "learnpack_package_id"}
_BY_WORD = ("event", "status")


class WebhookNotFound(NotFound):
    slug = "webhook-not-found"
    text = _("Webhook not found")


class NotAnError(Problem):
    slug = "invalid-webhook-status"
    text = _("Only webhook logs with status ERROR can be deleted")


class NotToRetry(Problem):
    slug = "invalid-webhook-status"
    text = _("Only webhook logs with status ERROR can be processed again")


class StatusMissing(Problem):
    slug = "missing-status"
    text = _("Missing querystring property `status=ERROR` for bulk delete webhooks")


class StatusOtherThanError(Problem):
    slug = "invalid-status"
    text = _("Bulk delete only supports `status=ERROR`")


class OneAtATime(Problem):
    text = _("`payload=full` answers one row: give `limit=1` with it")


def wants_whole_payload(request: Request) -> bool:
    """Whether the request asks for one row with its whole payload.

    Raises OneAtATime.
    """
    if request.query_params.get("payload") != "full":
        return False
    if request.query_params.get("limit") != "1":
        raise OneAtATime
    return True


def rows_of(academy: Academy) -> QuerySet[Webhook]:
    """Return the rows that the academy may see, unordered."""
    return Webhook.objects.filter(seen_in(academy, learner="student_id", asset_academy="asset__academy_id"))


def webhooks_of(academy: Academy, request: Request) -> QuerySet[Webhook]:
    """Return the rows that the academy may see, filtered by the query string, newest first.

    Raises Problem (400, invalid-filter).
    """
    rows = rows_of(academy)
    for field, column in _BY_ID.items():
        if numbers := ids(request, field):
            rows = rows.filter(**{f"{column}__in": numbers})
    for field in _BY_WORD:
        if wanted := words(request, field):
            rows = rows.filter(**{f"{field}__in": wanted})
    return rows.order_by("-created_at", "-id")


def with_students(rows: QuerySet[Webhook]) -> QuerySet[Webhook]:
    """Load the columns of the rows and of their students that are shown; never the payloads (`payloads`)."""
    return rows.select_related("student").only(*_SHOWN)


def delete_one(academy: Academy, rows: QuerySet[Webhook], webhook_id: int) -> None:
    """Delete a failed row.

    Raises WebhookNotFound for a row that isn't among these, NotAnError.
    """
    if not rows.filter(pk=webhook_id).exists():
        raise WebhookNotFound
    # The status is a condition of the deletion itself, as a retry may change it at any time.
    if not delete_rows(Webhook.objects.filter(pk=webhook_id), academy):
        raise NotAnError


def delete_failed(academy: Academy, rows: QuerySet[Webhook], request: Request) -> None:
    """Delete all failed rows among these; the request must filter by status ERROR.

    Raises StatusMissing, StatusOtherThanError.
    """
    wanted = set(words(request, "status"))
    if not wanted:
        raise StatusMissing
    if wanted != {Webhook.Status.ERROR.value}:
        raise StatusOtherThanError
    delete_rows(rows, academy)


def retry_one(academy: Academy, rows: QuerySet[Webhook], webhook_id: int) -> None:
    """Put a failed row back into the queue.

    Raises WebhookNotFound for a row that isn't among these, NotToRetry.
    """
    if not rows.filter(pk=webhook_id).exists():
        raise WebhookNotFound
    if not process_again(Webhook.objects.filter(pk=webhook_id), academy):
        raise NotToRetry


@transaction.atomic
def delete_rows(rows: QuerySet[Webhook], academy: Academy | None) -> int:
    """Delete the failed rows among these, for an academy's staff, None: the installation's; return how many."""
    failed = rows.filter(status=Webhook.Status.ERROR).order_by()
    meant = _meant(failed)
    count = failed.delete()[0]
    if count:
        _record(WEBHOOKS_DELETED, academy, meant, count)
    return count


@transaction.atomic
def process_again(rows: QuerySet[Webhook], academy: Academy | None) -> int:
    """Put the failed rows among these back into the queue for staff, as `delete_rows`; return how many."""
    meant = _meant(rows.filter(status=Webhook.Status.ERROR).order_by())
    count = requeue_failed(rows)
    if count:
        _record(WEBHOOKS_RETRIED, academy, meant, count)
    return count


def requeue_failed(rows: QuerySet[Webhook]) -> int:
    """Put the failed rows among these back into the queue; return how many."""
    now = timezone.now()
    count = rows.filter(status=Webhook.Status.ERROR).update(
        status=Webhook.Status.PENDING,
        status_text=None,
        reason="",
        reason_values={},
        attempts=0,
        retry_at=now,
        updated_at=now,
    )
    transaction.on_commit(lambda: announce(TOPIC))
    return count


def _meant(failed: QuerySet[Webhook]) -> Mapping[str, int | None]:
    return failed.aggregate(first=Min("pk"), last=Max("pk"), student=Max("student"))


def _record(action: Action, academy: Academy | None, meant: Mapping[str, int | None], count: int) -> None:
    """Record what became of failed rows: of one its student, of several how many, and the first and the last."""
    record(
        action,
        academy_id=academy.pk if academy else None,
        object_id=meant["first"] if count == 1 else None,
        subject_id=meant["student"] if count == 1 else None,
        before={"failed": count, "first": meant["first"], "last": meant["last"]},
    )
