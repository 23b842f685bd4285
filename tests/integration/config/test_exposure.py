"""What a request may say of itself, which names are answered, and what no cache may keep."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory

from learntrace.config import environment
from learntrace.config.commands import doctor
from learntrace.config.demo import server as demo
from learntrace.config.operations import prometheus
from learntrace.core.http.address import client_address, is_trusted
from learntrace.intake.limits import address_of
from learntrace.intake.proxies import CAME_BY_PROXY, TrustedProxies
from tests.support.builders import Api, Cast, make_asset, make_user

FORWARDED = {
    "x-forwarded-for": "203.0.113.9",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "elsewhere.example",
    "x-real-ip": "203.0.113.9",
    "forwarded": "for=203.0.113.9",
}


def seen_by_all(client: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """The scope that everything behind the first layer gets."""
    passed: dict[str, Any] = {}

    async def inner(scope: Any, _receive: Any, _send: Any) -> None:
        passed.update(scope)

    async def never(*_message: Any) -> Any:
        raise AssertionError

    scope = {
        "type": "http",
        "client": (client, 1),
        "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
    }
    asyncio.run(TrustedProxies(inner)(scope, never, never))
    return passed


@pytest.fixture(autouse=True)
def _trust_is_read_anew() -> None:
    is_trusted.cache_clear()


@pytest.mark.parametrize(
    ("behind", "client", "believed"),
    [(True, "127.0.0.1", True), (True, "198.51.100.7", False), (False, "127.0.0.1", False)],
)
def test_only_a_named_proxy_says_where_a_request_came_from(
    settings: Any, behind: bool, client: str, believed: bool
) -> None:
    settings.USE_X_FORWARDED_HOST = behind
    scope = seen_by_all(client, {"accept": "*/*", **FORWARDED})
    kept = {name.decode() for name, _value in scope["headers"]}
    assert kept == ({"accept", *FORWARDED} if believed else {"accept"})
    assert scope[CAME_BY_PROXY] is True
    assert CAME_BY_PROXY not in seen_by_all(client, {"accept": "*/*"})


def test_what_a_client_puts_before_the_proxys_word_voids_no_limit(settings: Any) -> None:
    settings.USE_X_FORWARDED_HOST = True
    scope = {"client": ("127.0.0.1", 1)}
    assert address_of(scope, "10.9.9.9, 198.51.100.7") == "198.51.100.7"
    # Two proxies of ours in a row: the last that is none of theirs.
    both = "10.9.9.9, 198.51.100.7, 127.0.0.1"
    assert address_of(scope, both) == "198.51.100.7"
    # The sign-in, sessions and the audit log have the same one.
    assert client_address(RequestFactory().get("/", headers={"X-Forwarded-For": both})) == "198.51.100.7"
    assert address_of(scope, "") == "127.0.0.1"
    settings.USE_X_FORWARDED_HOST = False
    assert address_of(scope, "198.51.100.7") == "127.0.0.1"


@pytest.mark.parametrize("header", list(FORWARDED))
def test_metrics_are_for_this_machine_or_with_the_key(db: None, settings: Any, header: str) -> None:
    client = Client(headers={"Host": "localhost"})
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers={header: FORWARDED[header]}).status_code == 403
    # A proxy that sends nothing asks by the name that visitors gave.
    assert Client(headers={"Host": "testserver"}).get("/metrics").status_code == 403
    settings.USE_X_FORWARDED_HOST = True
    assert client.get("/metrics").status_code == 403
    settings.METRICS_TOKEN = "let-me"
    assert client.get("/metrics", headers={"Authorization": "Bearer let-me"}).status_code == 200


def test_a_taken_away_header_still_closes_the_metrics(settings: Any) -> None:
    request = RequestFactory().get("/metrics", headers={"Host": "localhost"})
    assert prometheus._allowed(request)
    request.scope = {CAME_BY_PROXY: True}  # type: ignore[attr-defined] # as ASGIRequest has it
    assert not prometheus._allowed(request)


def test_an_unknown_host_is_told_which_setting_it_is(db: None) -> None:
    for language, words in (("en", "does not answer to the name"), ("es", "no responde al nombre")):
        answer = Client().get("/sign-in", headers={"Host": "evil.example", "Accept-Language": language})
        assert answer.status_code == 400
        assert words in answer.json()["detail"]
        assert "evil.example" in answer.json()["detail"]
        assert "LEARNTRACE_ALLOWED_HOSTS" in answer.json()["detail"]
    assert Client().get("/health/live", headers={"Host": "10.0.0.7"}).status_code == 200


def test_hosts_are_this_machines_names_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Box")
    monkeypatch.setenv("LEARNTRACE_PUBLIC_URL", "https://learn.example.org")
    monkeypatch.setenv(environment.SERVED_HOST, "192.0.2.7")
    found = environment.allowed_hosts()
    assert {"localhost", "127.0.0.1", "[::1]", "box", "192.0.2.7", "learn.example.org"} <= set(found)
    assert "*" not in found
    monkeypatch.setenv("LEARNTRACE_ALLOWED_HOSTS", "a.example, b.example")
    assert environment.allowed_hosts() == ["a.example", "b.example"]


def test_the_doctor_tells_of_debug_hosts_and_proxies(db: None, settings: Any) -> None:
    settings.DEBUG, settings.ALLOWED_HOSTS, settings.USE_X_FORWARDED_HOST = True, ["*"], True
    settings.TRUSTED_PROXIES = ()
    found = {finding.check: finding for finding in doctor.examine()}
    assert {name: found[name].result for name in ("debug", "hosts", "proxy")} == dict.fromkeys(
        ("debug", "hosts", "proxy"), "warn"
    )
    settings.DEBUG, settings.ALLOWED_HOSTS = False, ["a.example"]
    settings.TRUSTED_PROXIES = environment.TRUSTED_PROXIES.read("10.0.0.5")
    found = {finding.check: finding for finding in doctor.examine()}
    assert "debug" not in found
    assert (found["hosts"].result, found["proxy"].result) == ("ok", "ok")


def test_no_cache_keeps_tokens_or_what_is_about_people(cast: Cast) -> None:
    asset = make_asset("open", visibility="PUBLIC")
    teacher = Api(cast.colleague, cast.academy)
    client = Client()
    client.force_login(cast.colleague)
    answers = [
        teacher.post("/v1/auth/login", {"email": "a@example.org", "password": "x"}), teacher.get("/v1/auth/user/me"),
        teacher.get("/v1/progress/academy/learner"), teacher.get("/v1/nothing"), Api().get("/v1/auth/user/me"),
        client.get("/learners"), client.get("/learners?format=csv"), client.get("/admin/login/"), client.get("/sign-in"),
    ]  # fmt: skip
    for answer in answers:
        assert "no-store" in answer.headers["Cache-Control"], answer.request["PATH_INFO"]
    assert "Cache-Control" not in Api().get(f"/v1/registry/asset/{asset.slug}").headers


def test_tls_is_remembered_where_it_was_used(db: None, settings: Any) -> None:
    assert "Strict-Transport-Security" not in Client().get("/sign-in").headers
    secure = Client().get("/sign-in", secure=True)
    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_the_log_of_requests_holds_no_name_that_a_learner_made(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[dict[str, Any]] = []
    monkeypatch.setattr("learntrace.core.http.middleware.log.info", lambda _event, **fields: logged.append(fields))
    client = Client()
    client.force_login(cast.colleague)
    client.get("/asset/my-secret-slug")
    client.get(f"/learner/{cast.owner.pk}/telemetry/my-secret-slug")
    client.get("/my-secret-slug")
    Api(cast.colleague, cast.academy).get("/v1/registry/academy/asset/my-secret-slug")
    assert [fields["path"] for fields in logged] == [
        "/asset/<key:slug>",
        f"/learner/{cast.owner.pk}/telemetry/<key:slug>",
        "(none)",
        "/v1/registry/academy/asset/<str:name>",
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_demo_on_this_machine_has_the_published_password(tmp_path: Path, host: str) -> None:
    assert demo.demo_password(tmp_path, host, "published") == "published"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "box.example"])
def test_a_demo_that_others_reach_makes_a_password_of_its_own(tmp_path: Path, host: str) -> None:
    password = demo.demo_password(tmp_path, host, "published")
    assert len(password) >= 16
    assert password == demo.demo_password(tmp_path, host, "published")
    assert (tmp_path / "password").stat().st_mode & 0o777 == 0o600


def test_a_request_without_a_scope_is_asked_for_its_headers_all_the_same() -> None:
    request = HttpRequest()
    request.META = {
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_X_REAL_IP": "1.2.3.4",
    }
    assert not prometheus._allowed(request)


@pytest.mark.parametrize(
    "target", ["foo", "sign-in", "//evil.example", "https://evil.example/x", "http://[", "/" + "x" * 9000]
)
def test_a_sign_in_leads_nowhere_else_and_never_fails(cast: Cast, target: str) -> None:
    user = make_user("walter", "teacher", cast.academy, password="a-password-of-walter")
    answer = Client().post("/sign-in", {"name": user.username, "password": "a-password-of-walter", "next": target})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
