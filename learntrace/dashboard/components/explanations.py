"""How each number on a page is computed, for the "?" beside it: definitions of measures and of signals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learntrace.progress.explain.definitions import DEFINITIONS
from learntrace.signals.concerns.explanation import class_definition, definition, hand_definition
from learntrace.signals.detectors import KINDS

UNITS: Mapping[str, str | Promise] = {
    "count": _("a count"),
    "percent": _("percent"),
    "seconds": _("a time"),
    "ratio": _("a ratio"),
    "time": _("a moment"),
    "word": _("a word"),
}

# Numbers on pages that the API does not have.
OWN: Mapping[str, tuple[str | Promise, str]] = {
    "here_now": (_("Learners of whom anything came in the last 5 minutes, by the class's clock."), "count"),
    "attempts_per_minute": (
        _("Attempts that succeeded or failed in the last 5 minutes, divided by 5; the line shows the last 30 minutes."),
        "count",
    ),
    "failing_share": (
        _(
            "Failed attempts, as a part of all that succeeded or failed in the last 5 minutes; the line shows the last 30 "
            "minutes."
        ),
        "percent",
    ),
    "class_state": (
        _(
            "Not started: nothing came. Working: something came. Struggling: not done, and a signal of trouble is open. "
            "Stuck: the same, with a signal of the kind “Stuck”. Done: done once, whatever came later; what made it so is "
            "told. The number is that of the failed attempts."
        ),
        "word",
    ),
    "who_needs_help": (
        _(
            "First who has the most severe open signal, then who is stuck or struggling on the most assignments, then who "
            "has failed most often on what is not done."
        ),
        "word",
    ),
    "met_now": (
        _(
            "The errors that most learners met in the last 30 minutes. The other figures are of all times, as on the "
            "assignment's page: learners, how often, who has solved it since, and the median of the times until then."
        ),
        "count",
    ),
    "active_day": (
        _(
            "The active time of all assignments: each gap between two events counts, up to the academy's longest active gap "
            "(5 minutes unless it is set otherwise), on the day of the event that ends it, in your time zone."
        ),
        "seconds",
    ),
    "own_error_quotient": (
        _(
            "From 0 to 1: how often an attempt that failed was followed by another one that failed, more so with the same kind "
            "of error. High is no shame: it says that errors took several attempts. It is the mean of your assignments that "
            "have one."
        ),
        "ratio",
    ),
    "own_completion": (
        _("Completed steps, as a part of all steps of the exercise, in LearnPack's latest message."),
        "percent",
    ),
    "failed_share": (_("Failed attempts, as a part of those that succeeded or failed."), "percent"),
    "engagement": (
        _("How much of the asset was opened, tried and kept at, from 0 to 100 (contract, indicators)."),
        "ratio",
    ),
    "frustration": (_("How much fails again and again, from 0 to 100 (contract, indicators)."), "ratio"),
    "webhooks_by_time": (
        _(
            "Webhooks of this academy's people by the hour or day in which they came, and by what has become of them by "
            "now. Days that are over are counted anew every ten minutes."
        ),
        "count",
    ),
    "refused_requests": (
        _(
            "Requests that were refused before anything was stored, of users of this academy. A request whose token nobody has "
            "belongs to no academy."
        ),
        "count",
    ),
    "rejected_events": (
        _(
            "Events of notebooks that could not be taken, each once however often it was sent, by when it was sent last."
        ),
        "count",
    ),
    "errors_by_cause": (
        _(
            "Failed webhooks that came in this time, by their event and their text without lists, quoted values, ids and "
            "numbers; learners are those whose webhooks they are."
        ),
        "count",
    ),
    "would_have_matched": (
        _(
            "The last 1,000 webhooks of this academy, compared with these rules as if all had named the academy. Webhooks that "
            "came before rules are saved stay as they are."
        ),
        "count",
    ),
    "asset_learners": (
        _("The academy's learners of whom telemetry on the asset, or on a translation of it, has come."),
        "count",
    ),
    "mean_engagement": (_("The mean of the learners' engagement, from 0 to 100, of those who have one."), "ratio"),
    "mean_frustration": (_("The mean of the learners' frustration, from 0 to 100, of those who have one."), "ratio"),
    "mean_completion": (_("The mean of the completed share of steps, of the learners who have one."), "percent"),
    "total_sessions": (
        _("Telemetry records of the asset, one a learner; in telemetry_stats they are called total_sessions."),
        "count",
    ),
    "telemetry_stats": (
        _(
            "What was computed on each day on which somebody, or the schedule, asked for it. A day without is a gap. "
            "“Now” is what would be computed at this moment."
        ),
        "ratio",
    ),
    "stale_statistics": (_("Telemetry has come after the statistics were computed last."), "time"),
    "step_states": (
        _(
            "Completed: the learner finished the step. Attempted: opened and tried, not finished. Skipped: opened, and nothing "
            "tried. Not opened: never looked at, or not in the learner's version."
        ),
        "word",
    ),
    "step_stopped": (
        _(
            "Learners who have not finished, for whom this is the last step, in the order of the asset, that they have opened."
        ),
        "count",
    ),
    "compile_struggles": (
        _(
            "Failed runs or compilations before the first success, or all that failed where none succeeded: the mean of the "
            "learners who opened the step (contract, indicators)."
        ),
        "count",
    ),
    "test_struggles": (
        _(
            "Failed tests before the first success, or all that failed where none succeeded: the mean of the learners who "
            "opened the step (contract, indicators)."
        ),
        "count",
    ),
    "step_time": (
        _(
            "The median time of the learners who opened the step. One that was not finished counts for half an hour at most."
        ),
        "seconds",
    ),
    "spread": (_("How many learners have which score. Those without one are left out."), "count"),
    "total_time": (_("From the beginning of the tutorial to the last interaction, pauses included."), "seconds"),
    "missing_telemetry": (
        _("Learners who have a task on the asset, or on a translation of it, and of whom no telemetry on it has come."),
        "count",
    ),
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
    unit: str = ""
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
        limits = [f"{gettext(limit.purpose)}: {limit.default:g}" for limit in kind.thresholds.values()]
        return Explanation(f"{gettext(kind.name)}. {'; '.join(limits)}")
    if name in CONCERNS:
        return Explanation(CONCERNS[name]())
    if name in OWN:
        text, unit = OWN[name]
        return Explanation(str(text), str(UNITS[unit]))
    definition = DEFINITIONS[name]
    return Explanation(str(definition.text), str(UNITS[definition.unit]), definition.source)
