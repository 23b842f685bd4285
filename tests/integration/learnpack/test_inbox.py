"""The front door: what LearnPack's clients may send, and what they are told (contract, sections 1 and 2)."""

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from learntrace.accounts.models import Academy, AcademySettings, Grant, Membership, Token, User
from learntrace.core.rate_limit import TokenBucket
from learntrace.intake.front_door import FrontDoor
from learntrace.intake.group_commit import GroupCommit
from learntrace.intake.known_keys import KnownKeys
from learntrace.intake.models import Refusal
from learntrace.learnpack.inbox.source import LearnPackInbox
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing.outcomes import status_text
from tests.support.builders import make_academy, make_graded_asset, make_key, make_user, translate
from tests.support.learnpack_inbox import LIMIT, PATH, Client
from tests.support.recorded_cases import RECORDED

pytestmark = pytest.mark.django_db(transaction=True)


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
def client(ada: User) -> Iterator[Client]:
    client = Client(make_key(ada))
    yield client
    client.close()


def test_accepts_a_batch_and_keeps_it(client: Client, ada: User) -> None:
    make_graded_asset("python-hello-tutorial", id=145)
    answer = client.post({"slug": "python-hello-tutorial", "user_id": 1234, "package_id": "7"}, "asset_id=145")
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (200, "ok", "text/plain")
    row = Webhook.objects.get()
    assert row.payload == {"slug": "python-hello-tutorial", "user_id": 1234, "package_id": "7", "asset_id": "145"}
    assert (row.event, row.is_streaming, row.status, row.status_text) == ("batch", False, "PENDING", None)
    assert (row.asset_id, row.package_slug, row.learnpack_package_id) == (145, "python-hello-tutorial", 7)
    assert row.student == ada
    assert client.announced == ["learnpack-webhooks"]


@pytest.mark.parametrize("line", (RECORDED / "recorded_cli_requests.jsonl").read_text().splitlines())
def test_accepts_every_recorded_request(client: Client, line: str) -> None:
    recorded = json.loads(line)
    answer = client.post(recorded["body"], recorded["path"].partition("?")[2])
    assert answer.text == "ok"
    assert Webhook.objects.get().payload == {**recorded["body"], "asset_id": "145"}


def test_the_query_is_merged_over_the_body_but_for_the_user(client: Client) -> None:
    client.post({"slug": "a", "user_id": 1234, "asset_id": 1}, "asset_id=2,3&academy=47&user_id=9")
    assert Webhook.objects.get().payload == {"slug": "a", "user_id": 1234, "asset_id": "2,3", "academy": "47"}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("asset_id=201&asset_id=999", "201,999"),
        ("asset_id=999&asset_id=201&asset_id=999", "999,201"),
        ("asset_id=201", "201"),
    ],
)
def test_a_name_that_the_query_repeats_is_read_as_one_list(client: Client, query: str, named: str) -> None:
    make_graded_asset("here", id=201)
    client.post({"slug": "elsewhere", "asset_id": 999}, query)
    row = Webhook.objects.get()
    assert (row.payload["asset_id"], row.asset_id) == (named, 201)


def test_the_academy_that_the_query_repeats_is_one_and_two_are_none(client: Client, academy: Academy) -> None:
    features = {"telemetry_webhook_ignore": {"events": ["batch"]}}
    AcademySettings.objects.create(academy=academy, learnpack_features=features)
    client.post({"slug": "a"}, "academy=47&academy=47")
    client.post({"slug": "b"}, "academy=47&academy=48")
    assert list(Webhook.objects.order_by("package_slug").values_list("status", flat=True)) == ["IGNORED", "PENDING"]


def test_a_body_without_a_json_content_type_is_still_json(client: Client) -> None:
    assert client.post(b'{"slug": "x", "event": "open_step"}', content_type="text/plain;charset=UTF-8").text == "ok"
    row = Webhook.objects.get()
    assert (row.event, row.is_streaming) == ("open_step", True)


@pytest.mark.parametrize("body", [b"{}", b"", b"  "])
def test_an_empty_payload_is_refused_in_plain_text(client: Client, body: bytes) -> None:
    answer = client.post(body)
    assert (answer.status_code, answer.text) == (400, "this request couldn't no be processed")
    assert answer.headers["content-type"] == "text/plain"


