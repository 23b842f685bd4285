"""What a form has sent without a session: kept for its author over the sign-in, and for nobody else; no secrets."""

import json
import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from learntrace.accounts.models import Cohort, User
from learntrace.core.encryption.secrets import decrypt, encrypt
from learntrace.signals.models import NotificationRule
from tests.support.builders import Cast, make_cohort

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
HERE = {"Referer": "http://testserver/people/cohorts"}


@pytest.fixture
def admin(cast: Cast) -> User:
    User.objects.update(password=make_password(PASSWORD))
    cast.colleague.refresh_from_db()
    return cast.colleague


def ended(user: User) -> Client:
    """A browser whose session has ended, after it has shown a page."""
    client = Client()
    client.force_login(user)
    client.get("/people/cohorts")
    del client.cookies["sessionid"]
    return client


def kept_in(answer: Any) -> str:
    found = re.search(r'name="kept" value="([^"]+)"', answer.content.decode())
    assert found is not None
    return unescape(found[1])


def sign_in(client: Client, user: User, kept: str, target: str = "/people/cohorts") -> Any:
    return client.post("/sign-in", {"name": user.username, "password": PASSWORD, "next": target, "kept": kept})


def test_a_form_is_shown_again_once_and_not_sent(admin: User) -> None:
    client = ended(admin)
    typed = {"name": "Fall <1> & more", "slug": "", "starts_on": "2026-09-01", "ends_on": ""}
    sessions = Session.objects.count()
    answer = client.post("/people/cohorts", typed, headers=HERE)
    assert "Your session has ended" in answer.content.decode()
    assert "Fall" not in answer.content.decode(), "what is carried is encrypted"
    assert Session.objects.count() == sessions, "nothing is stored for somebody who isn't signed in"
    assert sign_in(client, admin, kept_in(answer)).headers["Location"] == "/people/cohorts"
    page = client.get("/people/cohorts").content.decode()
    assert 'value="Fall &lt;1&gt; &amp; more"' in page
    assert 'value="2026-09-01"' in page
    assert "It is as you typed it" in page
    assert not Cohort.objects.exists()
    assert "Fall" not in client.get("/people/cohorts").content.decode()


def test_another_account_is_shown_nothing(cast: Cast, admin: User) -> None:
    client = ended(admin)
    kept = kept_in(client.post("/people/cohorts", {"name": "Fall"}, headers=HERE))
    sign_in(client, cast.stranger, kept)
    assert "Fall" not in client.get("/people/cohorts").content.decode()


def test_a_browser_that_nobody_was_signed_in_with_keeps_nothing(admin: User) -> None:
    answer = Client().post("/people/cohorts", {"name": "Fall"}, headers=HERE)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in?ended=1&next=/people/cohorts")
    forged = Client()
    forged.cookies["learntrace_account"] = f"{admin.pk}:forged"
    assert forged.post("/people/cohorts", {"name": "Fall"}, headers=HERE).status_code == 302


@pytest.mark.parametrize("text", ["nonsense", "enc1:nonsense", json.dumps({"user": 1}), "", "[]", "JBSWY3DPEHPK3PXP"])
def test_what_is_none_of_this_servers_is_dropped(admin: User, text: str) -> None:
    for kept in (text, encrypt(text)):
        client = ended(admin)
        assert sign_in(client, admin, kept).status_code == 302
        assert client.get("/people/cohorts").status_code == 200


def test_what_is_older_than_an_hour_is_dropped(admin: User) -> None:
    client = ended(admin)
    kept = json.loads(decrypt(kept_in(client.post("/people/cohorts", {"name": "Fall"}, headers=HERE))))
    old = encrypt(json.dumps({**kept, "at": timezone.now().timestamp() - 3601}))
    sign_in(client, admin, old)
    assert "Fall" not in client.get("/people/cohorts").content.decode()


