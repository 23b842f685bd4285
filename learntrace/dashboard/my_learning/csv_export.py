"""The tables of My learning as CSV files."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from learntrace.dashboard.components import labels
from learntrace.dashboard.components.table import Table, raw, rounded, timed, whole
from learntrace.dashboard.my_learning.active_days import Days
from learntrace.dashboard.my_learning.advice import OwnSignal
from learntrace.progress.reports.own_progress import OwnAsset, OwnAssignment, OwnProgress
from learntrace.signals.models import Signal


def assignments(progress: OwnProgress) -> Table:
    titles = [
        _("Asset"),
        _("Assignment"),
        _("State"),
        _("Attempts"),
        _("Errors"),
        _("Active time (s)"),
        _("Error Quotient"),
        timed(_("Last seen")),
        timed(_("Since")),
        _("Done because"),
        timed(_("Done at")),
        _("Questions"),
        raw(_("Error Quotient")),
        timed(_("Due")),
        _("In time"),
    ]
    return titles, (
        [asset.title, *_assignment_cells(assignment), *_due_cells(asset)]
        for asset in progress.assets
        for assignment in asset.assignments
    )


def _assignment_cells(row: OwnAssignment) -> list[object]:
    standing = row.standing
    counts = [row.attempts, row.errors, round(row.active_time, 1)]
    evidence = [standing.since, labels.evidence_word(standing), standing.done_at, row.questions]
    return [
        row.name,
        labels.standing_word(standing),
        *counts,
        rounded(row.error_quotient),
        row.last_seen_at,
        *evidence,
        row.error_quotient,
    ]


def _due_cells(asset: OwnAsset) -> list[object]:
    return [asset.due.at if asset.due else None, labels.timeliness_text(asset.timeliness)]


def days(active: Days) -> Table:
    return [timed(_("Day")), _("Active time (s)")], (
        [day.day.isoformat(), round(day.seconds, 1)] for day in active.days
    )


def signals(lines: Iterable[OwnSignal]) -> Table:
    states = dict(Signal.State.choices)
    return [_("Kind"), _("State"), timed(_("Since")), timed(_("Last seen")), _("What was seen"), _("What helps")], (
        [line.name, states.get(line.state, line.state), line.opened_at, line.last_seen_at, line.sentence, line.advice]
        for line in lines
    )


def tasks(progress: OwnProgress) -> Table:
    titles = [_("Task"), _("Status"), _("Completed in LearnPack's latest message (%)"), timed(_("Last telemetry"))]
    return titles, ([task.title, task.status, whole(task.completion), task.telemetry_at] for task in progress.tasks)
