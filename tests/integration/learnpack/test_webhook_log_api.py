from datetime import timedelta

import pytest
from django.test import Client

from learntrace.accounts.academy_settings import NOTEBOOK, merge_features
from learntrace.accounts.models import Membership
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.webhook_log.payloads import payload_text
from learntrace.learnpack.webhook_log.queries import WebhookNotFound
from tests.support.builders import (
    NOW,
    Api,
    Cast,
    Response,
    make_asset,
    make_task,
    make_telemetry,
    make_user,
    make_webhook,
)

LOG = "/v1/assignment/academy/learnpack/webhook"
FIELDS = [
    "id", "is_streaming", "event", "asset_id", "learnpack_package_id", "payload", "status", "status_text", "student",
    "created_at", "updated_at",
]  # fmt: skip


def seen(answer: Response) -> set[int]:
    assert answer.status_code == 200, answer.content
    return {row["id"] for row in answer.json()["results"]}


def test_a_row_has_the_contracts_fields_in_their_order(cast: Cast, teacher: Api) -> None:
    asset = make_asset("intro")
    row = make_webhook(cast.owner, asset=asset, learnpack_package_id=555, status_text="OK", status="DONE")
    answer = teacher.get(LOG)
    assert list(answer.json()) == ["count", "first", "next", "previous", "last", "results"]
    found = answer.json()["results"][0]
    assert list(found) == FIELDS
    assert {name: found[name] for name in FIELDS[:9]} == {
        "id": row.pk,
        "is_streaming": False,
        "event": "batch",
        "asset_id": asset.pk,
        "learnpack_package_id": 555,
        "payload": row.payload,
        "status": "DONE",
        "status_text": "OK",
        "student": {"id": cast.owner.pk, "first_name": "Ada", "last_name": "Lovelace"},
    }
    assert list(found["student"]) == ["id", "first_name", "last_name"]
    assert found["created_at"].endswith("Z")


def test_the_log_is_always_in_an_envelope(cast: Cast, teacher: Api) -> None:
    make_webhook(cast.owner)
    for query in ("", "?envelope=false", "?limit=5", "?limit="):
        assert teacher.get(LOG + query).json()["count"] == 1


def test_an_academy_sees_the_rows_of_its_members_in_any_role(cast: Cast, teacher: Api) -> None:
    former = make_user("flo", "student", cast.academy)
    Membership.objects.filter(user=former).update(status="INACTIVE")
    mine = {make_webhook(user).pk for user in (cast.owner, cast.colleague, former)}
    make_webhook(cast.strange_learner)
    make_webhook(None)
    assert seen(teacher.get(LOG)) == mine


def test_of_somebody_in_two_academies_an_assets_row_is_seen_where_it_belongs(cast: Cast, teacher: Api) -> None:
    Membership.objects.create(user=cast.owner, academy=cast.elsewhere, role="student")
    stranger = Api(cast.stranger, cast.elsewhere)
    ours = make_webhook(cast.owner, asset=make_asset("ours", academy=cast.academy)).pk
    theirs = make_webhook(cast.owner, asset=make_asset("theirs", academy=cast.elsewhere)).pk
    nobodys = make_webhook(cast.owner, asset=make_asset("nobodys")).pk
    none = make_webhook(cast.owner).pk
    assert seen(teacher.get(LOG)) == {ours, nobodys, none}
    assert seen(stranger.get(LOG)) == {theirs, nobodys, none}


def test_of_somebody_in_one_academy_a_row_on_anothers_asset_is_seen(cast: Cast, teacher: Api) -> None:
    row = make_webhook(cast.owner, asset=make_asset("theirs", academy=cast.elsewhere))
    assert seen(teacher.get(LOG)) == {row.pk}


def test_the_newest_comes_first_unless_told_otherwise(cast: Cast, teacher: Api) -> None:
    rows = [make_webhook(cast.owner, created_at=NOW - timedelta(minutes=n), event=f"e{n % 2}").pk for n in range(4)]
    assert [row["id"] for row in teacher.get(LOG).json()["results"]] == rows
    ordered = teacher.get(f"{LOG}?sort=event,-id").json()["results"]
    assert [row["id"] for row in ordered] == [rows[2], rows[0], rows[3], rows[1]]


