"""The second factor: asked for after the password, a code once, enforced by an academy; passkeys in tests/browser."""

import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.test import Client
from pytest_django import Settings

from learntrace.accounts.models import Academy, Membership, User
from learntrace.accounts.second_factor import factors, totp
from learntrace.accounts.second_factor.models import AuthenticatorApp, RecoveryCode
from learntrace.accounts.signing_in import unlock_command
from learntrace.core.encryption.secrets import PREFIX, forget_keys
from tests.support.builders import Api, Cast, Response, make_key, make_user

PASSWORD = "correct horse battery"
LOGIN = "/v1/auth/login"
ACCESS = "/v1/auth/academy/access"
pytestmark = pytest.mark.django_db


@pytest.fixture
def grace(cast: Cast) -> User:
    cast.colleague.set_password(PASSWORD)
    cast.colleague.save()
    return cast.colleague


def code_of(user: User, offset: int = 1) -> str:
    """The code of the step after the one that sets up: the clock of an app may be a step ahead."""
    secret = AuthenticatorApp.objects.get(user=user).secret
    return totp.code_at(secret, totp.step_at(time.time()) + offset)


def sign_in(user: User, client: Client | None = None) -> Client:
    client = client or Client()
    client.post("/sign-in", {"name": user.username, "password": PASSWORD, "next": "/account"})
    return client


def is_in(client: Client) -> bool:
    return client.get("/account").status_code == 200


def set_up(user: User) -> list[str]:
    """Set up an app on the page; return the recovery codes. The next code in time is still unused."""
    client = Client()
    client.force_login(user)
    client.get("/account/app")
    shown = client.post("/account/app", {"code": code_of(user, 0), "password": PASSWORD})
    codes = re.findall(r"<li><code>([a-z2-7-]+)</code>", shown.content.decode())
    assert len(codes) == 10
    return codes


def give(client: Client, code: str) -> Response:
    return client.post("/sign-in/second", {"code": code})


def test_the_password_alone_opens_nothing_once_there_is_an_app(grace: User) -> None:
    set_up(grace)
    client = sign_in(grace)
    assert not is_in(client)
    assert "The code of your authenticator app" in client.get("/sign-in/second").content.decode()
    assert give(client, "000000").status_code == 400
    assert not is_in(client)
    answer = give(client, code_of(grace))
    assert answer.headers["Location"] == "/account"
    assert is_in(client)


def test_a_code_opens_once(grace: User) -> None:
    set_up(grace)
    code = code_of(grace)
    assert give(sign_in(grace), code).status_code == 302
    again = sign_in(grace)
    assert give(again, code).status_code == 400
    assert "has already been used" in give(again, code).content.decode()
    # The one before it neither, though its time isn't over.
    assert give(again, code_of(grace, 0)).status_code == 400


def test_an_apps_secret_is_encrypted_and_a_lost_key_opens_nothing(grace: User, settings: Settings) -> None:
    recovery = set_up(grace)
    secret = AuthenticatorApp.objects.get(user=grace).secret
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM accounts_authenticatorapp WHERE user_id = %s", [grace.pk])
        ((stored,),) = cursor.fetchall()
    assert stored.startswith(PREFIX)
    assert secret not in stored
    before = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = lambda: (Fernet.generate_key().decode(),)
    forget_keys()
    try:
        client = sign_in(grace)
        refused = give(client, totp.code_at(secret, totp.step_at(time.time()) + 1))
        assert "encryption key is missing" in refused.content.decode()
        assert not is_in(client)
        assert give(client, recovery[0]).status_code == 302
        assert is_in(client)
    finally:
        settings.ENCRYPTION_KEYS = before
        forget_keys()
    assert AuthenticatorApp.objects.get(user=grace).secret == secret


