from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.hashers import ScryptPasswordHasher
from django.utils import timezone

from learntrace.accounts.models import Academy, Grant, Membership, Token, User, key_hash
from tests.support.builders import Api, Cast, Response, make_academy, make_user

ME = "/v1/auth/user/me"
LOGIN = "/v1/auth/login/"
WRONG = {"non_field_errors": ["Unable to log in with provided credentials."]}
pytestmark = pytest.mark.django_db


def get_me(authorization: str) -> Response:
    return Api()("GET", ME, Authorization=authorization)


@pytest.mark.parametrize("authorization", [None, "", "Basic abc", "Digest", "abc"])
def test_without_a_known_scheme_credentials_are_missing(authorization: str | None) -> None:
    answer = get_me(authorization) if authorization is not None else Api().get(ME)
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Authentication credentials were not provided.", "status_code": 401}
    assert answer.headers["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize(
    ("authorization", "detail"),
    [
        ("Token", "Invalid token header. No credentials provided."),
        ("Token ", "Invalid token header. No credentials provided."),
        ("Bearer", "Invalid token header. No credentials provided."),
        ("Token a b", "Invalid token header. Token string should not contain spaces."),
    ],
)
def test_an_unreadable_key_says_why(authorization: str, detail: str) -> None:
    answer = get_me(authorization)
    assert (answer.status_code, answer.json()) == (401, {"detail": detail, "status_code": 401})


def test_a_bad_key_is_answered_in_the_form_that_clients_look_for() -> None:
    answer = get_me("Token nonsense")
    assert answer.status_code == 401
    assert answer.json() == {
        "error": "Invalid or Inactive Token",
        "is_authenticated": "False",
        "status_code": 401,
        "detail": "Invalid or Inactive Token",
    }


def test_an_inactive_user_is_refused(cast: Cast) -> None:
    _token, key = Token.issue(cast.owner)
    User.objects.filter(pk=cast.owner.pk).update(is_active=False)
    assert get_me(f"Token {key}").json()["error"] == "Invalid or inactive user"


def test_an_expired_token_says_since_when(cast: Cast) -> None:
    moment = timezone.now() - timedelta(seconds=1)
    _token, key = Token.issue(cast.owner, expires_at=moment)
    answer = get_me(f"Token {key}")
    assert answer.status_code == 401
    assert answer.json()["error"] == f"Token expired at {moment}"


@pytest.mark.parametrize("scheme", ["Token", "token", "TOKEN", "Bearer", "bearer"])
def test_the_scheme_is_case_insensitive_and_may_be_bearer(cast: Cast, scheme: str) -> None:
    _token, key = Token.issue(cast.owner)
    assert get_me(f"{scheme} {key}").status_code == 200


def test_a_one_time_token_opens_once(cast: Cast) -> None:
    _token, key = Token.issue(cast.owner, Token.Kind.ONE_TIME)
    assert [get_me(f"Token {key}").status_code for _ in range(2)] == [200, 401]


def test_me_says_who_one_is_and_what_one_may_do(cast: Cast) -> None:
    Grant.objects.create(user=cast.owner, permission="upload_any_telemetry")
    closed = make_academy("closed", status=Academy.Status.INACTIVE)
    Membership.objects.create(user=cast.owner, academy=closed, role="admin")
    Membership.objects.create(user=cast.owner, academy=cast.elsewhere, role="teacher", status="INACTIVE")
    answer = Api(cast.owner).get(ME).json()
    assert list(answer) == ["id", "username", "email", "first_name", "last_name", "language", "permissions", "roles"]
    assert answer == {
        "id": cast.owner.pk,
        "username": "ada",
        "email": "ada@example.org",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "language": "",
        "permissions": ["upload_any_telemetry", "upload_assignment_telemetry"],
        "roles": [
            {
                "academy": {"id": cast.academy.pk, "slug": "downtown", "name": "Downtown"},
                "role": "student",
                "capabilities": ["upload_assignment_telemetry"],
            }
        ],
    }


