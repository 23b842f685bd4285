"""The errors of a class that a process remembers: what PostgreSQL tells from the rows, whoever changes these, and however."""

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learntrace.accounts.models import Academy, User
from learntrace.core.sql import execute, fetch
from learntrace.progress.class_window import ClassWindow
from learntrace.progress.models import Activity, Assignment
from learntrace.signals.concerns import class_errors, kept_errors
from learntrace.signals.concerns.class_errors import Met, errors_met
from learntrace.signals.concerns.kept_errors import ErrorOn, Lately, errors_lately
from tests.support.builders import make_academy, make_asset, make_user
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
TAG = "assignment:lesson-03-exercise-1"
KEYS = [TAG, "assignment:lesson-04-exercise-1", "a-package/made-up-step", "a-package/published-step"]
WINDOW = timedelta(minutes=15)
# Two variants of one group, another group, and one that a message of two lines tells.
ERRORS = [
    ["NameError", "name 'a' is not defined"],
    ["NameError", "name 'b' is not defined"],
    ["TypeError", "can only concatenate str"],
    ["SyntaxError", "invalid syntax\nprint 'a'"],
]


@pytest.fixture(autouse=True)
def nothing_is_kept() -> Iterator[None]:
    kept_errors.forget_all()
    yield
    kept_errors.forget_all()


@pytest.fixture
def academy() -> Academy:
    made = make_academy("kept")
    asset = make_asset("a-package", academy=made)
    Assignment.objects.create(academy=made, key=KEYS[3], asset=asset, title="Published", position=1)
    return made


@pytest.fixture
def learners(academy: Academy) -> list[User]:
    return [make_user(f"learner{number}", "student", academy) for number in range(4)]


def fail(user: User, academy: Academy | None, ago: float = 2, key: str = TAG, **fields: Any) -> Activity:
    values = {"outcome": "error", "failures": [ERRORS[0]], "arrival": 1, "verb": "executed", **fields}
    at = timezone.now() - timedelta(minutes=ago)
    return Activity.objects.create(
        id=uuid.uuid4(), source="test", user=user, academy=academy, assignment=key, at=at, **values
    )


Told = tuple[dict[ErrorOn, Met], frozenset[int]]


def assert_told_as_by_postgresql(asked: ClassWindow, least: int = 1) -> Told:
    """See that the errors are told as PostgreSQL tells them, and return them; who was active it tells only with errors."""
    assert showings(asked) is not None
    met, active = errors_met(asked, least)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(class_errors, "errors_lately", lambda *_asked: None)
        by_postgresql = errors_met(asked, least)
    assert (met, active if met else frozenset()) == by_postgresql
    return met, active


def showings(asked: ClassWindow) -> object:
    lately = errors_lately(asked.academy_id, asked.since, asked.now)
    return None if lately is None else lately.showings


def now_of(academy: Academy) -> ClassWindow:
    now = timezone.now()
    return ClassWindow(academy.pk, now - WINDOW, now)


def times(academy: Academy) -> int:
    return sum(one.times for one in assert_told_as_by_postgresql(now_of(academy))[0].values())


def rows_read(monkeypatch: pytest.MonkeyPatch, look: Callable[[], object]) -> int:
    """Return how many attempts were read by a look, besides the look itself."""
    read = []

    def counting(statement: str, parameters: Any) -> list[tuple[Any, ...]]:
        rows = fetch(statement, parameters)
        if "failures" in statement:
            read.extend(rows)
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(kept_errors, "fetch", counting)
        look()
    return len(read)


