"""Assets: how learners do on each, step by step and day by day, and whether its statistics are up to date."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from learntrace.assignments.asset_reports import MOST_LEARNERS, LearnerTelemetry, learners_on
from learntrace.core.errors import Problem
from learntrace.core.http.filters import natural
from learntrace.dashboard.assets import csv_export
from learntrace.dashboard.assets.listing import AssetRow, Filters, add_means, rows_of
from learntrace.dashboard.assets.sections import (
    STEP_STATES,
    Facts,
    NotebookSection,
    Person,
    Spread,
    Statistics,
    StepLine,
    facts_of,
    notebook_sections,
    people_with,
    people_without,
    spreads_of,
    statistics_of,
    step_lines,
)
from learntrace.dashboard.assets.statistics_page import days_of
from learntrace.dashboard.components.table import Paging, Table, csv_answer, csv_of, paged, sorted_rows, wants_csv
from learntrace.dashboard.concerns.cards import Cards, cards_of
from learntrace.dashboard.layout.page import AcademyPage, academy_page
from learntrace.dashboard.layout.sign_in import safe_next
from learntrace.progress.corrections import step_renames
from learntrace.progress.corrections.step_renames import FormerStepRow, current_steps, former_steps
from learntrace.progress.reports.asset_steps import Steps, steps_of
from learntrace.progress.reports.missing_telemetry import learners_without_telemetry
from learntrace.progress.standings.asset_dues import CohortDue, asset_dues
from learntrace.registry.models import Asset
from learntrace.registry.sync import ACTIONS
from learntrace.registry.translated_assets import TranslatedAsset, translated_asset, translated_assets
from learntrace.signals.concerns.of_class import concerns_on_assets

MOST_MISSING = 10

_SORTABLE: Mapping[str, Callable[[LearnerTelemetry], Any]] = {
    "learner": lambda learner: (learner.last_name.casefold(), learner.first_name.casefold(), learner.username),
    "engagement": attrgetter("engagement"),
    "frustration": attrgetter("frustration"),
    "completion": attrgetter("completion"),
    "time": attrgetter("seconds"),
    "last_telemetry": attrgetter("updated_at"),
}
_LATEST = "-last_telemetry"


@dataclass(frozen=True)
class AssetsContext:
    """The context of `assets/assets.html`; `types` are (value, label)."""

    filters: Filters
    paging: Paging[AssetRow]
    rows: Sequence[AssetRow]
    nothing: bool
    types: Sequence[tuple[str, str | Promise]]
    languages: Sequence[str]
    default_sort: str = "title"


@dataclass(frozen=True, kw_only=True)
class LearnersContext:
    """The learners with telemetry on an asset, and those of whom it is missing; empty without `read_assignment`."""

    paging: Paging[LearnerTelemetry] | None = None
    rows: Sequence[Person] = ()
    missing: Sequence[Person] = ()
    missing_count: int = 0


@dataclass(frozen=True, kw_only=True)
class AssetContext(LearnersContext):
    """The context of `assets/asset.html`; `current_steps` are (key, title).

    `rename`, `sync`, `status`, `diagnosis`, `its_assignments` and `due_dates` are URLs.
    """

    translated: TranslatedAsset
    asset: Asset
    facts: Facts
    people: bool
    statistics: Statistics
    can_sync: bool
    sync: str
    status: str
    diagnosis: str
    its_assignments: str
    steps: Steps
    lines: Sequence[StepLine]
    former_steps: Sequence[FormerStepRow]
    current_steps: Sequence[tuple[str, str]]
    can_rename: bool
    rename: str
    spreads: Sequence[Spread]
    learner_count: int
    notebooks: Sequence[NotebookSection]
    cards: Cards
    dues: Sequence[CohortDue] = ()
    due_dates: str = ""
    states: Sequence[str] = STEP_STATES
    most: int = MOST_LEARNERS
    default_sort: str = _LATEST


@require_safe
@academy_page("read_asset")
def assets(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show the academy's assets with the means of their telemetry."""
    entries = translated_assets(page.academy)
    rows = rows_of(page.academy, entries, request, with_means=wants_csv(request))
    if wants_csv(request):
        return csv_answer("assets", *csv_export.assets(rows))
    paging = paged(rows, request)
    used_types = {entry.asset.asset_type for entry in entries}
    context = AssetsContext(
        filters=Filters.of(request),
        paging=paging,
        rows=add_means(page.academy, paging.rows),
        nothing=not entries,
        types=[choice for choice in Asset.Type.choices if choice[0] in used_types],
        languages=sorted({lang for entry in entries for lang in entry.languages}),
    )
    return page.show("assets/assets.html", context)