@pytest.mark.parametrize("field", ["payload", "password", "student__password", "-nothing", "pk", "?"])
def test_an_unknown_field_to_sort_by_is_refused(cast: Cast, teacher: Api, field: str) -> None:
    answer = teacher.get(f"{LOG}?sort={field}")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"Can't sort by `{field.removeprefix('-')}`.")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("student={owner}", {0, 2}),
        ("student={owner},{colleague}", {0, 1, 2}),
        ("student=,{owner}, ,", {0, 2}),
        ("student=99999999999999999999", set()),
        ("student=000{owner}", {0, 2}),
        ("asset_id={asset}", {0}),
        ("learnpack_package_id=7,8", {0, 1}),
        ("event=compile", {2}),
        ("event=compile,batch", {0, 1, 2}),
        ("event=Compile", set()),
        ("status=ERROR", {1}),
        ("status=error", set()),
        ("status=DONE,ERROR", {1, 2}),
        ("status=", {0, 1, 2}),
        ("status=DONE&student={colleague}", set()),
    ],
)
def test_webhooks_are_filtered_by_the_query(cast: Cast, teacher: Api, query: str, expected: set[int]) -> None:
    asset = make_asset("intro")
    rows = [
        make_webhook(cast.owner, asset=asset, learnpack_package_id=7).pk,
        make_webhook(cast.colleague, learnpack_package_id=8, status="ERROR").pk,
        make_webhook(cast.owner, event="compile", status="DONE").pk,
    ]
    values = {"owner": cast.owner.pk, "colleague": cast.colleague.pk, "asset": asset.pk}
    assert seen(teacher.get(f"{LOG}?{query.format(**values)}")) == {rows[n] for n in expected}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("field", ["student", "asset_id", "learnpack_package_id"])
def test_a_filter_that_is_no_number_is_refused_before_anything_else(
    cast: Cast, teacher: Api, method: str, field: str
) -> None:
    answer = teacher(method, f"{LOG}?{field}=a, 1,b,,-2,1.5,²")
    assert answer.status_code == 400
    assert answer.json() == {
        "detail": f"Invalid `{field}` value(s): a,b,-2,1.5,²",
        "status_code": 400,
        "slug": "invalid-filter",
    }


