"""The class as the study sees it: who ended a homework incomplete, and what of each student the candidates may look at."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from learntrace.config.demo.cs1 import Compilation, Homework, read_homework
from learntrace.metrics.attempts import ERROR, Activity, Failure
from learntrace.metrics.failures import UNKNOWN


@dataclass(frozen=True)
class Course:
    """What is said of a homework by looking at it: the data state neither.

    `deadline`: when in a single hour the compilations fall to a third or a tenth, at midnight in Philadelphia. `complete`:
    the tests that a whole solution passes. In the second homework that is 25 of 36: of 281 students 247 passed 25 at
    their best, 12 passed 26, and nobody more.
    """

    homework: Homework
    deadline: datetime
    tests: int
    complete: int

    @property
    def end(self) -> datetime:
        """The end of two days in which work was still handed in late."""
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


# Whether a student ended a homework incomplete; None where that isn't known.
Outcome = Callable[[Work], bool | None]
# How many of the first compilations belong to the first half; None where there is no half to look at.
Half = Callable[[Work], int | None]


def works_of(course: Course, *, silent_errors: bool = False) -> list[Work]:
    """The work of every student, by pseudonym.

    `silent_errors`: a compilation that failed by the summary, though no error of it is kept, is a failed attempt; as
    published, and in the product, it is none.
    """
    compilations: dict[str, list[Compilation]] = {}
    for one in read_homework(course.homework):
        compilations.setdefault(one.student, []).append(one)
    return [
        Work(course, student, own, [_activity(course, one, place, silent_errors) for place, one in enumerate(own)])
        for student, own in sorted(compilations.items())
    ]


def _activity(course: Course, one: Compilation, place: int, silent_errors: bool) -> Activity:
    activity = one.activity(course.homework, place)
    if silent_errors and not one.errors and one.outcome is not None and one.outcome.c_error:
        return replace(activity, outcome=ERROR, failures=(Failure(UNKNOWN),))
    return activity


def _last_known(work: Work, end: datetime | None) -> Compilation | None:
    known = [one for one in work.compilations if one.outcome is not None and (end is None or one.at <= end)]
    return known[-1] if known else None


def incomplete_at_the_end(work: Work) -> bool | None:
    """Whether the last compilation until the end of the homework passed fewer tests than a whole solution does.

    One that doesn't compile passes none.
    """
    last = _last_known(work, work.course.end)
    return None if last is None or last.outcome is None else last.outcome.t_success < work.course.complete


def incomplete_at_the_very_end(work: Work) -> bool | None:
    """The same of the last compilation at all, some of which were made months later."""
    last = _last_known(work, None)
    return None if last is None or last.outcome is None else last.outcome.t_success < work.course.complete


def failing_tests_at_the_end(work: Work) -> bool | None:
    """The same of the students alone whose last compilation until the end ran its tests."""
    last = _last_known(work, work.course.end)
    if last is None or last.outcome is None or not last.outcome.t_success + last.outcome.t_failed:
        return None
    return last.outcome.t_success < work.course.complete


def any_failed_test(work: Work) -> bool | None:
    """The question taken literally: a failed test, or none that succeeded, at the last compilation until the end."""
    last = _last_known(work, work.course.end)
    return None if last is None or last.outcome is None else last.outcome.t_failed > 0 or not last.outcome.t_success


def _until_end(work: Work) -> int:
    return bisect_right([one.at for one in work.compilations], work.course.end)


def half_of_compilations(work: Work) -> int | None:
    """Half of a student's own compilations until the end, of those who made four or more."""
    count = _until_end(work)
    return count // 2 if count >= 4 else None


def half_of_the_time(work: Work) -> int | None:
    """Until the middle between the student's first compilation and the deadline, of those who compiled after it."""
    if work.first_at >= work.course.deadline:
        return None
    middle = work.first_at + (work.course.deadline - work.first_at) / 2
    count = bisect_right([one.at for one in work.compilations], middle)
    return count if count < _until_end(work) else None


def first_five(work: Work) -> int | None:
    """The first five compilations, of those who made more until the end."""
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
