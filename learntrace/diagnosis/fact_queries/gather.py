"""Gathering the facts about a question.

The number of queries doesn't depend on the amount of telemetry, and nothing is read that the academy may not see.
"""

from dataclasses import replace
from datetime import datetime

from django.db.models import Max
from django.utils import timezone

from learntrace.accounts.models import Academy, Membership, User
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.assignments.tasks import tasks_seen_in
from learntrace.core.models import Heartbeat
from learntrace.diagnosis.fact_queries import front_door, learnpack, notebooks
from learntrace.diagnosis.facts import AskedAssignment, Facts, LearnerTask, Person, Record, Target
from learntrace.diagnosis.matching import Names
from learntrace.diagnosis.question import Question, find_asset, find_person, find_task, has_no_academy
from learntrace.learnpack.models import Webhook
from learntrace.progress.catalogue import full_titles_of
from learntrace.progress.last_seen import last_seen_in
from learntrace.progress.models import Progress
from learntrace.registry.models import Asset, AssetAlias
from learntrace.registry.resolution import Registry, load_registry
from learntrace.registry.visibility import academy_assets, unlisted_assets

MOST_TASKS = 20
MOST_NAMES = 200


def gather(academy: Academy, question: Question) -> Facts:
    """Return the facts about a question.

    Raises TaskNotFound, SeveralMeant.
    """
    facts = Facts(timezone.now(), academy.name, question.user, question.asset)
    if question.task is None:
        user = find_person(academy, question.user)
        if user is None:
            return replace(facts, without_academy=has_no_academy(question.user))
    else:
        task = find_task(academy, question.task)
        user = task.user
        facts = replace(facts, asked_user=user.username, asked_asset=task.associated_slug)
    seen = last_seen_in(academy.pk, [user.pk]).get(user.pk)
    facts = replace(facts, person=_person(academy, user), last_seen_at=seen)
    asset, key = find_asset(academy, user, facts.asked_asset)
    if asset is None:
        return replace(facts, seen=notebooks.events_named_like(academy, user, facts.asked_asset))
    return replace(_about(academy, user, asset, facts), assignment=_assignment(academy, user, key) if key else None)


def _person(academy: Academy, user: User) -> Person:
    membership = Membership.objects.filter(user=user, academy=academy).first()
    belongs = membership is not None and membership.status == Membership.Status.ACTIVE
    return Person(user.pk, user.username, user.display_name, user.is_active, belongs)


def _about(academy: Academy, user: User, asset: Asset, facts: Facts) -> Facts:
    """Return the facts about a known learner and asset."""
    registry = load_registry(ids=[asset.pk])
    group = registry.translations(registry.by_id[asset.pk])
    slugs = [translation.slug for translation in group]
    ids = frozenset(translation.id for translation in group)
    aliases = list(AssetAlias.objects.filter(asset__in=ids).values_list("slug", flat=True))
    packages = frozenset(translation.learnpack_id for translation in group if translation.learnpack_id is not None)
    names = Names(ids, frozenset([*slugs, *aliases]), packages)
    record, stray = _records(user, slugs)
    facts = replace(
        facts,
        target=_target(academy, asset, registry, aliases),
        tasks=_tasks(academy, user, slugs, aliases),
        worker_seen_at=Heartbeat.objects.aggregate(seen=Max("seen_at"))["seen"],
        record=record,
        stray=stray,
    )
    published = notebooks.published_notebooks(academy, names.ids)
    if published is not None:
        if record is not None:
            # Its receipt is an event's number, which may equal the id of an unrelated webhook.
            facts = replace(facts, record=replace(record, received_at=None, made_at=None))
        return notebooks.add_notebook_facts(academy, user, facts, published)
    sent, batch = learnpack.sent(academy, user, names)
    facts = replace(
        facts,
        sent=sent,
        batch=batch,
        refused=front_door.refused(user, front_door.LEARNPACK, names.mentioned),
        foreign_senders=front_door.foreign_senders(academy, user, names),
    )
    if not facts.sent:
        facts = replace(facts, seen=notebooks.events_named_like(academy, user, asset.slug))
    return facts


def _assignment(academy: Academy, user: User, key: str) -> AskedAssignment:
    title = full_titles_of(academy.pk, [key])[key]
    measured = Progress.objects.filter(user=user, academy=academy, assignment=key)
    attempts, last_seen_at = measured.values_list("attempts", "last_seen_at").first() or (0, None)
    return AskedAssignment(key, title.assignment, str(title), attempts, last_seen_at)


def _target(academy: Academy, asset: Asset, registry: Registry, aliases: list[str]) -> Target:
    group = registry.translations(registry.by_id[asset.pk])
    assets = academy_assets(academy) | unlisted_assets()
    shown = set(assets.filter(pk__in=[translation.id for translation in group]).values_list("pk", flat=True))
    visible = [translation.slug for translation in group if translation.id in shown or translation.id == asset.pk]
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
        title=asset.title,
    )


def _tasks(academy: Academy, user: User, slugs: list[str], aliases: list[str]) -> tuple[LearnerTask, ...]:
    rows = tasks_seen_in(academy).filter(user=user, associated_slug__in=[*slugs, *aliases]).order_by("pk")
    return tuple(sorted((_task(row, slugs) for row in rows[:MOST_TASKS]), key=lambda task: (task.by_alias, task.id)))


def _task(task: Task, slugs: list[str]) -> LearnerTask:
    by_alias = task.associated_slug not in slugs
    return LearnerTask(task.pk, task.associated_slug, task.task_type, task.task_status, task.created_at, by_alias)


def _records(user: User, slugs: list[str]) -> tuple[Record | None, Record | None]:
    """Return the learner's record under the canonical slug, the first of the slugs, and one under another slug."""
    rows = list(AssignmentTelemetry.objects.filter(user=user, asset_slug__in=slugs).defer("telemetry", "metrics"))
    receipts = [row.receipt for row in rows if row.receipt is not None]
    webhooks = Webhook.objects.filter(pk__in=receipts, student=user, status=Webhook.Status.DONE)
    times = {
        pk: (received_at, made_at)
        for pk, received_at, made_at in webhooks.values_list("pk", "created_at", "updated_at")
    }
    records = {row.asset_slug: _record(row, *times.get(row.receipt or 0, (None, None))) for row in rows}
    strays = [records[slug] for slug in slugs[1:] if slug in records]
    return records.get(slugs[0]), strays[0] if strays else None


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
        untold_attempts=row.untold_attempts,
    )
