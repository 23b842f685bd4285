"""The inbox of notebook events: who may send what, what is told of each event, and what then stands in the tables."""

import gzip
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from learntrace.accounts.academy_settings import NOTEBOOK, merge_features
from learntrace.accounts.models import Academy, Grant, Membership, User
from learntrace.core.sql import fetch
from learntrace.intake.models import Refusal
from learntrace.notebooks.models import Consent, Event, Notebook, NotebookAssignment, RejectedEvent
from tests.support.builders import make_academy, make_graded_asset, make_key, make_user
from tests.support.notebooks import LIMIT, TAG, Sender, make_event, now_text

pytestmark = pytest.mark.django_db(transaction=True)

# design.md, word for word.
DESIGN_SQL = """
SELECT actor, verb, object->>'assignment' AS assignment, created_at FROM events WHERE object->>'assignment' IS NOT
NULL ORDER BY created_at DESC LIMIT 10;
"""


@pytest.fixture
def academy() -> Academy:
    return make_academy("downtown", id=47)


@pytest.fixture
def ada(academy: Academy) -> User:
    return make_user("ada", "student", academy, id=1234)


@pytest.fixture
def service(academy: Academy) -> User:
    return make_user("service", "staff", academy)


@pytest.fixture
def sender(ada: User) -> Iterator[Sender]:
    with Sender(make_key(ada)) as one:
        yield one


@pytest.fixture
def program(service: User) -> Iterator[Sender]:
    with Sender(make_key(service)) as one:
        yield one


def select(statement: str) -> list[tuple[Any, ...]]:
    return fetch(statement)


def codes(answer: dict[str, Any]) -> list[str]:
    return [one["code"] for one in answer["rejected"]]


def test_an_event_is_a_row_of_the_learners(sender: Sender, ada: User, academy: Academy) -> None:
    event = make_event()
    assert sender.send(event) == {"accepted": 1, "duplicates": 0, "rejected": []}
    row = Event.objects.get()
    assert (str(row.id), row.actor, row.user, row.academy, row.sender) == (event["id"], "ada", ada, academy, ada)
    assert (row.verb, row.session_id, row.object_id, row.code_hash) == ("executed", "session-1", "cell-1", "a" * 64)
    assert (row.object, row.result, row.context) == (event["object"], event["result"], event["context"])
    assert row.occurred_at == datetime.fromisoformat(event["timestamp"])
    assert abs(row.created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert row.flags == []
    assert sender.announced == ["notebook-events"]


def test_the_designs_query_works_as_it_stands(sender: Sender) -> None:
    sender.send(*(make_event() for _ in range(3)))
    sender.send(make_event(verb="opened", object={"type": "notebook", "assignment": None}))
    sender.send(make_event(verb="saved"))
    found = select(DESIGN_SQL)
    assert [row[:3] for row in found] == [("ada", "saved", TAG)] + [("ada", "executed", TAG)] * 3
    assert [row[3] for row in found] == sorted((row[3] for row in found), reverse=True)


def test_the_columns_are_the_documented_ones() -> None:
    found = select("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'events'")
    assert dict(found) == {
        "id": "uuid", "actor": "character varying", "user_id": "bigint", "academy_id": "bigint", "sender_id": "bigint",
        "verb": "character varying", "object": "jsonb", "result": "jsonb", "context": "jsonb",
        "session_id": "character varying", "object_id": "character varying", "code_hash": "character varying",
        "occurred_at": "timestamp with time zone", "clock_offset_ms": "bigint", "created_at": "timestamp with time zone",
        "flags": "jsonb", "arrival": "bigint",
    }  # fmt: skip


def test_events_keep_the_order_of_their_request_whatever_their_ids(sender: Sender) -> None:
    sent = [make_event() for _ in range(50)]
    sender.send(*sent)
    more = [make_event() for _ in range(5)]
    sender.send(*more)
    stored = [str(pk) for pk in Event.objects.order_by("arrival").values_list("id", flat=True)]
    assert stored == [event["id"] for event in sent + more]


def test_the_same_event_counts_once_however_often_it_is_sent(sender: Sender) -> None:
    event = make_event()
    assert sender.send(event, event, {**event, "verb": "saved"}) == {"accepted": 1, "duplicates": 2, "rejected": []}
    assert sender.send({**event, "id": event["id"].upper()})["duplicates"] == 1
    assert Event.objects.get().verb == "executed"


def test_an_object_around_the_list_and_gzip_are_taken(sender: Sender) -> None:
    assert sender.post({"events": [make_event()]}).json()["accepted"] == 1
    assert sender.post_packed([make_event()] * 2).json() == {"accepted": 1, "duplicates": 1, "rejected": []}


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"7", b"[{]", {"events": {}}, [{}] * 501])
def test_a_request_that_is_no_batch_is_refused_whole_and_recorded(sender: Sender, body: Any) -> None:
    answer = sender.post(body)
    assert (answer.status_code, answer.json()["slug"]) == (400, "invalid-batch")
    assert answer.json()["detail"]
    assert Refusal.objects.get().reason == "invalid-batch"


