"""The tables of the assets' pages as CSV files: headings and rows."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from learntrace.accounts.models import User
from learntrace.assignments.asset_reports import LearnerTelemetry
from learntrace.dashboard.assets.listing import AssetRow
from learntrace.dashboard.assets.statistics_page import FIGURES, Day
from learntrace.dashboard.components import labels
from learntrace.dashboard.components.table import Table, raw, rounded, timed, whole
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.reports.asset_steps import Step, Steps


def assets(rows: Iterable[AssetRow]) -> Table:
    titles = [
        _("Title"),
        _("Slug"),
        _("Type"),
        _("Languages"),
        _("Graded"),
        _("Learners"),
        _("Engagement"),
        _("Frustration"),
        _("Completed (%)"),
        timed(_("Last telemetry")),
        timed(_("Statistics computed")),
        _("Out of date"),
    ]
    return titles, map(_asset_cells, rows)


def _asset_cells(row: AssetRow) -> list[object]:
    asset, translated = row.translated.asset, row.translated
    facts = [
        translated.title,
        asset.slug,
        asset.get_asset_type_display(),
        ", ".join(map(labels.language_name, translated.languages)),
        _yes(asset.graded),
    ]
    return [*facts, *_mean_cells(row), asset.last_synch_at, _yes(row.stale)]


def _yes(fact: bool) -> str:
    return _("yes") if fact else ""


def _mean_cells(row: AssetRow) -> list[object]:
    means = row.means
    if means is None:
        return [0, None, None, None, None]
    scores = map(rounded, (means.engagement, means.frustration, means.completion))
    return [means.learners, *scores, means.newest]


def days(rows: Iterable[Day]) -> Table:
    titles = [timed(_("Day")), *(title for title, _explain in FIGURES.values())]
    return titles, ([row.day.isoformat(), *row.values] for row in rows)


def steps(report: Steps) -> Table:
    titles = [
        _("Step"),
        _("Title"),
        _("Assignment"),
        _("Completed"),
        _("Attempted"),
        _("Skipped"),
        _("Not opened"),
        _("Stopped here"),
        _("Compile struggles"),
        _("Test struggles"),
        _("Median time (s)"),
        _("Done"),
    ]
    return titles, map(_step_cells, report.rows)


def _step_cells(step: Step) -> list[object]:
    counts = step.counts
    names = [step.slug, step.title, step.key.removeprefix(PREFIX)]
    learners = [counts.completed, counts.attempted, counts.skipped, step.unread, step.stopped]
    return [*names, *learners, rounded(counts.compiled), rounded(counts.tested), counts.seconds, step.done]


def learners(rows: Iterable[LearnerTelemetry]) -> Table:
    titles = [
        _("Learner"),
        _("User name"),
        _("Engagement"),
        _("Frustration"),
        _("Completed in the latest message (%)"),
        _("Time (s)"),
        timed(_("Last telemetry")),
        raw(_("Engagement")),
        raw(_("Frustration")),
        raw(_("Completed in the latest message (%)")),
    ]
    return titles, ([*_learner_cells(row), row.engagement, row.frustration, row.completion] for row in rows)


def _learner_cells(row: LearnerTelemetry) -> list[object]:
    scores = [rounded(row.engagement), rounded(row.frustration), whole(row.completion)]
    return [row.name, row.username, *scores, row.seconds, row.updated_at]


def missing(users: Iterable[User]) -> Table:
    return [_("Learner"), _("User name")], ([user.display_name, user.username] for user in users)
