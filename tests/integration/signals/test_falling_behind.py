"""Falling behind: a class compared day by day, whatever the order in which things came and whenever it was looked at."""

import random
import threading
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learntrace.accounts.academy_settings import merge_settings
from learntrace.accounts.models import Membership, User
from learntrace.config.runtime.queues import QUEUES
from learntrace.core.models import LiveEvent
from learntrace.measures.activity import ERROR, OK, Activity, Failure
from learntrace.progress.models import Activity as ActivityRow
from learntrace.progress.models import Assignment, Progress
from learntrace.progress.recording import recording
from learntrace.progress.recording.activity_store import LearnerActivity
from learntrace.registry.models import Asset
from learntrace.signals.detectors import FALLING_BEHIND
from learntrace.signals.detectors.falling_behind import Transition
from learntrace.signals.documents import signal_document
from learntrace.signals.evaluation import evaluate
from learntrace.signals.falling_behind import comparison_queue, queries
from learntrace.signals.falling_behind.comparison_queue import compare_due
from learntrace.signals.models import AssetComparison, Notification, Signal
from tests.support.builders import Cast, make_asset, make_assignment, make_task, make_user, translate
from tests.support.notifications import make_rule

START = datetime(2021, 3, 1, 9, tzinfo=UTC)
KEYS = tuple(f"assignment:lesson-03-exercise-{number}" for number in (1, 2, 3))
NAMES = ("ann", "bob", "cyd", "dan", "eve")
SHOWN = ("user__username", "key", "state", "count", "opened_at", "last_seen_at", "resolved_at", "resolved_by")

Attempt = tuple[User, float, str, bool]
"""Whose, on which day since START, on which assignment, and whether it succeeded."""


@pytest.fixture
def asset(cast: Cast) -> Asset:
    return make_lesson(cast)


def make_lesson(cast: Cast, slug: str = "lesson-03", keys: Sequence[str] = KEYS) -> Asset:
    asset = make_asset(slug, title="Lesson 3: loops", academy=cast.academy)
    for position, key in enumerate(keys):
        make_assignment(cast.academy, asset, key, position=position)
    return asset


def make_class(cast: Cast, prefix: str = "") -> list[User]:
    return [make_user(f"{prefix}{name}", "student", cast.academy) for name in NAMES]


def attempt(user: User, day: float, key: str = KEYS[0], done: bool = True, start: datetime = START) -> LearnerActivity:
    identifier = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{user.username} {day} {key} {done}"))
    activity = Activity(
        id=identifier,
        at=start + timedelta(days=day),
        arrival=int(day * 1e6),
        assignment=key,
        outcome=OK if done else ERROR,
        failures=() if done else (Failure("NameError", "x"),),
        session_id="s",
        object_id="c",
        code_hash="a" * 64,
    )
    return LearnerActivity(user.pk, user.memberships.get().academy_id, activity)


def take(done: Sequence[LearnerActivity]) -> None:
    with transaction.atomic():
        recording.record("notebook", done)
        with connection.cursor() as cursor:
            # A test is one transaction, in which now() stands still.
            cursor.execute("UPDATE progress_progress SET updated_at = clock_timestamp() WHERE updated_at = now()")


def behind() -> Signal:
    return Signal.objects.get(kind="falling_behind")


def later(**ago: float) -> None:
    """As if the last looks had been an hour ago."""
    AssetComparison.objects.update(looked_at=timezone.now() - timedelta(hours=1, **ago), seconds=0.01)


def look() -> int:
    later()
    return compare_due()


def shown(kind: str = "falling_behind") -> list[tuple[Any, ...]]:
    rows = Signal.objects.filter(kind=kind).exclude(state="withdrawn")
    return list(rows.order_by("user__username", "opened_at").values_list(*SHOWN))


def one_behind(cast: Cast, *, until: float = 9, start: datetime = START) -> list[User]:
    """Four have done an exercise on the first day, eve has tried; ann goes on until that day."""
    learners = make_class(cast)
    take([attempt(user, number / 100, start=start) for number, user in enumerate(learners[:4])])
    take([attempt(learners[4], 1, done=False, start=start), attempt(learners[0], until, KEYS[1], start=start)])
    return learners


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def test_who_has_done_less_than_nearly_all_of_the_class_is_behind_after_a_week(cast: Cast, asset: Asset) -> None:
    one_behind(cast, until=9.5)
    assert look() == 1
    assert shown() == [("eve", "day-7", "open", 1, day(7), day(9), None, "")]
    signal = behind()
    assert (signal.academy, signal.asset_slug, signal.assignment) == (cast.academy, "lesson-03", None)
    expected = "eve is falling behind in Lesson 3: loops: 0 done, 1 fewer than the median of the class"
    assert signal_document(signal, signal.user)["sentence"] == expected
    assert LiveEvent.objects.get(kind="signal", data__kind="falling_behind").data["sentence"] == expected


