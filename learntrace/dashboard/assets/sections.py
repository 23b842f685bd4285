"""The sections of an asset's page: statistics, steps, distributions, notebooks, facts and learners."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from learntrace.accounts.models import Academy, User
from learntrace.accounts.people.naming import unambiguous
from learntrace.assignments.asset_reports import LearnerTelemetry
from learntrace.assignments.telemetry_stats import stats_now
from learntrace.dashboard.assets.statistics_page import MOST_DAYS, Day, Figure, days_of, figures_of
from learntrace.dashboard.components.charts.histogram import Histogram, histogram
from learntrace.dashboard.layout.page import AcademyPage
from learntrace.notebooks.publishing.asset_notebooks import PublishedCell, PublishedNotebook, published_notebooks
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.reports.asset_steps import Step, Steps
from learntrace.registry.models import Asset
from learntrace.registry.translated_assets import TranslatedAsset, aliases_of

SCORE_EDGES = tuple(range(0, 100, 10))
# From a quarter of an hour to three days: on a linear scale, a learner who left it open over a weekend would hide all
# others.
TIME_EDGES = (0, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 259_200)
STEP_STATES = ("completed", "attempted", "skipped", "unread")


@dataclass(frozen=True)
class Statistics:
    """The asset's statistics: as they were computed day by day, and as they would be now.

    `elsewhere` counts the telemetry records of learners whom the academy doesn't see.
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
        """As many days as the charts show, the latest first."""
        return self.days[: -MOST_DAYS - 1 : -1]


def statistics_of(translated: TranslatedAsset, learners: Sequence[LearnerTelemetry]) -> Statistics:
    """Return the statistics of an asset; two queries at most."""
    asset = translated.asset
    now = stats_now(asset)
    days = days_of(asset)
    newest = learners[0].updated_at if learners else None
    records = int(now["total_sessions"]) if now else 0
    return Statistics(
        days=days,
        figures=figures_of(days, now),
        synced_at=asset.last_synch_at,
        stale=newest is not None and (asset.last_synch_at is None or newest > asset.last_synch_at),
        asked=asset.sync_status == Asset.SyncStatus.PENDING,
        failed=asset.sync_status == Asset.SyncStatus.ERROR,
        records=records,
        elsewhere=max(records - len(learners), 0),
    )


@dataclass(frozen=True)
class StepLine:
    """A step as a line of the table.

    `parts` of its bar are (state, x, width, learners), x and width in percent. `most` marks where most learners stop.
    """

    step: Step
    number: int
    url: str
    parts: tuple[tuple[str, str, str, int], ...]
    most: bool


def step_lines(page: AcademyPage, steps: Steps) -> list[StepLine]:
    """Return the steps as lines, in their order."""
    return [
        StepLine(
            step,
            number,
            url=_assignment_url(page, step),
            parts=_bar_parts(step, steps.learners),
            most=0 < step.stopped == steps.most_stopped,
        )
        for number, step in enumerate(steps.rows, start=1)
    ]


def _assignment_url(page: AcademyPage, step: Step) -> str:
    if not step.key or not page.can("read_assignment"):
        return ""
    return page.address("assignments-one", step.key.removeprefix(PREFIX))


def _bar_parts(step: Step, learners: int) -> tuple[tuple[str, str, str, int], ...]:
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
    """The distribution of a score, or of the time (`times`), over the learners; `explain` names its explanation."""

    title: str
    explain: str
    histogram: Histogram
    times: bool = False


def spreads_of(learners: Sequence[LearnerTelemetry]) -> list[Spread]:
    """Return the distributions of the learners' scores and times."""
    engagement = histogram((learner.engagement for learner in learners), SCORE_EDGES, 100)
    frustration = histogram((learner.frustration for learner in learners), SCORE_EDGES, 100)
    completion = histogram((learner.completion for learner in learners), SCORE_EDGES, 100)
    seconds = histogram((learner.seconds for learner in learners), TIME_EDGES, None)
    return [
        Spread(_("Engagement"), "engagement", engagement),
        Spread(_("Frustration"), "frustration", frustration),
        Spread(_("Completed (%)"), "mean_completion", completion),
        Spread(_("Total time"), "total_time", seconds, times=True),
    ]


@dataclass(frozen=True)
class CellLine:
    """A published notebook's assignment as a line, with its name in the URL."""

    cell: PublishedCell
    name: str


@dataclass(frozen=True)
class NotebookSection:
    """A published notebook, of the asset itself or of a translation of it."""

    notebook: PublishedNotebook
    asset: Asset
    cells: tuple[CellLine, ...]


def notebook_sections(academy: Academy, translated: TranslatedAsset) -> list[NotebookSection]:
    """Return the notebooks that the academy has published as the asset; three queries at most."""
    assets = {asset.pk: asset for asset in translated.translations}
    return [
        NotebookSection(
            notebook,
            assets[notebook.asset_id],
            tuple(CellLine(cell, cell.tag.removeprefix(PREFIX)) for cell in notebook.cells),
        )
        for notebook in published_notebooks(academy, assets)
    ]


@dataclass(frozen=True)
class WebUrl:
    """A URL that somebody entered. Only an http or https URL becomes a link; `javascript:` and the like stay text."""

    text: str

    @property
    def link(self) -> bool:
        try:
            return urlsplit(self.text).scheme.lower() in ("http", "https")
        except ValueError:
            return False


@dataclass(frozen=True)
class Facts:
    """What the registry holds besides the asset's own columns; versions are (document, version)."""

    aliases: tuple[str, ...]
    technologies: tuple[str, ...]
    deployed: WebUrl
    translations: tuple[tuple[Asset, WebUrl], ...]
    versions: tuple[tuple[str, str], ...]


def facts_of(translated: TranslatedAsset) -> Facts:
    """Return the facts on an asset; one query."""
    asset = translated.asset
    technologies = asset.technologies if isinstance(asset.technologies, list) else []
    return Facts(
        aliases=aliases_of(translated.ids),
        technologies=tuple(map(str, technologies)),
        deployed=WebUrl(asset.learnpack_deploy_url or ""),
        translations=tuple((other, WebUrl(other.url or other.readme_url or "")) for other in translated.translations),
        versions=tuple(_versions(asset)),
    )


def _versions(asset: Asset) -> Iterator[tuple[str, str]]:
    """Yield the version that each of the package's own documents states."""
    documents: Mapping[str, Any] = {"manifest": asset.manifest, "config": asset.config}
    for name, document in documents.items():
        version = document.get("version") if isinstance(document, Mapping) else None
        if isinstance(version, str | int | float):
            yield name, str(version)


@dataclass(frozen=True)
class Person:
    """A learner who has, or should have, telemetry on the asset, with the URLs of the learner's page and diagnosis."""

    name: str
    url: str
    diagnosis_url: str
    learner: LearnerTelemetry | None = None


def people_with(
    page: AcademyPage, translated: TranslatedAsset, learners: Iterable[LearnerTelemetry]
) -> Sequence[Person]:
    """Return learners who have telemetry on the asset."""
    return [
        Person(
            learner.name,
            page.address("learners-one", learner.user_id),
            page.address("diagnosis", user=unambiguous(learner.user_id), asset=translated.asset.slug),
            learner,
        )
        for learner in learners
    ]


def people_without(page: AcademyPage, translated: TranslatedAsset, users: Iterable[User]) -> Sequence[Person]:
    """Return users who have no telemetry on the asset."""
    return [
        Person(
            user.display_name,
            page.address("learners-one", user.pk),
            page.address("diagnosis", user=unambiguous(user.pk), asset=translated.asset.slug),
        )
        for user in users
    ]
