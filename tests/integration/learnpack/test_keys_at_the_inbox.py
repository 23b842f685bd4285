"""Keys at the inbox: unknown ones are limited and recorded, valid ones never held up; scopes; when a key was last used."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from learntrace.accounts.models import Token, User
from learntrace.accounts.signing_in.models import GuessCount
from learntrace.accounts.tokens.scopes import TokenScope
from learntrace.intake.models import Refusal
from learntrace.learnpack.models import Webhook
from tests.support.builders import make_academy, make_key, make_user
from tests.support.learnpack_inbox import Client

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada(db: None) -> User:
    return make_user("ada", "student", make_academy("downtown"))


@pytest.fixture
def client(ada: User) -> Iterator[Client]:
    client = Client(make_key(ada))
    yield client
    client.close()


def test_keys_that_nobody_has_are_limited_and_recorded_and_valid_ones_go_on(client: Client, settings: Settings) -> None:
    settings.KEY_GUESSES = 5
    answers = [client.post({"slug": "a"}, Authorization=f"Token {number:040}") for number in range(8)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 3
    assert answers[-1].json()["slug"] == "too-many-guesses"
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert client.post({"slug": "a"}).status_code == 200
    client.loop.run_until_complete(client.door._guessed.close())
    assert GuessCount.objects.get().failures == 5
    assert Webhook.objects.count() == 1


def test_what_other_processes_have_counted_counts_here_too(client: Client, settings: Settings) -> None:
    settings.KEY_GUESSES = 5
    GuessCount.objects.create(subject="keys:127.0.0.1", failures=4, ends_at=timezone.now() + timedelta(seconds=40))
    assert client.post({"slug": "a"}, Authorization="Token unknown").status_code == 401
    client.loop.run_until_complete(client.door._guessed.close())
    answer = client.post({"slug": "a"}, Authorization="Token unknown")
    assert (answer.status_code, int(answer.headers["Retry-After"]) <= 40) == (429, True)


def test_an_expired_key_is_no_guess(client: Client, ada: User, settings: Settings) -> None:
    settings.KEY_GUESSES = 1
    expired = make_key(ada, expires_at=timezone.now() - timedelta(days=1))
    codes = {client.post({"slug": "a"}, Authorization=f"Token {expired}").status_code for _ in range(4)}
    assert codes == {401}
    assert {client.post({"slug": "a"}, Authorization="Basic x").status_code for _ in range(4)} == {401}


@pytest.mark.parametrize(("scope", "status"), [("telemetry", 200), ("write", 200), ("read", 403)])
def test_a_key_needs_the_scope_to_send(client: Client, ada: User, scope: str, status: int) -> None:
    answer = client.post({"slug": "a"}, Authorization=f"Token {make_key(ada, scope=scope)}")
    assert answer.status_code == status
    assert Webhook.objects.count() == (status == 200)
    if status == 403:
        assert answer.json()["slug"] == "key-scope"
        assert Refusal.objects.get().reason == "key-scope"
    assert scope in TokenScope.values


def test_the_inbox_notes_when_and_from_where_a_key_was_used(client: Client, ada: User) -> None:
    client.post_all([{"slug": "a"}] * 5)
    # The note is written after the answer.
    client.post({"slug": "a"})
    token = Token.objects.get(user=ada)
    assert token.last_used_at is not None
    assert token.last_used_from == "127.0.0.1"
