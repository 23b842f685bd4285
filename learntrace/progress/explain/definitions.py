"""The definition, unit and source of each number of the API, as data: a reference page is made from it."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

JADUD = "Jadud, Methods and tools for exploring novice compilation behaviour, ICER 2006"
BECKER = "Becker, A new metric to quantify repeated compiler errors for novice programmers, ITiCSE 2016"
OURS = "Learntrace, measures"


@dataclass(frozen=True)
class Definition:
    """A number's meaning; `unit` is a code (count, percent, seconds, ratio, time, word), `source` a paper or Learntrace."""

    text: str | Promise
    unit: str
    source: str = OURS


DEFINITIONS: Mapping[str, Definition] = {
    "attempts": Definition(
        _(
            "Executions of the assignment's cell, or compiles, tests and quizzes of its step, that succeeded or failed. "
            "Aborted ones don't count, and runs of a check cell are counted apart."
        ),
        "count",
    ),
    "errors": Definition(_("Attempts that failed."), "count"),
    "active_time": Definition(
        _(
            "The sum of the gaps between consecutive events on an assignment, each gap capped at the academy's longest "
            "active gap (5 minutes unless it is set otherwise)."
        ),
        "seconds",
    ),
    "error_quotient": Definition(
        _(
            "Over consecutive pairs of attempts: 8 if both failed, 3 more if they share a type of error; divided by 11, "
            "and averaged over all pairs. Unknown with fewer than two attempts."
        ),
        "ratio",
        JADUD,
    ),
    "repeated_error_density": Definition(
        _(
            "For each run of the same error in consecutive attempts with r repeats, r * r / (r + 1); summed over the "
            "runs, not normalised."
        ),
        "ratio",
        BECKER,
    ),
    "state": Definition(
        _(
            "done: it was done once, whatever came later. stuck: a signal of that kind is open. struggling: another signal "
            "of trouble is open. working: some activity. not_started: no activity yet."
        ),
        "word",
    ),
    "done_at": Definition(
        _(
            "When it was done first. Checked: the client says that the step is completed, a test passed, a quiz was "
            "answered right, or a check cell passed. Ran: a run without an error, where nothing checks the assignment."
        ),
        "time",
    ),
    "checks": Definition(_("Runs of the assignment's check cell that passed or failed."), "count"),
    "questions": Definition(_("Questions to the assistant, and before which attempt they were asked."), "count"),
    "last_outcome": Definition(_("The outcome of the last attempt that wasn't aborted."), "word"),
    "last_seen_at": Definition(
        _("The latest event, by the learner's clock, or by its arrival where that clock is ahead."), "time"
    ),
    "signals": Definition(_("The kinds of signals that are open or acknowledged on the assignment."), "word"),
    "learners": Definition(
        _(
            "The class: the learners of the cohorts that were asked for (who have a task of one), or those who were named; "
            "without either, whoever was seen on the asset or has a task on it. Of an assignment that no asset has, "
            "those who were seen."
        ),
        "count",
    ),
    "learners_seen": Definition(_("Learners with any activity here."), "count"),
    "learners_done": Definition(_("Learners who are done; of several assignments, with all of them."), "count"),
    "completion_rate": Definition(_("The learners who are done, as a share of the class."), "percent"),
    "group_completion_rate": Definition(
        _("Completed assignments of all learners, as a share of the published assignments times the class."),
        "percent",
    ),
    "learner_completion_rate": Definition(_("Completed assignments, as a share of those published."), "percent"),
    "median_active_time": Definition(_("The median of the active times of the learners who were seen."), "seconds"),
    "top_errors": Definition(_("The groups of errors that most learners had."), "count"),
    "error_group": Definition(
        _(
            "Errors of one type with the same message, once quoted names and texts, numbers, paths, places and the excerpt "
            "of the code are left out. Its variants are the messages as they were told."
        ),
        "word",
    ),
    "error_learners": Definition(_("Learners with an attempt on the assignment that ended with the error."), "count"),
    "error_times": Definition(
        _(
            "How often it occurred, summed over its variants: an attempt that shows a variant twice counts once; one that "
            "shows two variants counts twice."
        ),
        "count",
    ),
    "error_solved": Definition(
        _("Learners with a success on the assignment after they first got the error, or who were done after that."),
        "count",
    ),
    "time_to_solve": Definition(
        _(
            "The median of the times from a learner's first attempt with the error to the next success on the assignment, or "
            "until it was done, of those who have one."
        ),
        "seconds",
    ),
    "assignments": Definition(
        _(
            "The published assignments of the assets that were asked for; without any, of those that the learner, or "
            "somebody of the cohort, was seen on or has a task on."
        ),
        "count",
    ),
    "done": Definition(_("Published assignments that are done."), "count"),
    "mean_error_quotient": Definition(
        _("The mean of the Error Quotients of the assignments that have one, each counting the same."), "ratio", JADUD
    ),
    "total_repeated_error_density": Definition(
        _("The sum of the Repeated Error Densities of the assignments."), "ratio", BECKER
    ),
    "open_signals": Definition(_("Signals that are open or acknowledged."), "count"),
    "counts": Definition(
        _("Whether an attempt counts: those that succeeded or failed do; aborted ones and runs of check cells don't."),
        "word",
    ),
}
