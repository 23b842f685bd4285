"""Passwords: what the own one needs, changing it, a link by mail, and what a change ends."""

import re
from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client, override_settings
from django.utils import timezone
from pytest_django import Settings

from learntrace.accounts.models import Token, User
from learntrace.accounts.signing_in import reset
from learntrace.accounts.signing_in.models import GuessCount, SignInSession
from tests.support.builders import Api, Response, make_key, make_user

PASSWORD = "correct horse battery"
NEW = "a better horse 2"
ME = "/v1/auth/user/me"
pytestmark = pytest.mark.django_db


@pytest.fixture
def joan() -> User:
    return make_user("joan", password=PASSWORD)


@pytest.fixture(autouse=True)
def _mail(settings: Settings) -> Iterator[None]:
    settings.EMAIL_HOST, settings.PUBLIC_URL = "mail.example.org", "https://learntrace.example.org"
    with patch.object(reset._Post, "send", lambda _post, message: message.send()):
        yield


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def is_in(client: Client) -> bool:
    return client.get("/account").status_code == 200


def change(client: Client, current: str = PASSWORD, new: str = NEW, again: str | None = None) -> Response:
    return client.post("/account/password", {"current": current, "new": new, "again": again or new})


def test_one_changes_the_own_password_and_all_else_ends_at_once(joan: User) -> None:
    here, elsewhere, other = signed_in(joan), signed_in(joan), signed_in(make_user("other", password=PASSWORD))
    login = Api().post("/v1/auth/login", {"email": "joan", "password": PASSWORD}).json()["token"]
    own_key = make_key(joan)
    assert change(here).headers["Location"] == "/account"
    assert (is_in(here), is_in(elsewhere), is_in(other)) == (True, False, True)
    codes = [Api().get(ME, Authorization=f"Token {key}").status_code for key in (login, own_key)]
    assert codes == [401, 200]
    assert SignInSession.objects.filter(user=joan).count() == 1
    assert Api().post("/v1/auth/login", {"email": "joan", "password": PASSWORD}).status_code == 400
    assert Api().post("/v1/auth/login", {"email": "joan", "password": NEW}).status_code == 200


@pytest.mark.parametrize("way", ["a script", "a bulk update"])
def test_whatever_writes_a_password_ends_sessions_and_login_tokens(joan: User, way: str) -> None:
    client = signed_in(joan)
    login = make_key(joan, Token.Kind.LOGIN)
    make_user("other").sign_in_sessions.count()
    joan.set_password(NEW)
    if way == "a script":
        joan.save()
    else:
        User.objects.bulk_update([joan], ["password"])
    assert not is_in(client)
    assert Api().get(ME, Authorization=f"Token {login}").status_code == 401
    assert not Session.objects.filter(session_key=client.cookies["sessionid"].value).exists()


@pytest.mark.parametrize(
    ("current", "new", "again", "sentence"),
    [
        ("wrong", NEW, NEW, "This is not your password."),
        (PASSWORD, NEW, "other", "The two new passwords differ."),
        (PASSWORD, "short", "short", "at least 10 characters"),
        (PASSWORD, "password123", "password123", "too common"),
        (PASSWORD, "joan@example", "joan@example", "too similar"),
        (PASSWORD, "Joan12!joan", "Joan12!joan", "too similar"),
        (PASSWORD, "x" * 5000, "x" * 5000, "too long"),
        ("", "", "", "This is not your password."),
    ],
)
def test_a_refused_change_says_why_and_changes_nothing(
    joan: User, current: str, new: str, again: str, sentence: str
) -> None:
    client, stored = signed_in(joan), joan.password
    answer = change(client, current, new, again)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    joan.refresh_from_db()
    assert (joan.password, is_in(client)) == (stored, True)


def test_asking_the_own_password_again_counts_as_a_guess(joan: User, settings: Settings) -> None:
    settings.ACCOUNT_GUESSES = 3
    client = signed_in(joan)
    assert [change(client, "wrong").status_code for _ in range(4)] == [400, 400, 400, 429]
    assert Api().post("/v1/auth/login", {"email": "joan", "password": PASSWORD}).status_code == 429


