"""The students of the study: who ended a homework incomplete, and which part of the work the candidates may use."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from learntrace.config.demo.cs1 import Compilation, Homework, read_homework
from learntrace.config.demo.cs1 import Outcome as Tests
from learntrace.measures.activity import ERROR, Activity, Failure
from learntrace.measures.failures import UNKNOWN


@dataclass(frozen=True)
class Course:
    """A homework with facts inferred from the data, which don't state them.

    `deadline` is the hour in which the compilations fall to a third or a tenth, at midnight in Philadelphia. `complete` is
    the number of tests that a whole solution passes: in the second homework 25 of 36, as of 281 students 247 passed 25 at
    their best, 12 passed 26, and nobody more.
    """

    homework: Homework
    deadline: datetime
    tests: int
    complete: int

    @property
    def end(self) -> datetime:
        """The deadline and two more days, in which work was still handed in late."""
        return self.deadline + timedelta(hours=48)


COURSES = (
    Course("hw03", datetime(2020, 10, 9, 4, tzinfo=UTC), 18, 18),
    Course("hw04", datetime(2020, 10, 16, 4, tzinfo=UTC), 36, 25),
)


@dataclass(frozen=True)
class Work:
    """A student's compilations in a homework, in their order."""

    course: Course
    student: str
    compilations: Sequence[Compilation]
    activities: Sequence[Activity]

    @property
    def first_at(self) -> datetime:
        return self.compilations[0].at


# Whether a student ended a homework incomplete; None if that is unknown.
Outcome = Callable[[Work], bool | None]
# How many of the compilations belong to the first half; None if there is no usable half.
Half = Callable[[Work], int | None]


def works_of(course: Course, *, silent_errors: bool = False) -> list[Work]:
    """Return the work of every student, by pseudonym.

    With `silent_errors` a compilation that failed by its summary but has no stored error is a failed attempt; as
    published, and in the product, it is not.
    """
    compilations: dict[str, list[Compilation]] = {}
    for compilation in read_homework(course.homework):
        compilations.setdefault(compilation.student, []).append(compilation)
    return [
        Work(course, student, own, _activities(course, own, silent_errors))
        for student, own in sorted(compilations.items())
    ]


def _activities(course: Course, compilations: Sequence[Compilation], silent_errors: bool) -> list[Activity]:
    return [_activity(course, compilation, arrival, silent_errors) for arrival, compilation in enumerate(compilations)]


def _activity(course: Course, compilation: Compilation, arrival: int, silent_errors: bool) -> Activity:
    activity = compilation.activity(course.homework, arrival)
    outcome = compilation.outcome
    if silent_errors and not compilation.errors and outcome is not None and outcome.c_error:
        return replace(activity, outcome=ERROR, failures=(Failure(UNKNOWN),))
    return activity


def _last_outcome(work: Work, end: datetime | None) -> Tests | None:
    known = (
        compilation.outcome
        for compilation in reversed(work.compilations)
        if compilation.outcome is not None and (end is None or compilation.at <= end)
    )
    return next(known, None)


def incomplete_at_the_end(work: Work) -> bool | None:
    """Whether the last compilation until the end of the homework passed fewer tests than a whole solution does.

    A compilation that fails passes none.
    """
    last = _last_outcome(work, work.course.end)
    return None if last is None else last.t_success < work.course.complete


def incomplete_at_the_very_end(work: Work) -> bool | None:
    """Like `incomplete_at_the_end`, at the last compilation of all; some were made months later."""
    last = _last_outcome(work, None)
    return None if last is None else last.t_success < work.course.complete


def failing_tests_at_the_end(work: Work) -> bool | None:
    """Like `incomplete_at_the_end`, for the students only whose last compilation until the end ran its tests."""
    last = _last_outcome(work, work.course.end)
    if last is None or not last.t_success + last.t_failed:
        return None
    return last.t_success < work.course.complete


def any_failed_test(work: Work) -> bool | None:
    """Whether any test failed, or none succeeded, at the last compilation until the end of the homework."""
    last = _last_outcome(work, work.course.end)
    return None if last is None else last.t_failed > 0 or not last.t_success


def _count_until(work: Work, moment: datetime) -> int:
    return bisect_right([compilation.at for compilation in work.compilations], moment)


def _until_end(work: Work) -> int:
    return _count_until(work, work.course.end)


def half_of_compilations(work: Work) -> int | None:
    """Half of a student's compilations until the end, for students with four or more."""
    count = _until_end(work)
    return count // 2 if count >= 4 else None


def half_of_the_time(work: Work) -> int | None:
    """Until halfway from the student's first compilation to the deadline, for students who compiled after that."""
    if work.first_at >= work.course.deadline:
        return None
    middle = work.first_at + (work.course.deadline - work.first_at) / 2
    count = _count_until(work, middle)
    return count if count < _until_end(work) else None


def first_five(work: Work) -> int | None:
    """The first five compilations, for students with more until the end."""
    return 5 if _until_end(work) > 5 else None


HALVES: dict[str, Half] = {
    "half of the compilations": half_of_compilations,
    "half of the time": half_of_the_time,
    "first 5 compilations": first_five,
}
OUTCOMES: dict[str, Outcome] = {
    "incomplete at the end": incomplete_at_the_end,
    "at the very last compilation": incomplete_at_the_very_end,
    "of those whose tests ran": failing_tests_at_the_end,
}
