"""How each number on a page is computed, for the "?" beside it: definitions of measures and of signals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learntrace.core.words import counted
from learntrace.progress.explain.definitions import DEFINITIONS, OURS
from learntrace.signals.concerns.explanation import class_definition, definition, hand_definition
from learntrace.signals.detectors import KINDS

# Numbers on pages that the API does not have.
OWN: Mapping[str, str | Promise] = {
    "here_now": _("Learners active in the last 5 minutes."),
    "attempts_per_minute": _(
        "Successful and failed attempts of the last 5 minutes, divided by 5. The line shows the last 30 minutes."
    ),
    "failing_share": _("The share of attempts that failed in the last 5 minutes. The line shows the last 30 minutes."),
    "class_state": _(
        "Not started: no activity yet. Working: some activity. Struggling: not done, with an open signal of trouble. "
        "Stuck: not done, with an open signal “Stuck”. Done: stays done, whatever comes later. The time says since when, "
        "a number counts failed attempts. A frame marks the assignment that the learner worked on last, within 30 minutes."
    ),
    "who_needs_help": _(
        "By the most severe open signal, then by the number of assignments the learner is stuck or struggling on, then by "
        "failed attempts on what isn't done, and then by name."
    ),
    "class_path": _(
        "How far the learners who have begun have come, in the order of the columns: the last assignment that each worked on. "
        "Half of them are at least as far as the median learner. The middle half leaves out the quarter furthest behind and "
        "the quarter furthest ahead."
    ),
    "met_now": _(
        "The errors that most learners had in the last 30 minutes. The other figures cover all time, as on the "
        "assignment's page."
    ),
    "active_day": _(
        "Active time on all assignments by day, in your time zone. Each pause between two events counts, up to 5 minutes "
        "unless your academy has set another limit."
    ),
    "own_error_quotient": _(
        "From 0 to 1: how often a failed attempt was followed by another failed one, more so with the same kind of error; "
        "the mean of your assignments. A high value only says that errors took you several attempts."
    ),
    "own_state": _(
        "Not started: no activity yet. Working: some activity. Struggling: not done, with an open signal of trouble. "
        "Stuck: not done, with an open signal “Stuck”. Done: stays done, whatever comes later. The time says since when."
    ),
    "own_last_seen_at": _("Your latest event, by your computer's clock, or by its arrival where that clock is ahead."),
    "own_completion": _("Completed steps out of all steps of the package, in LearnPack's latest message."),
    "failed_share": _("Failed attempts out of all that succeeded or failed."),
    "engagement": _("How much of the asset was opened, tried and worked through, from 0 to 100."),
    "frustration": _("How often work failed again and again, from 0 to 100."),
    "webhooks_by_time": _(
        "Webhooks of this academy's people by arrival and by current status. Past days are counted again every ten minutes."
    ),
    "refused_requests": _(
        "Requests of this academy's users that were refused before anything was stored. A request with an unknown key "
        "belongs to no academy."
    ),
    "rejected_events": _("Notebook events that couldn't be accepted, each counted once however often it was sent."),
    "errors_by_cause": _(
        "Failed webhooks of this period, grouped by event and error text, whatever ids, numbers and quoted values it holds."
    ),
    "would_have_matched": _(
        "The last 1,000 webhooks of this academy, compared with these rules as if each had named the academy."
    ),
    "asset_learners": _("The academy's learners with telemetry on the asset or a translation of it."),
    "mean_engagement": _("The mean engagement, from 0 to 100, of the learners who have a score."),
    "mean_frustration": _("The mean frustration, from 0 to 100, of the learners who have a score."),
    "mean_completion": _("The mean share of completed steps, of the learners who have one."),
    "total_sessions": _("Learners with a telemetry record of the asset."),
    "telemetry_stats": _(
        "What was computed on each day, on request or by schedule. A day without a computation is a gap. “Now” is what "
        "would be computed now."
    ),
    "stale_statistics": _("Telemetry has arrived since the statistics were last computed."),
    "step_states": _(
        "Completed: finished. Attempted: tried, not finished. Skipped: opened, not tried. Not opened: never opened, or not "
        "in the learner's version."
    ),
    "step_stopped": _("Learners who haven't finished and for whom this is the last step they opened."),
    "compile_struggles": _(
        "Failed runs or compilations before the first success, or all failed ones where none succeeded; the mean of the "
        "learners who opened the step."
    ),
    "test_struggles": _(
        "Failed tests before the first success, or all failed ones where none succeeded; the mean of the learners who "
        "opened the step."
    ),
    "step_time": _(
        "The median time of the learners who opened the step. An unfinished step counts for half an hour at most."
    ),
    "spread": _("How many learners have each score. Those without one are left out."),
    "total_time": _("From the start of the tutorial to the last interaction, pauses included."),
    "missing_telemetry": _("Learners with a task on the asset, or a translation of it, but no telemetry on it."),
    "class_standing": _("Learners who are stuck on the assignment that they were seen on last."),
    "class_median": _("Half of the learners have done at least this share of their assignments."),
}


CONCERNS: Mapping[str, Callable[[], str]] = {
    "concern": definition,
    "class_concern": class_definition,
    "hand": hand_definition,
}


@dataclass(frozen=True)
class Explanation:
    """The text behind a "?"."""

    text: str
    source: str = ""


def explanation_of(name: str) -> Explanation:
    """Return the explanation of a number of the API, of a page, or (`signal:KIND`) of a kind of signal.

    Raises KeyError.
    """
    if name.startswith("signal:"):
        kind = KINDS.get(name.removeprefix("signal:"))
        if kind is None:
            # A signal whose kind a later version dropped is still shown.
            return Explanation(name.removeprefix("signal:"))
        limits = "; ".join(
            f"{gettext(limit.purpose)}: {counted.number(limit.default)}" for limit in kind.thresholds.values()
        )
        told = gettext("%(kind)s. It is told from these figures on, unless the academy has set others: %(limits)s")
        return Explanation(told % {"kind": gettext(kind.name), "limits": limits})
    if name in CONCERNS:
        return Explanation(CONCERNS[name]())
    if name in OWN:
        return Explanation(str(OWN[name]))
    definition = DEFINITIONS[name]
    # That a measure is Learntrace's own says nothing to who reads it; a paper can be looked up.
    return Explanation(str(definition.text), "" if definition.source == OURS else definition.source)