def test_codes_without_a_secret_do_not_exist() -> None:
    with pytest.raises(ValueError, match="no secret"):
        totp.code_at("", 1)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_give_the_same_code_at_once_one_gets_in(cast: Cast) -> None:
    cast.colleague.set_password(PASSWORD)
    cast.colleague.save()
    set_up(cast.colleague)
    clients = [sign_in(cast.colleague) for _ in range(8)]
    code = code_of(cast.colleague)

    def one(client: Client) -> int:
        try:
            return give(client, code).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert Counter(threads.map(one, clients)) == {302: 1, 400: 7}


def test_a_recovery_code_opens_once(grace: User) -> None:
    first, second, *_rest = set_up(grace)
    assert give(sign_in(grace), first.upper().replace("-", " ")).status_code == 302
    assert give(sign_in(grace), first).status_code == 400
    assert give(sign_in(grace), second).status_code == 302
    assert RecoveryCode.objects.filter(user=grace, used_at=None).count() == 8
    assert not RecoveryCode.objects.filter(code_hash__in=[first, second]).exists()


def test_codes_are_guessed_no_more_often_than_passwords_even_with_the_password(grace: User, settings: Settings) -> None:
    settings.ACCOUNT_GUESSES = 5
    set_up(grace)
    codes = []
    for number in range(7):
        client = sign_in(grace, Client(REMOTE_ADDR=f"10.0.0.{number}"))
        codes.append(give(client, "000000").status_code)
    assert codes == [400] * 5 + [429] * 2
    # The right one neither.
    assert give(sign_in(grace), code_of(grace)).status_code == 429


def test_who_was_asked_for_it_waits_no_longer_than_ten_minutes_and_not_after_a_new_password(grace: User) -> None:
    set_up(grace)
    client = sign_in(grace)
    with patch("learntrace.accounts.second_factor.sign_in.time.time", return_value=time.time() + 601):
        assert give(client, code_of(grace)).headers["Location"] == "/sign-in"
    grace.set_password("another long one")
    grace.save()
    assert give(client, code_of(grace)).headers["Location"] == "/sign-in"
    assert give(Client(), code_of(grace)).headers["Location"] == "/sign-in"
    assert not is_in(client)


def test_the_api_asks_for_it_too(grace: User) -> None:
    codes = set_up(grace)
    body = {"email": "grace", "password": PASSWORD}
    without = Api().post(LOGIN, body)
    assert (without.status_code, list(without.json())) == (400, ["code"])
    assert Api().post(LOGIN, {**body, "code": "000000"}).status_code == 400
    assert Api().post(LOGIN, {**body, "password": "wrong", "code": code_of(grace)}).json() == {
        "non_field_errors": ["Unable to log in with provided credentials."]
    }
    assert Api().post(LOGIN, {**body, "code": code_of(grace)}).status_code == 200
    assert Api().post(LOGIN, {**body, "code": codes[0]}).status_code == 200
    # A key was made by who had signed in: it needs none.
    assert Api().get("/v1/auth/user/me", Authorization=f"Token {make_key(grace)}").status_code == 200


def test_an_app_counts_only_with_a_code_and_the_password(grace: User) -> None:
    client = Client()
    client.force_login(grace)
    shown = client.get("/account/app").content.decode()
    assert AuthenticatorApp.objects.get(user=grace).secret in shown
    assert "<svg" in shown
    for wrong in ({"code": "000000", "password": PASSWORD}, {"code": code_of(grace, 0), "password": "x"}, {}):
        assert client.post("/account/app", wrong).status_code == 400
    assert not factors.factors_of(grace).any
    assert is_in(sign_in(grace))


@pytest.mark.parametrize(
    "path", ["/account/app/remove", "/account/codes", "/account/passkey/remove", "/account/passkey/add"]
)
def test_nothing_changes_without_the_password(grace: User, path: str) -> None:
    set_up(grace)
    client = sign_in(grace)
    give(client, code_of(grace))
    before = set(RecoveryCode.objects.values_list("code_hash", flat=True))
    client.post(path, {"password": "wrong"})
    client.post(path)
    assert factors.factors_of(grace).app
    assert set(RecoveryCode.objects.values_list("code_hash", flat=True)) == before