def test_an_empty_body_with_a_query_is_a_payload(client: Client) -> None:
    assert client.post(b"", "asset_id=1").text == "ok"


@pytest.mark.parametrize("body", [[], [1], "x", 5, None, True])
def test_a_body_that_is_no_object_is_refused(client: Client, body: Any) -> None:
    answer = client.post(body)
    assert (answer.status_code, answer.json()["status_code"]) == (400, 400)
    assert not Webhook.objects.exists()


NESTED = b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"steps": [{"slug": "a\\u0000b"}]}', "$.steps[0].slug"),
        (b'{"a\\u0000": 1}', "$.a"),
        (b'{"steps": [{"asset_ids": [1, "\\ud800"]}]}', "$.steps[0].asset_ids[1]"),
        (b'{"user_id": "\\ud83d"}', "$.user_id"),
        (NESTED, "byte 104"),
        (b'{"a": {"b": 18446744073709551616}}', "$.a.b"),
        (b'{"a": -9223372036854775809}', "$.a"),
        (b'{"a": {"b": ' + b"9" * 700 + b"}}", "a number beyond 64 bits at $.a.b"),
        (b'{"a": {"b": -' + b"9" * 5_000 + b"}}", "a number beyond 64 bits at $.a.b"),
        (b'{"a": NaN}', "$.a"),
        (b'{"a": [Infinity]}', "$.a[0]"),
        (b'{"a": 1e999}', "$.a"),
        (b'{"a": }', "line 1 column 7"),
        (b'{"a": "\xff"}', "byte 7"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_place_and_harms_no_neighbour(
    client: Client, body: bytes, place: str
) -> None:
    answers = client.post_all([{"slug": "one"}, body, {"slug": "two"}])
    assert [answer.status_code for answer in answers] == [200, 400, 200]
    assert answers[1].json()["detail"].startswith("JSON parse error - ")
    assert place in answers[1].json()["detail"]
    assert sorted(Webhook.objects.values_list("package_slug", flat=True)) == ["one", "two"]


def test_a_number_of_thousands_of_digits_is_refused_in_the_clients_language(client: Client) -> None:
    answer = client.post(b'{"a": ' + b"9" * 5_000 + b"}", Accept_Language="es")
    assert answer.json()["detail"] == "Error al leer el JSON: un número de más de 64 bits en $.a"


def test_a_number_where_a_short_text_belongs_is_its_digits(client: Client) -> None:
    assert client.post({"event": 5, "slug": 7}).text == "ok"
    assert Webhook.objects.values_list("event", "package_slug").get() == ("5", "7")


def test_the_deepest_nesting_that_is_taken_can_be_stored(client: Client) -> None:
    assert client.post(b'{"a":' + b"[" * 99 + b"]" * 99 + b"}").text == "ok"
    assert client.post(b'{"a":' + b"[" * 100 + b"]" * 100 + b"}").status_code == 400


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"event": None}, {"event": ["This field may not be null."]}),
        ({"event": "x" * 61}, {"event": ["Ensure this field has no more than 60 characters."]}),
        ({"event": ["batch"]}, {"event": ["Not a valid string."]}),
        ({"slug": "x" * 201}, {"slug": ["Ensure this field has no more than 200 characters."]}),
        ({"package_slug": {"a": 1}}, {"package_slug": ["Not a valid string."]}),
    ],
)
def test_fields_that_do_not_fit_are_told_by_name(
    client: Client, body: dict[str, Any], told: dict[str, list[str]]
) -> None:
    answer = client.post(body)
    assert (answer.status_code, answer.json()) == (400, told)


def test_a_learner_may_send_only_its_own(client: Client, ada: User) -> None:
    make_user("other", id=77)
    wrong: list[Any] = [77, "77", 99999, "abc", True, -1, 1234.0, [1234]]
    for user_id in wrong:
        answer = client.post({"slug": "x", "user_id": user_id})
        assert (answer.status_code, answer.json()["slug"]) == (403, "telemetry-of-another-user"), user_id
    for user_id in (1234, "1234", " 1234 ", None):
        assert client.post({"slug": "x", "user_id": user_id}).text == "ok", user_id
    assert client.post({"slug": "x"}).text == "ok"
    assert set(Webhook.objects.values_list("student", flat=True)) == {1234}


