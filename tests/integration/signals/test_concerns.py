"""Concerns: one entry for staff for a learner and an assignment, and what staff does with it."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from learntrace.core.models import LiveEvent
from learntrace.core.personal_data import registered_datasets
from learntrace.personal.erasing import erase
from learntrace.signals.concerns.serializers import ConcernSerializer, ConcernWithActsSerializer
from learntrace.signals.models import Concern, ConcernAct, Signal
from tests.support.builders import (
    NOW,
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

CONCERNS = "/v1/signal/academy/concern"
TAG = "assignment:lesson-03-exercise-1"


@pytest.fixture
def assistant(cast: Cast) -> Api:
    return Api(make_user("alan", "assistant", cast.academy, first_name="Alan", last_name="Turing"), cast.academy)


def listed(api: Api, query: str = "") -> list[Any]:
    answer = api.get(f"{CONCERNS}{query}")
    assert answer.status_code == 200, answer.content
    return list(answer.json())


def only(api: Api, query: str = "") -> Any:
    (row,) = listed(api, query)
    return row


def act(api: Api, concern: int, what: str, status: int = 200, **values: Any) -> Any:
    answer = api.post(f"{CONCERNS}/{concern}", {"act": what, **values})
    assert answer.status_code == status, answer.content
    return answer.json()


def soon(minutes: int = 10) -> str:
    return (timezone.now() + timedelta(minutes=minutes)).isoformat()


def ago(minutes: float) -> datetime:
    return timezone.now() - timedelta(minutes=minutes)


class TestOneEntry:
    def test_all_signals_of_a_learner_on_an_assignment_make_one_concern(self, cast: Cast, teacher: Api) -> None:
        events = make_attempts(cast.owner, cast.academy, TAG, "NNNNTNN", start=NOW - timedelta(minutes=8))
        make_signal(cast.owner, cast.academy, severity=2, evidence=events[1:4], opened_at=NOW - timedelta(minutes=5))
        make_signal(cast.owner, cast.academy, kind="stuck", severity=3, evidence=events[2:])
        row = only(teacher)
        assert (row["severity"], row["since"], row["attempts"]) == ("high", "2026-11-22T10:25:00Z", 6)
        assert row["last_error"]["name"] == "NError"
        assert [reason["kind"] for reason in row["reasons"]] == ["stuck", "consecutive_errors"]
        assert row["learner"]["username"] == "ada"
        assert (row["of"], row["state"], row["assignment"], row["asset"]) == ("learner", "open", TAG, "lesson-03")
        assert list(row) == list(ConcernSerializer().fields)

    def test_each_learner_and_each_assignment_has_its_own(self, cast: Cast, teacher: Api) -> None:
        other = make_user("radia", "student", cast.academy)
        for user in (cast.owner, other):
            for number in (1, 2):
                for kind in ("stuck", "repeated_error", "consecutive_errors"):
                    make_signal(user, cast.academy, kind=kind, assignment=f"assignment:lesson-03-exercise-{number}")
        assert len(listed(teacher)) == 4
        assert Concern.objects.count() == 4

    def test_signals_on_no_assignment_are_about_their_asset(self, cast: Cast, teacher: Api) -> None:
        for asset in ("intro", "intro", "loops"):
            make_signal(cast.owner, cast.academy, kind="frustration", assignment=None, asset_slug=asset)
        rows = listed(teacher)
        assert sorted(row["asset"] for row in rows) == ["intro", "loops"]
        assert {row["attempts"] for row in rows} == {None}

    def test_it_is_over_when_the_last_signal_is_or_the_assignment_is_done(self, cast: Cast, teacher: Api) -> None:
        first, second = (make_signal(cast.owner, cast.academy) for _ in range(2))
        Signal.objects.filter(pk=first.pk).update(state="resolved", resolved_at=NOW)
        number = only(teacher)["id"]
        make_attempts(cast.owner, cast.academy, TAG, "-")
        assert listed(teacher) == []
        Signal.objects.filter(pk=second.pk).update(state="withdrawn")
        answer = teacher.get(f"{CONCERNS}/{number}").json()
        assert (answer["state"], answer["acts"]) == ("over", [])
        assert set(answer) == set(ConcernWithActsSerializer().fields) - {"act", "explain"}

    def test_a_step_that_a_learner_made_up_is_not_named(self, cast: Cast, teacher: Api) -> None:
        make_signal(cast.owner, cast.academy, assignment="intro/01-my-secret", asset_slug=None)
        row = only(teacher)
        assert (row["assignment"], row["asset"]) == (None, "intro")
        assert "secret" not in str(row)

    def test_its_life_is_told_in_whole_words_of_both_languages(self, cast: Cast, teacher: Api) -> None:
        events = make_attempts(cast.owner, cast.academy, TAG, "NNNNNNN", start=ago(12.5), seconds=30)
        make_signal(cast.owner, cast.academy, evidence=events, opened_at=ago(12.4), last_seen_at=ago(1))
        row = only(teacher)
        assert row["summary"] == "7 attempts in 12 minutes. Last error: NError: it broke"
        assert row["summaries"]["es"] == "7 intentos en 12 minutos. Último error: NError: it broke"
        assert only(teacher, "?state=open")["summaries"] == row["summaries"]

    def test_order_is_need_and_never_changes_between_equals(self, cast: Cast, teacher: Api) -> None:
        people = [make_user(f"learner{n}", "student", cast.academy) for n in range(4)]
        for user in people:
            make_signal(user, cast.academy, severity=2)
        make_signal(cast.owner, cast.academy, severity=3)
        first = [row["id"] for row in listed(teacher)]
        Signal.objects.filter(user=people[2]).update(last_seen_at=NOW + timedelta(minutes=3), count=9)
        assert [row["id"] for row in listed(teacher)] == first
        assert listed(teacher)[0]["learner"]["username"] == "ada"


class TestFilters:
    def test_learner_assignment_asset_cohort_severity_and_assignee(self, cast: Cast, teacher: Api) -> None:
        fall = make_cohort("fall", cast.academy)
        radia = make_user("radia", "student", cast.academy)
        make_task(radia, "intro", cohort=fall)
        asset = make_asset("lesson-03", academy=cast.academy)
        make_assignment(cast.academy, asset, TAG)
        make_signal(cast.owner, cast.academy, severity=3)
        make_signal(radia, cast.academy, severity=1, assignment="assignment:x-1", asset_slug="x")
        ada, other = listed(teacher)
        act(teacher, other["id"], "assign", assignee=cast.colleague.pk)
        asked = {
            "learner=ada": [ada], "assignment=lesson-03-exercise-1": [ada], "asset=lesson-03": [ada], "cohort=fall": [other],
            "severity=low": [other], "assignee=me": [other], "assignee=none": [ada], "of=class": [], "state=snoozed": [],
        }  # fmt: skip
        for query, rows in asked.items():
            assert [row["id"] for row in listed(teacher, f"?{query}")] == [row["id"] for row in rows], query

    def test_what_cannot_be_filtered_by_is_refused(self, cast: Cast, teacher: Api) -> None:
        for query in ("state=over", "of=all", "severity=4"):
            assert teacher.get(f"{CONCERNS}?{query}").status_code == 400


class TestActs:
    def test_an_acknowledged_concern_says_by_whom_and_undoing_brings_it_back(self, cast: Cast, teacher: Api) -> None:
        signal = make_signal(cast.owner, cast.academy)
        number = only(teacher)["id"]
        done = act(teacher, number, "acknowledge")
        assert (done["state"], done["acknowledged_by"]["username"], done["version"]) == ("acknowledged", "grace", 1)
        signal.refresh_from_db()
        assert (signal.state, signal.acknowledged_by) == ("acknowledged", cast.colleague)
        undone = act(teacher, number, "undo", undo=done["act"])
        assert (undone["state"], undone["acknowledged_by"]) == ("open", None)
        assert undone["acts"][0]["undone_by"]["username"] == "grace"
        signal.refresh_from_db()
        assert signal.state == "open"

    def test_a_snoozed_one_comes_back_at_its_time(self, cast: Cast, teacher: Api) -> None:
        make_signal(cast.owner, cast.academy)
        number = only(teacher)["id"]
        assert act(teacher, number, "snooze", until=soon())["state"] == "snoozed"
        assert listed(teacher, "?state=open") == []
        ConcernAct.objects.update(until=ago(1))
        assert only(teacher)["state"] == "open"

    def test_an_acknowledgement_can_be_taken_back_later_and_replaced_by_a_snooze(
        self, cast: Cast, teacher: Api
    ) -> None:
        make_signal(cast.owner, cast.academy)
        number = only(teacher)["id"]
        act(teacher, number, "acknowledge")
        assert act(teacher, number, "snooze", until=soon())["state"] == "snoozed"
        assert act(teacher, number, "reopen")["state"] == "open"
        assert act(teacher, number, "reopen")["act"] is None

    def test_it_is_assigned_noted_and_undone_each_by_itself(self, cast: Cast, teacher: Api) -> None:
        make_signal(cast.owner, cast.academy)
        number = only(teacher)["id"]
        act(teacher, number, "assign", assignee=cast.colleague.pk)
        noted = act(teacher, number, "note", note=" will ask her after class ")
        row = act(teacher, number, "acknowledge")
        assert row["assignee"]["username"] == "grace"
        assert row["notes"][0]["note"] == "will ask her after class"
        assert act(teacher, number, "undo", undo=noted["act"])["notes"] == []
        row = act(teacher, number, "assign", assignee=None)
        assert (row["assignee"], row["state"]) == (None, "acknowledged")

    def test_undoing_goes_back_to_what_was_before(self, cast: Cast, teacher: Api) -> None:
        signal = make_signal(cast.owner, cast.academy)
        number = only(teacher)["id"]
        act(teacher, number, "acknowledge")
        reopened = act(teacher, number, "reopen")
        row = act(teacher, number, "undo", undo=reopened["act"])
        assert (row["state"], row["acknowledged_by"]["username"]) == ("acknowledged", "grace")
        signal.refresh_from_db()
        assert signal.state == "acknowledged"

    def test_acknowledging_and_snoozing_change_no_learners_state(self, cast: Cast, teacher: Api) -> None:
        def states() -> Any:
            rows = teacher.get("/v1/progress/academy/assignment/lesson-03-exercise-1/learner").json()
            return [(row["learner"]["username"], row["state"]) for row in rows]

        make_attempts(cast.owner, cast.academy, TAG, "NNNNN")
        make_signal(cast.owner, cast.academy, kind="stuck")
        number, before = only(teacher)["id"], states()
        act(teacher, number, "acknowledge")
        act(teacher, number, "snooze", until=soon())
        assert states() == before

    def test_several_are_handled_at_once_and_one_that_is_gone_costs_no_other(self, cast: Cast, teacher: Api) -> None:
        for name in ("a", "b"):
            make_signal(make_user(name, "student", cast.academy), cast.academy)
        first, second = (row["id"] for row in listed(teacher))
        answer = teacher.post(CONCERNS, {"act": "acknowledge", "concerns": [first, 10**6, second]})
        assert answer.status_code == 200
        outcomes = {row["concern"]: row for row in answer.json()}
        assert outcomes[first]["changed"]
        assert outcomes[second]["changed"]
        assert outcomes[10**6]["error"] == "Concern not found"


class TestRefusals:
    def test_a_snooze_into_the_past_is_refused_in_words(self, cast: Cast, teacher: Api) -> None:
        make_signal(cast.owner, cast.academy)
        number = only(teacher)["id"]
        answer = act(teacher, number, "snooze", 400, until=soon(-1))
        assert answer == {"until": ["This time has passed: choose a later one"]}
        assert act(teacher, number, "snooze", 400) == {"until": ["Say until when"]}
        assert only(teacher)["version"] == 0

    @pytest.mark.parametrize("who", ["stranger", "learner", "nobody", "huge"])
    def test_an_assignee_who_does_not_teach_here_is_refused(self, cast: Cast, teacher: Api, who: str) -> None:
        make_signal(cast.owner, cast.academy)
        people = {"stranger": cast.stranger.pk, "learner": cast.owner.pk, "nobody": 10**9, "huge": 2**62}
        answer = act(teacher, only(teacher)["id"], "assign", 400, assignee=people[who])
        assert answer == {"assignee": [f"Choose somebody who teaches at {cast.academy.name}"]}

    def test_notes_that_are_empty_or_far_too_long_are_refused(self, cast: Cast, teacher: Api) -> None:
        make_signal(cast.owner, cast.academy)
        for note in ("", " \n ", "x" * 2001):
            assert "note" in act(teacher, only(teacher)["id"], "note", 400, note=note)

    def test_what_is_over_can_be_noted_but_not_handled(self, cast: Cast, teacher: Api) -> None:
        make_signal(cast.owner, cast.academy)
        number = only(teacher)["id"]
        Signal.objects.update(state="resolved", resolved_at=NOW)
        assert act(teacher, number, "acknowledge", 409)["slug"] == "concern-is-over"
        noted = act(teacher, number, "note", note="she found it")
        assert (noted["state"], noted["notes"][0]["note"]) == ("over", "she found it")

    def test_other_academies_and_learners_reach_none_of_it(self, cast: Cast, teacher: Api) -> None:
        make_signal(cast.owner, cast.academy)
        number = only(teacher)["id"]
        stranger = Api(cast.stranger, cast.elsewhere)
        assert listed(stranger) == []
        assert stranger.get(f"{CONCERNS}/{number}").status_code == 404
        act(stranger, number, "acknowledge", 404)
        act(Api(cast.owner, cast.academy), number, "acknowledge", 403)

    def test_unknown_acts_and_bodies_are_refused(self, cast: Cast, teacher: Api) -> None:
        make_signal(cast.owner, cast.academy)
        number = only(teacher)["id"]
        act(teacher, number, "delete", 400)
        act(teacher, number, "undo", 400)
        assert act(teacher, number, "undo", 404, undo=2**62)["slug"] == "act-not-found"
        assert teacher.post(f"{CONCERNS}/{number}", ["acknowledge"]).status_code == 400
        assert teacher.get(f"{CONCERNS}/{10**30}").status_code == 404


class TestTwoAtOnce:
    def test_the_second_to_acknowledge_learns_who_was_first(self, cast: Cast, teacher: Api, assistant: Api) -> None:
        make_signal(cast.owner, cast.academy)
        number = only(teacher)["id"]
        act(teacher, number, "acknowledge", version=0)
        answer = act(assistant, number, "acknowledge", version=0)
        assert (answer["act"], answer["acknowledged_by"]["username"]) == (None, "grace")

    def test_a_snooze_of_what_somebody_snoozed_meanwhile_is_refused_with_who_it_was(
        self, cast: Cast, teacher: Api, assistant: Api
    ) -> None:
        make_signal(cast.owner, cast.academy)
        number = only(teacher)["id"]
        act(teacher, number, "snooze", until=soon(), version=0)
        answer = act(assistant, number, "snooze", 409, until=soon(30), version=0)
        assert answer["slug"] == "concern-changed"
        assert answer["detail"].startswith("Grace Hopper changed this concern in the meantime")
        assert act(assistant, number, "snooze", until=soon(30), version=1)["snoozed_by"]["username"] == "alan"

    def test_what_does_not_contradict_is_kept_both(self, cast: Cast, teacher: Api, assistant: Api) -> None:
        make_signal(cast.owner, cast.academy)
        number = only(teacher)["id"]
        act(teacher, number, "note", note="one", version=0)
        act(assistant, number, "note", note="two", version=0)
        act(teacher, number, "assign", assignee=cast.colleague.pk, version=0)
        row = act(assistant, number, "acknowledge", version=0)
        assert [note["note"] for note in row["notes"]] == ["one", "two"]
        assert row["assignee"]["username"] == "grace"

    def test_what_somebody_has_built_on_is_not_undone(self, cast: Cast, teacher: Api, assistant: Api) -> None:
        make_signal(cast.owner, cast.academy)
        number = only(teacher)["id"]
        first = act(teacher, number, "acknowledge")["act"]
        act(assistant, number, "snooze", until=soon())
        assert act(teacher, number, "undo", 409, undo=first)["slug"] == "concern-changed"

    @pytest.mark.django_db(transaction=True)
    def test_ten_at_once_leave_ten_notes_and_one_acknowledgement(self, cast: Cast) -> None:
        make_signal(cast.owner, cast.academy)
        apis = [Api(make_user(f"teacher{n}", "teacher", cast.academy), cast.academy) for n in range(10)]
        number = only(apis[0])["id"]

        def work(api: Api, place: int) -> None:
            act(api, number, "note", note=str(place), version=0)
            act(api, number, "acknowledge", version=0)
            connection.close()

        threads = [threading.Thread(target=work, args=(api, place)) for place, api in enumerate(apis)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        row = apis[0].get(f"{CONCERNS}/{number}").json()
        assert sorted(note["note"] for note in row["notes"]) == [str(n) for n in range(10)]
        assert [one["what"] for one in row["acts"]].count("acknowledged") == 1
        assert row["version"] == 11


class TestLife:
    def test_a_further_signal_changes_nothing_of_an_acknowledged_concern(self, cast: Cast, teacher: Api) -> None:
        make_signal(cast.owner, cast.academy, severity=2)
        number = only(teacher)["id"]
        act(teacher, number, "acknowledge")
        make_signal(cast.owner, cast.academy, kind="repeated_error", severity=2)
        assert only(teacher)["state"] == "acknowledged"

    def test_what_becomes_worse_comes_back(self, cast: Cast, teacher: Api) -> None:
        make_signal(cast.owner, cast.academy, severity=2)
        number = only(teacher)["id"]
        act(teacher, number, "acknowledge")
        make_signal(cast.owner, cast.academy, kind="stuck", severity=3)
        row = only(teacher)
        assert (row["id"], row["state"]) == (number, "open")

    def test_trouble_that_comes_back_soon_is_the_same_concern(self, cast: Cast, teacher: Api) -> None:
        first = make_signal(cast.owner, cast.academy, opened_at=ago(30), last_seen_at=ago(5))
        number = only(teacher)["id"]
        act(teacher, number, "acknowledge")
        ConcernAct.objects.update(clock=ago(20))
        Signal.objects.filter(pk=first.pk).update(state="resolved", resolved_at=ago(5))
        make_signal(cast.owner, cast.academy, opened_at=ago(1), last_seen_at=ago(1))
        assert only(teacher)["state"] == "acknowledged"
        Signal.objects.filter(pk=first.pk).update(resolved_at=ago(18))
        assert only(teacher)["state"] == "open"

    def test_signals_that_were_acknowledged_one_by_one_make_an_acknowledged_concern(
        self, cast: Cast, teacher: Api
    ) -> None:
        signal = make_signal(cast.owner, cast.academy)
        teacher.put(f"/v1/signal/academy/signal/{signal.pk}", {"state": "acknowledged"})
        row = only(teacher)
        assert row["state"] == "acknowledged"
        assert act(teacher, row["id"], "reopen")["state"] == "open"

    def test_it_says_how_it_came_about(self, cast: Cast, teacher: Api) -> None:
        signal = make_signal(cast.owner, cast.academy)
        row = only(teacher)
        explained = teacher.get(f"{CONCERNS}/{row['id']}?explain=1").json()["explain"]
        assert explained["definition"].startswith("One entry for a learner and an assignment")
        assert [one["id"] for one in explained["signals"]] == [signal.pk]

    def test_erasing_a_learner_takes_concerns_and_notes_along(self, cast: Cast, teacher: Api) -> None:
        make_signal(cast.owner, cast.academy)
        number = only(teacher)["id"]
        act(teacher, number, "note", note="a secret")
        act(teacher, number, "acknowledge")
        make_signal(cast.owner, cast.academy, assignment="assignment:another")
        assert len(listed(teacher)) == 2
        counted = {one.name: (one.count(cast.owner.pk), len(one.find(cast.owner.pk))) for one in registered_datasets()}
        assert counted["concerns"] == (3, 3), "two acts on one, and one that nobody has handled"
        assert erase(cast.owner).counts["concerns"] == 3
        assert (Concern.objects.count(), ConcernAct.objects.count()) == (0, 0)


class TestStream:
    def test_an_act_is_told_with_the_concerns_state(self, cast: Cast, teacher: Api) -> None:
        make_signal(cast.owner, cast.academy)
        number = only(teacher)["id"]
        done = act(teacher, number, "acknowledge")
        kinds = list(LiveEvent.objects.order_by("pk").values_list("kind", flat=True))
        assert kinds == ["signal", "concern"]
        told = LiveEvent.objects.get(kind="concern").data
        assert (told["id"], told["state"], told["version"]) == (number, "acknowledged", 1)
        act(teacher, number, "undo", undo=done["act"])
        assert LiveEvent.objects.filter(kind="concern").order_by("-pk")[0].data["state"] == "open"
