"""Texts with characters that can't be stored cost a learner nothing: half an emoji, a NUL."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from learntrace.accounts.models import Membership, User
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing.drain import drain_webhooks
from learntrace.learnpack.processing.outcomes import note
from tests.support.builders import Api, Cast, make_academy, make_graded_asset, make_key, make_task, make_user
from tests.support.learnpack_inbox import Client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada() -> User:
    return make_user("lia", "student", make_academy("uptown"))


@pytest.fixture
def client(ada: User) -> Iterator[Client]:
    client = Client(make_key(ada))
    yield client
    client.close()


BAD = ["\ud83d", "\ude00", "\0", "a\ud83d\ud83d b", "\ude00\ud83d", "x" * 30_000 + "\0"]


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_texts_are_stored_with_the_replacement_character_and_their_places(client: Client, bad: str) -> None:
    step: dict[str, Any] = {"slug": "one", "ai_interactions": [{"ai_response": bad, "student_message": "\U0001f600"}]}
    payload = {"slug": "intro", "steps": [step, {"slug": "two", "tests": [{"stdout": [bad, "ok"]}]}], "note": bad}
    assert client.post(payload).text == "ok"
    row = Webhook.objects.get()
    kept = bad.translate(dict.fromkeys((0, 55357, 56832), "�"))
    assert row.payload["steps"][0]["ai_interactions"][0] == {"ai_response": kept, "student_message": "\U0001f600"}
    assert row.payload["steps"][1]["tests"][0]["stdout"] == [kept, "ok"]
    places = {"$.note", "$.steps[0].ai_interactions[0].ai_response", "$.steps[1].tests[0].stdout[0]"}
    assert set(row.replaced) == places
    assert all(place in note(row) for place in places)


def test_halves_that_were_encoded_as_bytes_of_their_own_are_replaced_too(client: Client) -> None:
    body = json.dumps({"slug": "intro", "note": "a\ud83db"}, ensure_ascii=False).encode(errors="surrogatepass")
    assert client.post(body).text == "ok"
    assert Webhook.objects.get().payload["note"] == "a\ufffdb"


def test_a_whole_pair_is_an_emoji_and_nothing_is_noted(client: Client) -> None:
    assert client.post(b'{"slug": "intro", "note": "\\ud83d\\ude00"}').text == "ok"
    row = Webhook.objects.get()
    assert (row.payload["note"], row.replaced, note(row)) == ("\U0001f600", [], "")


@pytest.mark.parametrize("depth", [1, 50, 90])
def test_texts_at_any_depth_are_repaired(client: Client, depth: int) -> None:
    nested = b'{"a":' * depth + b'"\\ud83d"' + b"}" * depth
    assert client.post(b'{"slug": "intro", "note": ' + nested + b"}").text == "ok"
    assert Webhook.objects.get().replaced == [("$.note" + ".a" * depth)[:200]]


def test_of_many_places_the_first_are_told(client: Client) -> None:
    assert client.post({"slug": "intro", "notes": ["\0"] * 1000}).text == "ok"
    row = Webhook.objects.get()
    assert (row.payload["notes"], len(row.replaced)) == (["\ufffd"] * 1000, 20)


def test_a_repaired_batch_and_all_later_ones_become_the_record(client: Client, ada: User) -> None:
    make_graded_asset("intro")
    make_task(ada, "intro")
    broken = {
        "slug": "a",
        "opened_at": 1,
        "tests": [{"stdout": "\ud83d", "exit_code": 1, "started_at": 2, "ended_at": 3}],
    }
    for moment in (1_760_000_000_000, 1_760_000_600_000):
        client.post({"slug": "intro", "last_interaction_at": moment, "steps": [broken]})
        drain_webhooks()
    assert list(Webhook.objects.values_list("status", flat=True)) == ["DONE", "DONE"]
    record = AssignmentTelemetry.objects.get(user=ada)
    assert record.telemetry["steps"][0]["tests"][0]["stdout"] == "\ufffd"
    assert record.telemetry["last_interaction_at"] == 1_760_000_600_000
    assert record.metrics is not None


def test_the_log_of_the_api_tells_of_repaired_rows_only(client: Client, ada: User, cast: Cast) -> None:
    Membership.objects.create(user=ada, academy=cast.academy, role="student")
    client.post({"slug": "intro", "note": "\0"})
    client.post({"slug": "intro", "note": "fine"})
    rows = Api(cast.colleague, cast.academy).get("/v1/assignment/academy/learnpack/webhook").json()["results"]
    assert [row.get("replaced") for row in rows] == [None, ["$.note"]]
