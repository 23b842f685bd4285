# ruff: noqa: F811 (imported fixtures are named as parameters)
"""The pages of settings and of one's notification rules: they say what a change does, who changed it, and take it back."""

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from learntrace.accounts.academy_settings import NOTEBOOK, merge_features
from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.models import AcademySettings, Cohort, Membership, User
from learntrace.accounts.page_features import help_text_of, message_language
from learntrace.dashboard.settings.catalogue import SETTINGS
from learntrace.signals.models import NotificationRule
from tests.support.builders import Api, Cast, make_attempts, make_signal, make_user
from tests.support.rosters import Import, imported, write  # noqa: F401 (fixtures)

pytestmark = pytest.mark.django_db
API = "/v1/auth/academy/settings"


@pytest.fixture
def admin(cast: Cast, settings: Settings) -> Client:
    # A mail server that takes nothing.
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    client = Client()
    client.force_login(cast.colleague)
    return client


def page_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", unescape(answer.content.decode()))


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*?)">', page)
    assert found is not None
    return found[1]


def confirm(client: Client, slug: str, query: str) -> Any:
    """Ask what a value does, and set it."""
    asked = client.get(f"/settings/{slug}?ask=1&{query}").content.decode()
    fields = {name: unescape(hidden(asked, name)) for name in ("value", "seen")}
    return client.post(f"/settings/{slug}/change", fields)


def test_every_setting_opens_with_its_value(cast: Cast, admin: Client) -> None:
    overview = page_of(admin.get("/settings"))
    for slug, setting in SETTINGS.items():
        assert str(setting.title) in overview
        answer = admin.get(f"/settings/{slug}")
        assert answer.status_code == 200
        assert "Show what this changes" in page_of(answer)
    assert admin.get("/settings/nothing").status_code == 404


@pytest.mark.parametrize(
    ("slug", "query", "sentences"),
    [
        ("source", "on=yes", ["stored for 1 learner", "Each time that staff reads it is recorded"]),
        ("opt-out", "on=yes", ["1 learner can turn off"]),
        ("erasure", "on=no", ["can no longer erase"]),
        ("streaming", "on=yes", ["becomes an attempt within seconds"]),
        (
            "retention",
            "number=30",
            ["30 days after the last one", "the attempts on 1 assignment of 1 learner are deleted"],
        ),
        ("active-time", "number=60", ["pauses count up to 60 seconds"]),
        ("active-time", "number=1", ["pauses count up to 1 second."]),
        ("stuck", "enabled=no&minutes=10&attempts=5", ["1 open signal of this kind is withdrawn"]),
        ("stuck", "enabled=yes&minutes=2,5&attempts=5", ["signals of this kind open and close"]),
        ("second-factor", "on=yes", ["1 member of staff has none"]),
        ("language", "language=es", ["1 member of staff who has chosen no language"]),
        ("help-text", "text_en=Ask+Tom", ["1 learner reads this text"]),
    ],
)
def test_a_setting_says_what_it_changes_before_it_does(
    cast: Cast, admin: Client, slug: str, query: str, sentences: list[str]
) -> None:
    make_attempts(cast.owner, cast.academy, "intro/01-hello", "x", start=timezone.now() - timedelta(days=90))
    make_signal(cast.owner, cast.academy, kind="stuck")
    page = page_of(admin.get(f"/settings/{slug}?ask=1&{query}"))
    for sentence in sentences:
        assert sentence in page
    assert not AuditEntry.objects.filter(action="settings.changed").exists()
    before = json.dumps(SETTINGS[slug].value(AcademySettings(academy=cast.academy)))
    assert confirm(admin, slug, query).status_code == 302
    entry = AuditEntry.objects.get(action="settings.changed")
    assert entry.fields == [f"{SETTINGS[slug].group}.{SETTINGS[slug].feature}"]
    row = AcademySettings.objects.get(academy=cast.academy)
    assert json.dumps(SETTINGS[slug].value(row)) != before


def test_a_change_is_told_with_who_made_it_and_taken_back(cast: Cast, admin: Client) -> None:
    assert Api(cast.colleague, cast.academy).put(API, {"notebook_features": {"opt_out": True}}).status_code == 200
    assert "Changed by Grace Hopper" in page_of(admin.get("/settings"))
    page = admin.get("/settings/opt-out").content.decode()
    assert "off</span> → <span" in page
    back = re.search(r'<a href="([^"]+)">Undo', page)
    assert back is not None
    asked = admin.get(unescape(back[1])).content.decode()
    assert "can no longer turn the collection" in asked
    admin.post("/settings/opt-out/change", {name: unescape(hidden(asked, name)) for name in ("value", "seen")})
    assert AcademySettings.objects.get(academy=cast.academy).notebook_features["opt_out"] is False
    assert AuditEntry.objects.filter(action="settings.changed").count() == 2