def test_the_api_changes_it_too(joan: User) -> None:
    login = make_key(joan, Token.Kind.LOGIN)
    api, path = Api(joan), "/v1/auth/user/me/password"
    weak = api.put(path, {"current_password": PASSWORD, "new_password": "a"})
    assert (weak.status_code, list(weak.json())) == (400, ["new_password"])
    wrong = api.put(path, {"current_password": "x", "new_password": NEW})
    assert wrong.json() == {"current_password": ["This is not your password."]}
    assert api.put(path, {"current_password": PASSWORD, "new_password": NEW}).status_code == 204
    assert Api().get(ME, Authorization=f"Token {login}").status_code == 401
    joan.refresh_from_db()
    assert joan.check_password(NEW)


def link(name: str = "joan@example.org") -> str:
    # Whatever name of this server a request claims, the link has the one of the settings.
    with override_settings(ALLOWED_HOSTS=["*"]):
        answer = Client().post("/password/forgotten", {"name": name}, headers={"Host": "evil.example"})
    assert "a link is on its way" in answer.content.decode()
    found = re.search(r"https://\S+", str(mail.outbox[-1].body))
    assert found is not None
    assert found[0].startswith("https://learntrace.example.org/password/choose?")
    url = urlsplit(found[0])
    return f"{url.path}?{url.query}"


def choose(address: str, new: str = NEW) -> Response:
    fields = dict(pair.split("=") for pair in address.partition("?")[2].split("&"))
    return Client().post("/password/choose", {**fields, "new": new, "again": new})


def test_a_link_by_mail_opens_once_and_ends_what_the_old_password_opened(joan: User) -> None:
    client, key = signed_in(joan), make_key(joan)
    address = link()
    assert mail.outbox[-1].to == ["joan@example.org"]
    page = Client().get(address)
    assert (page.status_code, page.headers["Referrer-Policy"]) == (200, "same-origin")
    assert choose(address, "short").status_code == 400
    assert choose(address).headers["Location"] == "/sign-in"
    joan.refresh_from_db()
    assert joan.check_password(NEW)
    assert not is_in(client)
    # Until the link was opened nobody knew whose the address is: no key of the time before opens anything.
    assert Api().get(ME, Authorization=f"Token {key}").status_code == 401
    again = choose(address, "yet another password")
    assert again.status_code == 400
    assert "has already been used or has expired" in again.content.decode()
    joan.refresh_from_db()
    assert joan.check_password(NEW)


def test_a_link_expires_and_is_worth_nothing_for_another_account(joan: User) -> None:
    other = make_user("other", password=PASSWORD)
    address = link()
    assert choose(address.replace(f"user={joan.pk}", f"user={other.pk}")).status_code == 400
    with patch(
        "django.contrib.auth.tokens.PasswordResetTokenGenerator._now",
        return_value=(timezone.now() + timedelta(hours=1, minutes=1)).replace(tzinfo=None),
    ):
        assert choose(address).status_code == 400
    for query in ("", "?user=1", "?user=x&token=y", "?user=1&token=%00", f"?user={2**70}&token=a-b"):
        assert Client().get(f"/password/choose{query}").status_code == 400


def test_nobody_learns_which_addresses_are_known(joan: User) -> None:
    make_user("gone", is_active=False)
    make_user("mute", email="")
    answers = {
        re.sub(
            r'csrfmiddlewaretoken" value="\w+',
            "",
            Client().post("/password/forgotten", {"name": name}).content.decode(),
        )
        for name in ("joan", "nobody@example.org", "gone", "mute", "x\0", "")
    }
    assert len(answers) == 1
    assert [message.to for message in mail.outbox] == [["joan@example.org"]]


def test_links_are_limited_but_lock_nobody_out(joan: User) -> None:
    codes = [Client().post("/password/forgotten", {"name": "joan"}).status_code for _ in range(7)]
    assert codes == [200] * 5 + [429] * 2
    assert [Client().post("/password/forgotten", {"name": "nobody"}).status_code for _ in range(7)] == codes
    assert len(mail.outbox) == 5
    assert Api().post("/v1/auth/login", {"email": "joan", "password": PASSWORD}).status_code == 200
    assert GuessCount.objects.filter(subject=f"reset:account:{joan.pk}").exists()


def test_without_a_mail_server_the_page_says_so(settings: Settings) -> None:
    settings.PUBLIC_URL = ""
    assert "This server sends no links by e-mail." in Client().get("/password/forgotten").content.decode()
    Client().post("/password/forgotten", {"name": "joan"})
    assert mail.outbox == []