def test_a_body_over_the_limit_is_refused(sender: Sender) -> None:
    big = b"[" + b" " * LIMIT + b"1]"
    assert sender.post(big).status_code == 413
    assert sender.post(gzip.compress(big), Content_Encoding="gzip").status_code == 413
    assert sender.post(b"x", Content_Encoding="gzip").status_code == 400
    assert sender.post([make_event()], Content_Encoding="br").status_code == 415
    assert set(Refusal.objects.values_list("status_code", flat=True)) == {413, 400, 415}


BAD = {
    "not-an-object": 7,
    "invalid-id": make_event(id="seven"),
    "unknown-verb": make_event(verb="danced"),
    "invalid-timestamp": make_event(timestamp="noon"),
    "invalid-object": make_event(object="cell"),
    "invalid-result": make_event(result=[]),
    "invalid-context": make_event(context=7),
    "too-large": make_event(result={"error_value": "x" * 2_000_000}),
    "unstorable-text": make_event(session_id="a\0b"),
    "telemetry-of-another-user": make_event(actor="grace"),
}


def test_one_bad_event_of_each_kind_costs_no_other(sender: Sender, ada: User, academy: Academy) -> None:
    make_user("grace", "student", academy)
    stranger = make_event()
    with Sender(make_key(make_user("lee", "student", academy))) as other:
        other.send(stranger)
    bad = {**BAD, "id-taken": stranger}
    sent = [event for one in bad.values() for event in (make_event(), one)] + [make_event()]
    answer = sender.send(*sent)
    assert (answer["accepted"], answer["duplicates"]) == (len(bad) + 1, 0)
    assert {one["index"]: one["code"] for one in answer["rejected"]} == {
        index * 2 + 1: code for index, code in enumerate(bad)
    }
    for one in answer["rejected"]:
        sent_id = sent[one["index"]]["id"] if isinstance(sent[one["index"]], dict) else None
        assert (one["id"], bool(one["detail"])) == (sent_id, True)
    rows = {row.code: row for row in RejectedEvent.objects.all()}
    assert set(rows) == set(bad)
    assert {(row.sender, row.user, row.academy, row.times) for row in rows.values()} == {(ada, ada, academy, 1)}
    # Its message is cut, as that of an event which is taken.
    assert not rows["too-large"].cut
    assert len(json.loads(rows["too-large"].raw)["result"]["error_value"]) == 2000
    assert json.loads(rows["unknown-verb"].raw) == BAD["unknown-verb"]


@pytest.mark.parametrize("poison", [rb'"\ud800"', rb'"\u0000"', b"9" * 40, b"1e999", b"NaN", b'"\xff"', b"9" * 6000])
def test_what_no_database_can_hold_costs_one_event_and_not_the_other_499(sender: Sender, poison: bytes) -> None:
    good = [json.dumps(make_event()).encode() for _ in range(499)]
    bad = b'{"id": "' + str(uuid.uuid4()).encode() + b'", "object": {"id": ' + poison + b"}}"
    answer = sender.post(b"[" + b",".join([*good[:250], bad, *good[250:]]) + b"]").json()
    assert answer["accepted"] == Event.objects.count() == 499
    assert [(one["index"], one["code"]) for one in answer["rejected"]] == [(250, "unstorable-text")]
    assert RejectedEvent.objects.get().raw