def test_before_a_week_is_over_nobody_is(cast: Cast, asset: Asset) -> None:
    one_behind(cast, until=6.99)
    assert look() == 1
    assert shown() == []
    assert AssetComparison.objects.get().looked_to == day(6)


def test_catching_up_is_seen_at_the_next_day(cast: Cast, asset: Asset) -> None:
    eve = one_behind(cast)[4]
    look()
    take([attempt(eve, 9.2)])
    look()
    assert shown()[0][2] == "open"
    take([attempt(eve, 10, KEYS[1], done=False)])
    look()
    assert shown() == [("eve", "day-7", "resolved", 1, day(7), day(9), day(10), "caught_up")]
    signal = behind()
    assert [entry["what"] for entry in signal.history] == ["opened", "resolved"]


def a_course(learners: Sequence[User], seed: int) -> list[LearnerActivity]:
    """Two weeks in which everybody does now more, now less, and some fall back."""
    chance = random.Random(seed)
    done = [attempt(learners[0], 0)]
    for number, user in enumerate(learners):
        for _ in range(4 if number == 4 else 14):
            at = round(chance.uniform(0, 14) if number != 4 else chance.uniform(8, 14), 3)
            done.append(attempt(user, at, chance.choice(KEYS), chance.random() < 0.75))
    return [*{one.activity.id: one for one in done}.values(), attempt(learners[0], 14.5, KEYS[2])]


def outcome() -> list[Any]:
    order = {
        str(one.pk): (one.user.username, one.at, one.assignment) for one in ActivityRow.objects.select_related("user")
    }
    rows = Signal.objects.filter(kind="falling_behind").exclude(state="withdrawn")
    return [
        (*row[:-2], [order[one] for one in row[-2]], row[-1])
        for row in rows.order_by("user__username", "opened_at").values_list(*SHOWN, "evidence", "facts")
    ]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_order_and_whenever_it_is_looked_at_it_comes_to_the_same(
    cast: Cast, asset: Asset, seed: int
) -> None:
    learners = make_class(cast)
    course = sorted(a_course(learners, seed), key=lambda one: one.activity.order)
    take(course)
    look()
    expected = outcome()
    assert expected, "there is somebody behind"
    for again in range(3):
        with transaction.atomic():
            for table in (ActivityRow, Progress, Signal, AssetComparison):
                table.objects.all().delete()
        shuffled, chance = list(course), random.Random(seed * 10 + again)
        if again:
            chance.shuffle(shuffled)
        while shuffled:
            size = chance.randint(1, 12)
            part, shuffled = shuffled[:size], shuffled[size:]
            take([*part, *part[:2]])
            if chance.random() < 0.6:
                look()
        look()
        assert outcome() == expected


@pytest.mark.parametrize("seed", range(6))
def test_it_is_what_follows_from_every_single_attempt(cast: Cast, asset: Asset, seed: int) -> None:
    learners = make_class(cast)
    course = a_course(learners, seed)
    # Also at the boundaries themselves.
    course += [attempt(learners[4], whole, KEYS[1], done=whole % 2 == 0) for whole in range(6, 14)]
    take(course)
    look()
    transitions: dict[str, list[Transition]] = {user.username: [] for user in learners}
    done = set()
    for row in ActivityRow.objects.filter(outcome=OK).select_related("user").order_by("at", "arrival"):
        if (row.user, row.assignment) not in done:
            done.add((row.user, row.assignment))
            transitions[row.user.username].append(Transition(row.at, row.assignment or "", done=True))
    now = ActivityRow.objects.latest("at").at
    found = FALLING_BEHIND.findings(transitions, transitions, START, now, FALLING_BEHIND.defaults())
    expected = [
        (name, one.key, "resolved" if one.resolved_at else "open", one.count, one.opened_at, one.last_seen_at,
         one.resolved_at, one.resolved_by)
        for name in sorted(found) for one in found[name]
    ]  # fmt: skip
    assert expected
    assert shown() == expected


