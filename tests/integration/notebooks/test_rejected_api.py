"""Rejected events: seen with their reasons, and taken after all."""

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from learntrace.accounts.academy_settings import NOTEBOOK, merge_features
from learntrace.accounts.models import Membership
from learntrace.config.runtime.schedules import clean_up
from learntrace.notebooks.inbox.batch_parser import copy_rejected
from learntrace.notebooks.models import Consent, Event, RejectedEvent
from learntrace.notebooks.rejected.retention import delete_old_rejected
from tests.support.builders import Api, Cast, Response, make_key, make_rejected, make_stored_event, make_user
from tests.support.notebooks import Sender, make_event

REJECTED = "/v1/notebook/academy/rejected"


def again(api: Api, row: RejectedEvent, body: Any = None) -> Response:
    return api.post(f"{REJECTED}/{row.pk}/retry", body)


def test_a_rejected_event_is_told_with_its_reason_in_the_readers_language(cast: Cast, teacher: Api) -> None:
    event = make_event(verb="danced")
    row = make_rejected(cast.owner, cast.academy, event, event_id=event["id"], times=3)
    (told,) = teacher.get(REJECTED).json()
    assert (told["id"], told["event_id"], told["code"], told["times"]) == (row.pk, event["id"], "unknown-verb", 3)
    assert (told["event"], told["cut"]) == (event, False)
    assert told["learner"]["username"] == "ada"
    assert told["detail"] == "Unknown verb danced; known are executed"
    (spanish,) = teacher.get(REJECTED, Accept_Language="es").json()
    assert spanish["detail"].startswith("Verbo desconocido danced")


def test_what_is_cut_or_cannot_be_told_as_json_is_told_as_text(cast: Cast, teacher: Api) -> None:
    make_rejected(cast.owner, cast.academy, None, raw='{"id": "x', cut=True)
    make_rejected(cast.owner, cast.academy, 1, raw=copy_rejected({"id": "\ud800", "timestamp": float("nan")}).raw)
    texts = [row["event"] for row in teacher.get(REJECTED).json()]
    assert texts == ['{"id":"\\ud800","timestamp":NaN}', '{"id": "x']


def test_rejected_events_are_filtered_and_of_ones_own_academy(cast: Cast, teacher: Api) -> None:
    first = make_rejected(cast.owner, cast.academy, 1)
    second = make_rejected(cast.colleague, cast.academy, 2, code="invalid-id")
    foreign = make_rejected(cast.strange_learner, cast.elsewhere, 3)
    make_rejected(cast.owner, None, 4)

    def found(query: str = "") -> list[int]:
        return [row["id"] for row in teacher.get(f"{REJECTED}{query}").json()]

    assert found() == [second.pk, first.pk]
    assert found("?code=invalid-id,x") == [second.pk]
    assert found(f"?learner={cast.owner.pk}") == found("?learner=ada") == [first.pk]
    assert found("?sort=id") == [first.pk, second.pk]
    assert again(teacher, foreign).status_code == 404


def test_as_it_was_sent_it_is_still_rejected_until_the_cause_is_gone(cast: Cast, teacher: Api) -> None:
    service = make_user("service", "staff", cast.academy)
    row = make_rejected(service, cast.academy, make_event(actor="newcomer"), code="telemetry-of-another-user")
    answer = again(teacher, row)
    assert (answer.status_code, answer.json()["slug"]) == (400, "telemetry-of-another-user")
    assert "newcomer" in answer.json()["detail"]
    newcomer = make_user("newcomer", "student", cast.academy)
    answer = again(teacher, row)
    assert answer.status_code == 200
    event = Event.objects.get()
    assert (answer.json()["id"], answer.json()["actor"]) == (str(event.pk), "newcomer")
    assert (event.user, event.sender, event.academy) == (newcomer, service, cast.academy)
    assert not RejectedEvent.objects.exists()
    assert again(teacher, row).status_code == 404


