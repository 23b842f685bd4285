"""Concerns of the class: an error that many of its learners met on one assignment within a quarter of an hour."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from learntrace.accounts.models import User
from learntrace.core.models import LiveEvent
from learntrace.progress.models import Activity
from learntrace.signals.concerns.class_turn import ClassTurn
from learntrace.signals.models import ConcernAct, Notification
from learntrace.signals.notifications.claims import claim_next
from learntrace.signals.notifications.delivery import told_now
from learntrace.signals.notifications.message import message_of
from tests.support.builders import Api, Cast, make_attempts, make_cohort, make_task, make_user
from tests.support.notifications import make_rule

CONCERNS = "/v1/signal/academy/concern"
TAG = "assignment:lesson-03-exercise-1"


def people(cast: Cast, count: int, first: int = 0) -> list[User]:
    return [make_user(f"learner{first + n}", "student", cast.academy) for n in range(count)]


def meet(cast: Cast, learners: list[User], letters: str = "x", minutes: float = 2, key: str = TAG) -> None:
    for learner in learners:
        make_attempts(learner, cast.academy, key, letters, timezone.now() - timedelta(minutes=minutes), seconds=1)


def listed(api: Api, query: str = "?of=class") -> list[Any]:
    answer = api.get(f"{CONCERNS}{query}")
    assert answer.status_code == 200, answer.content
    return list(answer.json())


def test_five_of_a_class_make_one_entry_that_says_what_they_met(cast: Cast, teacher: Api) -> None:
    meet(cast, people(cast, 5))
    (row,) = listed(teacher)
    assert (row["of"], row["met_by"], row["assignment"], row["learner"]) == ("class", 5, TAG, None)
    assert row["summary"] == "5 learners got “XError: it broke” on lesson-03-exercise-1"
    assert row["summaries"]["es"] == "5 estudiantes tuvieron el error «XError: it broke» en lesson-03-exercise-1"
    assert listed(teacher, "")[0] == row


@pytest.mark.parametrize(("met", "active", "entries"), [(4, 0, 0), (5, 20, 1), (5, 21, 0), (6, 24, 1), (6, 25, 0)])
def test_it_takes_five_and_a_fifth_of_those_active(
    cast: Cast, teacher: Api, met: int, active: int, entries: int
) -> None:
    meet(cast, people(cast, met))
    meet(cast, people(cast, active, 100), "-", key="assignment:lesson-04-exercise-1")
    assert len(listed(teacher)) == entries


def test_other_errors_other_assignments_and_earlier_ones_are_not_added(cast: Cast, teacher: Api) -> None:
    five = people(cast, 5)
    meet(cast, five[:2])
    meet(cast, five[2:3], "y")
    meet(cast, five[3:4], key="assignment:lesson-03-exercise-2")
    meet(cast, five[4:], minutes=16)
    assert listed(teacher) == []


def test_what_many_of_a_cohort_met_is_a_concern_though_they_are_few_of_the_academy(cast: Cast, teacher: Api) -> None:
    fall = make_cohort("fall", cast.academy)
    five = people(cast, 5)
    for learner in five:
        make_task(learner, "lesson-03", cohort=fall)
    meet(cast, people(cast, 40, 100), "-")
    assert listed(teacher) == []
    meet(cast, five)
    assert [row["met_by"] for row in listed(teacher)] == [5]
    assert [row["met_by"] for row in listed(teacher, "?of=class&cohort=fall")] == [5]


def test_it_is_acknowledged_as_any_other_as_long_as_the_error_is_met(cast: Cast, teacher: Api) -> None:
    meet(cast, people(cast, 5))
    number = listed(teacher)[0]["id"]
    done = teacher.post(f"{CONCERNS}/{number}", {"act": "acknowledge"}).json()
    assert done["state"] == "acknowledged"
    meet(cast, people(cast, 2, 10), minutes=1)
    assert listed(teacher)[0]["state"] == "acknowledged"
    ConcernAct.objects.update(clock=timezone.now() - timedelta(minutes=40))
    assert listed(teacher)[0]["state"] == "open"
    undone = teacher.post(f"{CONCERNS}/{number}", {"act": "undo", "undo": done["act"]})
    assert undone.json()["state"] == "open"


def test_it_is_over_when_everybody_who_met_it_has_solved_the_assignment(cast: Cast, teacher: Api) -> None:
    five = people(cast, 5)
    meet(cast, five, minutes=5)
    assert [row["met_by"] for row in listed(teacher)] == [5]
    meet(cast, five[:4], "-", minutes=4)
    assert [row["met_by"] for row in listed(teacher)] == [5]
    # Another assignment is no answer to this one.
    meet(cast, five[4:], "-", minutes=3, key=f"{TAG}-b")
    assert len(listed(teacher)) == 1
    meet(cast, five[4:], "-", minutes=2)
    assert listed(teacher) == []
    # Done, and failed again since.
    meet(cast, five[:1], minutes=1)
    assert [row["met_by"] for row in listed(teacher)] == [5]


def test_it_explains_itself_and_is_over_when_the_quarter_of_an_hour_is(cast: Cast, teacher: Api) -> None:
    five = people(cast, 5)
    meet(cast, five, minutes=10)
    number = listed(teacher)[0]["id"]
    explained = teacher.get(f"{CONCERNS}/{number}?explain=1").json()["explain"]
    assert explained["learners"] == sorted(user.pk for user in five)
    assert "20%" in explained["definition"]
    make_attempts(five[0], cast.academy, TAG, "-", timezone.now())
    Activity.objects.filter(outcome="error").update(at=timezone.now() - timedelta(minutes=16))
    assert teacher.get(f"{CONCERNS}/{number}").json()["state"] == "over"


def test_the_stream_is_told_when_one_appears_grows_and_ends(cast: Cast) -> None:
    def told() -> list[tuple[str, int | None]]:
        rows = LiveEvent.objects.filter(kind="concern").order_by("pk")
        return [(row.data["state"], row.data.get("met_by")) for row in rows]

    def turn_again() -> None:
        turn.resting_until = 0
        turn.looked_at = dict.fromkeys(turn.looked_at, 0.0)
        turn.take()

    turn = ClassTurn(last=0)
    LiveEvent.objects.create(academy_id=cast.academy.pk, kind="progress", data={"learner": 1})
    meet(cast, people(cast, 5))
    turn_again()
    turn_again()
    assert told() == [("open", 5)]
    assert Notification.objects.count() == 0
    meet(cast, people(cast, 1, 10))
    turn_again()
    assert told() == [("open", 5), ("open", 6)]
    Activity.objects.update(at=timezone.now() - timedelta(minutes=16))
    turn_again()
    assert told()[-1] == ("over", None)


class TestNotifications:
    @pytest.fixture
    def turn(self, cast: Cast) -> ClassTurn:
        LiveEvent.objects.create(academy_id=cast.academy.pk, kind="progress", data={"learner": 1})
        return ClassTurn(last=0)

    def test_a_teacher_is_told_once_what_many_met(self, cast: Cast, turn: ClassTurn) -> None:
        rule = make_rule(cast.colleague, cast.academy)
        meet(cast, people(cast, 5))
        turn.take()
        ClassTurn(last=0).take()
        (waiting,) = Notification.objects.filter(rule=rule)
        assert waiting.signal is None
        delivery = claim_next(timezone.now() + timedelta(seconds=1))
        assert delivery is not None
        message = message_of(delivery.id, rule, delivery.signals, told_now(delivery.rule.academy, delivery.concerns))
        assert message.subject == "[Learntrace] Many in the class: lesson-03-exercise-1"
        assert message.lines[0].sentence == "5 learners got “XError: it broke” on lesson-03-exercise-1"
        assert message.document["concerns"][0]["met_by"] == 5
        assert not message.document["test"]

    @pytest.mark.parametrize(("zone", "told"), [("Asia/Tokyo", "JST"), ("America/Bogota", "UTC-05"), ("", "UTC")])
    def test_a_message_tells_in_which_zone_its_times_are(
        self, cast: Cast, turn: ClassTurn, zone: str, told: str
    ) -> None:
        rule = make_rule(cast.colleague, cast.academy, timezone=zone)
        meet(cast, people(cast, 5))
        turn.take()
        delivery = claim_next(timezone.now() + timedelta(seconds=1))
        assert delivery is not None
        (line,) = message_of(delivery.id, rule, (), told_now(rule.academy, delivery.concerns)).lines
        assert line.when.endswith(f" {told}")

    def test_rules_of_kinds_and_of_other_cohorts_are_not(self, cast: Cast, turn: ClassTurn) -> None:
        make_rule(cast.colleague, cast.academy, kinds=["stuck"])
        make_rule(cast.colleague, cast.academy, cohort=make_cohort("spring", cast.academy), target="x@example.org")
        make_rule(cast.stranger, cast.elsewhere)
        meet(cast, people(cast, 5))
        turn.take()
        assert Notification.objects.count() == 0

    def test_what_is_over_before_it_is_sent_is_dropped(self, cast: Cast, turn: ClassTurn) -> None:
        make_rule(cast.colleague, cast.academy, digest_minutes=30)
        meet(cast, people(cast, 5))
        turn.take()
        Activity.objects.update(at=timezone.now() - timedelta(minutes=20))
        assert claim_next(timezone.now() + timedelta(minutes=31)) is None
        assert Notification.objects.get().state == "dropped"

    def test_it_is_listed_for_its_teacher(self, cast: Cast, turn: ClassTurn, teacher: Api) -> None:
        make_rule(cast.colleague, cast.academy)
        meet(cast, people(cast, 5))
        turn.take()
        (row,) = teacher.get("/v1/signal/academy/notification").json()
        assert (row["signal"], row["concern"]) == (None, listed(teacher)[0]["id"])
