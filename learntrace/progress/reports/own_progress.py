"""A learner's own progress over all academies: assets with their assignments, and tasks."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from learntrace.accounts.models import User
from learntrace.assignments.due_dates.reading import dues_of_learner
from learntrace.assignments.due_dates.standing import Due, Timeliness, timeliness
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.measures.learner_state import NOT_STARTED, Standing
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.catalogue import Title
from learntrace.progress.evidence import standing_of
from learntrace.progress.last_seen import last_seen_anywhere
from learntrace.progress.models import Assignment, Progress
from learntrace.registry.resolution import Registry, load_registry
from learntrace.registry.visibility import nameable_assets

MOST_TASKS = 200
MOST_TELEMETRY = 500
MOST_SHOWN = 300
"""Of the assignments without an asset, only this many are shown, those seen most recently: a client may name any number."""

_AcademyAndKey = tuple[int | None, str]
"""An academy's id and the key of an assignment."""


@dataclass(frozen=True)
class LatestTelemetry:
    """The latest telemetry on an asset: scores and completion 0 to 100, None where there is no value."""

    engagement: float | None
    frustration: float | None
    completion: float | None
    updated_at: datetime


@dataclass(frozen=True)
class OwnAssignment:
    """The learner's measures on an assignment; `error_quotient` 0 to 1 or None, `active_time` in seconds."""

    key: str
    title: str
    published: bool
    standing: Standing = NOT_STARTED
    attempts: int = 0
    errors: int = 0
    active_time: float = 0.0
    error_quotient: float | None = None
    questions: int = 0
    last_seen_at: datetime | None = None

    @property
    def name(self) -> str:
        """The key without its prefix."""
        return self.key.removeprefix(PREFIX)

    @property
    def state(self) -> str:
        return self.standing.state


@dataclass
class OwnAsset:
    """An asset with its assignments in their order; `slug` is empty for assignments without an asset.

    The telemetry of a notebook is made from the same states, that of a package is what its client said last.
    """

    slug: str
    title: str
    assignments: list[OwnAssignment] = field(default_factory=list)
    telemetry: LatestTelemetry | None = None
    of_notebook: bool = False
    due: Due | None = None

    @property
    def timeliness(self) -> Timeliness:
        """How the learner stands towards the due date: an asset is done once all of its assignments are."""
        all_done = bool(self.total) and self.done == self.total
        times = [assignment.standing.done_at for assignment in self.assignments if assignment.published]
        done_at = max((at for at in times if at is not None), default=None) if all_done else None
        return timeliness(self.due, done_at, timezone.now(), done=all_done)

    @property
    def shown(self) -> list[OwnAssignment]:
        """The assignments for a page: all that were published, and of the others those that were seen last."""
        if self.slug or len(self.assignments) <= MOST_SHOWN:
            return self.assignments
        return sorted(self.assignments, key=lambda assignment: -_seconds(assignment.last_seen_at))[:MOST_SHOWN]

    @property
    def hidden(self) -> int:
        """How many assignments a page leaves out."""
        return len(self.assignments) - len(self.shown)

    @property
    def total(self) -> int:
        return sum(assignment.published for assignment in self.assignments)

    @property
    def done(self) -> int:
        return sum(assignment.published and assignment.state == "done" for assignment in self.assignments)

    @property
    def attempts(self) -> int:
        return sum(assignment.attempts for assignment in self.assignments)

    @property
    def errors(self) -> int:
        return sum(assignment.errors for assignment in self.assignments)

    @property
    def active_time(self) -> float:
        return sum(assignment.active_time for assignment in self.assignments)

    @property
    def error_quotient(self) -> float | None:
        return _mean(assignment.error_quotient for assignment in self.assignments)

    @property
    def last_seen_at(self) -> datetime | None:
        moments = (assignment.last_seen_at for assignment in self.assignments if assignment.last_seen_at)
        return max(moments, default=None)

    @property
    def changed_at(self) -> datetime | None:
        """When something about it changed last, by which assets are sorted: staff may have written its telemetry."""
        moments = (self.last_seen_at, self.telemetry.updated_at if self.telemetry else None)
        return max((moment for moment in moments if moment is not None), default=None)


@dataclass(frozen=True)
class OwnTask:
    """A task of the learner; `status` in words, as staff reads it; `completion` in percent, None where it isn't measured."""

    title: str
    slug: str
    done: bool
    status: str
    completion: float | None
    telemetry_at: datetime | None


@dataclass(frozen=True)
class OwnProgress:
    """The assets, those that the learner worked on last first, and the tasks."""

    assets: list[OwnAsset]
    tasks: list[OwnTask]
    last_seen_at: datetime | None

    @property
    def assignments(self) -> list[OwnAssignment]:
        return [assignment for asset in self.assets for assignment in asset.assignments]

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
        return _mean(assignment.error_quotient for assignment in self.assignments)