def test_a_corrected_event_is_taken_in_its_place(cast: Cast, teacher: Api) -> None:
    event = make_event(verb="danced")
    row = make_rejected(cast.owner, cast.academy, event)
    assert again(teacher, row).json()["slug"] == "unknown-verb"
    assert again(teacher, row, {"event": {**event, "verb": "jumped"}}).status_code == 400
    assert again(teacher, row, {"event": None}).json()["slug"] == "not-an-object"
    assert RejectedEvent.objects.count() == 1
    assert again(teacher, row, {"event": {**event, "verb": "executed"}}).status_code == 200
    assert (Event.objects.get().user, Event.objects.get().verb) == (cast.owner, "executed")
    assert not RejectedEvent.objects.exists()


@pytest.mark.parametrize("body", [[], "x", 7])
def test_a_body_that_is_no_object_is_refused(cast: Cast, teacher: Api, body: Any) -> None:
    assert again(teacher, make_rejected(cast.owner, cast.academy, 1), body).status_code == 400


def test_what_was_cut_needs_the_whole_event(cast: Cast, teacher: Api) -> None:
    row = make_rejected(cast.owner, cast.academy, None, raw='{"id": "x', cut=True, code="too-large")
    answer = again(teacher, row)
    assert (answer.status_code, answer.json()["slug"]) == (400, "event-cut")
    assert again(teacher, row, {"event": make_event(object={"pad": "x" * 70_000})}).json()["slug"] == "too-large"
    assert again(teacher, row, {"event": make_event()}).status_code == 200


def test_a_forged_event_is_not_made_true_by_trying_again(cast: Cast, teacher: Api) -> None:
    victim = make_user("victim", "student", cast.academy)
    row = make_rejected(cast.owner, cast.academy, make_event(actor="victim"), code="telemetry-of-another-user")
    assert again(teacher, row).json()["slug"] == "telemetry-of-another-user"
    assert not Event.objects.exists()
    # Whoever corrects it says so.
    assert again(teacher, row, {"event": make_event(actor="victim")}).status_code == 200
    assert Event.objects.get().user == victim


def test_staff_answers_for_its_own_academys_learners_only(cast: Cast, teacher: Api) -> None:
    row = make_rejected(cast.owner, cast.academy, make_event(verb="danced"))
    answer = again(teacher, row, {"event": make_event(actor="lee")})
    assert answer.json()["slug"] == "telemetry-of-another-user"
    assert again(teacher, row, {"event": make_event(actor="nobody")}).json()["slug"] == "telemetry-of-another-user"
    assert not Event.objects.exists()


def test_an_id_that_is_taken_stays_taken_and_ones_own_counts_once(cast: Cast, teacher: Api) -> None:
    event = make_event()
    theirs = make_stored_event(cast.strange_learner, cast.elsewhere)
    row = make_rejected(cast.owner, cast.academy, {**event, "id": str(theirs.pk)}, code="id-taken")
    assert again(teacher, row).json()["slug"] == "id-taken"
    mine = make_stored_event(cast.owner, cast.academy)
    assert again(teacher, row, {"event": {**event, "id": str(mine.pk)}}).status_code == 200
    assert Event.objects.count() == 2


def test_who_has_said_no_is_left_alone(cast: Cast, teacher: Api) -> None:
    row = make_rejected(cast.owner, cast.academy, make_event())
    Consent.objects.create(user=cast.owner, collecting=False)
    assert again(teacher, row).json()["slug"] == "opted-out"


def test_an_event_of_nobody_needs_an_actor(cast: Cast, teacher: Api) -> None:
    service = make_user("service", "staff", cast.academy)
    row = make_rejected(cast.owner, cast.academy, make_event(actor="ada"), sender=service)
    cast.owner.delete()
    assert again(teacher, row).json()["slug"] == "telemetry-of-another-user"
    assert again(teacher, row, {"event": make_event()}).json()["slug"] == "learner-gone"
    assert again(teacher, row, {"event": make_event(actor="grace")}).status_code == 200


def test_a_learner_who_left_keeps_the_academy_where_it_was_sent(cast: Cast, teacher: Api) -> None:
    row = make_rejected(cast.owner, cast.academy, make_event())
    Membership.objects.filter(user=cast.owner).update(status="INACTIVE")
    assert again(teacher, row).status_code == 200
    assert Event.objects.get().academy == cast.academy


