"""What reports tell of a span of days and of cohorts equals what the attempts tell, one by one."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from learntrace.measures.activity import ERROR, OK, Activity, Failure
from learntrace.progress.recording import recording
from learntrace.progress.recording.activity_store import LearnerActivity
from learntrace.progress.reports.errors import errors_on
from learntrace.progress.summaries.cohort_errors import most_met
from learntrace.progress.summaries.span import Span
from learntrace.progress.summaries.week import week_of
from tests.support.builders import NOW, Cast, make_user

TAGS = [f"assignment:lesson-{number}" for number in range(3)]
X, TOTAL, KEY = Failure("NameError", "'x'"), Failure("NameError", "'total'"), Failure("KeyError", "'a'")
KINDS: Mapping[str, Mapping[str, object]] = {
    "ok": {"outcome": OK},
    "test": {"outcome": OK, "part": "test"},
    "x": {"outcome": ERROR, "failures": (X,)},
    "x and total": {"outcome": ERROR, "failures": (X, TOTAL)},
    "key": {"outcome": ERROR, "failures": (KEY, KEY)},
    "aborted": {"outcome": "aborted"},
    "failed check": {"outcome": ERROR, "part": "check", "failures": (X,)},
    "check": {"outcome": OK, "part": "check"},
    "asked": {"verb": "asked"},
}
Told = list[tuple[int, int, int, str]]
# Of each: the learner, the assignment, the hour, and what was done.
WORK = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 239), st.sampled_from(sorted(KINDS))),
    min_size=1,
    max_size=40,
)


def record(cast: Cast, told: Told) -> tuple[list[int], list[tuple[int, Activity]]]:
    users = [make_user(f"learner{number}-{uuid4().hex[:8]}", "student", cast.academy).pk for number in range(4)]
    work = [
        (
            users[learner],
            Activity(
                str(uuid4()),
                NOW + timedelta(hours=hour),
                number,
                assignment=TAGS[tag],
                **KINDS[kind],  # type: ignore[arg-type]
            ),
        )
        for number, (learner, tag, hour, kind) in enumerate(told)
    ]
    recording.record("notebook", [LearnerActivity(user_id, cast.academy.pk, one) for user_id, one in work])
    return users, work


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=WORK, first=st.integers(-2, 11), days=st.integers(1, 6))
def test_a_span_counts_the_attempts_of_its_days(cast: Cast, told: Told, first: int, days: int) -> None:
    with transaction.atomic():
        users, work = record(cast, told)
        begin = timezone.localtime(NOW).date() + timedelta(days=first)
        assert_counts(cast, users, work, Span(begin, begin + timedelta(days=days - 1)))
        transaction.set_rollback(True)


def assert_counts(cast: Cast, users: list[int], work: list[tuple[int, Activity]], span: Span) -> None:
    attempts = [(user, one) for user, one in work if one.outcome in (OK, ERROR) and one.part != "check"]
    now = [(user, one) for user, one in attempts if span.since <= one.at < span.until]
    before = [(user, one) for user, one in attempts if span.before <= one.at < span.since]
    for chosen in (None, users[:2]):
        week = week_of(cast.academy.pk, chosen, span)
        told = {one.user_id: (one.attempts, one.failed, one.attempts_before) for one in week.learners}
        assert told == {
            user: (
                sum(own == user for own, _one in now),
                sum(own == user and one.outcome == ERROR for own, one in now),
                sum(own == user for own, _one in before),
            )
            for user in {own for own, _one in work} & set(chosen or users)
        }
        seen = [[(user, one) for user, one in part if user in (chosen or users)] for part in (now, before)]
        figures = {
            one.key: (
                one.attempts,
                one.failed,
                one.learners,
                one.attempts_before,
                one.failed_before,
                one.learners_before,
            )
            for one in week.assignments
        }
        assert figures == {
            tag: tuple(number for part in seen for number in counted(part, tag))
            for tag in {str(one.assignment) for part in seen for _user, one in part}
        }


def counted(attempts: list[tuple[int, Activity]], tag: str) -> tuple[int, int, int]:
    """Return the attempts at an assignment, those that failed, and how many learners made them."""
    own = [(user, one) for user, one in attempts if one.assignment == tag]
    return len(own), sum(one.outcome == ERROR for _user, one in own), len({user for user, _one in own})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=WORK, most=st.integers(1, 3), tags=st.sets(st.sampled_from(TAGS)))
# Two variants of a learner are one learner.
@example(
    told=[*((user, 0, 1, "x and total") for user in range(2)), *((user, 0, 2, "key") for user in range(3))],
    most=1,
    tags={TAGS[0]},
)
def test_the_errors_of_cohorts_are_the_first_of_each(cast: Cast, told: Told, most: int, tags: set[str]) -> None:
    with transaction.atomic():
        users, _work = record(cast, told)
        cohorts = {1: users[:2], 2: users[1:], 3: users, 4: []}
        assert most_met(cast.academy.pk, tags, cohorts, most) == {
            cohort: errors_on(cast.academy.pk, tags, learners, 1)[:most] for cohort, learners in cohorts.items()
        }
        transaction.set_rollback(True)
