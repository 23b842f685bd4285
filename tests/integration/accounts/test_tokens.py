"""Keys and sessions: what a key's scope allows, and their owner sees and ends them."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from learntrace.accounts.models import Token, User, key_hash
from learntrace.accounts.signing_in.browsers import browser_in_words
from learntrace.accounts.signing_in.models import SignInSession
from learntrace.accounts.signing_in.sessions import delete_old_sessions
from learntrace.accounts.tokens.scopes import TokenScope, allows
from learntrace.accounts.tokens.strength import bits_of, fault_of
from tests.support.builders import Api, Cast, Response, make_key

ME = "/v1/auth/user/me"
TOKENS = "/v1/auth/user/me/token"
PASSWORD = "correct horse battery"
pytestmark = pytest.mark.django_db


def api_of(user: User, scope: str, academy: Any = None) -> Api:
    api = Api(None, academy)
    api.headers["Authorization"] = f"Token {make_key(user, scope=scope)}"
    return api


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", ME, {"telemetry", "read", "write"}),
        ("POST", "/v1/auth/logout", {"telemetry", "read", "write"}),
        ("GET", "/v1/me/consent", {"telemetry", "write"}),
        ("GET", "/v1/assignment/user/me/task", {"read", "write"}),
        ("GET", TOKENS, {"read", "write"}),
        ("DELETE", "/v1/me/data", {"write"}),
        ("DELETE", f"{TOKENS}/1", {"write"}),
        ("PUT", "/v1/auth/user/me/password", {"write"}),
    ],
)
def test_a_key_is_good_for_its_scope_only(cast: Cast, method: str, path: str, allowed: set[str]) -> None:
    refused = set()
    for scope in TokenScope.values:
        answer = api_of(cast.owner, scope)(method, path)
        if b'"key-scope"' in (b"" if answer.streaming else answer.content):
            assert answer.status_code == 403
            refused.add(scope)
    assert set(TokenScope.values) - refused == allowed


def test_an_old_token_keeps_what_it_could_do(cast: Cast) -> None:
    token, key = Token.issue(cast.colleague)
    assert token.scope == "write"
    api = Api(None, cast.academy)
    api.headers["Authorization"] = f"Token {key}"
    assert api.put("/v1/auth/academy/settings", {"notebook_features": {"opt_out": True}}).status_code == 200


def test_a_scope_that_nobody_knows_allows_nothing() -> None:
    assert not any(allows("all", need) for need in ("any", *TokenScope.values))


def test_login_may_ask_for_less(cast: Cast) -> None:
    cast.owner.set_password("correct horse battery")
    cast.owner.save()
    body = {"email": "ada", "password": "correct horse battery", "scope": "telemetry"}
    key = Api().post("/v1/auth/login", body).json()["token"]
    assert Token.objects.get(key_hash=key_hash(key)).scope == "telemetry"
    assert Api().post("/v1/auth/login", {**body, "scope": "all"}).status_code == 400


def test_the_own_tokens_are_listed_and_ended_and_nobody_elses(cast: Cast) -> None:
    api = Api(cast.owner)
    other, other_key = Token.issue(cast.owner, name="the other", scope="read")
    strange, strange_key = Token.issue(cast.stranger)
    Token.issue(cast.owner, expires_at=timezone.now() - timedelta(days=1))
    Token.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert Api().get(ME, Authorization=f"Token {other_key}").status_code == 200
    listed = {row["id"]: row for row in api.get(TOKENS).json()}
    assert len(listed) == 2
    assert strange.pk not in listed
    row = listed[other.pk]
    assert (row["prefix"], row["name"], row["scope"], row["current"]) == (other_key[:8], "the other", "read", False)
    assert (row["last_used_from"], row["last_used_at"] is not None) == ("127.0.0.1", True)
    assert other_key not in str(listed)
    assert api.delete(f"{TOKENS}/{strange.pk}").json()["slug"] == "token-not-found"
    assert api.delete(f"{TOKENS}/{other.pk}").status_code == 204
    codes = [Api().get(ME, Authorization=f"Token {key}").status_code for key in (other_key, strange_key)]
    assert codes == [401, 200]


def test_who_logs_out_ends_the_token(cast: Cast) -> None:
    api = Api(cast.owner)
    assert api.post("/v1/auth/logout").status_code == 204
    assert api.get(ME).status_code == 401


def test_the_last_use_is_noted_every_five_minutes_only(cast: Cast) -> None:
    api = Api(cast.owner)
    api.get(ME)
    assert Token.objects.get(user=cast.owner).last_used_at is None
    Token.objects.update(created_at=timezone.now() - timedelta(minutes=6))
    api.get(ME)
    first = Token.objects.get(user=cast.owner).last_used_at
    api.get(ME)
    assert Token.objects.get(user=cast.owner).last_used_at == first
    Token.objects.update(last_used_at=timezone.now() - timedelta(minutes=6))
    api.get(ME)
    assert Token.objects.get(user=cast.owner).last_used_at > first


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1"


def signed_in(user: User, agent: str = FIREFOX, address: str = "203.0.113.5") -> Client:
    if not user.check_password(PASSWORD):
        user.set_password(PASSWORD)
        user.save()
    client = Client(REMOTE_ADDR=address, headers={"User-Agent": agent})
    client.post("/sign-in", {"name": user.username, "password": PASSWORD})
    return client


def text_of(answer: Response) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", answer.content.decode()))


def test_sessions_are_shown_in_words_and_ended_one_by_one_or_all_others(cast: Cast) -> None:
    here = signed_in(cast.colleague)
    phone, tablet = signed_in(cast.colleague, PHONE, "203.0.113.6"), signed_in(cast.colleague, "curl/8.5")
    stranger = signed_in(cast.stranger)
    page = text_of(here.get("/account"))
    assert "Firefox on Linux This browser 203.0.113.5" in page
    assert "Safari on iPhone 203.0.113.6" in page
    assert "curl" in page
    ours = SignInSession.objects.get(session_key=here.cookies["sessionid"].value)
    theirs = SignInSession.objects.get(user=cast.stranger)
    gone = SignInSession.objects.get(user=cast.colleague, address="203.0.113.6")
    for session in (ours, theirs, gone):
        here.post("/account/session/end", {"session": session.pk})
    codes = [client.get("/account").status_code for client in (here, phone, tablet, stranger)]
    assert codes == [200, 302, 200, 200]
    here.post("/account/session/end")
    assert [client.get("/account").status_code for client in (here, tablet, stranger)] == [200, 302, 200]


def test_who_signs_out_leaves_no_session_behind(cast: Cast) -> None:
    client = signed_in(cast.owner)
    client.post("/sign-out")
    assert not SignInSession.objects.filter(user=cast.owner).exists()


def test_sessions_that_expired_are_forgotten(cast: Cast) -> None:
    client = signed_in(cast.owner)
    assert delete_old_sessions() == 0
    client.session.delete()
    SignInSession.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))
    assert delete_old_sessions() == 1


def test_a_key_is_made_shown_once_and_ended_on_the_page(cast: Cast) -> None:
    client = signed_in(cast.owner)
    made = client.post("/account/key/make", {"name": "my laptop", "scope": "telemetry", "days": "30"})
    token = Token.objects.get(user=cast.owner)
    key = re.findall(r'class="key">(\w+)<', made.content.decode())[0]
    assert (key_hash(key), token.scope, token.name) == (token.key_hash, "telemetry", "my laptop")
    assert timedelta(days=29) < token.expires_at - timezone.now() <= timedelta(days=30)
    again = client.get("/account").content.decode()
    assert key not in again
    assert "my laptop" in again
    for bad in ({"scope": "all", "days": "30"}, {"scope": "read", "days": "31"}, {}):
        assert client.post("/account/key/make", bad).status_code == 400
    stranger = signed_in(cast.stranger)
    stranger.post("/account/key/end", {"key": token.pk})
    stranger.post("/account/key/end")
    assert Api().get(ME, Authorization=f"Token {key}").status_code == 200
    client.post("/account/key/end", {"key": token.pk})
    assert Api().get(ME, Authorization=f"Token {key}").status_code == 401


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (PHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/131.0 Safari/537.36 Edg/131.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36", "Chrome on Android"),
        ("python-requests/2.32", "python-requests"),
        ("", "Unknown browser"),
        ("<b>", "Unknown browser"),
    ],
)
def test_a_browser_is_told_in_words(agent: str, words: str) -> None:
    assert browser_in_words(agent) == words


@pytest.mark.parametrize(
    ("key", "good"),
    [
        ("0123456789abcdef0123456789abcdef01234567", True),
        ("8charkey", False),
        ("a" * 200, False),
        ("1234567890" * 4, False),
        ("1234567890" * 5, True),
        ("Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5", True),
        ("0123456789abcdef0123456789abcdef0123456", False),
        ("with blank 0123456789abcdef0123456789abcdef", False),
        ("é123456789abcdef0123456789abcdef01234567", False),
        ("aB" * 60, False),
    ],
)
def test_a_given_key_needs_160_bits(key: str, good: bool) -> None:
    assert (fault_of(key) == "") == good
    assert not good or bits_of(key) >= 160