def test_a_failed_row_can_be_deleted(cast: Cast, teacher: Api) -> None:
    row = make_webhook(cast.owner, status="ERROR")
    answer = teacher.delete(f"{LOG}/{row.pk}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not Webhook.objects.exists()


@pytest.mark.parametrize("status", ["PENDING", "DONE", "IGNORED"])
def test_no_other_row_can_be_deleted(cast: Cast, teacher: Api, status: str) -> None:
    row = make_webhook(cast.owner, status=status)
    answer = teacher.delete(f"{LOG}/{row.pk}")
    assert answer.status_code == 400
    assert answer.json() == {
        "detail": "Only webhook logs with status ERROR can be deleted",
        "status_code": 400,
        "slug": "invalid-webhook-status",
    }
    assert Webhook.objects.exists()


def test_a_row_outside_scope_or_filters_is_not_found(cast: Cast, teacher: Api) -> None:
    mine = make_webhook(cast.owner, status="ERROR")
    theirs = make_webhook(cast.strange_learner, status="ERROR")
    for name in (theirs.pk, 2**63, 10**30, f"{mine.pk}?event=other", f"{mine.pk}?status=DONE"):
        answer = teacher.delete(f"{LOG}/{name}")
        assert answer.status_code == 404
        assert answer.json() == {"detail": "Webhook not found", "status_code": 404, "slug": "webhook-not-found"}
    assert Webhook.objects.count() == 2
    assert teacher.delete(f"{LOG}/{mine.pk}?event=batch").status_code == 204


def test_bulk_deletes_the_failed_rows_of_scope_and_filters(cast: Cast, teacher: Api) -> None:
    for event in ("a", "a", "b"):
        make_webhook(cast.owner, status="ERROR", event=event)
    kept = [
        make_webhook(cast.owner, status="DONE", event="a").pk,
        make_webhook(cast.strange_learner, status="ERROR", event="a").pk,
        make_webhook(None, status="ERROR", event="a").pk,
    ]
    assert teacher.delete(f"{LOG}?status=ERROR&event=a").status_code == 204
    assert Webhook.objects.count() == 4
    assert teacher.delete(f"{LOG}?status=ERROR,ERROR").status_code == 204
    assert list(Webhook.objects.order_by("id").values_list("id", flat=True)) == kept
    assert teacher.delete(f"{LOG}?status=ERROR").status_code == 204, "also when nothing matched"


@pytest.mark.parametrize(
    ("query", "detail", "slug"),
    [
        ("", "Missing querystring property `status=ERROR` for bulk delete webhooks", "missing-status"),
        ("?status=", "Missing querystring property `status=ERROR` for bulk delete webhooks", "missing-status"),
        ("?status=,", "Missing querystring property `status=ERROR` for bulk delete webhooks", "missing-status"),
        ("?status=DONE", "Bulk delete only supports `status=ERROR`", "invalid-status"),
        ("?status=ERROR,DONE", "Bulk delete only supports `status=ERROR`", "invalid-status"),
        ("?status=error", "Bulk delete only supports `status=ERROR`", "invalid-status"),
    ],
)
def test_bulk_delete_wants_to_be_told_what(cast: Cast, teacher: Api, query: str, detail: str, slug: str) -> None:
    make_webhook(cast.owner, status="ERROR")
    answer = teacher.delete(LOG + query)
    assert (answer.status_code, answer.json()) == (400, {"detail": detail, "status_code": 400, "slug": slug})
    assert Webhook.objects.count() == 1


def test_an_assistant_reads_but_may_not_delete_and_a_student_reads_nothing(cast: Cast) -> None:
    row = make_webhook(cast.owner, status="ERROR")
    assistant = Api(make_user("tom", "assistant", cast.academy), cast.academy)
    assert seen(assistant.get(LOG)) == {row.pk}
    for path in (f"{LOG}/{row.pk}", f"{LOG}?status=ERROR"):
        answer = assistant.delete(path)
        assert answer.status_code == 403
        assert "don't have this capability: crud_telemetry for academy" in answer.json()["detail"]
    student = Api(cast.owner, cast.academy).get(LOG)
    assert "don't have this capability: read_assignment for academy" in student.json()["detail"]


def test_why_a_row_was_ignored_is_told_in_the_readers_language_or_else_as_it_is_stored(
    cast: Cast, teacher: Api
) -> None:
    text = "Ignored by academy learnpack_features.telemetry_webhook_ignore rule (events)."
    for values in ({"form": "rule", "fields": "events"}, {"text": text}):
        make_webhook(cast.owner, status="IGNORED", status_text=text, reason="ignored-by-rule", reason_values=values)
    answer = teacher.get(LOG + "?status=IGNORED&sort=id", Accept_Language="es")
    texts = [row["status_text"] for row in answer.json()["results"]]
    assert texts[0].startswith("Ignorado por una regla de exclusión de la academia (events)")
    assert texts[1] == text
    assert [row["status_text"] for row in teacher.get(LOG).json()["results"]] == [text, text]


def test_one_row_is_no_page_of_its_own(cast: Cast, teacher: Api) -> None:
    row = make_webhook(cast.owner)
    answer = teacher.get(f"{LOG}/{row.pk}")
    assert (answer.status_code, answer.json()) == (405, {"detail": 'Method "GET" not allowed.', "status_code": 405})


class TestALargePayload:
    LARGE = 70_000

    def test_is_shortened_and_says_so_beside_it(self, cast: Cast, teacher: Api) -> None:
        make_webhook(cast.owner, payload={"slug": "intro", "steps": ["x" * 100] * 700})
        row = teacher.get(f"{LOG}?limit=20").json()["results"][0]
        assert row["payload"]["slug"] == "intro"
        assert row["payload"]["steps"].startswith("... ")
        assert row["payload_shortened"] is True
        assert row["payload_bytes"] > self.LARGE

    def test_is_whole_where_one_row_is_asked_for(self, cast: Cast, teacher: Api) -> None:
        make_webhook(cast.owner, payload={"slug": "other"})
        large = make_webhook(cast.owner, payload={"slug": "intro", "text": "ñ\u2028" * self.LARGE})
        row = teacher.get(f"{LOG}?limit=1&payload=full&id={large.pk}").json()["results"][0]
        assert row["payload"] == large.payload
        assert list(row) == FIELDS

    def test_is_whole_for_one_row_only(self, cast: Cast, teacher: Api) -> None:
        answer = teacher.get(f"{LOG}?limit=2&payload=full")
        assert answer.status_code == 400
        assert "limit=1" in answer.json()["detail"]

    def test_of_numbers_with_long_texts_is_shortened(self, cast: Cast, teacher: Api) -> None:
        # 1e300 has 301 digits as a text, and eight bytes in the database.
        make_webhook(cast.owner, payload={"few": [1e300] * 10, "many": [1e300] * 3000})
        row = teacher.get(LOG).json()["results"][0]
        assert row["payload"]["many"].startswith("... ")
        assert row["payload"]["few"].startswith("... ")

    def test_with_many_long_keys_keeps_the_first(self, cast: Cast, teacher: Api) -> None:
        make_webhook(cast.owner, payload={f"{number:05}" + "k" * 300: 1 for number in range(1000)})
        row = teacher.get(LOG).json()["results"][0]
        assert len(row["payload"]) == 40
        assert max(map(len, row["payload"])) == 100

    def test_beyond_a_pages_budget_is_shortened(self, cast: Cast, teacher: Api) -> None:
        for _row in range(150):
            make_webhook(cast.owner, payload={"slug": "intro", "text": "x" * 60_000})
        answer = teacher.get(f"{LOG}?limit=200")
        rows = answer.json()["results"]
        assert len(answer.content) < 9 * 1024 * 1024
        assert [row.get("payload_shortened", False) for row in rows] == [False] * 139 + [True] * 11


def test_a_row_that_was_deleted_since_it_was_read_is_not_found(cast: Cast) -> None:
    row = make_webhook(cast.owner, payload={"slug": "x"})
    assert bytes(payload_text(row.pk, source=True))
    row_id = row.pk
    row.delete()
    with pytest.raises(WebhookNotFound) as told:
        payload_text(row_id, source=True)
    assert told.value.status_code == 404


CODE = "print('sesame')"
RUN = {
    "slug": "intro",
    "steps": [{"compilations": [{"source_code": CODE, "exit_code": 1}], "note": '"source_code": "said"'}],
}


def test_code_is_shown_to_staff_only_where_the_academy_collects_it(cast: Cast, teacher: Api) -> None:
    asset = make_asset("intro", academy=cast.academy)
    row = make_webhook(cast.owner, asset=asset, payload=RUN)
    task = make_task(cast.owner, "intro")
    make_telemetry(cast.owner, "intro", telemetry=RUN)
    client = Client()
    client.force_login(cast.colleague)
    paths = (f"{LOG}?limit=5", f"{LOG}?limit=1&payload=full", f"/v1/assignment/task/{task.pk}")
    pages = (
        f"/telemetry/webhook/{row.pk}",
        f"/telemetry/webhook/{row.pk}/payload",
        f"/learner/{cast.owner.pk}/telemetry/intro",
    )

    def told() -> list[str]:
        return [
            *(teacher.get(path).content.decode() for path in paths),
            *(b"".join(client.get(page)).decode() for page in pages),
        ]

    for text in told():
        assert "sesame" not in text
        assert "exit_code" in text
        assert "said" in text, "a text that only looks like a key stays"
    merge_features(cast.academy, {"collect_source": True}, NOTEBOOK)
    assert all("sesame" in text for text in told())
    merge_features(cast.academy, {"collect_source": False}, NOTEBOOK)
    # One's own is one's own, and what is stored stays whole.
    assert "sesame" in Api(cast.owner).get(f"/v1/assignment/user/me/task/{task.pk}").content.decode()
    row.refresh_from_db()
    assert row.payload == RUN