def test_a_service_of_all_academies_may_send_for_others_and_for_unknown_users(client: Client, service: User) -> None:
    client.key = make_key(service)
    Grant.objects.create(user=service, permission="upload_any_telemetry")
    other = make_user("other")
    assert client.post({"slug": "x", "user_id": other.id}).text == "ok"
    assert client.post({"slug": "x", "user_id": 987654321}).text == "ok"
    assert list(Webhook.objects.order_by("id").values_list("student", flat=True)) == [other.id, None]


def test_a_service_by_role_may_send_for_who_belongs_to_no_academy(client: Client, service: User) -> None:
    client.key = make_key(service)
    assert client.post({"slug": "x", "user_id": make_user("free").id}).text == "ok"


def test_a_service_by_role_is_not_told_who_exists_elsewhere(client: Client, service: User) -> None:
    client.key = make_key(service)
    foreign = make_user("foreign", "student", make_academy("elsewhere"))
    answers = {
        (answer.status_code, answer.text)
        for body in ({"slug": "x"}, {"slug": "x", "asset_id": make_graded_asset().id}, {"slug": "x", "event": "test"})
        for user_id in (foreign.id, 987654321, -1, "abc")
        for answer in [client.post({**body, "user_id": user_id})]
    }
    assert [status for status, _text in answers] == [403]
    assert not Webhook.objects.exists()


def test_a_service_by_role_serves_its_own_academies_only(client: Client, service: User) -> None:
    client.key = make_key(service)
    elsewhere = make_academy("elsewhere")
    foreign = make_user("foreign", "student", elsewhere)
    assert client.post({"slug": "x", "user_id": foreign.id}).json()["slug"] == "telemetry-of-another-user"
    Membership.objects.create(user=service, academy=elsewhere, role="staff")
    assert client.post({"slug": "x", "user_id": foreign.id}).text == "ok"
    Membership.objects.filter(user=service, academy=elsewhere).update(role="teacher")
    assert client.post({"slug": "x", "user_id": foreign.id}).status_code == 403
    Grant.objects.create(user=service, permission="upload_any_telemetry")
    assert client.post({"slug": "x", "user_id": foreign.id}).text == "ok"
    assert set(Webhook.objects.values_list("student", "sender")) == {(foreign.id, service.id)}


@pytest.mark.parametrize("name", ["asset_id", "slug", "alias", "translation", "package_id"])
def test_a_service_does_not_send_into_the_learners_other_academies(
    client: Client, academy: Academy, ada: User, service: User, name: str
) -> None:
    """What is sent on the other academy's asset is another's telemetry, as is that of a learner of that academy alone."""
    elsewhere = make_academy("elsewhere")
    Membership.objects.create(user=ada, academy=elsewhere, role="student")
    theirs = make_graded_asset("theirs", academy=elsewhere, aliases=("other",), learnpack_id=7)
    translate(theirs, make_graded_asset("ours", academy=academy, lang="es"))
    ways: dict[str, dict[str, Any]] = {
        "asset_id": {"asset_id": theirs.id}, "slug": {"slug": "theirs"}, "alias": {"package_slug": "other"},
        "translation": {"slug": "ours"}, "package_id": {"package_id": 7},
    }  # fmt: skip
    named = ways[name]
    client.key = make_key(service)
    answer = client.post({"user_id": ada.id, **named})
    assert (answer.status_code, answer.json()["slug"]) == (403, "telemetry-of-another-user")
    assert not Webhook.objects.exists()
    for body in ({"slug": "free"}, {"asset_id": make_graded_asset(academy=academy).id}):
        assert client.post({"user_id": ada.id, **body}).text == "ok"
    Membership.objects.create(user=service, academy=elsewhere, role="staff")
    assert client.post({"user_id": ada.id, **named}).text == "ok"


