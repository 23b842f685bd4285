"""Finding the facts: a number of queries that no amount of telemetry changes, of nothing that the academy may not see."""

from dataclasses import replace
from datetime import datetime

from django.db.models import Max
from django.utils import timezone

from learntrace.accounts.models import Academy, Membership, User
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.assignments.tasks import tasks_seen_in
from learntrace.core.models import Heartbeat
from learntrace.diagnosis import reading_door, reading_learnpack, reading_notebooks
from learntrace.diagnosis.facts import Facts, Person, Record, Target, TaskFound
from learntrace.diagnosis.matching import Names
from learntrace.diagnosis.question import Question, asset_asked, is_homeless, person_asked, task_asked
from learntrace.learnpack.models import Webhook
from learntrace.registry.models import Asset, AssetAlias
from learntrace.registry.resolution import Registry, load_registry
from learntrace.registry.shelves import academy_shelf, unlisted_shelf

MOST_TASKS = 20
MOST_NAMES = 200


def gather(academy: Academy, question: Question) -> Facts:
    """What there is to be said about a question.

    Raises TaskNotFound, SeveralMeant.
    """
    facts = Facts(timezone.now(), academy.name, question.user, question.asset)
    if question.task is None:
        user = person_asked(academy, question.user)
        if user is None:
            return replace(facts, homeless=is_homeless(question.user))
    else:
        task = task_asked(academy, question.task)
        user = task.user
        facts = replace(facts, asked_user=user.username, asked_asset=task.associated_slug)
    facts = replace(facts, person=_person(academy, user))
    asset = asset_asked(academy, user, facts.asked_asset)
    if asset is None:
        return replace(facts, seen=reading_notebooks.seen_as(academy, user, facts.asked_asset))
    return _about(academy, user, asset, facts)


def _person(academy: Academy, user: User) -> Person:
    membership = Membership.objects.filter(user=user, academy=academy).first()
    belongs = membership is not None and membership.status == Membership.Status.ACTIVE
    return Person(user.pk, user.username, user.get_full_name() or user.username, user.is_active, belongs)


def _about(academy: Academy, user: User, asset: Asset, facts: Facts) -> Facts:
    """What there is about a learner and an asset that both are known."""
    registry = load_registry(ids=[asset.pk])
    group = registry.translations(registry.by_id[asset.pk])
    slugs = [one.slug for one in group]
    aliases = list(AssetAlias.objects.filter(asset__in=[one.id for one in group]).values_list("slug", flat=True))
    packages = frozenset(one.learnpack_id for one in group if one.learnpack_id is not None)
    names = Names(frozenset(one.id for one in group), frozenset([*slugs, *aliases]), packages)
    record, stray = _records(user, slugs)
    facts = replace(
        facts,
        target=_target(academy, asset, registry, aliases),
        tasks=_tasks(academy, user, slugs, aliases),
        worker_seen_at=Heartbeat.objects.aggregate(seen=Max("seen_at"))["seen"],
        record=record,
        stray=stray,
    )
    book = reading_notebooks.book_of(academy, names.ids)
    if book is not None:
        if record is not None:
            # Its receipt is an event's number, which a webhook may have as well.
            facts = replace(facts, record=replace(record, received_at=None, made_at=None))
        return reading_notebooks.add(academy, user, facts, book)
    sent, batch = reading_learnpack.sent(academy, user, names)
    facts = replace(
        facts,
        sent=sent,
        batch=batch,
        refused=reading_door.refused(user, reading_door.LEARNPACK, names.mentioned),
        misspoken=reading_door.misspoken(academy, user, names),
    )
    if not facts.sent:
        facts = replace(facts, seen=reading_notebooks.seen_as(academy, user, asset.slug))
    return facts


def _target(academy: Academy, asset: Asset, registry: Registry, aliases: list[str]) -> Target:
    group = registry.translations(registry.by_id[asset.pk])
    shelf = academy_shelf(academy) | unlisted_shelf()
    shown = set(shelf.filter(pk__in=[one.id for one in group]).values_list("pk", flat=True))
    visible = [one.slug for one in group if one.id in shown or one.id == asset.pk]
    stats = asset.telemetry_stats if isinstance(asset.telemetry_stats, dict) else {}
    return Target(
        id=asset.pk,
        slug=asset.slug,
        canonical=group[0].slug if group[0].slug in visible else asset.slug,
        names=tuple([*visible, *aliases][:MOST_NAMES]),
        aliases=tuple(aliases[:MOST_NAMES]),
        graded=group[0].graded,
        stats_at=asset.last_synch_at if stats else None,
        stats_failed=asset.sync_status == Asset.SyncStatus.ERROR,
    )


def _tasks(academy: Academy, user: User, slugs: list[str], aliases: list[str]) -> tuple[TaskFound, ...]:
    found = tasks_seen_in(academy).filter(user=user, associated_slug__in=[*slugs, *aliases]).order_by("pk")
    return tuple(sorted((_task(task, slugs) for task in found[:MOST_TASKS]), key=lambda one: (one.by_alias, one.id)))


def _task(task: Task, slugs: list[str]) -> TaskFound:
    by_alias = task.associated_slug not in slugs
    return TaskFound(task.pk, task.associated_slug, task.task_type, task.task_status, task.created_at, by_alias)


def _records(user: User, slugs: list[str]) -> tuple[Record | None, Record | None]:
    """The learner's record under the canonical slug, which is the first, and one under another of the slugs."""
    rows = list(AssignmentTelemetry.objects.filter(user=user, asset_slug__in=slugs).defer("telemetry", "metrics"))
    receipts = [row.receipt for row in rows if row.receipt is not None]
    webhooks = Webhook.objects.filter(pk__in=receipts, student=user, status=Webhook.Status.DONE)
    made = {pk: (received, at) for pk, received, at in webhooks.values_list("pk", "created_at", "updated_at")}
    found = {row.asset_slug: _record(row, *made.get(row.receipt or 0, (None, None))) for row in rows}
    strays = [found[slug] for slug in slugs[1:] if slug in found]
    return found.get(slugs[0]), strays[0] if strays else None


def _record(row: AssignmentTelemetry, received_at: datetime | None, made_at: datetime | None) -> Record:
    return Record(
        id=row.pk,
        slug=row.asset_slug,
        updated_at=row.updated_at,
        from_source=row.receipt is not None,
        scored=row.metrics_algo_version is not None,
        completion=row.completion_rate,
        last_interaction_at=row.last_interaction_at,
        received_at=received_at,
        made_at=made_at,
    )
