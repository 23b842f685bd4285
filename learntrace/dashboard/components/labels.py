"""The labels on pages of the slugs in the code."""

from collections.abc import Mapping
from datetime import datetime

from django.template.defaultfilters import floatformat
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language_info, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from learntrace.measures.failures import NO_NAMES
from learntrace.measures.learner_state import Standing
from learntrace.signals.models import Signal

# The outcome of processing a webhook, or of a notebook event; "ignored" is an aborted execution as well.
STATUSES: Mapping[str, str | Promise] = {
    "done": pgettext_lazy("processing", "Done"),
    "ignored": _("Ignored"),
    "pending": _("Waiting"),
    "error": _("Error"),
    "rejected": _("Rejected"),
}

# The state of a learner on a task or an assignment.
STATES: Mapping[str, str | Promise] = {
    "open": _("Not started"),
    "not_started": _("Not started"),
    "struggling": _("Struggling"),
    "stuck": _("Stuck"),
    "working": _("Working"),
    "done": _("Done"),
}

# How a learner stands towards a due date (`assignments.due_dates.standing`).
TIMELINESS: Mapping[str, str | Promise] = {
    "due": _("due"),
    "extended": _("extended until"),
    "late": _("late, was due"),
    "done_late": _("done late, was due"),
}

# The last attempt failed at what was done before.
TRYING_AGAIN = _("Done, trying again")

# What makes a learner done (`measures.learner_state.DONE_BY`).
EVIDENCE: Mapping[str, str | Promise] = {
    "client": _("LearnPack says completed"),
    "test": _("test passed"),
    "quiz": _("quiz passed"),
    "check": _("check passed"),
    "run": _("ran without error"),
}

# What was executed, where it isn't the work itself.
PARTS: Mapping[str, str | Promise] = {
    "check": _("check"),
    "compile": _("compile"),
    "test": _("test"),
    "quiz": _("quiz"),
}

# What a learner did in a notebook.
VERBS: Mapping[str, str | Promise] = {
    "executed": _("cell run"),
    "opened": _("notebook opened"),
    "closed": _("notebook closed"),
    "saved": _("notebook saved"),
    "focused": _("cell selected"),
    "blurred": _("cell left"),
    "added": _("cell added"),
    "removed": _("cell removed"),
    "pasted": _("cell pasted"),
    "restarted": _("kernel restarted"),
    "interrupted": _("kernel interrupted"),
}

# Where LearnPack runs, which its messages tell as their agent.
LEARNPACK_CLIENTS: Mapping[str, str | Promise] = {
    "cloud": _("LearnPack online"),
    "localhost": _("LearnPack on your computer"),
    "vscode": _("Visual Studio Code"),
}

# The events of LearnPack in words; a page for staff has the client's own name in the title, by which rules ignore them.
LEARNPACK_EVENTS: Mapping[str, str | Promise] = {
    "batch": _("progress sent"),
    "open_step": _("step opened"),
    "compile": _("code run"),
    "test": _("code tested"),
    "ai_interaction": _("question to the assistant"),
}

# The state of a learner on a step of an asset.
STEPS: Mapping[str, str | Promise] = {
    "completed": _("Completed"),
    "attempted": _("Attempted"),
    "skipped": _("Skipped"),
    "unread": _("Not opened"),
}

# The outcome of an attempt.
OUTCOMES: Mapping[str, str | Promise] = {
    "ok": _("Success"),
    "error": _("Error"),
    "aborted": _("Aborted"),
}

SEVERITIES: Mapping[str, str | Promise] = {
    "high": _("High"),
    "medium": _("Medium"),
    "low": _("Low"),
}

SIGNAL_STATES: Mapping[str, str | Promise] = dict(Signal.State.choices)

# The filters of the webhook log.
FILTERS: Mapping[str, str | Promise] = {
    "student": _("Learner"),
    "event": _("Event"),
    "status": _("Status"),
    "asset": _("Asset"),
    "package": _("Package"),
    "cause": _("Cause"),
    "since": _("Since"),
    "until": _("Until"),
}


# From here on tenths would be rounded to ten seconds.
_LEAST_WITHOUT_TENTHS = 9.95


def seconds_since(moment: datetime) -> float:
    """Return the seconds since a moment, by the wall's clock on every page: also where a class is replayed, or silent."""
    return max((timezone.now() - moment).total_seconds(), 0.0)


def language_name(code: str) -> str:
    """Return the name of a language in the active one, the code for one that isn't known. The contract's "us" is English."""
    try:
        name: str = get_language_info({"us": "en"}.get(code, code))["name_translated"]
    except KeyError:
        return code
    return name[:1].upper() + name[1:]


def standing_word(standing: Standing) -> str:
    """Return the state of a learner on an assignment in words."""
    return str(TRYING_AGAIN if standing.trying_again else STATES[standing.state])


def error_words(text: str) -> str:
    """Return an error as people read it: one without a message, which has a name of ours, says so."""
    return str(_("failed, without an error message")) if text in NO_NAMES else text


def timeliness_text(slug: str) -> str:
    """Return how a learner stands towards a due date, for files, where the date is a cell of its own."""
    words = {"due": _("not yet due"), "extended": _("extended"), "late": _("late"), "done_late": _("done late")}
    return str(words.get(slug, ""))


def evidence_word(standing: Standing) -> str:
    """Return by what the learner is done, empty where the learner is not."""
    return str(EVIDENCE.get(standing.done_by or "", ""))


def age(seconds: float) -> str:
    """Return a time span in its largest unit, in symbols that both languages share: 0.4 s, 12 min, 3 h, 2 d.

    Tenths of seconds are rounded half up; of larger units only whole ones are told.
    """
    if seconds < _LEAST_WITHOUT_TENTHS:
        return f"{floatformat(seconds, 1)} s"
    seconds = max(seconds, 10)
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    return next(f"{int(seconds // length)} {unit}" for unit, length in units if seconds >= length)