def test_source_is_kept_by_the_academys_setting(cast: Cast, teacher: Api) -> None:
    row = make_rejected(cast.owner, cast.academy, 1)
    coded = make_event(object={"code": "x = 1"})
    merge_features(cast.academy, {"collect_source": True}, NOTEBOOK)
    assert again(teacher, row, {"event": coded}).json()["object"] == {"code": "x = 1"}
    merge_features(cast.academy, {"collect_source": False}, NOTEBOOK)
    other = make_rejected(cast.owner, cast.academy, 2)
    assert again(teacher, other, {"event": make_event(object={"code": "x = 1"})}).json()["object"] == {}


def test_an_assistant_sees_but_does_not_take(cast: Cast) -> None:
    helper = Api(make_user("helper", "assistant", cast.academy), cast.academy)
    row = make_rejected(cast.owner, cast.academy, make_event())
    assert len(helper.get(REJECTED).json()) == 1
    assert again(helper, row).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_while_clients_send_it_again_it_is_taken_once(cast: Cast, teacher: Api) -> None:
    """Both write the same rows: neither locks the other out."""
    key = make_key(cast.owner)
    good = [make_event() for _ in range(30)]
    rows = [
        make_rejected(cast.owner, cast.academy, event, fingerprint=copy_rejected(event).fingerprint) for event in good
    ]
    answers: list[dict[str, Any]] = []

    def send() -> None:
        with Sender(key) as sender:
            answers.extend(sender.send(*good, make_event(verb="danced")) for _ in range(10))
        connection.close()

    thread = threading.Thread(target=send)
    thread.start()
    statuses = [again(teacher, row).status_code for row in rows]
    thread.join(60)
    assert set(statuses) == {200}
    assert Event.objects.count() == 30
    assert sum(answer["accepted"] + answer["duplicates"] for answer in answers) == 300


@pytest.mark.django_db(transaction=True)
def test_of_corrections_that_are_sent_at_once_one_is_taken(cast: Cast, teacher: Api) -> None:
    row = make_rejected(cast.owner, cast.academy, make_event(verb="danced"))
    start, statuses = threading.Barrier(4), []

    def correct() -> None:
        start.wait(60)
        statuses.append(again(teacher, row, {"event": make_event()}).status_code)
        connection.close()

    threads = [threading.Thread(target=correct) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(statuses) == [200, 404, 404, 404]
    assert Event.objects.count() == 1


def test_they_are_kept_as_long_as_refusals(cast: Cast, settings: Settings) -> None:
    old = timezone.now() - timedelta(days=31)
    make_rejected(cast.owner, cast.academy, 1, updated_at=old, created_at=old)
    seen_again = make_rejected(cast.owner, cast.academy, 2, created_at=old)
    event = make_stored_event(cast.owner, cast.academy, created_at=timezone.now() - timedelta(days=4000))
    assert delete_old_rejected(days=30, dry_run=True) == 1
    assert clean_up()["rejected events"] == 1
    assert list(RejectedEvent.objects.all()) == [seen_again]
    assert Event.objects.get() == event, "events are kept"


def test_raw_text_can_be_sent_again_as_it_is(cast: Cast, teacher: Api) -> None:
    """What staff reads is what it may correct and send."""
    event = make_event(verb="danced")
    row = make_rejected(cast.owner, cast.academy, event)
    (told,) = teacher.get(REJECTED).json()
    assert json.loads(row.raw) == told["event"]
    assert again(teacher, row, {"event": {**told["event"], "verb": "opened"}}).status_code == 200


def test_what_was_sent_is_cut_in_a_large_page(cast: Cast, teacher: Api) -> None:
    for number in range(150):
        make_rejected(cast.owner, cast.academy, make_event(verb="danced", context={"text": "x" * 60_000, "n": number}))
    answer = teacher.get(f"{REJECTED}?limit=1000&envelope=false")
    told = answer.json()
    assert (len(told), len(answer.content) < 9 * 1024 * 1024) == (150, True)
    assert (told[0]["cut"], told[0]["event"]["verb"]) == (False, "danced")
    assert (told[-1]["cut"], len(told[-1]["event"]), told[-1]["bytes"] > 60_000) == (True, 1024, True)