@pytest.mark.parametrize("poison", [rb'"\ud800"', rb'"a\u0000b"', b'"\xff"', b'"\xed\xa0\xbd"'])
@pytest.mark.parametrize(
    "place", ["result.error_value", "result.error_name", "context.kernel", "object.notebook", "object.title", "note"]
)
def test_a_text_that_cannot_be_stored_is_repaired_and_the_event_flagged(
    sender: Sender, poison: bytes, place: str
) -> None:
    event = make_event(result={"outcome": "error", "error_name": "E", "error_value": "v"})
    *holders, name = place.split(".")
    holder = event
    for key in holders:
        holder = holder[key]
    holder[name] = "POISON"
    answer = sender.post(b"[" + json.dumps(event).encode().replace(b'"POISON"', poison) + b"]").json()
    assert (answer["accepted"], answer["rejected"]) == (1, [])
    row = Event.objects.get()
    assert "replaced-characters" in row.flags
    stored = {"object": row.object, "result": row.result, "context": row.context}
    # Keys outside the list that is kept are dropped.
    kept = place not in ("object.title", "note")
    assert ("\ufffd" in json.dumps(stored, ensure_ascii=False)) is kept


def test_neighbours_of_a_repaired_event_are_stored_as_they_are(sender: Sender) -> None:
    bad = make_event(result={"outcome": "error", "error_name": "E", "error_value": "a\ud83d"})
    good = make_event(result={"outcome": "error", "error_name": "E", "error_value": "\U0001f600"})
    assert sender.send(good, bad)["accepted"] == 2
    assert Event.objects.get(pk=good["id"]).flags == []
    assert Event.objects.get(pk=good["id"]).result["error_value"] == "\U0001f600"
    assert Event.objects.get(pk=bad["id"]).result["error_value"] == "a\ufffd"


@pytest.mark.parametrize("place", ["actor", "session_id", "object.id", "object.assignment", "object.code_hash"])
def test_keys_and_ids_that_cannot_be_stored_are_not_changed(sender: Sender, place: str) -> None:
    event = make_event()
    *holders, name = place.split(".")
    (event[holders[0]] if holders else event)[name] = "a\ud800"
    (told,) = sender.send(event)["rejected"]
    assert (told["code"], place in told["detail"]) == ("unstorable-text", True)


def test_longest_names_in_any_script_can_be_stored(sender: Sender) -> None:
    wide = "\N{GRINNING FACE}"
    about = {"type": "cell", "id": "", "assignment": "", "notebook": wide * 1000, "code_hash": "", "tags": [wide] * 200}
    for size in (189, 200):
        about |= {"id": wide * size, "assignment": (wide * 189), "code_hash": wide * size}
        answer = sender.send(make_event(session_id=wide * size, object=about))
        assert answer["accepted"] == 1, answer
    # What doesn't repeat can't be compressed: an index entry takes it all the same.
    varied = "".join(chr(0x10000 + (number * 7919) % 0xFFFF) for number in range(200))
    about |= {"id": varied, "assignment": varied[:189], "code_hash": varied[::-1]}
    assert sender.send(make_event(session_id=varied[::-1], object=about))["accepted"] == 1


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2031-05-05T05:05:05Z",
                                  "9999-12-31T23:59:59.999999Z"])  # fmt: skip
def test_clocks_that_are_years_off_are_kept_and_flagged(sender: Sender, when: str) -> None:
    assert sender.send(make_event(timestamp=when))["accepted"] == 1
    row = Event.objects.get()
    assert row.occurred_at == datetime.fromisoformat(when)
    assert row.flags in (["clock-ahead"], ["clock-behind"])


def test_a_rejected_event_is_kept_once_with_how_often_it_came(sender: Sender) -> None:
    bad = make_event(verb="danced")
    sender.send(bad, make_event(), bad)
    sender.send(bad)
    row = RejectedEvent.objects.get()
    assert (row.times, row.event_id, row.code) == (3, bad["id"], "unknown-verb")
    assert row.updated_at > row.created_at


def test_reasons_are_told_in_the_senders_language_and_kept_in_english(sender: Sender) -> None:
    (told,) = sender.send(make_event(verb="danced"), Accept_Language="es-ES,es;q=0.9")["rejected"]
    assert told["detail"].startswith("Verbo desconocido danced")
    assert RejectedEvent.objects.get().detail.startswith("Unknown verb danced")