def test_passwords_and_codes_are_never_kept(admin: User) -> None:
    client = ended(admin)
    secrets = {"current": "secret-1", "new": "secret-2", "again": "secret-3"}
    answer = client.post("/account/password", secrets, headers={"Referer": "http://testserver/account/password"})
    assert (answer.status_code, "secret" in answer.headers["Location"]) == (302, False)
    answer = client.post("/account/passkey/add", {"name": "my phone", "password": "secret-4", "answer": "secret-5"})
    kept = json.loads(decrypt(kept_in(answer)))
    assert kept["fields"] == {"name": ["my phone"]}


def test_the_sign_in_leads_to_this_server_only(admin: User) -> None:
    client = ended(admin)
    answer = client.post("/people/cohorts", {"name": "Fall"}, headers={"Referer": "https://evil.example/people"})
    assert 'name="next" value="/"' in answer.content.decode()
    assert sign_in(client, admin, kept_in(answer), "https://evil.example/").headers["Location"] == "/"


def test_a_form_that_is_gone_leaves_its_texts(cast: Cast, admin: User) -> None:
    cohort = make_cohort("fall", cast.academy)
    client = ended(admin)
    answer = client.post(f"/people/cohort/{cohort.pk}", {"name": "<i>Autumn</i>"}, headers=HERE)
    sign_in(client, admin, kept_in(answer))
    page = client.get("/people/cohorts").content.decode()
    assert '<pre dir="auto">&lt;i&gt;Autumn&lt;/i&gt;</pre>' in page
    assert "this wasn't sent" in unescape(page)


def test_of_several_rules_the_one_that_was_changed_is_filled(cast: Cast, admin: User) -> None:
    rules = [
        NotificationRule(user=admin, academy=cast.academy, name=name, target="x@example.org", kinds=["stuck"])
        for name in ("First", "Second")
    ]
    first, second = NotificationRule.objects.bulk_create(rules)
    client = ended(admin)
    answer = client.post(
        "/notifications/save",
        {"rule": second.pk, "name": "Renamed", "kinds": ["rapid_fire"], "least_severity": "1"},
        headers={"Referer": "http://testserver/notifications"},
    )
    sign_in(client, admin, kept_in(answer), "/notifications")
    page = client.get("/notifications").content.decode()
    form = page[page.index(f'name="rule" value="{second.pk}"') :].partition("</form>")[0]
    assert 'value="Renamed"' in form
    assert re.search(r'value="rapid_fire" checked', form)
    assert not re.search(r'value="stuck" checked', form)
    assert page.count("Renamed") == 1
    assert f'name="rule" value="{first.pk}"' in page


def test_what_the_sign_in_form_could_not_carry_is_not_carried(admin: User) -> None:
    client = ended(admin)
    answer = client.post("/people/cohorts", {"name": "x" * 30_000}, headers=HERE)
    body = {"name": admin.username, "password": PASSWORD, "next": "/", "kept": kept_in(answer)}
    # Without a session, a larger request is refused.
    assert len(urlencode(body)) < 64 * 1024
    answer = client.post("/people/cohorts", {"name": "x" * 50_000}, headers=HERE)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in?ended=1&next=/people/cohorts")


def test_of_a_form_of_buttons_nothing_is_told_as_typed(cast: Cast, admin: User) -> None:
    cohort = make_cohort("fall", cast.academy)
    client = ended(admin)
    here = f"/people/cohort/{cohort.pk}"
    form = client.post(f"{here}/archive", {"archived": "yes"}, headers={"Referer": f"http://testserver{here}"})
    assert sign_in(client, admin, kept_in(form), here).status_code == 302
    page = client.get(here).content.decode()
    assert "<pre" not in page


def test_who_signs_out_leaves_nothing_by_which_a_form_is_kept(admin: User) -> None:
    client = Client()
    client.force_login(admin)
    client.get("/people/cohorts")
    assert client.cookies["learntrace_account"].value
    client.post("/sign-out")
    assert client.post("/people/cohorts", {"name": "Fall"}, headers=HERE).status_code == 302
