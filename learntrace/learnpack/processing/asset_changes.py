"""What LearnPack's rows do when an asset has changed: records are read again, and failed webhooks processed again."""

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from learntrace.assignments.changes.assets import Followed
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.core.wakeup import announce
from learntrace.learnpack.inbox.source import TOPIC
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import outcomes
from learntrace.learnpack.processing.streaming import SOURCE
from learntrace.learnpack.processing.unread_documents import TOPIC as ATTEMPTS_TOPIC
from learntrace.learnpack.webhook_log.queries import requeue_failed
from learntrace.progress.stale_queue import mark_stale


def follow_asset(followed: Followed) -> None:
    """Follow a change of an asset, in transactions of its own."""
    _read_again(followed)
    with transaction.atomic():
        if requeue_failed(_solvable(followed)):
            transaction.on_commit(lambda: announce(TOPIC))


def _read_again(followed: Followed) -> None:
    """Have records that have scores now read: frustration signals follow from them."""
    with transaction.atomic():
        pairs = [(user_id, followed.canonical.slug) for user_id in followed.scored]
        if followed.moves.renamed or followed.moves.removed:
            rows = AssignmentTelemetry.objects.filter(asset_slug=followed.canonical.slug, receipt__isnull=False)
            pairs += rows.values_list("user_id", "asset_slug")
        if pairs:
            mark_stale(SOURCE, sorted(set(pairs)))
            transaction.on_commit(lambda: announce(ATTEMPTS_TOPIC))


def _solvable(followed: Followed) -> QuerySet[Webhook]:
    """Return failed rows about the asset that may succeed now: it wasn't found, or the learner had no task on it."""
    slugs, ids = list(followed.slugs), list(followed.asset_ids)
    # Not by the payload: reading those of all failed rows would take long.
    about = Q(package_slug__in=slugs) | Q(asset__in=ids) | Q(learnpack_package_id__in=list(followed.package_ids))
    rows = Webhook.objects.filter(about, status=Webhook.Status.ERROR)
    has_task = Exists(Task.objects.filter(user=OuterRef("student"), associated_slug__in=slugs))
    lost = Q(reason__in=[outcomes.ASSET_NOT_FOUND, outcomes.PACKAGE_ASSET_NOT_FOUND])
    return rows.filter(lost | Q(has_task, reason=outcomes.NO_TASKS)).order_by()