def test_only_what_is_newer_is_read(academy: Academy, learners: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    for user in learners:
        for _ in range(5):
            fail(user, academy)
    # One look: beside a transaction that is still running, a second one reads them again.
    assert rows_read(monkeypatch, lambda: errors_met(now_of(academy), 1)) == 20

    def reads_one() -> bool:
        times(academy)
        fail(learners[0], academy)
        return rows_read(monkeypatch, lambda: times(academy)) == 1

    # A transaction that is still running, as of another test beside this one, could have written what is read again.
    wait_until(reads_one, "only what is newer is read")


def test_each_kind_of_change_is_seen(academy: Academy, learners: list[User]) -> None:
    first, second, third = (fail(user, academy) for user in learners[:3])
    fail(learners[3], academy, outcome="ok", failures=[])
    met, active = assert_told_as_by_postgresql(now_of(academy))
    assert active == {user.pk for user in learners}
    assert [one.learners for one in met.values()] == [frozenset(user.pk for user in learners[:3])]
    Activity.objects.filter(pk=first.pk).update(exclusion_id=7)
    assert times(academy) == 2
    # As many count again as no longer do.
    Activity.objects.filter(pk=first.pk).update(exclusion_id=None)
    Activity.objects.filter(pk=second.pk).update(before_floor=True)
    assert assert_told_as_by_postgresql(now_of(academy))[0].popitem()[1].learners == {learners[0].pk, learners[2].pk}
    Activity.objects.filter(pk=third.pk).update(assignment=KEYS[1])
    assert {place.assignment for place in assert_told_as_by_postgresql(now_of(academy))[0]} == {TAG, KEYS[1]}
    Activity.objects.filter(pk=third.pk).update(failures=[ERRORS[2], ERRORS[2]])
    assert times(academy) == 3
    Activity.objects.filter(pk=third.pk).update(user=learners[3])
    assert learners[3].pk in frozenset().union(
        *(one.learners for one in assert_told_as_by_postgresql(now_of(academy))[0].values())
    )
    Activity.objects.filter(pk=third.pk).delete()
    assert times(academy) == 1
    execute("TRUNCATE progress_activity")
    assert assert_told_as_by_postgresql(now_of(academy)) == ({}, frozenset())
    fail(learners[0], academy)
    assert times(academy) == 1


def test_a_step_is_named_once_it_is_published(academy: Academy, learners: list[User]) -> None:
    fail(learners[0], academy, key=KEYS[2])
    assert times(academy) == 0
    Assignment.objects.create(
        academy=academy, key=KEYS[2], asset=make_asset("b", academy=academy), title="", position=1
    )
    assert times(academy) == 1
    Assignment.objects.filter(key=KEYS[2]).delete()
    assert times(academy) == 0


def test_no_academy_is_told_of_another_one(academy: Academy, learners: list[User]) -> None:
    other = make_academy("other")
    fail(learners[0], academy)
    fail(learners[1], other)
    fail(learners[2], None)
    for one, learner in ((academy, learners[0]), (other, learners[1])):
        met, active = assert_told_as_by_postgresql(now_of(one))
        assert active == {learner.pk}
        assert [each.learners for each in met.values()] == [{learner.pk}]


def test_what_is_taken_back_is_not_kept(academy: Academy, learners: list[User]) -> None:
    fail(learners[0], academy)
    assert times(academy) == 1
    with transaction.atomic():
        fail(learners[1], academy)
        asked = now_of(academy)
        assert showings(asked) is None
        assert sum(one.times for one in errors_met(asked, 1)[0].values()) == 2
        transaction.set_rollback(True)
    assert times(academy) == 1


def test_what_was_open_when_it_was_looked_at_is_seen_when_it_is_over(academy: Academy, learners: list[User]) -> None:
    held = [fail(user, academy) for user in learners[:3]]
    assert times(academy) == 3
    settings_of = connection.settings_dict
    parameters = {"dbname": settings_of["NAME"], "user": settings_of["USER"], "host": settings_of["HOST"]}
    with psycopg.connect(**parameters, port=settings_of["PORT"] or 5432) as other:
        other.execute("UPDATE progress_activity SET user_id = %s WHERE id = %s", [learners[3].pk, held[0].pk])
        fail(learners[0], academy, key=KEYS[1])
        assert times(academy) == 4
        fail(learners[0], academy, key=KEYS[1])
        assert times(academy) == 5
    assert learners[3].pk in frozenset().union(
        *(one.learners for one in assert_told_as_by_postgresql(now_of(academy))[0].values())
    )


def test_too_many_are_not_kept(academy: Academy, learners: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_errors, "MOST_KEPT", 2)
    asked = now_of(academy)
    for user in learners[:2]:
        fail(user, academy)
    assert showings(now_of(academy)) is not None
    other = make_academy("other")
    fail(learners[0], other)
    assert showings(now_of(other)) is not None
    assert sum(kept.count for kept in kept_errors._kept.values()) <= 2
    fail(learners[2], academy)
    now = timezone.now()
    # Found by a look, which tells who was active, and not looked for again.
    looked = errors_lately(academy.pk, asked.since, now)
    assert looked == Lately(frozenset(user.pk for user in learners[:3]), None)
    assert errors_lately(academy.pk, asked.since, now) is None
    assert sum(one.times for one in errors_met(ClassWindow(academy.pk, asked.since, now), 1)[0].values()) == 3
    assert sum(kept.count for kept in kept_errors._kept.values()) <= 2


MINUTES = st.integers(min_value=0, max_value=40)
FAILURES = st.lists(st.sampled_from(ERRORS), max_size=3)
ADDED = st.tuples(
    st.just("add"),
    st.integers(0, 3),
    MINUTES,
    st.sampled_from([*KEYS, None]),
    FAILURES,
    st.sampled_from(["error", "error", "error", "ok", None]),
    st.sampled_from(["check", "test", None]),
)
CHANGED = st.tuples(
    st.just("change"),
    st.integers(0, 20),
    st.sampled_from(
        [
            {"exclusion_id": 7},
            {"exclusion_id": None},
            {"before_floor": True},
            {"assignment": KEYS[1]},
            {"user_id": 3},
            {"failures": [ERRORS[2]]},
            {"outcome": "ok"},
            {"academy_id": None},
            None,
        ]
    ),
)
ASKED = st.tuples(
    st.just("ask"),
    MINUTES,
    st.none() | st.sets(st.integers(0, 3)),
    st.integers(1, 2),
)
STEPS = st.lists(st.one_of(st.lists(ADDED, min_size=1, max_size=6), st.lists(CHANGED, max_size=3), ASKED), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_it_is_what_postgresql_tells_whatever_is_done(academy: Academy, learners: list[User], steps: list[Any]) -> None:
    begin = datetime(2026, 9, 1, 8, tzinfo=timezone.get_default_timezone())
    Activity.objects.all().delete()
    kept_errors.forget_all()
    ids: list[uuid.UUID] = []
    for step in [*steps, ("ask", 30, None, 1)]:
        if isinstance(step, list):
            # What is written in one transaction is seen at once.
            with transaction.atomic():
                for change in step:
                    _apply(change, academy, learners, ids, begin)
        else:
            _ask, minute, chosen, least = step
            now = begin + timedelta(minutes=minute)
            only = None if chosen is None else {learners[place].pk for place in chosen}
            assert_told_as_by_postgresql(ClassWindow(academy.pk, now - WINDOW, now, only), least)


def _apply(
    change: tuple[Any, ...], academy: Academy, learners: list[User], ids: list[uuid.UUID], begin: datetime
) -> None:
    if change[0] == "add":
        _add, learner, minute, key, failures, outcome, part = change
        ids.append(uuid.uuid4())
        Activity.objects.create(
            id=ids[-1],
            source="test",
            user=learners[learner],
            academy=academy,
            assignment=key,
            verb="executed",
            outcome=outcome,
            failures=failures,
            part=part,
            arrival=len(ids),
            at=begin + timedelta(minutes=minute),
        )
        return
    _change, place, values = change
    for number in ids[place : place + 1]:
        row = Activity.objects.filter(pk=number)
        if values is None:
            row.delete()
        elif "user_id" in values:
            row.update(user=learners[values["user_id"]])
        else:
            row.update(**values)