def test_an_asset_that_may_not_be_named_is_none(client: Client, academy: Academy, ada: User, service: User) -> None:
    """The row says the same of an asset that another academy keeps to itself and of one that doesn't exist."""
    elsewhere = make_academy("elsewhere")
    hidden = make_graded_asset("hidden", academy=elsewhere, visibility="PRIVATE")
    mine = make_graded_asset("mine", academy=academy, visibility="PRIVATE", lang="es")
    client.post({"asset_id": f"{hidden.id},{mine.id}"})
    client.post({"asset_id": hidden.id})
    client.post({"asset_id": make_graded_asset("open", academy=elsewhere).id})
    Membership.objects.create(user=ada, academy=elsewhere, role="student")
    client.post({"asset_id": hidden.id})
    client.key = make_key(service)
    client.post({"asset_id": hidden.id, "user_id": ada.id})
    named = list(Webhook.objects.order_by("id").values_list("asset__slug", flat=True))
    assert named == ["mine", None, "open", "hidden", None]


def test_roles_in_a_deleted_academy_carry_nothing(client: Client, academy: Academy) -> None:
    academy.status = "DELETED"
    academy.save()
    assert client.post({"slug": "x"}).status_code == 403


def test_only_a_service_may_send_package_events(client: Client, service: User) -> None:
    body = {"event": "package_published", "asset_id": 1}
    assert client.post(body).json() == {
        "detail": "You (user: 1234) don't have this permission: upload_any_telemetry",
        "status_code": 403,
    }
    client.key = make_key(service)
    assert client.post(body).text == "ok"


def test_the_permission_comes_from_a_role_or_a_grant(client: Client, academy: Academy) -> None:
    nobody = make_user("nobody")
    client.key = make_key(nobody)
    told = {
        "detail": f"You (user: {nobody.id}) don't have this permission: upload_assignment_telemetry",
        "status_code": 403,
    }
    assert client.post({"slug": "x"}).json() == told
    membership = Membership.objects.create(user=nobody, academy=academy, role="student", status="INACTIVE")
    assert client.post({"slug": "x"}).json() == told
    Membership.objects.filter(pk=membership.pk).update(status="ACTIVE")
    assert client.post({"slug": "x"}).text == "ok"
    membership.delete()
    Grant.objects.create(user=nobody, permission="upload_assignment_telemetry")
    assert client.post({"slug": "x"}).text == "ok"


INVALID = {
    "error": "Invalid or Inactive Token", "is_authenticated": "False", "status_code": 401,
    "detail": "Invalid or Inactive Token",
}  # fmt: skip


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("", {"detail": "Authentication credentials were not provided.", "status_code": 401}),
        ("Basic abc", {"detail": "Authentication credentials were not provided.", "status_code": 401}),
        ("Token", {"detail": "Invalid token header. No credentials provided.", "status_code": 401}),
        ("Token a b", {"detail": "Invalid token header. Token string should not contain spaces.", "status_code": 401}),
        ("Token unknown", INVALID),
        ("bEaReR unknown", INVALID),
    ],
)
def test_bad_credentials_are_told_apart(client: Client, header: str, told: dict[str, int | str]) -> None:
    answer = client.post({"slug": "x"}, Authorization=header)
    assert (answer.status_code, answer.json()) == (401, told)
    assert answer.headers["www-authenticate"] == "Token"


def test_who_may_not_send_is_not_told_what_is_wrong_with_the_body(client: Client) -> None:
    assert client.post(b'{"a', Authorization="Token unknown").json() == INVALID


def test_expired_tokens_and_inactive_users_are_refused(client: Client, ada: User) -> None:
    at = timezone.now() - timedelta(days=1)
    told = client.post({"slug": "x"}, Authorization=f"Token {make_key(ada, expires_at=at)}").json()
    assert told["error"] == told["detail"] == f"Token expired at {at}"
    key = make_key(make_user("gone", is_active=False))
    assert client.post({"slug": "x"}, Authorization=f"Token {key}").json()["error"] == "Invalid or inactive user"


def test_a_revoked_token_is_refused_at_once(client: Client, ada: User) -> None:
    assert client.post({"slug": "x"}).text == "ok"
    Token.objects.all().delete()
    assert client.post({"slug": "x"}).status_code == 401


def test_a_one_time_token_works_once_also_when_used_at_once(client: Client, ada: User) -> None:
    client.key = make_key(ada, "one_time")
    answers = client.post_all([{"slug": "x"}] * 8)
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    assert Webhook.objects.count() == 1


def test_a_language_is_told_in_it(client: Client) -> None:
    told = client.post({"slug": "x"}, Authorization="", Accept_Language="es-MX,es;q=0.9").json()
    assert told["detail"] != "Authentication credentials were not provided."
    assert client.post({"slug": "x"}, Authorization="", Accept_Language=";;q=x,%").json()["detail"] == (
        "Authentication credentials were not provided."
    )


