"""What the page of one asset tells, section by section."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from learntrace.accounts.models import Academy, User
from learntrace.assignments.stats import stats_of
from learntrace.dashboard.asset_days import MOST_DAYS, Day, Figure, days_of, figures_of
from learntrace.dashboard.asset_shelf import Shelved
from learntrace.dashboard.asset_steps import Step, Steps
from learntrace.dashboard.asset_telemetry import LearnerTelemetry
from learntrace.dashboard.histogram import Histogram, histogram
from learntrace.dashboard.shell import AcademyPage
from learntrace.dashboard.status import name_of
from learntrace.notebooks.models import Notebook, NotebookAssignment
from learntrace.notebooks.shelf import last_seen
from learntrace.progress.keys import PREFIX
from learntrace.registry.models import Asset, AssetAlias

SCORE_EDGES = tuple(range(0, 100, 10))
# A quarter of an hour to three days: on an even scale, whoever left it open over a weekend would hide all others.
TIME_EDGES = (0, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 259_200)
STEP_STATES = ("completed", "attempted", "skipped", "unread")


@dataclass(frozen=True)
class Statistics:
    """The asset's statistics: as they were computed day by day, and as they would be now.

    `elsewhere` telemetry records are of learners whom the academy doesn't see.
    """

    days: Sequence[Day]
    figures: Sequence[Figure]
    synced_at: datetime | None
    stale: bool
    asked: bool
    failed: bool
    records: int
    elsewhere: int

    @property
    def newest_days(self) -> Sequence[Day]:
        """As many as the charts show, the latest first."""
        return self.days[: -MOST_DAYS - 1 : -1]


def statistics_of(shelved: Shelved, learners: Sequence[LearnerTelemetry]) -> Statistics:
    """Read them; one query."""
    asset = shelved.asset
    now = stats_of(shelved.slug)
    days = days_of(asset.telemetry_stats)
    newest = learners[0].updated_at if learners else None
    records = int(now["total_sessions"]) if now else 0
    return Statistics(
        days=days, figures=figures_of(days, now), synced_at=asset.last_synch_at,
        stale=newest is not None and (asset.last_synch_at is None or newest > asset.last_synch_at),
        asked=asset.sync_status == Asset.SyncStatus.PENDING, failed=asset.sync_status == Asset.SyncStatus.ERROR,
        records=records, elsewhere=max(records - len(learners), 0),
    )  # fmt: skip


@dataclass(frozen=True)
class StepLine:
    """A step as a line; `parts` of its bar are (state, x, width, learners), places in percent. `most`: where most stop."""

    step: Step
    number: int
    address: str
    parts: tuple[tuple[str, str, str, int], ...]
    most: bool


def step_lines(page: AcademyPage, steps: Steps) -> list[StepLine]:
    """The steps in their order."""
    return [
        StepLine(
            step, number,
            page.address("assignments-one", step.key.removeprefix(PREFIX)) if step.key and page.can("read_assignment") else "",
            _parts(step, steps.learners), most=0 < step.stopped == steps.most_stopped,
        )
        for number, step in enumerate(steps.rows, start=1)
    ]  # fmt: skip


def _parts(step: Step, learners: int) -> tuple[tuple[str, str, str, int], ...]:
    counts = (step.counts.completed, step.counts.attempted, step.counts.skipped, step.unread)
    parts, x = [], 0.0
    for state, count in zip(STEP_STATES, counts, strict=True):
        if count:
            width = 100 * count / max(learners, sum(counts))
            parts.append((state, f"{x:.2f}%", f"{width:.2f}%", count))
            x += width
    return tuple(parts)


@dataclass(frozen=True)
class Spread:
    """How a score, or the time (`times`), is spread over the learners; `explain` names its explanation."""

    title: str
    explain: str
    histogram: Histogram
    times: bool = False


def spreads_of(learners: Sequence[LearnerTelemetry]) -> list[Spread]:
    return [
        Spread(_("Engagement"), "engagement", histogram((one.engagement for one in learners), SCORE_EDGES, 100)),
        Spread(_("Frustration"), "frustration", histogram((one.frustration for one in learners), SCORE_EDGES, 100)),
        Spread(
            _("Completed (%)"), "mean_completion", histogram((one.completion for one in learners), SCORE_EDGES, 100)
        ),
        Spread(
            _("Total time"), "total_time", histogram((one.seconds for one in learners), TIME_EDGES, None), times=True
        ),
    ]


@dataclass(frozen=True)
class Cell:
    """A published notebook's assignment; `seen_at` is when the last event of it came."""

    assignment: NotebookAssignment
    name: str
    seen_at: datetime | None


