"""The one limit of wrong guesses, over all doors: with real concurrency, on the real database."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from learntrace.accounts.models import User
from learntrace.accounts.signing_in import unlock_command
from learntrace.accounts.signing_in.guesses import forget_old_guesses, network_of
from learntrace.accounts.signing_in.models import GuessCount
from tests.support.builders import Cast, Response, make_key, make_user

LOGIN = "/v1/auth/login"
PASSWORD = "correct horse battery"
CHECK = "learntrace.accounts.signing_in.login.has_password"


def api(name: str, password: str, address: str = "10.0.0.1") -> Response:
    body = {"email": name, "password": password}
    return Client(REMOTE_ADDR=address).post(LOGIN, body, content_type="application/json")


def page(name: str, password: str, address: str = "10.0.0.1", **headers: str) -> Response:
    return Client(REMOTE_ADDR=address, headers=headers).post("/sign-in", {"name": name, "password": password})


def in_threads(count: int, call: Callable[..., Response], *arguments: tuple[str, ...]) -> Counter[int]:
    def one(number: int) -> int:
        try:
            return call(*arguments[number % len(arguments)]).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(30) as threads:
        return Counter(threads.map(one, range(count)))


@pytest.mark.django_db(transaction=True)
def test_of_120_guesses_at_once_no_more_are_checked_than_the_limit() -> None:
    make_user("joan", password=PASSWORD)
    checked: list[str] = []

    def check(_user: User | None, password: str) -> bool:
        checked.append(password)
        return False

    with patch(CHECK, check):
        codes = in_threads(120, api, ("joan", "x", "10.0.0.1"), ("JOAN@example.org", "y", "10.0.0.2"))
    assert len(checked) == codes[400] == 20
    assert codes[429] == 100
    row = GuessCount.objects.get(subject__startswith="account:")
    assert (row.failures, row.pending) == (20, 0)


@pytest.mark.django_db(transaction=True)
def test_names_sprayed_from_one_address_are_limited_together() -> None:
    names = [(f"learner-{number}", "Password1", "10.0.0.1") for number in range(60)]
    with patch(CHECK, return_value=False):
        codes = in_threads(60, page, *names)
    assert codes == {400: 50, 429: 10}
    assert api("somebody", "x", "10.0.0.2").status_code == 400


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_of_ipv6_a_customers_network_counts(address: str, counted: str) -> None:
    assert network_of(address) == network_of(counted) == counted


@pytest.mark.django_db
def test_doors_and_names_count_together_and_the_right_password_is_not_accepted_while_locked() -> None:
    make_user("joan", password=PASSWORD)
    for number in range(10):
        assert api("joan", "wrong", f"10.0.1.{number}").status_code == 400
        assert page("Joan@Example.org", "wrong", f"10.0.2.{number}").status_code == 400
    for answer in (api("joan@example.org", PASSWORD, "10.0.3.1"), page("joan", PASSWORD, "10.0.3.2")):
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert "sessionid" not in answer.cookies
    refusal = api("joan", PASSWORD).json()
    assert refusal["slug"] == "too-many-guesses"
    assert refusal["detail"].startswith("Too many failed attempts. Try again in ")


@pytest.mark.django_db
def test_a_locked_account_is_not_told_apart_from_one_that_nobody_has() -> None:
    make_user("joan", password=PASSWORD)
    answers = {
        name: [
            (answer.status_code, answer.json().get("slug"))
            for answer in (api(name, "x", f"10.0.{n}.{i}") for i in range(22))
        ]
        for n, name in enumerate(("joan", "nobody", "nobody@example.org"))
    }
    assert answers["joan"] == answers["nobody"] == answers["nobody@example.org"]
    assert not GuessCount.objects.filter(subject__contains="nobody").exists()


@pytest.mark.django_db
def test_each_full_window_makes_the_next_twice_as_long_and_success_forgets() -> None:
    user = make_user("joan", password=PASSWORD)
    row = GuessCount.objects.filter(subject=f"account:{user.pk}")
    lengths = []
    for _window in range(7):
        with patch(CHECK, return_value=False):
            codes = [api("joan", "x", f"10.0.0.{number}").status_code for number in range(21)]
        assert codes == [400] * 20 + [429]
        lengths.append(round((row.get().ends_at - timezone.now()).total_seconds() / 60))
        GuessCount.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    assert lengths == [1, 2, 4, 8, 16, 16, 16]
    assert api("joan", PASSWORD).status_code == 200
    assert not row.exists()


@pytest.mark.django_db
def test_a_right_password_gives_the_address_its_place_back_but_forgets_nothing_of_others() -> None:
    make_user("joan", password=PASSWORD)
    api("nobody", "x")
    for _ in range(3):
        assert api("joan", PASSWORD).status_code == 200
    row = GuessCount.objects.get(subject="address:10.0.0.1")
    assert (row.failures, row.pending) == (1, 0)


@pytest.mark.django_db
def test_the_administration_has_no_door_of_its_own() -> None:
    make_user("root", is_staff=True, is_superuser=True, password=PASSWORD)
    guess = Client().post("/admin/login/", {"username": "root", "password": PASSWORD})
    assert (guess.status_code, guess.headers["Location"]) == (302, "/sign-in?next=/admin/")
    assert "sessionid" not in guess.cookies
    client = Client()
    asked = client.get("/admin/accounts/user/", follow=False)
    assert asked.headers["Location"].startswith("/admin/login/?next=")
    led = client.get(asked.headers["Location"]).headers["Location"]
    assert led == "/sign-in?next=/admin/accounts/user/"
    back = client.post("/sign-in", {"name": "root", "password": PASSWORD, "next": "/admin/accounts/user/"})
    assert back.headers["Location"] == "/admin/accounts/user/"
    assert client.get("/admin/accounts/user/").status_code == 200


@pytest.mark.django_db
def test_who_may_not_open_the_administration_is_told_so(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.colleague)
    assert client.get("/admin/login/?next=/admin/").status_code == 403


@pytest.mark.django_db
def test_keys_that_nobody_has_are_limited_and_recorded_and_valid_ones_go_on(cast: Cast) -> None:
    def me(key: str) -> Response:
        return Client(REMOTE_ADDR="10.0.0.9").get("/v1/auth/user/me", headers={"Authorization": f"Token {key}"})

    codes = Counter(me(f"guess-{number}").status_code for number in range(310))
    assert codes == {401: 300, 429: 10}
    assert GuessCount.objects.get(subject="keys:10.0.0.9").failures == 300
    assert me(make_key(cast.owner)).status_code == 200


@pytest.mark.django_db
def test_staff_unlock_by_command(capsys: pytest.CaptureFixture[str]) -> None:
    make_user("joan", password=PASSWORD)
    with patch(CHECK, return_value=False):
        for number in range(20):
            api("joan", "x", f"10.0.0.{number}")
    assert api("joan", PASSWORD).status_code == 429
    assert unlock_command.main(["--list"]) == 0
    assert "(joan)" in capsys.readouterr().out
    assert unlock_command.main(["joan@example.org"]) == 0
    assert api("joan", PASSWORD).status_code == 200
    assert unlock_command.main(["nobody"]) == 1


@pytest.mark.django_db
def test_staff_unlock_in_the_administration() -> None:
    root = make_user("root", is_staff=True, is_superuser=True)
    make_user("joan", password=PASSWORD)
    with patch(CHECK, return_value=False):
        for number in range(20):
            api("joan", "x", f"10.0.0.{number}")
    client = Client()
    client.force_login(root)
    (row,) = GuessCount.objects.filter(subject__startswith="account:")
    client.post(f"/admin/accounts/guesscount/{row.pk.replace(':', '_3A')}/delete/", {"post": "yes"})
    assert api("joan", PASSWORD).status_code == 200


@pytest.mark.django_db
def test_what_no_longer_counts_is_deleted() -> None:
    api("nobody", "x")
    assert forget_old_guesses() == 0
    GuessCount.objects.update(ends_at=timezone.now() - timedelta(hours=2))
    assert forget_old_guesses() == 2


@pytest.mark.django_db
def test_in_spanish() -> None:
    with patch(CHECK, return_value=False):
        for _ in range(20):
            api("joan", "x")
    answer = page("joan", "x", accept_language="es")
    assert "Demasiados intentos fallidos. Inténtalo de nuevo en " in answer.content.decode()