@require_safe
@academy_page("read_asset")
def asset(request: HttpRequest, page: AcademyPage, slug: str) -> HttpResponse:
    """Show all about one asset, under its canonical slug."""
    translated = translated_asset(page.academy, slug)
    if slug != translated.asset.slug:
        # Aliases, ids and translations lead to it; the query string stays.
        query = request.GET.urlencode()
        return redirect(reverse("assets-one", args=[translated.asset.slug]) + (f"?{query}" if query else ""))
    learners = learners_on(page.academy, translated.slug)
    tables = _tables(request, page, translated, learners)
    if (answer := csv_of(request, slug, tables)) is not None:
        return answer
    return page.show("assets/asset.html", _asset_context(request, page, translated, learners))


def _asset_context(
    request: HttpRequest, page: AcademyPage, translated: TranslatedAsset, learners: Sequence[LearnerTelemetry]
) -> AssetContext:
    slug = translated.asset.slug
    steps = steps_of(page.academy, translated, learners)
    people = page.can("read_assignment")
    asset_ids = [translation.pk for translation in translated.translations]
    former = former_steps(page.academy, asset_ids) if people else []
    learners_context = _learners_context(request, page, translated, learners) if people else LearnersContext()
    return AssetContext(
        **vars(learners_context),
        translated=translated,
        asset=translated.asset,
        facts=facts_of(translated),
        people=people,
        statistics=statistics_of(translated, learners),
        can_sync=page.can("crud_asset"),
        sync=page.address("assets-action", slug, "sync_telemetry_stats"),
        status=page.address("status"),
        diagnosis=page.address("diagnosis", asset=slug),
        its_assignments=page.address("assignments", asset=slug),
        steps=steps,
        lines=step_lines(page, steps),
        former_steps=former,
        current_steps=current_steps(page.academy, asset_ids) if former else (),
        can_rename=page.can("crud_telemetry") and page.sees_all,
        rename=page.address("assets-rename", slug),
        spreads=spreads_of(learners),
        learner_count=len(learners),
        notebooks=notebook_sections(page.academy, translated),
        cards=cards_of(page, concerns_on_assets(page.academy, translated.translations)) if people else Cards(),
        dues=asset_dues(page.academy, asset_ids) if people else (),
        due_dates=page.address("people-due-dates"),
    )


@require_POST
@academy_page("crud_asset")
def action(request: HttpRequest, page: AcademyPage, slug: str, action: str) -> HttpResponse:
    """Run one of the registry's actions on an asset, and return to the page that asked for it."""
    translated = translated_asset(page.academy, slug)
    if action not in ACTIONS:
        raise Problem(_("Invalid action %(action)s"), action=action)
    ACTIONS[action](translated.asset, page.academy)
    return redirect(safe_next(request))


@require_POST
@academy_page("crud_telemetry")
def rename_step(request: HttpRequest, page: AcademyPage, slug: str) -> HttpResponse:
    """Join a former step with the one that replaced it, or undo that, and return to the asset's page."""
    translated = translated_asset(page.academy, slug)
    undo_id = natural(request.POST.get("undo", "").strip())
    if undo_id is not None:
        step_renames.undo(page.academy, undo_id, page.user)
        messages.success(request, _("The two steps are separate again."))
    else:
        old, new = request.POST.get("old", ""), request.POST.get("new", "")
        try:
            step_renames.rename(page.academy, old, new, page.user)
        except step_renames.RenameRefused as refused:
            messages.error(request, refused.told())
        else:
            messages.success(request, _("The attempts at both steps are read as one assignment now."))
    return redirect(page.address("assets-one", translated.asset.slug))


def _learners_context(
    request: HttpRequest, page: AcademyPage, translated: TranslatedAsset, learners: Sequence[LearnerTelemetry]
) -> LearnersContext:
    paging = paged(sorted_rows(learners, request, _SORTABLE, _LATEST), request)
    missing = learners_without_telemetry(page.academy, translated)
    return LearnersContext(
        paging=paging,
        rows=people_with(page, translated, paging.rows),
        missing=people_without(page, translated, missing[:MOST_MISSING]),
        missing_count=len(missing),
    )


def _tables(
    request: HttpRequest, page: AcademyPage, translated: TranslatedAsset, learners: Sequence[LearnerTelemetry]
) -> dict[str, Callable[[], Table]]:
    """Return the page's tables for CSV files; those that name people need `read_assignment`."""
    tables: dict[str, Callable[[], Table]] = {
        "steps": lambda: csv_export.steps(steps_of(page.academy, translated, learners)),
        "days": lambda: csv_export.days(days_of(translated.asset)),
    }
    if page.can("read_assignment"):
        tables["learners"] = lambda: csv_export.learners(sorted_rows(learners, request, _SORTABLE, _LATEST))
        tables["missing"] = lambda: csv_export.missing(learners_without_telemetry(page.academy, translated))
    return tables