def test_with_the_last_factor_the_recovery_codes_go(grace: User) -> None:
    set_up(grace)
    client = sign_in(grace)
    give(client, code_of(grace))
    client.post("/account/app/remove", {"password": PASSWORD})
    assert not RecoveryCode.objects.exists()
    assert is_in(sign_in(grace))


@pytest.mark.parametrize(
    "answer", ["", "{", "[]", "{}", '{"id": 1}', "x" * 40000, '{"id": "a", "rawId": "a", "response": {}}']
)
def test_what_is_no_answer_of_a_passkey_is_refused(grace: User, answer: str) -> None:
    set_up(grace)
    client = sign_in(grace)
    assert client.post("/sign-in/passkey").json()["publicKey"]["challenge"]
    assert client.post("/sign-in/second", {"answer": answer}).status_code == 400
    assert not is_in(client)


def test_an_academy_asks_whoever_is_no_learner(cast: Cast, grace: User) -> None:
    cast.owner.set_password(PASSWORD)
    cast.owner.save()
    both = make_user("both", "student", cast.academy, password=PASSWORD)
    Membership.objects.create(user=both, academy=cast.elsewhere, role="teacher")
    assert Api(grace, cast.academy).put(ACCESS, {"second_factor": True}).json() == {"second_factor": True}
    client = sign_in(grace)
    page = client.get("/account")
    assert "Downtown asks its staff for a second factor." in page.content.decode()
    for path in ("/class", "/", "/me", "/admin/"):
        assert client.get(path).headers["Location"] == "/account"
    refused = Api().post(LOGIN, {"email": "grace", "password": PASSWORD})
    assert (refused.status_code, refused.json()["slug"]) == (403, "second-factor-missing")
    for user in (cast.owner, both):
        assert sign_in(user).get("/me").status_code == 200
        assert Api().post(LOGIN, {"email": user.username, "password": PASSWORD}).status_code == 200
    client.get("/account/app")
    client.post("/account/app", {"code": code_of(grace, 0), "password": PASSWORD})
    assert client.get("/class").status_code == 200
    assert Api().post(LOGIN, {"email": "grace", "password": PASSWORD, "code": code_of(grace)}).status_code == 200


def test_a_session_that_is_open_when_the_academy_begins_to_ask_is_asked_within_a_minute(
    cast: Cast, grace: User
) -> None:
    client = sign_in(grace)
    assert client.get("/class").status_code == 200
    client.post("/account/academy", {"asking": "yes"})
    with patch("learntrace.accounts.signing_in.sessions.SEEN_SECONDS", 0):
        client.get("/class")
    assert client.get("/class").headers["Location"] == "/account"
    Academy.objects.filter(pk=cast.academy.pk).update(status="INACTIVE")
    with patch("learntrace.accounts.signing_in.sessions.SEEN_SECONDS", 0):
        client.get("/account")
    assert client.get("/me").status_code == 200


@pytest.mark.parametrize("role", ["student", "assistant", "teacher", "staff"])
def test_only_an_admin_of_the_academy_decides(cast: Cast, role: str) -> None:
    user = make_user("tim", role, cast.academy)
    client = Client()
    client.force_login(user)
    assert client.post("/account/academy", {"asking": "yes"}).status_code == 403
    assert Api(user, cast.academy).put(ACCESS, {"second_factor": True}).status_code == 403
    assert Api(cast.stranger, cast.academy).put(ACCESS, {"second_factor": True}).status_code == 403


def test_who_has_lost_all_is_let_in_by_an_operator(grace: User, capsys: pytest.CaptureFixture[str]) -> None:
    set_up(grace)
    assert unlock_command.main(["grace", "--second-factors"]) == 0
    assert "Removed the second factors of grace." in capsys.readouterr().out
    assert is_in(sign_in(grace))