def test_a_recomputed_learner_keeps_them(cast: Cast, asset: Asset) -> None:
    eve = one_behind(cast)[4]
    look()
    before = outcome()
    with transaction.atomic():
        evaluate.reevaluate_learner(eve.pk, cast.academy.pk)
    assert outcome() == before
    look()
    assert outcome() == before


class TestTheClass:
    def behind(self) -> list[str]:
        look()
        return [row[0] for row in shown()]

    def test_who_has_a_task_on_a_translation_or_an_alias_is_of_it(self, cast: Cast, asset: Asset) -> None:
        one_behind(cast)
        make_task(make_user("fay", "student", cast.academy), "leccion-03")
        # Two of six are more than a tenth: who has done nothing is no exception.
        assert self.behind() == ["eve"]
        translate(asset, make_asset("leccion-03", lang="es", academy=cast.academy, aliases=("bucles",)))
        AssetComparison.objects.update(thresholds={})
        assert self.behind() == []
        take([attempt(User.objects.get(username="eve"), 3)])
        assert self.behind() == ["fay"]
        make_task(make_user("gil", "student", cast.academy), "bucles")
        AssetComparison.objects.update(thresholds={})
        assert self.behind() == []

    def test_teachers_and_who_has_left_are_not_of_it(self, cast: Cast, asset: Asset) -> None:
        eve = one_behind(cast)[4]
        take([attempt(cast.colleague, 2, done=False)])
        left = make_user("hal", "student", cast.academy)
        take([attempt(left, 2, done=False)])
        Membership.objects.filter(user=left).update(status="INACTIVE")
        assert self.behind() == ["eve"]
        Membership.objects.filter(user=eve).update(status="INACTIVE")
        AssetComparison.objects.update(thresholds={})
        assert self.behind() == []
        assert Signal.objects.get(user=eve, kind="falling_behind").history[-1]["what"] == "withdrawn"

    def test_a_teacher_who_tries_it_does_not_begin_the_lesson(self, cast: Cast, asset: Asset) -> None:
        take([attempt(cast.colleague, -20)])
        one_behind(cast, until=3)
        assert self.behind() == []

    def test_who_does_nothing_on_it_and_has_no_task_is_not_of_it(self, cast: Cast, asset: Asset) -> None:
        one_behind(cast)
        for number in range(20):
            make_user(f"idle-{number}", "student", cast.academy)
        assert self.behind() == ["eve"]

    def test_another_academys_is_another_class(self, cast: Cast, asset: Asset) -> None:
        one_behind(cast)
        for key in KEYS:
            make_assignment(cast.elsewhere, asset, key)
        take([attempt(cast.strange_learner, 9, done=False)])
        assert self.behind() == ["eve"]
        assert AssetComparison.objects.count() == 2
        assert not Signal.objects.filter(kind="falling_behind").exclude(academy=cast.academy).exists()


