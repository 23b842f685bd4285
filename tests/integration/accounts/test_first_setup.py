"""The first set-up: one code, one form, one transaction; whoever has no code gets a sentence and nothing else."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client, override_settings

from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.first_setup import command
from learntrace.accounts.first_setup.code import new_code, printed_code
from learntrace.accounts.first_setup.models import SetupCode
from learntrace.accounts.models import Academy, Cohort, Membership, User
from tests.support.builders import make_academy, make_user

PASSWORD = "a staple of correct horses"
FORM = {
    "name": "Olga Pérez", "email": "olga@school.example", "password": PASSWORD, "again": PASSWORD,
    "academy_name": "Downtown Code School", "class_name": "Python, autumn 2026",
}  # fmt: skip


@pytest.fixture
def stranger() -> Client:
    # As browsers are: a form without the cookie's token is refused, unless it is protected in another way.
    return Client(enforce_csrf_checks=True)


def send(client: Client, code: str, **changes: str) -> Any:
    return client.post("/set-up", FORM | {"code": code} | changes)


def stored() -> tuple[int, int, int]:
    return User.objects.count(), Academy.objects.count(), Cohort.objects.count()


@pytest.mark.django_db
def test_the_code_of_the_terminal_makes_an_operator_with_an_academy_and_a_class(stranger: Client) -> None:
    code = printed_code()
    assert "code" in command.invitation("http://127.0.0.1:8000")
    opened = stranger.post("/set-up", {"code": code.lower().replace("-", " ")})
    assert opened.status_code == 200
    assert b'name="academy_name"' in opened.content
    done = send(stranger, code)
    assert (done.status_code, done["Location"]) == (302, "/connect")
    user = User.objects.get()
    assert (user.username, user.email, user.get_full_name()) == ("olga", "olga@school.example", "Olga Pérez")
    assert (user.is_superuser, user.is_staff) == (True, True)
    assert authenticate(username="olga", password=PASSWORD) == user
    academy = Academy.objects.get()
    assert (academy.slug, academy.name) == ("downtown-code-school", "Downtown Code School")
    assert Membership.objects.get(user=user, academy=academy).role == "admin"
    assert Cohort.objects.get(academy=academy).name == "Python, autumn 2026"
    # Signed in, and nobody can do it again.
    assert stranger.get("/connect").status_code == 200
    assert not SetupCode.objects.exists()
    assert printed_code() == command.invitation("http://127.0.0.1:8000") == ""
    again = send(Client(), code)
    assert (again.status_code, b"already set up" in again.content) == (403, True)
    entry = AuditEntry.objects.get(action="installation.set_up")
    assert (entry.academy_id, entry.subject_id, entry.actor_id) == (academy.pk, user.pk, None)
    assert PASSWORD not in str(entry.values.after)


@pytest.mark.django_db
def test_a_stranger_without_the_code_gets_a_sentence_and_nothing_else(stranger: Client) -> None:
    printed_code()
    for typed in ("", "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", "x" * 5000, "\0é"):
        for answer in (stranger.post("/set-up", {"code": typed}), send(stranger, typed)):
            assert answer.status_code == 403
            # An apostrophe is escaped.
            assert b"the code that the server has printed" in answer.content
    assert b'name="email"' not in stranger.get("/set-up").content
    assert stored() == (0, 0, 0)


@pytest.mark.django_db
@override_settings(ADDRESS_GUESSES=5)
def test_guesses_are_limited_by_address_and_the_right_code_waits_too(stranger: Client) -> None:
    code = printed_code()
    answers = [send(stranger, "wrong").status_code for _guess in range(7)]
    assert answers == [403] * 5 + [429] * 2
    waiting = send(stranger, code)
    assert (waiting.status_code, int(waiting["Retry-After"]) > 0, stored()) == (429, True, (0, 0, 0))
    # What was typed is still there.
    assert FORM["email"].encode() in waiting.content
    # Another address isn't kept out by it.
    assert Client(REMOTE_ADDR="10.9.8.7").post("/set-up", FORM | {"code": code}).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", " ", "This is missing."),
        ("name", "x" * 200, "This is too long."),
        ("email", "olga", "This isn&#x27;t an e-mail address."),
        ("password", "olga", "too short"),
        ("password", "school1", "too"),
        ("again", "other", "The two passwords differ."),
        ("academy_name", "", "This is missing."),
        ("class_name", "a\u202eb", "characters that can&#x27;t be shown"),
    ],
)
def test_a_field_that_cannot_be_used_says_why_and_loses_nothing(
    stranger: Client, field: str, value: str, sentence: str
) -> None:
    code = printed_code()
    answer = send(stranger, code, **{field: value})
    page = answer.content.decode()
    assert (answer.status_code, sentence in page, stored()) == (400, True, (0, 0, 0))
    for name, typed in FORM.items():
        if name not in (field, "password", "again"):
            assert f'name="{name}" ' in page
            assert f'value="{typed}"' in page
    assert "no-store" in answer["Cache-Control"]
    assert send(stranger, code).status_code == 302


@pytest.mark.django_db
def test_names_that_others_have_or_that_have_no_latin_letters_get_slugs_of_their_own(stranger: Client) -> None:
    make_academy("downtown-code-school")
    make_user("olga", email="else@example.org")
    assert send(stranger, printed_code(), class_name="日本語").status_code == 302
    assert User.objects.get(is_superuser=True).username == "olga-2"
    assert Academy.objects.filter(slug="downtown-code-school-2").exists()
    assert Cohort.objects.get().slug == "class"


@pytest.mark.django_db
def test_the_code_outlives_restarts_and_ends_with_a_new_one_or_an_administrator(
    stranger: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    first = printed_code()
    assert printed_code() == first
    row = SetupCode.objects.get()
    assert first.replace("-", "") not in (row.code_hash, row.salt)
    # Whoever has another secret key can't print it, and gets a new one.
    with override_settings(SECRET_KEY="another one, of thirty-two letters and more"):
        assert printed_code() != first
    assert command.main([]) == 0
    replaced = capsys.readouterr().out.strip()
    assert AuditEntry.objects.filter(action="setup_code.made", door="command").exists()
    assert send(stranger, first).status_code == 403
    make_user("root", is_superuser=True, is_staff=True)
    for answer in (stranger.get("/set-up"), send(stranger, replaced)):
        assert (answer.status_code, b"already set up" in answer.content) == (403, True)
    assert command.main([]) == 1
    assert "already set up" in capsys.readouterr().err


@pytest.mark.django_db
def test_a_member_who_administers_an_academy_ends_it_too(stranger: Client) -> None:
    code = printed_code()
    make_user("grace", "admin", make_academy())
    assert send(stranger, code).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_of_two_who_send_the_code_at_once_one_sets_up() -> None:
    code = new_code()

    def set_up(number: int) -> int:
        try:
            status: int = send(Client(), code, email=f"olga{number}@school.example").status_code
            return status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        answers = sorted(threads.map(set_up, range(4)))
    assert answers == [302, 403, 403, 403]
    assert stored() == (1, 1, 1)


@pytest.mark.django_db
def test_the_first_pages_lead_to_the_set_up_as_long_as_it_is_open(stranger: Client) -> None:
    assert b'href="/set-up"' in stranger.get("/sign-in").content
    root = make_user("root", is_superuser=True, is_staff=True)
    assert b'href="/set-up"' not in stranger.get("/sign-in").content
    stranger.force_login(root)
    assert stranger.get("/set-up")["Location"] == "/"


@pytest.mark.django_db
def test_an_operator_without_an_academy_is_led_to_make_one() -> None:
    client = Client()
    client.force_login(make_user("root", is_superuser=True, is_staff=True))
    assert client.get("/")["Location"] == "/set-up/academy"
    assert "belong to no academy yet" in client.get("/set-up/academy").content.decode()
    faulty = client.post("/set-up/academy", {"academy_name": "Harbour", "class_name": ""})
    assert (faulty.status_code, b'value="Harbour"' in faulty.content) == (400, True)
    made = client.post("/set-up/academy", {"academy_name": "Harbour", "class_name": "Fall"})
    academy = Academy.objects.get()
    assert made["Location"] == f"/connect?academy={academy.pk}"
    assert client.get("/")["Location"] == "/class"
    assert academy.memberships.get().role == "admin"
    entry = AuditEntry.objects.get(action="academy.made")
    assert (entry.academy_id, entry.actor_id) == (academy.pk, academy.memberships.get().user_id)


@pytest.mark.django_db
def test_a_session_that_ends_in_the_form_of_an_academy_loses_nothing() -> None:
    root = make_user("root", is_superuser=True, is_staff=True)
    ended = Client().post("/set-up/academy", {"academy_name": "Harbour & Sons", "class_name": "Fall"})
    query = parse_qs(urlsplit(ended["Location"]).query)
    assert query["ended"] == ["1"]
    client = Client()
    client.force_login(root)
    page = client.get(query["next"][0]).content
    assert b'value="Harbour &amp; Sons"' in page
    assert b'value="Fall"' in page


@pytest.mark.django_db
def test_only_an_operator_makes_an_academy() -> None:
    client = Client()
    client.force_login(make_user("grace", "admin", make_academy("downtown")))
    assert client.get("/set-up/academy").status_code == 403
    assert client.post("/set-up/academy", {"academy_name": "Mine", "class_name": "Mine"}).status_code == 403
    assert Academy.objects.count() == 1


@pytest.mark.django_db
def test_createsuperuser_ends_the_code(stranger: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    code = printed_code()
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", username="root", email="root@example.org", verbosity=0)
    assert send(stranger, code).status_code == 403
    assert connection.in_atomic_block