def own_titles(progress: OwnProgress) -> dict[str, str]:
    """Return what each assignment is called by its key, with its asset's title before it where another asset has an equal one.

    As `catalogue.titles_of` does for a class; among the assets that the learner sees.
    """
    assets: dict[str, set[str]] = {}
    for asset in progress.assets:
        for assignment in asset.assignments:
            assets.setdefault(assignment.title, set()).add(asset.slug)
    return {
        assignment.key: str(Title(assignment.title, asset.title if len(assets[assignment.title]) > 1 else ""))
        for asset in progress.assets
        for assignment in asset.assignments
        if assignment.title
    }


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def own_progress(user: User, academy_ids: Iterable[int]) -> OwnProgress:
    """Return the learner's progress on all assets that the learner was seen on or has a task on.

    Thirteen queries at most, two more where something is due.
    """
    seen: dict[_AcademyAndKey, Progress] = {
        (row.academy_id, row.assignment): row for row in Progress.objects.filter(user=user).defer("state")
    }
    tasks = _tasks(user)
    telemetry = _telemetry(user)
    academies = {*academy_ids, *(academy for academy, _key in seen if academy is not None)}
    assignments = Assignment.objects.filter(academy__in=academies)
    seen_assets = set(assignments.filter(key__in={key for _academy, key in seen}).values_list("asset_id", flat=True))
    slugs = {task.associated_slug for task in tasks} | telemetry.keys()
    registry = load_registry(ids=seen_assets, slugs=slugs)
    shown = _shown_assets(seen_assets, slugs, registry)
    published = assignments.filter(asset__in=shown).select_related("asset").order_by("asset__slug", "position", "pk")
    assets = _own_assets(published, seen, telemetry, registry, academies)
    dues = dues_of_learner(user.pk)
    for asset in assets:
        asset.due = dues.of(user.pk, asset.slug)
    return OwnProgress(
        sorted(assets, key=lambda asset: (asset.slug == "", -_seconds(asset.changed_at), asset.title.casefold())),
        [_own_task(task, telemetry, registry) for task in tasks],
        last_seen_anywhere(user.pk),
    )


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def _tasks(user: User) -> list[Task]:
    rows = Task.objects.filter(user=user).only("title", "associated_slug", "task_status")
    return list(rows.order_by("-task_status", "-id")[:MOST_TASKS])


def _telemetry(user: User) -> dict[str, LatestTelemetry]:
    # Without the documents, which may have hundreds of KB each.
    rows = AssignmentTelemetry.objects.filter(user=user).order_by("-updated_at")
    columns = ("asset_slug", "engagement_score", "frustration_score", "completion_rate", "updated_at")
    return {slug: LatestTelemetry(*values) for slug, *values in rows.values_list(*columns)[:MOST_TELEMETRY]}


def _shown_assets(seen_assets: set[int], slugs: Iterable[str], registry: Registry) -> set[int]:
    """Return the assets that the learner was seen on, and the asset of each slug, unless the learner works on a
    translation of it."""
    shown = set(seen_assets)
    for slug in slugs:
        asset = registry.by_slug(slug)
        if asset is not None and seen_assets.isdisjoint(other.id for other in registry.translations(asset)):
            shown.add(asset.id)
    return shown


def _own_assets(
    published: Iterable[Assignment],
    seen: Mapping[_AcademyAndKey, Progress],
    telemetry: Mapping[str, LatestTelemetry],
    registry: Registry,
    academies: Collection[int],
) -> list[OwnAsset]:
    assets: dict[int, OwnAsset] = {}
    unpublished = dict(seen)
    for row in published:
        asset = assets.setdefault(row.asset_id, OwnAsset(row.asset.slug, row.asset.title or row.asset.slug))
        asset.of_notebook = asset.of_notebook or row.key.startswith(PREFIX)
        asset.assignments.append(_own_assignment(row.key, row.title, unpublished.pop((row.academy_id, row.key), None)))
    other_telemetry = dict(telemetry)
    for asset_id, asset in assets.items():
        facts = registry.by_id.get(asset_id)
        asset.telemetry = other_telemetry.pop(registry.canonical(facts).slug if facts else asset.slug, None)
    rest = _assets_with_telemetry_only(other_telemetry, academies)
    if unpublished:
        rest.append(_asset_of_unpublished(unpublished))
    return [*assets.values(), *rest]


def _assets_with_telemetry_only(telemetry: Mapping[str, LatestTelemetry], academies: Collection[int]) -> list[OwnAsset]:
    # Staff may have written telemetry under a slug of another academy's private asset: its title is hidden.
    named = nameable_assets(academies).filter(slug__in=telemetry)
    titles = dict(named.values_list("slug", "title")) if telemetry else {}
    return [OwnAsset(slug, titles.get(slug) or slug, telemetry=latest) for slug, latest in telemetry.items()]


def _asset_of_unpublished(unpublished: Mapping[_AcademyAndKey, Progress]) -> OwnAsset:
    assignments = [_own_assignment(key, "", row, published=False) for (_academy, key), row in unpublished.items()]
    return OwnAsset("", "", assignments)


def _own_assignment(key: str, title: str, row: Progress | None, *, published: bool = True) -> OwnAssignment:
    if row is None:
        return OwnAssignment(key, title, published)
    return OwnAssignment(
        key,
        title,
        published,
        standing_of(row),
        row.attempts,
        row.errors,
        row.active_seconds,
        row.error_quotient,
        row.questions,
        row.last_seen_at,
    )


def _own_task(task: Task, telemetry: Mapping[str, LatestTelemetry], registry: Registry) -> OwnTask:
    asset = registry.by_slug(task.associated_slug)
    latest = telemetry.get(registry.canonical(asset).slug if asset else task.associated_slug)
    done, status = task.task_status == Task.Status.DONE, task.get_task_status_display()
    if latest is None:
        return OwnTask(task.title, task.associated_slug, done, status, None, None)
    return OwnTask(task.title, task.associated_slug, done, status, latest.completion, latest.updated_at)


def has_own_data(user: User) -> bool:
    """Whether the user has any progress, telemetry or task; one query."""
    progress: QuerySet[Any, Any] = Progress.objects.filter(user=user).order_by().values("pk")[:1]
    others = (model.objects.filter(user=user).order_by().values("pk")[:1] for model in (AssignmentTelemetry, Task))
    return bool(progress.union(*others, all=True))
