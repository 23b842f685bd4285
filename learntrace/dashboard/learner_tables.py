"""The tables of a learner's page as CSV files: headings and rows."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from learntrace.assignments.models import Task
from learntrace.dashboard import words
from learntrace.dashboard.class_grid import state_shown
from learntrace.dashboard.class_signals import SignalLine
from learntrace.dashboard.learner_reading import Telemetry
from learntrace.dashboard.table import Table
from learntrace.progress.keys import PREFIX
from learntrace.progress.learners import LearnerRow
from learntrace.signals.models import Signal


def assignments(row: LearnerRow) -> Table:
    titles = [
        _("Asset"), _("Assignment"), _("State"), _("Attempts"), _("Errors"), _("Active time (s)"), _("Error Quotient"),
        _("Last seen"),
    ]  # fmt: skip
    return titles, (
        [one.asset["slug"] if one.asset else "", one.standing.assignment.removeprefix(PREFIX),
         words.STATES[state_shown(one.standing.state, one.standing.concerns)], one.standing.attempts, one.standing.errors,
         round(one.standing.active_time, 1), one.standing.error_quotient, one.standing.last_seen_at]
        for one in row.by_assignment
    )  # fmt: skip


def telemetry(found: Iterable[Telemetry]) -> Table:
    titles = [
        _("Slug"), _("Asset"), _("Engagement"), _("Frustration"), _("Completed (%)"), _("Time (s)"), _("Last telemetry"),
    ]  # fmt: skip
    return titles, (
        [one.slug, one.title, one.engagement, one.frustration, one.completion, one.seconds, one.updated_at]
        for one in found
    )


def signals(found: Iterable[SignalLine]) -> Table:
    titles = [
        _("Signal"), _("Severity"), _("State"), _("Assignment"), _("Opened"), _("Last seen"), _("Sentence"), _("Seen by"),
    ]  # fmt: skip
    states = dict(Signal.State.choices)
    return titles, (
        [one.name, words.SEVERITIES.get(one.severity, one.severity), states.get(one.state, one.state), one.about,
         one.opened_at, one.last_seen_at, one.sentence, one.acknowledged_by]
        for one in found
    )  # fmt: skip


def tasks(found: Iterable[Task]) -> Table:
    titles = [_("Id"), _("Title"), _("Asset"), _("Type"), _("Status"), _("Revision"), _("Cohort"), _("Created")]
    return titles, (
        [task.pk, task.title, task.associated_slug, task.get_task_type_display(), task.get_task_status_display(),
         task.get_revision_status_display(), task.cohort.name if task.cohort else "", task.created_at]
        for task in found
    )  # fmt: skip
