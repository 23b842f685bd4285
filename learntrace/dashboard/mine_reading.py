"""Reading how far one is oneself, over all academies: assets with their assignments, tasks, signals."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet

from learntrace.accounts.models import User
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.dashboard.class_grid import state_shown
from learntrace.metrics.completion import state_of
from learntrace.progress.keys import PREFIX
from learntrace.progress.models import Assignment, Progress
from learntrace.registry.models import Asset
from learntrace.registry.resolution import Registry, load_registry
from learntrace.signals.models import Signal

MOST_TASKS = 200
MOST_SIGNALS = 50
MOST_TELEMETRY = 500
# Of no asset: assignments that nobody has published.
NO_ASSET = 0

Key = tuple[int | None, str]
"""An academy's id and an assignment."""


@dataclass(frozen=True)
class Telemetry:
    """What the last telemetry of an asset says: scores and completion 0 to 100, None where there is none."""

    engagement: float | None
    frustration: float | None
    completion: float | None
    updated_at: datetime


@dataclass(frozen=True)
class OwnAssignment:
    """How one stands on an assignment; `error_quotient` 0 to 1 or None, `active_time` in seconds."""

    name: str
    title: str
    published: bool
    state: str = "not_started"
    attempts: int = 0
    errors: int = 0
    active_time: float = 0.0
    error_quotient: float | None = None
    last_seen_at: datetime | None = None


@dataclass
class OwnAsset:
    """An asset with its assignments in their order; `slug` is empty for what no asset has."""

    slug: str
    title: str
    assignments: list[OwnAssignment] = field(default_factory=list)
    telemetry: Telemetry | None = None

    @property
    def total(self) -> int:
        return sum(one.published for one in self.assignments)

    @property
    def done(self) -> int:
        return sum(one.published and one.state == "done" for one in self.assignments)

    @property
    def attempts(self) -> int:
        return sum(one.attempts for one in self.assignments)

    @property
    def errors(self) -> int:
        return sum(one.errors for one in self.assignments)

    @property
    def active_time(self) -> float:
        return sum(one.active_time for one in self.assignments)

    @property
    def error_quotient(self) -> float | None:
        return _mean(one.error_quotient for one in self.assignments)

    @property
    def last_seen_at(self) -> datetime | None:
        moments = [one.last_seen_at for one in self.assignments if one.last_seen_at is not None]
        return max([*moments, self.telemetry.updated_at] if self.telemetry else moments, default=None)


@dataclass(frozen=True)
class OwnTask:
    """A task of one's own and how far one is; `completion` in percent, None where it isn't measured."""

    title: str
    slug: str
    state: str
    completion: float | None
    heard_at: datetime | None


@dataclass(frozen=True)
class OwnProgress:
    """All of it, the assets that one worked on last first."""

    assets: list[OwnAsset]
    tasks: list[OwnTask]

    @property
    def assignments(self) -> list[OwnAssignment]:
        return [one for asset in self.assets for one in asset.assignments]

    @property
    def total(self) -> int:
        return sum(asset.total for asset in self.assets)

    @property
    def done(self) -> int:
        return sum(asset.done for asset in self.assets)

    @property
    def attempts(self) -> int:
        return sum(asset.attempts for asset in self.assets)

    @property
    def error_quotient(self) -> float | None:
        return _mean(one.error_quotient for one in self.assignments)

    @property
    def last_seen_at(self) -> datetime | None:
        return max((one.last_seen_at for one in self.assignments if one.last_seen_at), default=None)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def own_progress(user: User, academy_ids: Iterable[int]) -> OwnProgress:
    """How far one is: on what one was seen on, and on what one has a task on. Ten queries at most."""
    seen: dict[Key, Progress] = {
        (row.academy_id, row.assignment): row for row in Progress.objects.filter(user=user).defer("state")
    }
    tasks = list(
        Task.objects.filter(user=user).only("title", "associated_slug", "task_status").order_by("-task_status", "-id")
    )[:MOST_TASKS]
    telemetry = _telemetry(user)
    academies = {*academy_ids, *(academy for academy, _key in seen if academy is not None)}
    known = Assignment.objects.filter(academy__in=academies)
    mine = set(known.filter(key__in={key for _academy, key in seen}).values_list("asset_id", flat=True))
    slugs = {task.associated_slug for task in tasks} | telemetry.keys()
    registry = load_registry(ids=mine, slugs=slugs)
    wanted = _assets(mine, slugs, registry)
    published = known.filter(asset__in=wanted).select_related("asset").order_by("asset__slug", "position", "pk")
    assets = _assets_with(published, seen, telemetry, registry)
    return OwnProgress(
        sorted(assets, key=lambda one: (one.slug == "", -_seconds(one.last_seen_at), one.title.casefold())),
        [_own_task(task, telemetry, registry) for task in tasks],
    )


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def _telemetry(user: User) -> dict[str, Telemetry]:
    # Never the documents, which may have hundreds of KB each.
    rows = AssignmentTelemetry.objects.filter(user=user).order_by("-updated_at")
    columns = ("asset_slug", "engagement_score", "frustration_score", "completion_rate", "updated_at")
    return {slug: Telemetry(*rest) for slug, *rest in rows.values_list(*columns)[:MOST_TELEMETRY]}


