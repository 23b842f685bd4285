"""The tables of the learners' pages as CSV files: headings and cells."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from learntrace.assignments.learner_records import LearnerTelemetry
from learntrace.assignments.models import Task
from learntrace.dashboard.components import labels
from learntrace.dashboard.components.signal_lines import SignalLine
from learntrace.dashboard.components.table import Columns, Table, raw, rounded, table_of, timed, whole
from learntrace.dashboard.learners.lines import LearnerLine
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.reports.learners import LearnerRow, TitledAssignmentRow

_LEARNERS: Columns[LearnerLine] = (
    (_("Learner"), lambda line: line.name),
    (_("User name"), lambda line: line.row.learner.username),
    (_("Assignments"), lambda line: line.row.assignments),
    (_("Done"), lambda line: line.row.done),
    (_("Completed (%)"), lambda line: whole(line.row.completion_rate)),
    (_("Attempts"), lambda line: line.row.attempts),
    (_("Errors"), lambda line: line.row.errors),
    (_("Active time (s)"), lambda line: round(line.row.active_time, 1)),
    (_("Error Quotient"), lambda line: rounded(line.row.error_quotient)),
    (_("Open signals"), lambda line: line.row.open_signals),
    (timed(_("Last seen")), lambda line: line.row.last_seen_at),
    (_("Concerns"), lambda line: line.row.concerns),
    (_("Latest assignment"), lambda line: line.work.title or line.work.name if line.work else ""),
    (_("State"), lambda line: labels.standing_word(line.standing)),
    (raw(_("Error Quotient")), lambda line: line.row.error_quotient),
)
_ASSIGNMENTS: Columns[TitledAssignmentRow] = (
    (_("Asset"), lambda row: row.asset["slug"] if row.asset else ""),
    (_("Assignment"), lambda row: row.row.assignment.removeprefix(PREFIX)),
    (_("State"), lambda row: labels.standing_word(row.row.standing)),
    (_("Attempts"), lambda row: row.row.attempts),
    (_("Errors"), lambda row: row.row.errors),
    (_("Active time (s)"), lambda row: round(row.row.active_time, 1)),
    (_("Error Quotient"), lambda row: rounded(row.row.error_quotient)),
    (timed(_("Last seen")), lambda row: row.row.last_seen_at),
    (timed(_("Since")), lambda row: row.row.since),
    (_("Done because"), lambda row: labels.evidence_word(row.row.standing)),
    (timed(_("Done at")), lambda row: row.row.done_at),
    (_("Questions"), lambda row: row.row.questions),
    (_("Title"), lambda row: row.title),
    (raw(_("Error Quotient")), lambda row: row.row.error_quotient),
    (timed(_("Due")), lambda row: row.row.due_at),
    (_("In time"), lambda row: labels.timeliness_text(row.row.timeliness)),
)
_TELEMETRY: Columns[LearnerTelemetry] = (
    (_("Slug"), lambda row: row.slug),
    (_("Asset"), lambda row: row.title),
    (_("Engagement"), lambda row: rounded(row.engagement)),
    (_("Frustration"), lambda row: rounded(row.frustration)),
    (_("Completed in the latest telemetry (%)"), lambda row: whole(row.completion)),
    (_("Time (s)"), lambda row: row.seconds),
    (timed(_("Last telemetry")), lambda row: row.updated_at),
    (raw(_("Engagement")), lambda row: row.engagement),
    (raw(_("Frustration")), lambda row: row.frustration),
    (raw(_("Completed in the latest telemetry (%)")), lambda row: row.completion),
)
_SIGNALS: Columns[SignalLine] = (
    (_("Signal"), lambda line: line.name),
    (_("Severity"), lambda line: labels.SEVERITIES.get(line.severity, line.severity)),
    (_("State"), lambda line: labels.SIGNAL_STATES.get(line.state, line.state)),
    (_("Assignment"), lambda line: line.about),
    (timed(_("Opened")), lambda line: line.opened_at),
    (timed(_("Last seen")), lambda line: line.last_seen_at),
    (_("Sentence"), lambda line: line.sentence),
    (_("Seen by"), lambda line: line.acknowledged_by),
)
_TASKS: Columns[Task] = (
    (_("Id"), lambda task: task.pk),
    (_("Title"), lambda task: task.title),
    (_("Asset"), lambda task: task.associated_slug),
    (_("Type"), lambda task: task.get_task_type_display()),
    (_("Status"), lambda task: task.get_task_status_display()),
    (_("Revision"), lambda task: task.get_revision_status_display()),
    (_("Cohort"), lambda task: task.cohort.name if task.cohort else ""),
    (timed(_("Created")), lambda task: task.created_at),
)


def learners(lines: Iterable[LearnerLine]) -> Table:
    return table_of(_LEARNERS, lines)


def assignments(row: LearnerRow) -> Table:
    return table_of(_ASSIGNMENTS, row.by_assignment)


def telemetry(rows: Iterable[LearnerTelemetry]) -> Table:
    return table_of(_TELEMETRY, rows)


def signals(lines: Iterable[SignalLine]) -> Table:
    return table_of(_SIGNALS, lines)


def tasks(rows: Iterable[Task]) -> Table:
    return table_of(_TASKS, rows)