def test_what_is_refused_is_written_down_without_its_payload(client: Client, ada: User) -> None:
    at = timezone.now() - timedelta(days=1)
    expired = make_key(ada, expires_at=at)
    client.post({"slug": "arrays", "secret": "s3cret"}, "asset_id=145", Authorization=f"Token {expired}")
    refusal = Refusal.objects.get()
    assert (refusal.status_code, refusal.reason, refusal.user, refusal.token_prefix) == (
        401, "expired-token", ada, expired[:8],
    )  # fmt: skip
    assert (refusal.asset, refusal.path) == ("145", PATH)
    assert refusal.size > 20
    assert "s3cret" not in str(Refusal.objects.values().get())
    for body, reason in (
        (b"{", "invalid-json"), ({}, "empty-payload"), ({"user_id": 1}, "telemetry-of-another-user"),
        (b"x" * (LIMIT + 1), "body-too-large"), ({"event": None}, "invalid-field"), ([], "invalid-body"),
    ):  # fmt: skip
        client.post(body)
        newest = Refusal.objects.order_by("-id")[0]
        assert (newest.reason, newest.user) == (reason, ada)
    client.post({"slug": "x"}, Authorization="Token 0123456789012345678901234567890123456789")
    assert Refusal.objects.order_by("-id")[0].token_prefix == "01234567"


def test_a_flood_of_bad_keys_is_recorded_only_in_part_and_known_users_always(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("learntrace.intake.refusals._unknown_keys", TokenBucket(burst=5, per_second=0))
    assert {answer.status_code for answer in client.post_all([{"slug": "x"}] * 20, Authorization="Token bad")} == {401}
    client.post({"event": None})
    assert sorted(Refusal.objects.values_list("reason", flat=True)) == ["invalid-field"] + ["invalid-token"] * 5


def test_a_body_over_the_limit_is_refused(client: Client) -> None:
    answer = client.post(b'{"a": "' + b"x" * LIMIT + b'"}')
    assert (answer.status_code, answer.json()["status_code"]) == (413, 413)


def test_a_gzip_body_is_unpacked_within_its_limit(client: Client) -> None:
    packed = gzip.compress(b'{"slug": "x", "pad": "' + b"a" * (LIMIT - 100) + b'"}')
    assert client.post(packed, Content_Encoding="gzip").text == "ok"
    bomb = gzip.compress(b'{"a": "' + b"a" * 50_000_000 + b'"}')
    assert len(bomb) < LIMIT
    assert client.post(bomb, Content_Encoding="gzip").status_code == 413
    assert client.post(b"no gzip", Content_Encoding="gzip").status_code == 400
    assert client.post(packed[:-20], Content_Encoding="gzip").status_code == 400
    assert client.post(b"{}", Content_Encoding="br").status_code == 415
    assert client.post(gzip.compress(b'{"slug":') + gzip.compress(b'"y"}'), Content_Encoding="gzip").text == "ok"


def test_browsers_get_their_preflight_and_any_origin(client: Client) -> None:
    preflight = client.request(
        "OPTIONS",
        Origin="https://learn.example",
        **{"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"},
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    assert "content-type" in preflight.headers["access-control-allow-headers"]
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in preflight.headers
    for answer in (client.post({"slug": "x"}), client.post({"slug": "x"}, Authorization="")):
        assert answer.headers["access-control-allow-origin"] == "*"


def test_other_methods_are_not_allowed(client: Client) -> None:
    answer = client.request("GET")
    assert (answer.status_code, answer.json()) == (405, {"detail": 'Method "GET" not allowed.', "status_code": 405})


def rules(academy: Academy, config: Any) -> None:
    AcademySettings.objects.update_or_create(
        academy=academy, defaults={"learnpack_features": {"telemetry_webhook_ignore": config}}
    )


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ({"events": ["batch"]}, "(events)"),
        ({"rules": [{"events": ["batch"], "package_slugs": ["x"]}]}, "rule (package_slugs,events)"),
    ],
)
def test_an_ignored_webhook_is_kept_with_its_reason_and_never_queued(
    client: Client, academy: Academy, config: dict[str, Any], what: str
) -> None:
    rules(academy, config)
    assert client.post({"slug": "x"}, Academy="47", Accept_Language="es").text == "ok"
    row = Webhook.objects.get()
    assert (row.status, row.status_text) == (
        "IGNORED",
        f"Ignored by academy learnpack_features.telemetry_webhook_ignore {what}.",
    )
    assert status_text(row) == row.status_text
    with translation.override("es"):
        assert status_text(row).startswith("Ignorado por")
        assert f"learnpack_features.telemetry_webhook_ignore {what.replace('rule', '')}".split()[-1] in status_text(row)