@pytest.mark.parametrize("path", [LOGIN, "/v1/auth/login"])
def test_login_gives_a_token_for_seven_days(cast: Cast, path: str) -> None:
    user = make_user("joan", "student", cast.academy, email="Joan@Example.org", password="s3cret pass ")
    answer = Api().post(path, {"email": "jOAN@eXAMPLE.ORG", "password": "s3cret pass "})
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["token", "user_id", "email", "expires_at"]
    assert (body["user_id"], body["email"]) == (user.pk, "Joan@Example.org")
    assert body["expires_at"].endswith("Z")
    token = Token.objects.get(key_hash=key_hash(body["token"]))
    assert timedelta(days=6, hours=23) < token.expires_at - timezone.now() <= timedelta(days=7)
    assert get_me(f"Token {body['token']}").json()["id"] == user.pk


def test_of_users_who_share_an_address_the_oldest_signs_in_by_it_and_the_others_by_name(cast: Cast) -> None:
    one = make_user("one", email="shared@example.org", password="one's")
    two = make_user("two", email="shared@example.org", password="two's")
    with patch.object(ScryptPasswordHasher, "_check_encode_args", autospec=True) as encoded:
        wrong = Api().post(LOGIN, {"email": "shared@example.org", "password": "two's"})
    assert (wrong.status_code, wrong.json(), encoded.call_count) == (400, WRONG, 1)
    by_address = Api().post(LOGIN, {"email": "shared@example.org", "password": "one's"})
    by_name = Api().post(LOGIN, {"email": "two", "password": "two's"})
    assert (by_address.json()["user_id"], by_name.json()["user_id"]) == (one.pk, two.pk)


@pytest.mark.parametrize(
    ("email", "password"),
    [("joan@example.org", "wrong"), ("nobody@example.org", "right"), ("gone@example.org", "right")],
)
def test_wrong_credentials_are_told_alike_and_take_as_long(db: None, email: str, password: str) -> None:
    make_user("joan", password="right")
    make_user("gone", password="right", is_active=False)
    with patch.object(ScryptPasswordHasher, "_check_encode_args", autospec=True) as encoded:
        answer = Api().post(LOGIN, {"email": email, "password": password})
    assert (answer.status_code, answer.json()) == (400, WRONG)
    assert encoded.call_count == 1
    assert not Token.objects.exists()


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"email": ["This field is required."], "password": ["This field is required."]}),
        (
            {"email": None, "password": ""},
            {"email": ["This field may not be null."], "password": ["This field may not be blank."]},
        ),
        ([], {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
    ],
)
def test_an_incomplete_login_names_the_fields(db: None, body: Any, errors: dict[str, list[str]]) -> None:
    answer = Api().post(LOGIN, body)
    assert (answer.status_code, answer.json()) == (400, errors)


def test_failures_are_limited_for_an_address_but_do_not_hinder_others(db: None) -> None:
    make_user("joan", password="right")
    make_user("other", password="right")
    with patch("learntrace.accounts.signing_in.login.has_password", return_value=False):
        failures = [Api().post(LOGIN, {"email": "joan@example.org", "password": "x"}) for _ in range(21)]
    assert [answer.status_code for answer in failures] == [400] * 20 + [429]
    assert failures[-1].json()["status_code"] == 429
    assert 0 < int(failures[-1].headers["Retry-After"]) <= 60
    assert Api().post(LOGIN, {"email": "JOAN@example.org", "password": "right"}).status_code == 429
    assert Api().post(LOGIN, {"email": "other@example.org", "password": "right"}).status_code == 200


def test_a_class_signs_in_at_once_behind_one_address(db: None) -> None:
    users = [make_user(f"user-{n}") for n in range(300)]
    with patch("learntrace.accounts.signing_in.login.has_password", return_value=True):
        codes = {Api().post(LOGIN, {"email": user.email, "password": "x"}).status_code for user in users}
    assert codes == {200}


def test_a_forged_forwarded_address_does_not_evade_the_limit(db: None) -> None:
    with patch("learntrace.accounts.signing_in.login.has_password", return_value=False):
        codes = [
            Api().post(LOGIN, {"email": "joan@example.org", "password": "x"}, X_Forwarded_For=f"1.2.3.{n}").status_code
            for n in range(21)
        ]
    assert codes[-1] == 429


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_login_takes_post_only(db: None, method: str) -> None:
    answer = Api()(method, LOGIN)
    assert answer.status_code == 405
    assert answer.json() == {"detail": f'Method "{method}" not allowed.', "status_code": 405}