def test_a_change_by_a_roster_is_told_and_taken_back(cast: Cast, admin: Client, imported: Import) -> None:
    text = f"academies: [{{slug: {cast.academy.slug}, settings: {{notebook_features: {{opt_out: true}}}}}}]"
    imported(text, dry_run=True)
    assert "off</span> → <span" not in admin.get("/settings/opt-out").content.decode()
    imported(text)
    imported(text)
    page = admin.get("/settings/opt-out").content.decode()
    assert page.count("off</span> → <span") == 1
    assert re.search(r'<b dir="auto">[^<]+</b>: <span dir="auto">off</span> → ', page), "nobody is named"
    back = re.search(r'<a href="([^"]+)">Undo', page)
    assert back is not None
    asked = admin.get(unescape(back[1])).content.decode()
    admin.post("/settings/opt-out/change", {name: unescape(hidden(asked, name)) for name in ("value", "seen")})
    assert AcademySettings.objects.get(academy=cast.academy).notebook_features["opt_out"] is False
    assert "Changed by Grace Hopper" in page_of(admin.get("/settings"))


def test_settings_that_the_administration_adds_or_deletes_are_told(cast: Cast, admin: Client) -> None:
    operator = Client()
    operator.force_login(User.objects.create_superuser("operator", first_name="Olga", last_name="Operator"))
    groups = dict.fromkeys(("learnpack_features", "signal_features", "access_features", "page_features"), "{}")
    body = {"academy": cast.academy.pk, **groups, "notebook_features": '{"opt_out": true}'}
    assert operator.post("/admin/accounts/academysettings/add/", body).status_code == 302
    assert "Changed by Olga Operator" in page_of(admin.get("/settings"))
    row = AcademySettings.objects.get(academy=cast.academy)
    operator.post(f"/admin/accounts/academysettings/{row.pk}/delete/", {"post": "yes"})
    page = page_of(admin.get("/settings/opt-out"))
    for before, after in (("off", "on"), ("on", "off")):
        assert page.count(f'{before}</span> → <span dir="auto">{after}') == 1


def test_a_setting_that_somebody_else_has_changed_meanwhile_is_not_overwritten(cast: Cast, admin: Client) -> None:
    asked = admin.get("/settings/source?ask=1&on=yes").content.decode()
    fields = {name: unescape(hidden(asked, name)) for name in ("value", "seen")}
    merge_features(cast.academy, {"collect_source": True}, NOTEBOOK)
    answer = admin.post("/settings/source/change", fields)
    assert answer.status_code == 409
    assert "Somebody has changed this setting" in page_of(answer)


def test_a_retention_that_is_shorter_than_a_course_is_refused_with_why(cast: Cast, admin: Client) -> None:
    today = timezone.now().date()
    Cohort.objects.create(
        slug="fall", name="Fall", academy=cast.academy, starts_on=today - timedelta(days=60), ends_on=today
    )
    page = page_of(admin.get("/settings/retention?ask=1&number=45"))
    assert "“How long attempts are kept” must be at least 61" in page
    assert 'value="45"' in page
    answer = Api(cast.colleague, cast.academy).put(API, {"signal_features": {"keep_attempts_days": 45}})
    assert answer.status_code == 400
    assert "Fall" in answer.json()["signal_features"][0]
    assert (
        Api(cast.colleague, cast.academy).put(API, {"signal_features": {"keep_attempts_days": 61}}).status_code == 200
    )
    # What was set before stays, whatever courses begin.
    Cohort.objects.update(ends_on=today + timedelta(days=200))
    assert (
        Api(cast.colleague, cast.academy).put(API, {"signal_features": {"active_gap_seconds": 60}}).status_code == 200
    )


@pytest.mark.parametrize(
    ("slug", "query"),
    [
        ("retention", "number=5"),
        ("retention", "number=x"),
        ("retention", "number=inf"),
        ("retention", "number=30.5"),
        ("active-time", "number="),
        ("stuck", "enabled=yes&minutes=-1&attempts=5"),
        ("stuck", "enabled=yes&minutes=1&attempts=1.5"),
        ("language", "language=xx"),
        ("help-text", "text_en=" + "x" * 1001),
    ],
)
def test_what_is_no_value_is_refused_and_stays_in_the_form(cast: Cast, admin: Client, slug: str, query: str) -> None:
    answer = admin.get(f"/settings/{slug}?ask=1&{query}")
    assert answer.status_code == 400
    page = page_of(answer)
    assert 'role="alert"' in page
    assert "`" not in re.findall(r'role="alert".*?</p>', page)[0]
    typed = query.partition("=")[2].partition("&")[0]
    assert typed in page


@pytest.mark.parametrize("value", ["{", '{"a": 1}', '"x"', "NaN", "[" * 4000])
def test_a_link_with_any_value_breaks_nothing(cast: Cast, admin: Client, value: str) -> None:
    for slug in SETTINGS:
        assert admin.get(f"/settings/{slug}", {"value": value}).status_code in (200, 400)
        answer = admin.post(f"/settings/{slug}/change", {"value": value, "seen": "null"})
        assert answer.status_code in (302, 400, 409)


