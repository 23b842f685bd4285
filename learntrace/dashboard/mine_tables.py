"""The tables of My learning, whole, as CSV files have them."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from learntrace.dashboard import words
from learntrace.dashboard.mine_days import Days
from learntrace.dashboard.mine_reading import OwnProgress
from learntrace.dashboard.mine_words import OwnSignal
from learntrace.dashboard.table import Table
from learntrace.signals.models import Signal


def assignments(progress: OwnProgress) -> Table:
    titles = [
        _("Asset"), _("Assignment"), _("State"), _("Attempts"), _("Errors"), _("Active time (s)"), _("Error Quotient"),
        _("Last seen"),
    ]  # fmt: skip
    return titles, (
        [asset.title, one.name, words.STATES[one.state], one.attempts, one.errors, round(one.active_time, 1),
         one.error_quotient, one.last_seen_at]
        for asset in progress.assets for one in asset.assignments
    )  # fmt: skip


def days(found: Days) -> Table:
    return [_("Day (UTC)"), _("Active time (s)")], ([one.day.isoformat(), round(one.seconds, 1)] for one in found.days)


def signals(lines: Iterable[OwnSignal]) -> Table:
    states = dict(Signal.State.choices)
    return [_("Kind"), _("State"), _("Since"), _("Last seen"), _("What was seen"), _("What helps")], (
        [one.name, states.get(one.state, one.state), one.opened_at, one.last_seen_at, one.told, one.helps]
        for one in lines
    )


def tasks(progress: OwnProgress) -> Table:
    return [_("Task"), _("Status"), _("Completed (%)"), _("Last telemetry")], (
        [one.title, words.STATES[one.state], one.completion, one.heard_at] for one in progress.tasks
    )