@dataclass(frozen=True)
class Book:
    """A published notebook, the asset itself or a translation of it."""

    notebook: Notebook
    asset: Asset
    cells: tuple[Cell, ...]


def books_of(academy: Academy, shelved: Shelved) -> list[Book]:
    """The notebooks that the academy has published as the asset; three queries at most."""
    by_id = {one.pk: one for one in shelved.translations}
    notebooks = (
        Notebook.objects.filter(academy=academy, asset__in=by_id).prefetch_related("assignments").order_by("asset")
    )
    found = list(notebooks)
    seen = last_seen(academy, [one.tag for notebook in found for one in notebook.assignments.all()])
    return [
        Book(
            notebook, by_id[notebook.pk],
            tuple(Cell(one, one.tag.removeprefix(PREFIX), seen.get(one.tag)) for one in notebook.assignments.all()),
        )
        for notebook in found
    ]  # fmt: skip


@dataclass(frozen=True)
class Address:
    """Where something stands. Only what a browser opens as a page is a link: `javascript:` and the like are text."""

    text: str

    @property
    def link(self) -> bool:
        try:
            return urlsplit(self.text).scheme.lower() in ("http", "https")
        except ValueError:
            return False


@dataclass(frozen=True)
class Facts:
    """What the registry knows besides the asset's own columns; versions are (which document says it, which)."""

    aliases: tuple[str, ...]
    technologies: tuple[str, ...]
    deployed: Address
    translations: tuple[tuple[Asset, Address], ...]
    versions: tuple[tuple[str, str], ...]


def facts_of(shelved: Shelved) -> Facts:
    """Read them; one query."""
    asset = shelved.asset
    aliases = AssetAlias.objects.filter(asset__in=shelved.ids).order_by("slug").values_list("slug", flat=True)
    technologies = asset.technologies if isinstance(asset.technologies, list) else []
    return Facts(
        aliases=tuple(aliases), technologies=tuple(map(str, technologies)),
        deployed=Address(asset.learnpack_deploy_url or ""),
        translations=tuple((one, Address(one.url or one.readme_url or "")) for one in shelved.translations),
        versions=tuple(_versions(asset)),
    )  # fmt: skip


def _versions(asset: Asset) -> Iterator[tuple[str, str]]:
    """What a package's own documents call its version."""
    documents: Mapping[str, Any] = {"manifest": asset.manifest, "config": asset.config}
    for name, document in documents.items():
        version = document.get("version") if isinstance(document, Mapping) else None
        if isinstance(version, str | int | float):
            yield name, str(version)


@dataclass(frozen=True)
class Person:
    """Somebody who has, or should have, telemetry on the asset: the ways to the learner's page and to the diagnosis."""

    name: str
    address: str
    diagnosis: str
    learner: LearnerTelemetry | None = None


def people_with(page: AcademyPage, shelved: Shelved, learners: Iterable[LearnerTelemetry]) -> list[Person]:
    return [_person(page, shelved, one.user_id, one.username, one.name, one) for one in learners]


def people_without(page: AcademyPage, shelved: Shelved, users: Iterable[User]) -> list[Person]:
    return [_person(page, shelved, user.pk, user.username, name_of(user)) for user in users]


def _person(
    page: AcademyPage, shelved: Shelved, user_id: int, username: str, name: str, learner: LearnerTelemetry | None = None
) -> Person:
    return Person(
        name, page.address("learners-one", user_id),
        page.address("diagnosis", user=username, asset=shelved.asset.slug), learner,
    )  # fmt: skip
