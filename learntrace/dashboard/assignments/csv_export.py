"""The tables of the assignments' pages as CSV files: headings and cells."""

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext_lazy as _

from learntrace.dashboard.assignments.lines import LearnerLine
from learntrace.dashboard.components import labels
from learntrace.dashboard.components.attempts import failure_texts
from learntrace.dashboard.components.table import Columns, Table, raw, rounded, table_of, timed, whole
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.models import Activity
from learntrace.progress.reports.assignments import AssignmentRow
from learntrace.progress.reports.errors import ErrorRow


def _tenths(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


_ASSIGNMENTS: Columns[AssignmentRow] = (
    (_("Asset"), lambda row: row.asset["slug"] if row.asset else ""),
    (_("Assignment"), lambda row: row.assignment.removeprefix(PREFIX)),
    (_("Title"), lambda row: row.title),
    (_("Learners"), lambda row: row.learners),
    (_("Seen"), lambda row: row.learners_seen),
    (_("Done"), lambda row: row.learners_done),
    (_("Completed (%)"), lambda row: whole(row.completion_rate)),
    (_("Attempts"), lambda row: row.attempts),
    (_("Errors"), lambda row: row.errors),
    (_("Median active time (s)"), lambda row: _tenths(row.median_active_time)),
    (timed(_("Last seen")), lambda row: row.last_seen_at),
)
_LEARNERS: Columns[LearnerLine] = (
    (_("Learner"), lambda line: line.name),
    (_("User name"), lambda line: line.measures.learner.username),
    (_("State"), lambda line: labels.standing_word(line.measures.standing)),
    (_("Attempts"), lambda line: line.measures.attempts),
    (_("Errors"), lambda line: line.measures.errors),
    (_("Active time (s)"), lambda line: round(line.measures.active_time, 1)),
    (_("Error Quotient"), lambda line: rounded(line.measures.error_quotient)),
    (timed(_("Last seen")), lambda line: line.measures.last_seen_at),
    (timed(_("Since")), lambda line: line.measures.since),
    (_("Done because"), lambda line: labels.evidence_word(line.measures.standing)),
    (timed(_("Done at")), lambda line: line.measures.done_at),
    (_("Questions"), lambda line: line.measures.questions),
    (raw(_("Error Quotient")), lambda line: line.measures.error_quotient),
    (timed(_("Due")), lambda line: line.measures.due_at),
    (_("In time"), lambda line: labels.timeliness_text(line.measures.timeliness)),
)
_ERRORS: Columns[ErrorRow] = (
    (_("Error"), lambda error: labels.error_words(error.text)),
    (_("Variants"), lambda error: error.variant_count),
    (_("Learners"), lambda error: error.learners),
    (_("Times"), lambda error: error.times),
    (_("Median time to solve (s)"), lambda error: _tenths(error.median_seconds)),
    (raw(_("Median time to solve (s)")), lambda error: error.median_seconds),
    (_("Solved by"), lambda error: error.solved),
)
_ATTEMPTS: Columns[Activity] = (
    (timed(_("Time")), lambda row: row.at),
    (_("Outcome"), lambda row: labels.OUTCOMES.get(row.outcome or "", row.outcome)),
    (_("Errors"), lambda row: "; ".join(failure_texts(row.failures))),
    (_("Session"), lambda row: row.session_id),
    (_("Code"), lambda row: row.code_hash),
    (_("Part"), lambda row: labels.PARTS.get(row.part or "", "")),
    (_("Excluded"), lambda row: _("yes") if row.exclusion_id else ""),
    (_("Earlier course run"), lambda row: _("yes") if row.before_floor else ""),
)


def assignments(rows: Iterable[AssignmentRow]) -> Table:
    return table_of(_ASSIGNMENTS, rows)


def learners(lines: Iterable[LearnerLine]) -> Table:
    return table_of(_LEARNERS, lines)


def errors(rows: Sequence[ErrorRow]) -> Table:
    return table_of(_ERRORS, rows)


def attempts(rows: Iterable[Activity]) -> Table:
    return table_of(_ATTEMPTS, rows)
