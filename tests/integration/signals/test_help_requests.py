"""Raised hands: a learner asks for help, staff sees it among the concerns and helps."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from learntrace.accounts.academy_settings import merge_settings
from learntrace.accounts.cohort_limits.changes import limit_to
from learntrace.accounts.models import CohortLearner, Membership
from learntrace.core.models import LiveEvent
from learntrace.core.personal_data import registered_datasets
from learntrace.personal.erasing import erase
from learntrace.personal.merging.merging import merge, undo
from learntrace.signals.help_requests import raising
from learntrace.signals.help_requests.models import HelpRequest
from learntrace.signals.help_requests.raising import raise_hand
from learntrace.signals.help_requests.serializers import HelpRequestSerializer, OwnHandSerializer
from tests.support.builders import (
    Api,
    Cast,
    make_asset,
    make_assignment,
    make_attempts,
    make_cohort,
    make_signal,
    make_task,
    make_user,
)

MINE = "/v1/me/help-request"
HANDS = "/v1/signal/academy/help-request"
CONCERNS = "/v1/signal/academy/concern"
TAG = "assignment:lesson-03-exercise-1"


@pytest.fixture
def assistant(cast: Cast) -> Api:
    return Api(make_user("alan", "assistant", cast.academy, first_name="Alan", last_name="Turing"), cast.academy)


def raised(api: Api, status: int = 200, **body: Any) -> Any:
    answer = api.post(MINE, body)
    assert answer.status_code == status, answer.content
    return answer.json()


def act(api: Api, hand: int, what: str, status: int = 200) -> Any:
    answer = api.post(f"{HANDS}/{hand}", {"act": what})
    assert answer.status_code == status, answer.content
    return answer.json()


def listed(api: Api, query: str = "", path: str = HANDS) -> list[Any]:
    answer = api.get(f"{path}{query}")
    assert answer.status_code == 200, answer.content
    return list(answer.json())


class TestALearner:
    def test_raises_a_hand_once_and_takes_it_back(self, cast: Cast, learner: Api) -> None:
        assert learner.get(MINE).json() == {"allowed": True, "academy": cast.academy.pk, "hand": None}
        first = raised(learner, text="  Where does\n total come from? ", assignment=TAG)["hand"]
        assert list(first) == list(OwnHandSerializer().fields)
        assert (first["state"], first["text"], first["before"]) == ("waiting", "Where does total come from?", 0)
        assert first["assignment"] == TAG
        again = raised(learner, text="Hello?", assignment="other")["hand"]
        assert (again, HelpRequest.objects.count()) == (first, 1)
        assert learner.delete(MINE).json()["hand"] is None
        assert learner.delete(MINE).status_code == 200
        assert HelpRequest.objects.get().state == "taken_back"
        assert raised(learner)["hand"]["id"] != first["id"]

    def test_two_requests_at_once_raise_one_hand(self, transactional_db: None, cast: Cast) -> None:
        def ask() -> None:
            raise_hand(cast.owner, cast.academy)
            connection.close()

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert HelpRequest.objects.count() == 1
        assert LiveEvent.objects.filter(kind="help_request").count() == 1

    def test_waits_behind_those_of_the_own_cohort_who_nobody_helps_yet(self, cast: Cast, teacher: Api) -> None:
        fall, spring = make_cohort("fall", cast.academy), make_cohort("spring", cast.academy)
        people = [make_user(f"learner{number}", "student", cast.academy) for number in range(4)]
        for user, cohort in zip(people, (fall, fall, spring, fall), strict=True):
            make_task(user, "intro", cohort=cohort)
        hands = [raised(Api(user))["hand"] for user in people]
        assert [hand["before"] for hand in hands] == [0, 1, 0, 2]
        act(teacher, hands[0]["id"], "help")
        own = Api(people[0]).get(MINE).json()["hand"]
        assert (own["state"], own["before"], own["helper"]) == ("helping", None, "Grace Hopper")
        assert Api(people[3]).get(MINE).json()["hand"]["before"] == 1
        Api(people[1]).delete(MINE)
        assert Api(people[3]).get(MINE).json()["hand"]["before"] == 0

    def test_waits_in_the_cohort_that_lists_the_learner_without_a_task(self, cast: Cast) -> None:
        fall, spring = make_cohort("fall", cast.academy), make_cohort("spring", cast.academy)
        people = [make_user(f"learner{number}", "student", cast.academy) for number in range(3)]
        for user, cohort in zip(people, (fall, spring, fall), strict=True):
            CohortLearner.objects.create(user=user, cohort=cohort)
        assert [raised(Api(user))["hand"]["before"] for user in people] == [0, 0, 1]

    def test_is_where_the_learner_has_just_worked_unless_told_otherwise(self, cast: Cast, learner: Api) -> None:
        asset = make_asset("intro", academy=cast.academy, aliases=("introduction",))
        make_assignment(cast.academy, asset, "intro/01-hello")
        make_attempts(cast.owner, cast.academy, "intro/01-hello", "x", start=timezone.now() - timedelta(minutes=2))
        hand = raised(learner)["hand"]
        assert (hand["assignment"], hand["asset"]) == ("intro/01-hello", "intro")
        learner.delete(MINE)
        hand = raised(learner, asset="introduction")["hand"]
        assert (hand["assignment"], hand["asset"]) == (None, "intro")
        learner.delete(MINE)
        make_asset("secret", academy=cast.elsewhere, visibility="PRIVATE")
        hand = raised(learner, asset="secret", assignment="made/up")["hand"]
        assert (hand["assignment"], hand["asset"]) == ("intro/01-hello", "intro")

    def test_is_refused_where_the_academy_has_none_of_it_or_after_too_many(
        self, cast: Cast, learner: Api, teacher: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert raised(learner, 400, text="x" * 201)["text"]
        assert teacher.put("/v1/auth/academy/settings", {"signal_features": {"help_requests": 0}}).status_code == 400
        merge_settings(cast.academy, {"signal_features": {"help_requests": False}})
        assert raised(learner, 403)["slug"] == "help-requests-off"
        assert learner.get(MINE).json()["allowed"] is False
        merge_settings(cast.academy, {"signal_features": {"help_requests": True}})
        monkeypatch.setattr(raising, "MOST_PER_HOUR", 2)
        for _ in range(2):
            raised(learner)
            learner.delete(MINE)
        answer = learner.post(MINE, {})
        assert (answer.status_code, answer.json()["slug"]) == (429, "too-many-help-requests")
        assert answer.headers["Retry-After"]

    def test_is_one_of_the_academy(self, cast: Cast, learner: Api, teacher: Api) -> None:
        answer = Api(cast.owner, cast.elsewhere).post(MINE, {})
        assert (answer.status_code, answer.json()["slug"]) == (403, "not-a-learner")
        assert raised(teacher, 403)["slug"] == "not-a-learner"
        assert Api(cast.stranger).get(MINE).json() == {"allowed": False, "academy": None, "hand": None}


class TestStaff:
    def test_sees_the_hand_as_a_reason_of_the_learners_concern(self, cast: Cast, learner: Api, teacher: Api) -> None:
        make_signal(cast.owner, cast.academy, severity=1)
        make_signal(make_user("radia", "student", cast.academy), cast.academy, severity=2)
        raised(learner, text="Help", assignment=TAG)
        first, second = listed(teacher, path=CONCERNS)
        assert (first["learner"]["username"], first["severity"], first["hand"]["text"]) == ("ada", "high", "Help")
        assert ([reason["kind"] for reason in first["reasons"]], second["hand"]) == (["consecutive_errors"], None)
        told = LiveEvent.objects.filter(kind__in=["help_request", "concern"]).order_by("pk").last()
        assert told is not None
        assert told.data["reasons"] == ["help_request", "consecutive_errors"]
        assert teacher.get(f"{CONCERNS}/{first['id']}?explain=1").json()["explain"]["hand"]["text"] == "Help"

    def test_sees_a_hand_without_signals_until_somebody_has_helped(
        self, cast: Cast, learner: Api, teacher: Api
    ) -> None:
        hand = raised(learner)["hand"]["id"]
        (row,) = listed(teacher, path=CONCERNS)
        assert (row["state"], row["summary"], row["assignment"]) == ("open", "Hand raised less than a minute ago", None)
        refused = teacher.post(f"{CONCERNS}/{row['id']}", {"act": "acknowledge"})
        assert (refused.status_code, refused.json()["slug"]) == (409, "hand-is-up")
        until = (timezone.now() + timedelta(minutes=5)).isoformat()
        assert teacher.post(f"{CONCERNS}/{row['id']}", {"act": "snooze", "until": until}).json()["state"] == "snoozed"
        learner.delete(MINE)
        assert listed(teacher, path=CONCERNS) == []
        hand = raised(learner)["hand"]["id"]
        (row,) = listed(teacher, path=CONCERNS)
        assert row["state"] == "open"
        act(teacher, hand, "help")
        (row,) = listed(teacher, path=CONCERNS)
        assert (row["severity"], row["hand"]["helped_by"]["username"]) == ("low", "grace")
        act(teacher, hand, "done")
        assert listed(teacher, path=CONCERNS) == []
        assert teacher.get(f"{CONCERNS}/{row['id']}").json()["state"] == "over"

    def test_two_who_want_to_help_don_t_both_go(self, cast: Cast, learner: Api, teacher: Api, assistant: Api) -> None:
        hand = raised(learner)["hand"]["id"]
        act(teacher, hand, "help")
        refused = act(assistant, hand, "help", 409)
        assert (refused["slug"], refused["detail"]) == (
            "somebody-helps-already",
            "Grace Hopper is already helping",
        )
        act(teacher, hand, "help")
        # Whoever says that it is done, the one who began has helped.
        document = act(assistant, hand, "done")
        assert list(document) == list(HelpRequestSerializer().fields)
        assert (document["state"], document["helped_by"]["username"]) == ("helped", "grace")
        assert min(document["took_seconds"], document["waited_seconds"]) >= 0
        assert act(assistant, hand, "help", 409)["slug"] == "help-request-is-over"

    def test_undoes_both_while_nothing_has_happened_since(self, cast: Cast, learner: Api, teacher: Api) -> None:
        hand = raised(learner)["hand"]["id"]
        act(teacher, hand, "help")
        assert act(teacher, hand, "undo_help")["state"] == "waiting"
        assert act(teacher, hand, "done")["helped_by"]["username"] == "grace"
        document = act(teacher, hand, "undo_done")
        assert (document["state"], document["helped_by"]) == ("waiting", None)
        act(teacher, hand, "help")
        act(teacher, hand, "done")
        assert act(teacher, hand, "undo_done")["state"] == "helping"
        act(teacher, hand, "done")
        assert act(teacher, hand, "undo_help", 409)["slug"] == "cannot-undo"
        raised(learner)
        assert act(teacher, hand, "undo_done", 409)["slug"] == "cannot-undo"

    def test_who_is_limited_to_cohorts_sees_these_hands_only(self, cast: Cast, assistant: Api) -> None:
        mine, others = make_cohort("mine", cast.academy), make_cohort("others", cast.academy)
        for name, cohort in (("mia", mine), ("otto", others)):
            user = make_user(name, "student", cast.academy)
            make_task(user, "intro", cohort=cohort)
            raised(Api(user))
        assert [row["before"] for row in listed(assistant, "?state=waiting&sort=id")] == [0, 0]
        limit_to(Membership.objects.get(user__username="alan"), [mine])
        assert [row["learner"]["username"] for row in listed(assistant)] == ["mia"]
        assert [row["learner"]["username"] for row in listed(assistant, path=CONCERNS)] == ["mia"]
        hand = HelpRequest.objects.get(user__username="otto").pk
        assert act(assistant, hand, "help", 404)["slug"] == "help-request-not-found"
        assert listed(assistant, f"?learner={HelpRequest.objects.get(pk=hand).user_id}") == []
        assert len(listed(assistant, "?cohort=mine&state=waiting,helped")) == 1

    def test_200_hands_are_read_as_fast_as_one(
        self, cast: Cast, teacher: Api, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        people = [make_user(f"learner{number}", "student", cast.academy) for number in range(200)]
        now = timezone.now()
        HelpRequest.objects.bulk_create(
            HelpRequest(user=user, academy=cast.academy, raised_at=now - timedelta(seconds=number))
            for number, user in enumerate(people)
        )
        with django_assert_max_num_queries(20):
            assert teacher.get(f"{CONCERNS}?limit=500").json()["count"] == 200
        with django_assert_max_num_queries(30):
            assert raised(Api(cast.owner))["hand"]["before"] == 200
        Api(cast.owner).delete(MINE)
        with django_assert_max_num_queries(12):
            assert [row["before"] for row in listed(teacher, "?limit=1000&envelope=false")] == [
                None,
                *range(199, -1, -1),
            ]


class TestPersonalData:
    def test_a_hand_is_in_the_download_and_goes_with_an_erasure(self, cast: Cast, learner: Api, teacher: Api) -> None:
        hand = raised(learner, text="Help")["hand"]["id"]
        act(teacher, hand, "done")
        dataset = next(dataset for dataset in registered_datasets() if dataset.name == "help-requests")
        (row,) = dataset.find(cast.owner.pk)
        assert (row["text"], "helped_by" in row) == ("Help", False)
        erase(cast.owner)
        assert not HelpRequest.objects.exists()

    def test_a_merge_leaves_one_open_hand_and_its_undoing_two(self, cast: Cast) -> None:
        twin = make_user("ada-twin", "student", cast.academy)
        for user in (twin, cast.owner):
            raise_hand(user, cast.academy)
        done = merge(twin, cast.owner)
        assert [hand.user for hand in HelpRequest.objects.filter(open=True)] == [cast.owner]
        undo(done.pk)
        assert HelpRequest.objects.filter(open=True).count() == 2