@pytest.mark.parametrize(
    ("query", "body", "header", "status"),
    [
        ("", {}, "47", "IGNORED"),
        ("academy=47", {}, "", "IGNORED"),
        ("", {"academy_id": "47"}, "", "IGNORED"),
        ("", {"academy_id": 47}, "", "IGNORED"),
        ("academy=99", {"academy_id": 47}, "", "PENDING"),  # the first that is given counts
        ("academy=47", {}, "x", "PENDING"),
        ("", {"academy_id": 47.5}, "", "PENDING"),
        ("", {}, "", "PENDING"),
    ],
)
def test_the_scope_of_the_rules_is_header_then_query_then_payload(
    client: Client, academy: Academy, query: str, body: dict[str, Any], header: str, status: str
) -> None:
    rules(academy, {"events": ["batch"]})
    client.post({"slug": "x", **body}, query, Academy=header)
    assert Webhook.objects.get().status == status


def test_the_rules_of_an_academy_hold_for_its_members_only(client: Client, academy: Academy) -> None:
    elsewhere = make_academy("elsewhere", id=48)
    rules(elsewhere, {"events": ["batch"]})
    client.post({"slug": "x"}, "academy=48")
    assert Webhook.objects.get().status == "PENDING"


def test_new_rules_hold_for_the_very_next_request(client: Client, academy: Academy) -> None:
    for wanted in ("PENDING", "IGNORED") * 3:
        rules(academy, {"events": ["batch"] if wanted == "IGNORED" else []})
        client.post({"slug": "x"}, "academy=47")
        assert Webhook.objects.order_by("-id")[0].status == wanted


def test_many_at_once_share_commits_and_are_all_there_once(client: Client) -> None:
    answers = client.post_all([{"slug": f"n{number}"} for number in range(300)])
    assert {answer.text for answer in answers} == {"ok"}
    assert sorted(Webhook.objects.values_list("package_slug", flat=True)) == sorted(f"n{n}" for n in range(300))


def test_a_row_that_the_database_refuses_does_not_fail_its_neighbours(client: Client) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE learnpack_webhook ADD CONSTRAINT poison CHECK (payload->>'slug' <> 'poison') NOT VALID"
        )
    try:
        answers = client.post_all([{"slug": "one"}, {"slug": "poison"}, {"slug": "two"}])
        assert [answer.status_code for answer in answers] == [200, 400, 200]
        assert client.post({"slug": "three"}).text == "ok"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE learnpack_webhook DROP CONSTRAINT poison")
    assert sorted(Webhook.objects.values_list("package_slug", flat=True)) == ["one", "three", "two"]
    assert Refusal.objects.get().reason == "unstorable"


def test_a_restart_of_the_database_between_two_requests_costs_nobody_an_answer(client: Client) -> None:
    from django.db import connection

    assert client.post({"slug": "one"}).text == "ok"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0] >= 1
    assert client.post({"slug": "two"}).text == "ok"
    assert sorted(Webhook.objects.values_list("package_slug", flat=True)) == ["one", "two"]


def test_a_database_that_is_away_is_a_503_and_not_an_ok(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("learntrace.intake.group_commit._CONNECT_SECONDS", 0.2)
    monkeypatch.setattr("learntrace.intake.known_keys._CONNECT_SECONDS", 0.2)
    client = Client("x")
    client.door = FrontDoor(
        client._django,
        [LearnPackInbox()],
        lambda: GroupCommit("postgresql://nobody@127.0.0.1:1/x", print),
        body_limit=LIMIT,
        unpacked_limit=LIMIT,
        keys=KnownKeys("postgresql://nobody@127.0.0.1:1/x"),
    )
    answer = client.post({"slug": "x"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    client.close()