def test_a_learner_who_speaks_for_another_is_refused_that_event_and_recorded(
    sender: Sender, ada: User, academy: Academy
) -> None:
    make_user("grace", "student", academy)
    answer = sender.send(make_event(), make_event(actor="grace"), make_event(actor="nobody"), make_event(actor="ada"))
    assert (answer["accepted"], codes(answer)) == (2, ["telemetry-of-another-user"] * 2)
    assert set(Event.objects.values_list("actor", flat=True)) == {"ada"}
    refusal = Refusal.objects.get()
    assert (refusal.status_code, refusal.reason, refusal.user, refusal.asset) == (
        403, "telemetry-of-another-user", ada, TAG,
    )  # fmt: skip


def test_a_service_names_each_events_learner_in_the_academies_it_serves(
    program: Sender, service: User, academy: Academy, ada: User
) -> None:
    elsewhere = make_academy("elsewhere")
    make_user("lee", "student", elsewhere)
    answer = program.send(
        make_event(actor="ada"), make_event(actor="lee"), make_event(actor="nobody"), make_event(actor=7), make_event()
    )
    assert codes(answer) == ["telemetry-of-another-user"] * 3
    told = {
        rejected["detail"].removesuffix(actor)
        for rejected, actor in zip(answer["rejected"], ("lee", "nobody", "7"), strict=True)
    }
    assert len(told) == 1, "who belongs to another academy is told apart from who doesn't exist"
    assert sorted(Event.objects.values_list("actor", "user_id", "sender_id", "academy_id")) == [
        ("ada", ada.pk, service.pk, academy.pk), ("service", service.pk, service.pk, academy.pk),
    ]  # fmt: skip
    assert Refusal.objects.get().user == service
    Grant.objects.create(user=service, permission="upload_any_telemetry")
    assert program.send(make_event(actor="lee"))["accepted"] == 1
    assert Event.objects.get(actor="lee").academy == elsewhere


def test_a_bad_event_that_a_service_sends_is_kept_with_its_learner(program: Sender, ada: User, service: User) -> None:
    program.send(make_event(actor="ada", verb="danced"))
    row = RejectedEvent.objects.get()
    assert (row.user, row.sender) == (ada, service)


def test_an_id_of_another_users_event_is_taken(sender: Sender, ada: User, academy: Academy) -> None:
    event = make_event()
    sender.send(event)
    with Sender(make_key(make_user("lee", "student", academy))) as other:
        assert codes(other.send(event)) == ["id-taken"]
    assert Event.objects.get().user == ada


def test_who_may_not_upload_is_told_only_that(academy: Academy) -> None:
    with Sender(make_key(make_user("nobody"))) as nobody:
        answer = nobody.post(b"{")
        assert (answer.status_code, Refusal.objects.get().reason) == (403, "missing-permission")
    with Sender("0" * 40) as forged:
        assert forged.post([make_event()]).status_code == 401
    assert not Event.objects.exists()


class TestAcademy:
    """Whose event it is to see."""

    @pytest.fixture
    def second(self, ada: User) -> Academy:
        second = make_academy("second", id=48)
        Membership.objects.create(user=ada, academy=second, role="student")
        return second

    def test_the_one_that_is_named_counts(self, sender: Sender, academy: Academy, second: Academy) -> None:
        assert sender.send(make_event(), Academy="48")["accepted"] == 1
        assert Event.objects.get().academy == second

    @pytest.mark.parametrize(("named", "status", "slug"), [
        ("49", 403, "not-a-member"), ("99999999999999999999", 403, "not-a-member"), ("x", 400, "invalid-academy-id"),
        ("-1", 400, "invalid-academy-id"),
    ])  # fmt: skip
    def test_it_must_be_ones_own(self, sender: Sender, named: str, status: int, slug: str) -> None:
        make_academy("third", id=49)
        answer = sender.post([make_event()], Academy=named)
        assert (answer.status_code, answer.json()["slug"]) == (status, slug)
        assert Refusal.objects.get().reason == slug
        assert not Event.objects.exists()

    def test_a_membership_or_an_academy_that_ended_does_not_count(self, sender: Sender, second: Academy) -> None:
        Membership.objects.filter(academy=second).update(status="INACTIVE")
        assert sender.post([make_event()], Academy="48").status_code == 403
        Membership.objects.update(status="ACTIVE")
        second.status = "INACTIVE"
        second.save()
        assert sender.post([make_event()], Academy="48").status_code == 403

    def test_else_the_one_that_published_the_assignment_or_the_notebook(
        self, sender: Sender, academy: Academy, second: Academy
    ) -> None:
        third = make_academy("third", id=40)
        for where, tag, path in ((second, TAG, "b.ipynb"), (third, "assignment:c", "c.ipynb")):
            notebook = Notebook.objects.create(asset=make_graded_asset(path), academy=where, path=path)
            NotebookAssignment.objects.create(notebook=notebook, academy=where, tag=tag, position=0)
        sender.send(
            make_event(),
            make_event(object={"notebook": "b.ipynb"}),
            make_event(object={"notebook": "c.ipynb"}),
            make_event(object={"assignment": "c", "notebook": "b.ipynb"}),
            make_event(object={}),
        )
        stored = list(Event.objects.order_by("arrival").values_list("academy_id", flat=True))
        assert stored == [48, 48, 47, 48, 47]

    def test_who_has_none_has_events_of_none(self, sender: Sender, ada: User) -> None:
        Membership.objects.all().delete()
        Grant.objects.create(user=ada, permission="upload_assignment_telemetry")
        assert sender.send(make_event())["accepted"] == 1
        assert Event.objects.get().academy is None

    def test_a_services_learner_must_belong_to_it(
        self, program: Sender, service: User, ada: User, second: Academy
    ) -> None:
        assert codes(program.send(make_event(actor="ada"), Academy="47")) == []
        make_user("lee", "student", second)
        assert codes(program.send(make_event(actor="lee"), Academy="47")) == ["telemetry-of-another-user"]
        Grant.objects.create(user=service, permission="upload_any_telemetry")
        assert codes(program.send(make_event(actor="lee"), Academy="47")) == ["telemetry-of-another-user"]
        assert codes(program.send(make_event(actor="lee"), Academy="48")) == []
        assert Event.objects.get(actor="lee").academy == second