def test_teachers_read_settings_and_nobody_else_does(cast: Cast) -> None:
    teacher = make_user("tina", "teacher", cast.academy)
    client = Client()
    client.force_login(teacher)
    page = page_of(client.get("/settings"))
    assert "An administrator of the academy changes them" in page
    assert "Show what this changes" not in page_of(client.get("/settings/source"))
    assert client.post("/settings/source/change", {"value": "true", "seen": "false"}).status_code == 403
    Membership.objects.filter(user=teacher).update(only_cohorts=True)
    assert client.get("/settings").status_code == 403
    assert client.get("/settings/source").status_code == 403
    assert 'href="/settings"' not in page_of(client.get("/class"))
    client.force_login(cast.owner)
    assert client.get("/settings").status_code == 403


def test_learners_read_the_help_text_and_messages_have_the_academys_language(cast: Cast, admin: Client) -> None:
    confirm(admin, "help-text", "text_en=Ask+%3Cb%3ETom%3C%2Fb%3E&text_es=Pregunte+a+Tom")
    confirm(admin, "language", "language=es")
    learner = Client()
    learner.force_login(cast.owner)
    assert "Ask &lt;b&gt;Tom&lt;/b&gt;" in learner.get("/me").content.decode()
    assert "Pregunte a Tom" in learner.get("/me", headers={"Accept-Language": "es"}).content.decode()
    assert message_language(cast.academy) == "es"
    AcademySettings.objects.update(page_features={"help_text": [1], "language": 7})
    assert (help_text_of(cast.academy), message_language(cast.academy)) == ("", "")


# Notification rules


def saved(client: Client, **fields: Any) -> Any:
    rule = {"name": "Mine", "channel": "email", "target": "room@example.org", "least_severity": "2"}
    return client.post("/notifications/save", {**rule, "digest_minutes": "60", "timezone": "Europe/Madrid", **fields})


def test_one_makes_changes_and_deletes_a_rule(cast: Cast, admin: Client) -> None:
    assert saved(admin, kinds=["stuck"], quiet_from="20:00", quiet_until="07:00").status_code == 302
    rule = NotificationRule.objects.get()
    assert (rule.user, rule.academy, rule.kinds, rule.digest_minutes) == (cast.colleague, cast.academy, ["stuck"], 60)
    page = page_of(admin.get("/notifications"))
    assert "Stuck of at least medium severity, e-mail to" in page
    assert "quiet from 20:00 to 07:00 (Europe/Madrid)" in page
    assert saved(admin, rule=rule.pk, name="Other").status_code == 302
    rule.refresh_from_db()
    assert (rule.name, rule.kinds, rule.quiet_from) == ("Other", [], None)
    admin.post(f"/notifications/{rule.pk}/switch", {"active": "no"})
    assert not NotificationRule.objects.get().active
    admin.post(f"/notifications/{rule.pk}/delete")
    assert not NotificationRule.objects.exists()


def test_a_webhooks_key_is_shown_once(cast: Cast, admin: Client) -> None:
    answer = saved(admin, channel="webhook", target="https://8.8.8.8/hook")
    rule = NotificationRule.objects.get()
    assert str(rule.secret) in page_of(answer)
    assert str(rule.secret) not in page_of(admin.get("/notifications"))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"channel": "webhook", "target": ""}, "Sent to: Enter the address that it is sent to"),
        ({"timezone": "Mars"}, "Time zone: Unknown; write it as"),
        ({"quiet_from": "20:00"}, "Quiet until: Enter when the quiet hours end too."),
        ({"kinds": ["nothing"]}, "Which signals: Unknown kind"),
        ({"cohort": "99999"}, "Cohort: The academy has no such cohort"),
    ],
)
def test_a_refused_rule_keeps_what_was_typed(cast: Cast, admin: Client, fields: dict[str, Any], sentence: str) -> None:
    answer = saved(admin, name="typed", **fields)
    assert answer.status_code == 400
    page = page_of(answer)
    assert sentence in page
    assert 'value="typed"' in page
    assert not NotificationRule.objects.exists()


def test_a_test_message_says_what_happened_and_not_without_end(cast: Cast, admin: Client) -> None:
    saved(admin)
    rule = NotificationRule.objects.get()
    path = f"/notifications/{rule.pk}/test"
    page = page_of(admin.post(path, follow=True))
    assert 'class="note bad"' in page
    assert {admin.post(path).status_code for _ in range(10)} == {302, 429}


def test_nobody_touches_the_rules_of_others(cast: Cast, admin: Client) -> None:
    other: User = make_user("tina", "teacher", cast.academy)
    rule = NotificationRule.objects.create(user=other, academy=cast.academy, channel="email", target="t@example.org")
    assert "t@example.org" not in page_of(admin.get("/notifications"))
    assert saved(admin, rule=rule.pk).status_code == 404
    for act in ("switch", "delete", "test"):
        assert admin.post(f"/notifications/{rule.pk}/{act}").status_code == 404
