"""Assets: how learners do on each, step by step and day by day, and whether its statistics say so yet."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from learntrace.core.errors import Problem
from learntrace.dashboard import asset_tables
from learntrace.dashboard.asset_days import days_of
from learntrace.dashboard.asset_list import Filters, measured, rows_of
from learntrace.dashboard.asset_page import (
    STEP_STATES,
    books_of,
    facts_of,
    people_with,
    people_without,
    spreads_of,
    statistics_of,
    step_lines,
)
from learntrace.dashboard.asset_shelf import Shelved, shelved_as, shelved_in
from learntrace.dashboard.asset_steps import steps_of
from learntrace.dashboard.asset_telemetry import MOST_LEARNERS, LearnerTelemetry, learners_on, learners_without
from learntrace.dashboard.shell import AcademyPage, academy_page
from learntrace.dashboard.sign_in import safe_next
from learntrace.dashboard.table import Table, csv_answer, csv_of, paged, sorted_rows, wants_csv
from learntrace.registry.models import Asset
from learntrace.registry.sync import ACTIONS

MOST_MISSING = 10

_LEARNERS: Mapping[str, Callable[[LearnerTelemetry], Any]] = {
    "learner": lambda one: (one.last_name.casefold(), one.first_name.casefold(), one.username),
    "engagement": attrgetter("engagement"),
    "frustration": attrgetter("frustration"),
    "completion": attrgetter("completion"),
    "time": attrgetter("seconds"),
    "last_telemetry": attrgetter("updated_at"),
}
_LATEST = "-last_telemetry"


@require_safe
@academy_page("read_asset")
def assets(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """The academy's assets with what learners did on them."""
    shelf = shelved_in(page.academy)
    rows = rows_of(page.academy, shelf, request, whole=wants_csv(request))
    if wants_csv(request):
        return csv_answer("assets", *asset_tables.assets(rows))
    paging = paged(rows, request)
    used = {one.asset.asset_type for one in shelf}
    shown: dict[str, Any] = {
        "filters": Filters.of(request), "paging": paging, "rows": measured(page.academy, paging.rows),
        "nothing": not shelf, "types": [choice for choice in Asset.Type.choices if choice[0] in used],
        "languages": sorted({lang for one in shelf for lang in one.languages}), "default_sort": "title",
    }  # fmt: skip
    return page.show("assets.html", shown)


@require_safe
@academy_page("read_asset")
def asset(request: HttpRequest, page: AcademyPage, slug: str) -> HttpResponse:
    """Everything about one asset, under its canonical slug."""
    shelved = shelved_as(page.academy, slug)
    if slug != shelved.asset.slug:
        # Aliases, ids and translations stand for it; what else the address asks for stays.
        query = request.GET.urlencode()
        return redirect(reverse("assets-one", args=[shelved.asset.slug]) + (f"?{query}" if query else ""))
    learners = learners_on(page.academy, shelved.slug)
    tables = _tables(request, page, shelved, learners)
    if (answer := csv_of(request, shelved.asset.slug, tables)) is not None:
        return answer
    steps = steps_of(page.academy, shelved, learners)
    slug = shelved.asset.slug
    shown: dict[str, Any] = {
        "shelved": shelved, "asset": shelved.asset, "facts": facts_of(shelved), "people": page.can("read_assignment"),
        "statistics": statistics_of(shelved, learners), "can_sync": page.can("crud_asset"),
        "sync": page.address("assets-action", slug, "sync_telemetry_stats"), "status": page.address("status"),
        "diagnosis": page.address("diagnosis", asset=slug), "its_assignments": page.address("assignments", asset=slug),
        "steps": steps, "lines": step_lines(page, steps), "states": STEP_STATES, "spreads": spreads_of(learners),
        "learner_count": len(learners), "most": MOST_LEARNERS, "books": books_of(page.academy, shelved),
        "default_sort": _LATEST,
    }  # fmt: skip
    if shown["people"]:
        shown |= _people(request, page, shelved, learners)
    return page.show("asset.html", shown)


@require_POST
@academy_page("crud_asset")
def action(request: HttpRequest, page: AcademyPage, slug: str, action: str) -> HttpResponse:
    """Do one of the registry's actions to an asset, and go on where one was."""
    shelved = shelved_as(page.academy, slug)
    if action not in ACTIONS:
        raise Problem(_("Invalid action %(action)s"), action=action)
    ACTIONS[action](shelved.asset)
    return redirect(safe_next(request))


def _people(
    request: HttpRequest, page: AcademyPage, shelved: Shelved, learners: Sequence[LearnerTelemetry]
) -> dict[str, Any]:
    """Who has telemetry on the asset, and of whom it is missing."""
    paging = paged(sorted_rows(learners, request, _LEARNERS, _LATEST), request)
    missing = learners_without(page.academy, shelved)
    return {
        "paging": paging, "rows": people_with(page, shelved, paging.rows),
        "missing": people_without(page, shelved, missing[:MOST_MISSING]), "missing_count": len(missing),
    }  # fmt: skip


def _tables(
    request: HttpRequest, page: AcademyPage, shelved: Shelved, learners: Sequence[LearnerTelemetry]
) -> dict[str, Callable[[], Table]]:
    """The page's tables; those that name people are for who may know of them."""
    tables: dict[str, Callable[[], Table]] = {
        "steps": lambda: asset_tables.steps(steps_of(page.academy, shelved, learners)),
        "days": lambda: asset_tables.days(days_of(shelved.asset.telemetry_stats)),
    }
    if page.can("read_assignment"):
        tables["learners"] = lambda: asset_tables.learners(sorted_rows(learners, request, _LEARNERS, _LATEST))
        tables["missing"] = lambda: asset_tables.missing(learners_without(page.academy, shelved))
    return tables
