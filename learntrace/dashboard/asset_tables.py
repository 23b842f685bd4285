"""The tables of assets' pages as CSV files: headings and rows."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from learntrace.accounts.models import User
from learntrace.dashboard.asset_days import FIGURES, Day
from learntrace.dashboard.asset_list import AssetRow
from learntrace.dashboard.asset_steps import Steps
from learntrace.dashboard.asset_telemetry import LearnerTelemetry
from learntrace.dashboard.status import name_of
from learntrace.dashboard.table import Table
from learntrace.progress.keys import PREFIX


def assets(rows: Iterable[AssetRow]) -> Table:
    titles = [
        _("Title"), _("Slug"), _("Type"), _("Languages"), _("Graded"), _("Learners"), _("Engagement"), _("Frustration"),
        _("Completed (%)"), _("Last telemetry"), _("Statistics of"), _("Out of date"),
    ]  # fmt: skip
    return titles, (
        [row.shelved.title, row.shelved.asset.slug, row.shelved.asset.get_asset_type_display(),
         " ".join(row.shelved.languages), row.shelved.asset.graded, *_measures(row), row.shelved.asset.last_synch_at,
         row.stale]
        for row in rows
    )  # fmt: skip


def _measures(row: AssetRow) -> list[object]:
    found = row.measures
    if found is None:
        return [0, None, None, None, None]
    return [
        found.learners, _rounded(found.engagement), _rounded(found.frustration), _rounded(found.completion), found.newest
    ]  # fmt: skip


def days(found: Iterable[Day]) -> Table:
    return [_("Day (UTC)"), *(title for title, _explain in FIGURES.values())], (
        [one.day.isoformat(), *one.values] for one in found
    )


def steps(found: Steps) -> Table:
    titles = [
        _("Step"), _("Title"), _("Assignment"), _("Completed"), _("Attempted"), _("Skipped"), _("Not opened"),
        _("Stopped here"), _("Compile struggles"), _("Test struggles"), _("Median time (s)"),
    ]  # fmt: skip
    return titles, (
        [one.slug, one.title, one.key.removeprefix(PREFIX), one.counts.completed, one.counts.attempted, one.counts.skipped,
         one.unread, one.stopped, _rounded(one.counts.compiled), _rounded(one.counts.tested), one.counts.seconds]
        for one in found.rows
    )  # fmt: skip


def learners(found: Iterable[LearnerTelemetry]) -> Table:
    titles = [
        _("Learner"), _("User name"), _("Engagement"), _("Frustration"), _("Completed (%)"), _("Time (s)"), _("Last telemetry"),
    ]  # fmt: skip
    return titles, (
        [one.name, one.username, one.engagement, one.frustration, one.completion, one.seconds, one.updated_at]
        for one in found
    )


def missing(found: Iterable[User]) -> Table:
    return [_("Learner"), _("User name")], ([name_of(user), user.username] for user in found)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