def _assets(seen: set[int], slugs: Iterable[str], registry: Registry) -> set[int]:
    """Those that one was seen on, and for each slug its own unless one works on a translation of it."""
    found = set(seen)
    for slug in slugs:
        asset = registry.by_slug(slug)
        if asset is not None and seen.isdisjoint(one.id for one in registry.translations(asset)):
            found.add(asset.id)
    return found


def _assets_with(
    published: Iterable[Assignment],
    seen: Mapping[Key, Progress],
    telemetry: Mapping[str, Telemetry],
    registry: Registry,
) -> list[OwnAsset]:
    found: dict[int, OwnAsset] = {}
    left = dict(seen)
    for one in published:
        asset = found.setdefault(one.asset_id, OwnAsset(one.asset.slug, one.asset.title or one.asset.slug))
        asset.assignments.append(_assignment(one.key, one.title, left.pop((one.academy_id, one.key), None)))
    heard = dict(telemetry)
    for asset_id, asset in found.items():
        facts = registry.by_id.get(asset_id)
        asset.telemetry = heard.pop(registry.canonical(facts).slug if facts else asset.slug, None)
    titles = dict(Asset.objects.filter(slug__in=heard).values_list("slug", "title")) if heard else {}
    rest = [OwnAsset(slug, titles.get(slug) or slug, telemetry=one) for slug, one in heard.items()]
    if left:
        rest.append(OwnAsset("", "", [_assignment(key, "", row, published=False) for (_a, key), row in left.items()]))
    return [*found.values(), *rest]


def _assignment(key: str, title: str, row: Progress | None, *, published: bool = True) -> OwnAssignment:
    name = key.removeprefix(PREFIX)
    if row is None:
        return OwnAssignment(name, title, published)
    state = state_shown(state_of(row.last_outcome, row.attempts, row.concerns, seen=True), row.concerns)
    return OwnAssignment(
        name,
        title,
        published,
        state,
        row.attempts,
        row.errors,
        row.active_seconds,
        row.error_quotient,
        row.last_seen_at,
    )


def _own_task(task: Task, telemetry: Mapping[str, Telemetry], registry: Registry) -> OwnTask:
    asset = registry.by_slug(task.associated_slug)
    heard = telemetry.get(registry.canonical(asset).slug if asset else task.associated_slug)
    state = "done" if task.task_status == Task.Status.DONE else "working" if heard else "open"
    if heard is None:
        return OwnTask(task.title, task.associated_slug, state, None, None)
    return OwnTask(task.title, task.associated_slug, state, heard.completion, heard.updated_at)


def own_signals(user: User) -> list[Signal]:
    """What was seen of oneself, as teachers see it: what is open first, then what was over last."""
    rows = Signal.objects.filter(user=user).exclude(state=Signal.State.WITHDRAWN)
    return list(rows.order_by(F("resolved_at").desc(nulls_first=True), "-last_seen_at")[:MOST_SIGNALS])


def has_own_data(user: User) -> bool:
    """Whether there is anything of one's own to look at, for those who teach; one query."""
    first: QuerySet[Any, Any] = Progress.objects.filter(user=user).order_by().values("pk")[:1]
    others = (model.objects.filter(user=user).order_by().values("pk")[:1] for model in (AssignmentTelemetry, Task))
    return bool(first.union(*others, all=True))