class TestWhenItIsLookedAt:
    def test_nothing_new_is_not_looked_at_again(self, cast: Cast, asset: Asset) -> None:
        one_behind(cast)
        assert look() == 1
        assert look() == 0

    def test_new_progress_waits_a_little_while(self, cast: Cast, asset: Asset) -> None:
        eve = one_behind(cast)[4]
        compare_due()
        take([attempt(eve, 5, KEYS[1], done=False)])
        assert compare_due() == 0
        AssetComparison.objects.update(looked_at=timezone.now() - timedelta(seconds=11), seconds=10)
        assert compare_due() == 0
        AssetComparison.objects.update(seconds=0.1)
        assert compare_due() == 1

    def test_a_new_day_does_not(self, cast: Cast, asset: Asset) -> None:
        learners = one_behind(cast)
        compare_due()
        take([attempt(learners[0], 10, KEYS[2])])
        assert compare_due() == 1
        assert shown()[0][5] == day(10)

    def test_other_thresholds_hold_at_once(self, cast: Cast, asset: Asset) -> None:
        one_behind(cast)
        compare_due()
        merge_settings(cast.academy, {"signal_features": {"falling_behind": {"days": 9}}})
        assert compare_due() == 1
        assert [row[1] for row in shown()] == ["day-9"]

    def test_turned_off_it_is_withdrawn_and_turned_on_again_seen_again(self, cast: Cast, asset: Asset) -> None:
        one_behind(cast)
        compare_due()
        merge_settings(cast.academy, {"signal_features": {"falling_behind": {"enabled": False}}})
        assert compare_due() == 1
        assert shown() == []
        assert look() == 0
        merge_settings(cast.academy, {"signal_features": {"falling_behind": {"enabled": True}}})
        compare_due()
        assert [entry["what"] for entry in behind().history] == ["opened", "withdrawn", "seen-again"]

    def test_where_it_was_always_off_nothing_is_looked_at(self, cast: Cast, asset: Asset) -> None:
        merge_settings(cast.academy, {"signal_features": {"falling_behind": {"enabled": False}}})
        one_behind(cast)
        assert look() == 0
        assert not AssetComparison.objects.exists()

    def test_an_asset_without_assignments_any_more_has_nobody_behind(self, cast: Cast, asset: Asset) -> None:
        one_behind(cast)
        look()
        Assignment.objects.all().delete()
        assert look() == 1
        assert shown() == []
        assert look() == 0

    def test_an_academy_that_falls_silent_keeps_what_was_seen(self, cast: Cast, asset: Asset) -> None:
        start = timezone.now() - timedelta(days=8.9)
        one_behind(cast, until=8, start=start)
        look()
        (before,) = shown()
        assert before[2:6] == ("open", 1, start + timedelta(days=7), start + timedelta(days=8))
        # The wall clock stood at day 8.9; now the academy's own clock has gone back to its last event.
        for table, columns in ((ActivityRow, ("at",)), (Progress, ("first_seen_at", "last_seen_at"))):
            for row in table.objects.all():
                for column in columns:
                    setattr(row, column, getattr(row, column) - timedelta(days=0.5))
                row.save()
        AssetComparison.objects.update(looked_to=start + timedelta(days=10), thresholds={})
        look()
        assert shown()[0][5] == start + timedelta(days=9.5)

    def test_while_events_are_recent_the_wall_clock_tells_the_day(self, cast: Cast, asset: Asset) -> None:
        start = timezone.now() - timedelta(days=9.5)
        learners = one_behind(cast, until=1.5, start=start)
        look()
        assert shown() == []  # its clock stands at the last event
        take([attempt(learners[0], 9.49, KEYS[2], start=start)])
        look()
        assert [row[4:6] for row in shown()] == [(start + timedelta(days=7), start + timedelta(days=9))]

    def test_a_turn_takes_a_few(self, cast: Cast, asset: Asset) -> None:
        learners = make_class(cast)
        for number in range(4):
            make_lesson(cast, f"other-{number}", [f"assignment:other-{number}-exercise-1"])
            take([attempt(learners[0], 1, f"assignment:other-{number}-exercise-1")])
        assert [compare_due(), compare_due(), compare_due()] == [3, 1, 0]

    def test_a_lesson_that_fails_costs_no_other_and_is_tried_again_the_next_day(
        self, cast: Cast, asset: Asset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        learners = one_behind(cast)
        make_lesson(cast, "other", ["assignment:other-exercise-1"])
        take([attempt(learners[0], 1, "assignment:other-exercise-1")])
        real = FALLING_BEHIND.findings

        def stumble(learners: list[int], *rest: Any) -> Any:
            if len(learners) == 5:
                raise ValueError("no such day")
            return real(learners, *rest)

        monkeypatch.setattr(FALLING_BEHIND, "findings", stumble, raising=True)
        assert look() == 2
        assert AssetComparison.objects.get(asset=asset).fault == "ValueError: no such day"
        take([attempt(learners[1], 9, KEYS[1])])
        assert look() == 0
        monkeypatch.undo()
        take([attempt(learners[1], 10, KEYS[1])])
        assert look() == 2
        assert AssetComparison.objects.get(asset=asset).fault == ""
        assert [row[0] for row in shown()] == ["eve"]


class TestTheQueue:
    @pytest.fixture(autouse=True)
    def _rested(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(comparison_queue, "_rest", comparison_queue._Rest())

    def test_a_process_that_found_nothing_rests(self, cast: Cast, asset: Asset) -> None:
        one_behind(cast)
        work = QUEUES[comparison_queue.TOPIC].work
        assert [work(0), work(0)] == [1, 0]
        later()
        AssetComparison.objects.update(thresholds={})
        with CaptureQueriesContext(connection) as queries:
            assert work(0) == 0
        assert len(queries) == 0
        assert 4 < comparison_queue._rest.until - time.monotonic() < 60

    def test_where_nothing_is_new_it_takes_few_queries_however_many_lessons_there_are(
        self, cast: Cast, asset: Asset
    ) -> None:
        learners = one_behind(cast)
        look()
        with CaptureQueriesContext(connection) as one:
            assert compare_due() == 0
        for number in range(8):
            make_lesson(cast, f"other-{number}", [f"assignment:other-{number}-exercise-1"])
            take([attempt(user, 1, f"assignment:other-{number}-exercise-1") for user in learners])
        while compare_due():
            pass
        with CaptureQueriesContext(connection) as many:
            assert compare_due() == 0
        assert len(many) == len(one)

    def test_a_look_takes_as_many_queries_for_a_class_as_for_a_few(self, cast: Cast, asset: Asset) -> None:
        counts = []
        for size in (8, 40):
            learners = [make_user(f"of-{size}-{number}", "student", cast.academy) for number in range(size)]
            take([attempt(user, 9, done=number > 0) for number, user in enumerate(learners)])
            take([attempt(learners[1], 0)])
            later()
            with CaptureQueriesContext(connection) as queries:
                assert compare_due() == 1
            counts.append(len(queries))
        assert counts[1] <= counts[0] + 2  # the second one also withdraws

    def test_of_each_assignment_only_when_it_was_done_is_read(self, cast: Cast, asset: Asset) -> None:
        learners = make_class(cast)
        take([attempt(user, 8.001 + number / 1000, done=bool(number % 2)) for user in learners for number in range(60)])
        take([attempt(learners[0], 0)])
        comparison = AssetComparison(academy=cast.academy, asset=asset)
        read = queries.transitions(comparison, day(30), [user.pk for user in learners])
        assert [len(read[user.pk]) for user in learners] == [1] * 5
        assert {user: move.at for user, (move,) in read.items()} == {
            user.pk: day(0) if user == learners[0] else day(8.002) for user in learners
        }


class TestNotifications:
    def test_a_replay_notifies_nobody(self, cast: Cast, asset: Asset) -> None:
        make_rule(cast.colleague, cast.academy)
        one_behind(cast)
        look()
        assert shown()
        assert not Notification.objects.filter(signal__kind="falling_behind").exists()

    def test_of_today_a_teacher_is_notified_once(self, cast: Cast, asset: Asset) -> None:
        make_rule(cast.colleague, cast.academy, kinds=["falling_behind"])
        start = timezone.now() - timedelta(days=7, minutes=5)
        learners = one_behind(cast, until=6.99, start=start)
        look()
        take([attempt(learners[4], 6.5, KEYS[1], done=False, start=start)])
        look()
        assert Notification.objects.get().signal.user == learners[4]


@pytest.mark.django_db(transaction=True)
def test_two_workers_look_at_it_once(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whom another worker has locked for longer is looked at again, which is not what this is about.
    monkeypatch.setattr(comparison_queue, "LOCK_SECONDS", 60.0)
    for number in range(4):
        make_lesson(cast, f"other-{number}", [f"assignment:other-{number}-exercise-1"])
    learners = make_class(cast)
    for number in range(4):
        key = f"assignment:other-{number}-exercise-1"
        take([attempt(user, index / 100, key) for index, user in enumerate(learners[:4])])
        take([attempt(learners[4], 8, key, done=False)])
    looked: list[int] = []
    failures: list[BaseException] = []
    together = threading.Barrier(4)

    def work() -> None:
        try:
            together.wait()
            while count := compare_due():
                looked.append(count)
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sum(looked) == 4
    assert [row[:3] for row in shown()] == [("eve", "day-7", "open")] * 4
    assert LiveEvent.objects.filter(kind="signal", data__kind="falling_behind").count() == 4


@pytest.mark.django_db(transaction=True)
def test_what_comes_while_it_is_looked_at_is_seen_next(cast: Cast) -> None:
    """Learners work while workers look: at the end it is as if it had all come first."""
    make_lesson(cast)
    learners = make_class(cast)
    course = a_course(learners, 3)
    working = threading.Event()
    working.set()
    failures: list[BaseException] = []

    def learn(number: int) -> None:
        try:
            for one in course[number::3]:
                take([one])
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    def watch() -> None:
        try:
            while working.is_set():
                AssetComparison.objects.update(thresholds={})
                compare_due()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    learning = [threading.Thread(target=learn, args=(number,)) for number in range(3)]
    watchers = [threading.Thread(target=watch) for _ in range(2)]
    for thread in (*learning, *watchers):
        thread.start()
    for thread in learning:
        thread.join()
    working.clear()
    for thread in watchers:
        thread.join()
    assert not failures
    look()
    found = outcome()
    assert found
    assert not AssetComparison.objects.exclude(fault="").exists()
    Signal.objects.all().delete()
    AssetComparison.objects.all().delete()
    look()
    assert outcome() == found
