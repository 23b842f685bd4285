"""`learntrace token create | list | revoke`."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from learntrace.accounts.models import Token, User, key_hash
from learntrace.accounts.tokens import command as token_command

pytestmark = pytest.mark.django_db
Output = pytest.CaptureFixture[str]


@pytest.fixture
def ada() -> User:
    return User.objects.create(pk=123, username="ada", email="ada@example.org")


@pytest.mark.parametrize("name", ["123", "ada", "ADA@example.org"])
def test_create_prints_the_key_and_nothing_else_on_stdout(ada: User, name: str, capsys: Output) -> None:
    assert token_command.main(["create", "--user", name]) == 0
    out, err = capsys.readouterr()
    token = Token.objects.get(user=ada)
    assert token.key_hash == key_hash(out.strip())
    assert (token.kind, token.expires_at) == ("permanent", None)
    assert "shown this once" in err
    assert out.strip() not in err


def test_a_created_token_is_printed_as_json(ada: User, capsys: Output) -> None:
    assert token_command.main(["create", "--user", "ada", "--kind", "login", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    token = Token.objects.get()
    assert token.key_hash == key_hash(printed["key"])
    assert (printed["prefix"], printed["user_id"], printed["kind"]) == (token.prefix, 123, "login")
    assert token.expires_at is not None
    assert abs(token.expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)


def test_a_token_is_created_with_an_expiry(ada: User) -> None:
    assert token_command.main(["create", "--user", "ada", "--expires", "2099-01-01"]) == 0
    assert Token.objects.get().expires_at == datetime(2099, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("argv", [[], ["create"], ["create", "--user", "ada", "--kind", "eternal"],
                                  ["create", "--user", "ada", "--expires", "soon"],
                                  ["create", "--user", "ada", "--expires", "2001-01-01"], ["revoke"]])  # fmt: skip
def test_wrong_usage_is_exit_code_2(ada: User, argv: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        token_command.main(argv)
    assert caught.value.code == 2
    assert not Token.objects.exists()


@pytest.mark.parametrize("name", ["nobody", "99", "9" * 30, ""])
def test_an_unknown_user_is_exit_code_1(ada: User, name: str, capsys: Output) -> None:
    assert token_command.main(["create", "--user", name]) == 1
    assert "There is no user" in capsys.readouterr().err


def test_an_address_that_several_have_is_refused(ada: User, capsys: Output) -> None:
    User.objects.create(username="123", email="both@example.org")
    User.objects.filter(pk=ada.pk).update(email="both@example.org")
    assert token_command.main(["create", "--user", "both@example.org"]) == 1
    assert "Several users" in capsys.readouterr().err
    assert not Token.objects.exists()


@pytest.mark.parametrize(("name", "owner"), [("123", "ada"), ("id:123", "ada"), ("name:123", "123")])
def test_a_number_is_an_id_first_and_a_marked_name_what_it_says(
    ada: User, capsys: Output, name: str, owner: str
) -> None:
    User.objects.create(username="123")
    assert token_command.main(["create", "--user", name]) == 0
    assert Token.objects.get().user.username == owner


def test_list_shows_prefixes_and_no_keys(ada: User, capsys: Output) -> None:
    token, key = Token.issue(ada)
    Token.issue(User.objects.create(username="grace"))
    assert token_command.main(["list", "--user", "ada"]) == 0
    out = capsys.readouterr().out
    assert token.prefix in out
    assert key not in out
    assert "Tokens of ada: 1" in out
    assert token_command.main(["list", "--user", "ada", "--json"]) == 0
    assert [shown["prefix"] for shown in json.loads(capsys.readouterr().out)] == [token.prefix]


def test_revoke_deletes_the_token_of_a_prefix(ada: User, capsys: Output) -> None:
    token, _key = Token.issue(ada)
    kept, _key = Token.issue(ada)
    assert token_command.main(["revoke", token.prefix]) == 0
    assert list(Token.objects.all()) == [kept]
    assert token_command.main(["revoke", token.prefix]) == 1
    assert "no token with the prefix" in capsys.readouterr().err


def test_revoke_asks_whose_when_several_have_the_prefix(ada: User, capsys: Output) -> None:
    grace = User.objects.create(username="grace")
    for number, user in enumerate((ada, grace)):
        Token.objects.create(user=user, key_hash=str(number), prefix="abcdefgh")
    assert token_command.main(["revoke", "abcdefgh"]) == 1
    assert "ada, grace" in capsys.readouterr().err
    assert token_command.main(["revoke", "abcdefgh", "--user", "grace"]) == 0
    assert Token.objects.get().user == ada
