"""How each number of a page is computed, for the "?" beside it: the definitions of measures and of signals."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learntrace.progress.definitions import DEFINITIONS
from learntrace.signals.detectors import KINDS

UNITS: Mapping[str, str | Promise] = {
    "count": _("a count"),
    "percent": _("percent"),
    "seconds": _("a time"),
    "ratio": _("a ratio"),
    "time": _("a moment"),
    "word": _("a word"),
}

# What pages show besides the API's numbers.
OWN: Mapping[str, tuple[str | Promise, str]] = {
    "here_now": (_("Learners of whom anything came in the last 5 minutes, by the class's clock."), "count"),
    "attempts_per_minute": (
        _("Attempts that succeeded or failed in the last 5 minutes, divided by 5; the line shows the last 30 minutes."),
        "count",
    ),
    "failing_share": (
        _("Failed attempts, as a part of all that succeeded or failed in the last 5 minutes; the line shows the last 30 "
          "minutes."), "percent",
    ),
    "class_state": (
        _("Not started: nothing came. Working: something came, and the last attempt did not succeed. Done: the last "
          "attempt succeeded. Struggling: not done, and a signal of trouble is open. Stuck: the same, with a signal of "
          "high severity. The number is that of the failed attempts."), "word",
    ),
    "who_needs_help": (
        _("First who has the most severe open signal, then who is stuck or struggling on the most assignments, then who "
          "has failed most often on what is not done."), "word",
    ),
    "met_now": (
        _("Errors of attempts in the last 30 minutes, by how many learners met them; the median of the times from a "
          "learner's first attempt with the error to the next success on the assignment, of those who have one."), "count",
    ),
    "time_to_solve": (
        _("The median of the times from a learner's first attempt with the error to the next success on the assignment, "
          "of those who have one."), "seconds",
    ),
    "failed_share": (_("Failed attempts, as a part of those that succeeded or failed."), "percent"),
    "engagement": (_("How much of the asset was opened, tried and kept at, from 0 to 100 (contract, indicators)."), "ratio"),
    "frustration": (_("How much fails again and again, from 0 to 100 (contract, indicators)."), "ratio"),
}  # fmt: skip


@dataclass(frozen=True)
class Explanation:
    """What a "?" tells."""

    text: str
    unit: str = ""
    source: str = ""


def explanation_of(name: str) -> Explanation:
    """The explanation of a number of the API, of a page, or (`signal:KIND`) of a kind of signal.

    Raises KeyError.
    """
    if name.startswith("signal:"):
        kind = KINDS.get(name.removeprefix("signal:"))
        if kind is None:
            # A signal whose kind a later version dropped is still shown.
            return Explanation(name.removeprefix("signal:"))
        limits = [f"{gettext(one.purpose)}: {one.default:g}" for one in kind.thresholds.values()]
        return Explanation(f"{gettext(kind.name)}. {'; '.join(limits)}")
    if name in OWN:
        text, unit = OWN[name]
        return Explanation(str(text), str(UNITS[unit]))
    definition = DEFINITIONS[name]
    return Explanation(str(definition.text), str(UNITS[definition.unit]), definition.source)