class TestSource:
    """Source code stays where the academy wants it, and nowhere else."""

    def test_it_is_not_kept_unless_the_academy_wants_it(self, sender: Sender, academy: Academy) -> None:
        coded = make_event()
        coded["object"] |= {"code": "x = 1", "source": "x = 1"}
        sender.send(coded)
        merge_features(academy, {"collect_source": True}, NOTEBOOK)
        sender.send({**coded, "id": str(uuid.uuid4())})
        first, second = Event.objects.order_by("arrival")
        assert "code" not in first.object
        assert second.object["code"] == "x = 1"
        assert "source" not in second.object

    def test_nor_with_what_was_rejected(self, sender: Sender, academy: Academy) -> None:
        merge_features(academy, {"collect_source": True}, NOTEBOOK)
        sender.send(make_event(verb="danced", object={"code": "s3cret", "source": "s3cret"}))
        sender.post(b'[{"verb": "\\u0000", "object": {"code": "s3cret"}}]')
        assert RejectedEvent.objects.count() == 2
        assert not RejectedEvent.objects.filter(raw__contains="s3cret").exists()


class TestConsent:
    """A learner's no."""

    def test_nothing_of_the_request_is_kept(self, sender: Sender, ada: User) -> None:
        Consent.objects.create(user=ada, collecting=False)
        answer = sender.post([make_event(), make_event(verb="danced")])
        assert (answer.status_code, answer.json()["slug"]) == (403, "opted-out")
        assert not Event.objects.exists()
        assert not RejectedEvent.objects.exists()
        refusal = Refusal.objects.get()
        assert (refusal.reason, refusal.user) == ("opted-out", ada)
        Consent.objects.update(collecting=True)
        assert sender.send(make_event())["accepted"] == 1

    def test_a_service_loses_only_that_learners_events(self, program: Sender, ada: User, academy: Academy) -> None:
        make_user("grace", "student", academy)
        Consent.objects.create(user=ada, collecting=False)
        answer = program.send(
            make_event(actor="ada"), make_event(actor="grace"), make_event(actor="ada", verb="danced")
        )
        assert (answer["accepted"], codes(answer)) == (1, ["opted-out", "unknown-verb"])
        assert not RejectedEvent.objects.exists()


def test_whoever_is_refused_leaves_its_neighbours_in_the_same_commit_alone(
    sender: Sender, ada: User, academy: Academy
) -> None:
    answers = sender.post_all([[make_event()], b"[", [make_event(), 7], {"events": [make_event()]}, []])
    assert [answer.status_code for answer in answers] == [200, 400, 200, 200, 400]
    assert Event.objects.count() == 3


def test_now_is_not_flagged(sender: Sender) -> None:
    sender.send(make_event(timestamp=now_text()))
    assert Event.objects.get().flags == []
