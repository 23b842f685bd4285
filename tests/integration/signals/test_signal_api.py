"""Signals over the API: lists, one with its history and evidence, acknowledging."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from learntrace.accounts.academy_settings import merge_settings
from learntrace.core.models import LiveEvent
from learntrace.signals.detectors import KINDS
from learntrace.signals.documents import SEVERITIES, signal_document
from learntrace.signals.models import Signal
from learntrace.signals.serializers import SignalSerializer
from tests.support.builders import (
    NOW,
    Api,
    Cast,
    Response,
    make_asset,
    make_assignment,
    make_attempts,
    make_cast,
    make_cohort,
    make_signal,
    make_task,
    make_translations,
    make_user,
)

SIGNALS = "/v1/signal/academy/signal"
TAG = "assignment:lesson-03-exercise-1"


def listed(api: Api, query: str = "", **headers: str) -> Any:
    answer = api.get(f"{SIGNALS}{query}", **headers)
    assert answer.status_code == 200, answer.content
    return answer.json()


def ids(api: Api, query: str) -> list[int]:
    return [row["id"] for row in listed(api, query)]


def acknowledge(api: Api, signal: Signal, state: str = "acknowledged") -> Response:
    return api.put(f"{SIGNALS}/{signal.pk}", {"state": state})


def test_a_signal_tells_what_was_seen_of_whom(cast: Cast, teacher: Api) -> None:
    signal = make_signal(cast.owner, cast.academy)
    (row,) = listed(teacher)
    assert row.pop("created_at").endswith("Z")
    assert row.pop("updated_at").endswith("Z")
    assert row.pop("sentences").keys() == {"en", "es"}
    assert row == {
        "id": signal.pk, "kind": "consecutive_errors", "name": "Same code, same error", "severity": "high",
        "state": "open",
        "learner": {"id": cast.owner.pk, "username": "ada", "first_name": "Ada", "last_name": "Lovelace"},
        "assignment": TAG, "asset": "lesson-03", "count": 3, "opened_at": "2026-11-22T10:30:00Z",
        "last_seen_at": "2026-11-22T10:30:00Z", "resolved_at": None, "resolved_by": None, "acknowledged_at": None,
        "acknowledged_by": None,
        "sentence": "Ada Lovelace ran the same code 3 times on lesson-03-exercise-1 with NameError",
        "evidence": signal.evidence,
    }  # fmt: skip


def test_the_document_is_what_the_schema_says(cast: Cast) -> None:
    signal = make_signal(cast.owner, cast.academy)
    document = signal_document(signal, cast.owner)
    assert list(document) == list(SignalSerializer().fields)
    assert SignalSerializer(document).data.keys() == document.keys()
    assert set(SEVERITIES) == set(Signal.Severity.values)


@pytest.mark.parametrize("kind", [*KINDS, "of-an-older-version"])
@pytest.mark.parametrize(
    "facts", [{}, {"error": None, "minutes": "many", "count": [1]}, [], {"%(x)d": 1}, {"error": "100%"}]
)
@pytest.mark.parametrize("assignment", [None, TAG])
def test_a_sentence_is_told_whatever_facts_there_are(cast: Cast, kind: str, facts: Any, assignment: str | None) -> None:
    signal = make_signal(cast.owner, cast.academy, kind=kind, facts=facts, assignment=assignment, asset_slug=None)
    for language in ("en", "es", None):
        document = signal_document(signal, cast.owner, language)
        assert "Ada Lovelace" in document["sentence"]
        assert document["name"]


def test_markup_and_right_to_left_names_are_told_as_they_are(cast: Cast, teacher: Api) -> None:
    cast.owner.first_name, cast.owner.last_name = "<img src=x onerror=alert(1)>", "\u202e\u05e9\u05dc\u05d5\u05dd"
    cast.owner.save()
    make_signal(cast.owner, cast.academy, facts={"error": "<b>NameError</b> %s %(x)s"})
    (row,) = listed(teacher)
    assert row["learner"]["first_name"] == "<img src=x onerror=alert(1)>"
    assert row["sentence"].startswith("<img src=x onerror=alert(1)> \u202e\u05e9\u05dc\u05d5\u05dd ran the same code")
    assert row["sentence"].endswith("<b>NameError</b> %s %(x)s")


def test_who_has_no_name_is_told_by_the_user_name(cast: Cast, teacher: Api) -> None:
    make_signal(make_user("nameless", "student", cast.academy), cast.academy)
    assert listed(teacher)[0]["sentence"].startswith("nameless ran")


def test_name_and_sentence_are_in_the_clients_language(cast: Cast, teacher: Api) -> None:
    signal = make_signal(cast.owner, cast.academy)
    (row,) = listed(teacher, Accept_Language="es")
    assert row["sentence"] == row["sentences"]["es"] != row["sentences"]["en"]
    assert row["name"] != "Same code, same error"
    assert signal_document(signal, cast.owner, "es")["sentence"] == row["sentence"]


class TestFilters:
    def test_withdrawn_ones_are_in_the_list_only_when_asked_for(self, cast: Cast, teacher: Api) -> None:
        rows = {state: make_signal(cast.owner, cast.academy, state=state).pk for state in Signal.State.values}
        assert set(ids(teacher, "")) == set(rows.values()) - {rows["withdrawn"]}
        assert ids(teacher, "?state=withdrawn") == [rows["withdrawn"]]
        assert set(ids(teacher, "?state=open,acknowledged")) == {rows["open"], rows["acknowledged"]}

    def test_kind_severity_learner_and_cohort(self, cast: Cast, teacher: Api) -> None:
        grace = make_signal(cast.colleague, cast.academy, kind="stuck", severity=1)
        ada = make_signal(cast.owner, cast.academy, severity=3)
        make_task(cast.owner, "x", cohort=make_cohort("fall", cast.academy))
        for query in ("kind=stuck", "severity=low", "learner=grace", f"learner={cast.colleague.pk},nobody"):
            assert ids(teacher, f"?{query}") == [grace.pk], query
        for query in ("severity=high,medium", "cohort=fall", "kind=consecutive_errors,rapid_fire", "learner=ada"):
            assert ids(teacher, f"?{query}") == [ada.pk], query
        assert ids(teacher, "?cohort=winter") == ids(teacher, "?kind=dancing") == []

    def test_assignments_with_or_without_their_prefix(self, cast: Cast, teacher: Api) -> None:
        tagged = make_signal(cast.owner, cast.academy)
        step = make_signal(cast.owner, cast.academy, assignment="intro/01-hello")
        assert ids(teacher, f"?assignment={TAG}") == ids(teacher, "?assignment=lesson-03-exercise-1") == [tagged.pk]
        assert ids(teacher, "?assignment=intro/01-hello") == [step.pk]

    def test_an_asset_by_slug_id_alias_or_translation(self, cast: Cast, teacher: Api) -> None:
        english, spanish = make_translations(us="intro", es="intro-es")
        english.aliases.create(slug="introduction")
        other = make_asset("lesson-04", academy=cast.academy)
        make_assignment(cast.academy, other, "assignment:lesson-04-exercise-1")
        step = make_signal(cast.owner, cast.academy, assignment="intro/01-hello", asset_slug="intro")
        tagged = make_signal(cast.owner, cast.academy, assignment="assignment:lesson-04-exercise-1", asset_slug=None)
        for name in ("intro", "intro-es", "introduction", english.pk, spanish.pk):
            assert ids(teacher, f"?asset={name}") == [step.pk], name
        assert ids(teacher, "?asset=lesson-04") == [tagged.pk]
        assert ids(teacher, "?asset=nothing") == []

    def test_since_is_when_it_was_last_seen(self, cast: Cast, teacher: Api) -> None:
        make_signal(cast.owner, cast.academy, last_seen_at=NOW - timedelta(hours=1))
        later = make_signal(cast.owner, cast.academy, last_seen_at=NOW + timedelta(hours=1))
        assert ids(teacher, "?since=2026-11-22T10:30:00Z") == [later.pk]
        assert ids(teacher, "?since=2026-11-22T12:30:00+02:00") == [later.pk]

    @pytest.mark.parametrize(
        "query", ["state=shut", "severity=3", "since=yesterday", "since=2026", "sort=user__password"]
    )
    def test_what_no_filter_takes_is_refused(self, cast: Cast, teacher: Api, query: str) -> None:
        answer = teacher.get(f"{SIGNALS}?{query}")
        assert answer.status_code == 400
        assert answer.json().get("slug", "invalid-filter") == "invalid-filter"

    @pytest.mark.parametrize(
        "query", [f"asset={2**64}", f"learner={'9' * 40}", f"cohort={2**63}", "assignment=%F0%9F%92%A5"]
    )
    def test_odd_values_find_nothing(self, cast: Cast, teacher: Api, query: str) -> None:
        make_signal(cast.owner, cast.academy)
        assert ids(teacher, f"?{query}") == []

    def test_those_seen_last_come_first_unless_sorted_otherwise(self, cast: Cast, teacher: Api) -> None:
        old = make_signal(cast.owner, cast.academy, last_seen_at=NOW - timedelta(hours=1), count=9)
        new = make_signal(cast.owner, cast.academy)
        assert ids(teacher, "") == [new.pk, old.pk]
        assert ids(teacher, "?sort=-count") == [old.pk, new.pk]
        page = listed(teacher, "?limit=1&offset=1")
        assert (page["count"], [row["id"] for row in page["results"]]) == (2, [old.pk])

    def test_many_rows_take_few_queries(
        self, cast: Cast, teacher: Api, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(30):
            learner = make_user(f"learner-{number}", "student", cast.academy)
            make_signal(learner, cast.academy, state="acknowledged", acknowledged_by=cast.colleague)
        with django_assert_max_num_queries(6):
            assert len(listed(teacher, "?limit=100")["results"]) == 30


class TestOne:
    def test_it_comes_with_its_history_also_when_it_was_withdrawn(self, cast: Cast, teacher: Api) -> None:
        history = [{"at": "2026-11-22T10:30:00+00:00", "what": "opened", "by": "x"}]
        signal = make_signal(cast.owner, cast.academy, state="withdrawn", history=history)
        one = teacher.get(f"{SIGNALS}/{signal.pk}").json()
        assert (one["state"], one["history"]) == ("withdrawn", history)
        assert "explain" not in one

    def test_it_explains_its_kinds_thresholds_and_its_evidence(self, cast: Cast, teacher: Api) -> None:
        made = make_attempts(cast.owner, cast.academy, TAG, "xxx-")
        foreign = make_attempts(cast.strange_learner, cast.elsewhere, TAG, "x")
        signal = make_signal(cast.owner, cast.academy, evidence=[*made[:3], *foreign, "no-id", 7])
        merge_settings(cast.academy, {"signal_features": {"consecutive_errors": {"errors": 4}}})
        explain = teacher.get(f"{SIGNALS}/{signal.pk}?explain=1").json()["explain"]
        assert explain["thresholds"] == [
            {"name": "errors", "value": 4, "default": 3, "purpose": "failed executions of the same code in a row"}
        ]
        assert explain["definition"] == "Same code, same error. failed executions of the same code in a row: 4"
        assert explain["enabled"] is True
        assert [one["id"] for one in explain["evidence"]] == made[:3]
        assert explain["evidence"][0]["failures"] == [{"name": "XError", "message": "it broke"}]
        assert explain["evidence"][0]["at"] == "2026-11-22T10:30:00Z"
        assert len(teacher.get(explain["details"]).json()) == 4

    def test_a_kind_that_exists_no_more_is_explained_by_its_word(self, cast: Cast, teacher: Api) -> None:
        signal = make_signal(cast.owner, cast.academy, kind="older", assignment=None)
        explain = teacher.get(f"{SIGNALS}/{signal.pk}?explain=1").json()["explain"]
        assert explain == {"definition": "older", "enabled": False, "thresholds": [], "evidence": []}

    @pytest.mark.parametrize("number", ["0", str(2**31), str(2**63 - 1), str(2**63), "9" * 40])
    def test_none_is_not_found(self, teacher: Api, number: str) -> None:
        for answer in (teacher.get(f"{SIGNALS}/{number}"), teacher.put(f"{SIGNALS}/{number}", {"state": "open"})):
            assert (answer.status_code, answer.json()["slug"]) == (404, "signal-not-found")


class TestAcknowledging:
    def test_it_is_noted_by_whom_and_told_to_those_who_watch(self, cast: Cast, teacher: Api) -> None:
        signal = make_signal(cast.owner, cast.academy)
        answer = acknowledge(teacher, signal)
        assert answer.status_code == 200, answer.content
        told = answer.json()
        assert (told["state"], told["acknowledged_by"]["username"]) == ("acknowledged", "grace")
        assert told["acknowledged_at"] == told["updated_at"] > told["created_at"]
        assert [(one["what"], one["by"]) for one in told["history"]] == [("acknowledged", "grace")]
        assert listed(teacher)[0]["acknowledged_by"]["id"] == cast.colleague.pk
        event, concern = LiveEvent.objects.order_by("pk")
        assert (event.academy_id, event.kind, event.data["id"], event.data["state"]) == (
            cast.academy.pk, "signal", signal.pk, "acknowledged",
        )  # fmt: skip
        # It was the only one of its concern.
        assert (concern.kind, concern.data["state"]) == ("concern", "acknowledged")

    def test_it_can_be_taken_back(self, cast: Cast, teacher: Api) -> None:
        signal = make_signal(cast.owner, cast.academy)
        acknowledge(teacher, signal)
        told = acknowledge(teacher, signal, "open").json()
        assert (told["state"], told["acknowledged_by"], told["acknowledged_at"]) == ("open", None, None)
        assert [one["what"] for one in told["history"]] == ["acknowledged", "reopened"]

    def test_twice_is_once(self, cast: Cast, teacher: Api) -> None:
        signal = make_signal(cast.owner, cast.academy)
        first = acknowledge(teacher, signal).json()
        assistant = Api(make_user("ta", "assistant", cast.academy), cast.academy)
        assert acknowledge(assistant, signal).json() == first
        assert LiveEvent.objects.filter(kind="signal").count() == 1

    def test_an_assistant_may(self, cast: Cast) -> None:
        signal = make_signal(cast.owner, cast.academy)
        assert acknowledge(Api(make_user("ta", "assistant", cast.academy), cast.academy), signal).status_code == 200

    @pytest.mark.parametrize("state", ["resolved", "withdrawn"])
    def test_what_is_over_stays_so(self, cast: Cast, teacher: Api, state: str) -> None:
        signal = make_signal(cast.owner, cast.academy, state=state)
        for wanted in ("acknowledged", "open"):
            answer = acknowledge(teacher, signal, wanted)
            assert (answer.status_code, answer.json()["slug"]) == (400, "signal-is-over")
        signal.refresh_from_db()
        assert (signal.state, signal.history) == (state, [])
        assert not LiveEvent.objects.exists()

    @pytest.mark.parametrize("body", [{}, {"state": None}, {"state": "resolved"}, {"state": ["open"]}, {"state": {"a": 1}},
                                      {"state": 1}, {"state": "Acknowledged"}])  # fmt: skip
    def test_any_other_state_is_a_field_error(self, cast: Cast, teacher: Api, body: dict[str, Any]) -> None:
        signal = make_signal(cast.owner, cast.academy)
        answer = teacher.put(f"{SIGNALS}/{signal.pk}", body)
        assert (answer.status_code, list(answer.json())) == (400, ["state"])

    @pytest.mark.parametrize("body", [[], "acknowledged", 7])
    def test_what_is_no_object_is_refused(self, cast: Cast, teacher: Api, body: Any) -> None:
        signal = make_signal(cast.owner, cast.academy)
        answer = teacher.put(f"{SIGNALS}/{signal.pk}", body)
        assert (answer.status_code, answer.json()["detail"]) == (400, "Request body must be a JSON object")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_acknowledge_at_once_one_has() -> None:
    cast = make_cast()
    signal = make_signal(cast.owner, cast.academy)
    teachers = [Api(make_user(f"teacher-{number}", "teacher", cast.academy), cast.academy) for number in range(4)]
    together = threading.Barrier(len(teachers))
    answers = []

    def put(api: Api) -> None:
        together.wait()
        try:
            answers.append(acknowledge(api, signal))
        finally:
            connection.close()

    threads = [threading.Thread(target=put, args=(api,)) for api in teachers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.json()["acknowledged_by"]["username"] for answer in answers}) == 1
    signal.refresh_from_db()
    assert len(signal.history) == 1
    assert LiveEvent.objects.filter(kind="signal").count() == 1
