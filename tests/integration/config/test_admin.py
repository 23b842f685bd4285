import html
import re
import uuid
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.management import call_command
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import translation
from pytest_django import DjangoCaptureOnCommitCallbacks

from learntrace.accounts.audit.actions import SETTINGS_CHANGED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.first_setup.models import SampleData, SetupCode
from learntrace.accounts.invitations.models import Invitation
from learntrace.accounts.models import AcademySettings, Grant, Membership, MergedUser, Token, User, key_hash
from learntrace.accounts.people.models import CohortLearner
from learntrace.accounts.roster.jobs.models import RosterJob, RosterProgress
from learntrace.accounts.second_factor.models import AuthenticatorApp, Passkey, RecoveryCode
from learntrace.accounts.signing_in.models import GuessCount, SignInSession
from learntrace.assignments.due_dates.models import DueDate, Extension
from learntrace.core.models import Heartbeat, LiveEvent, ScheduledRun
from learntrace.intake.models import Refusal
from learntrace.learnpack.models import ReadingPosition, UnreadDocument, Webhook
from learntrace.notebooks.models import Arrival, Consent, Event, RejectedEvent
from learntrace.personal.models import Erasure, PendingErasure, UserMerge
from learntrace.progress.models import (
    CheckedAssignment,
    Code,
    CodeUse,
    CourseRun,
    EarlierRun,
    ErrorCount,
    Exclusion,
    Floor,
    FormerStep,
    Progress,
    Recomputation,
    Stale,
    StepList,
    StepRename,
    SummarySubscription,
)
from learntrace.registry.models import Asset, TranslationGroup
from learntrace.signals.help_requests.models import HelpRequest
from learntrace.signals.models import AssetComparison, Concern, ConcernAct, Notification, NotificationRule, Watch
from tests.integration.kept import kept
from tests.support.builders import (
    NOW,
    Cast,
    Response,
    make_asset,
    make_assignment,
    make_attempts,
    make_cast,
    make_cohort,
    make_notebook,
    make_rejected,
    make_signal,
    make_stored_event,
    make_task,
    make_telemetry,
    make_user,
    make_webhook,
)
from tests.support.notebooks import make_event

MODELS = [model for model in admin.site._registry if model.__module__.startswith("learntrace.")]


def url(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def browser(db: None) -> Client:
    user = make_user("root", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(user)
    return client


cast = kept(make_cast)


@kept
def one_of_each(cast: Cast) -> None:
    asset = make_asset("intro", aliases=("introduction",), translation_group=TranslationGroup.objects.create())
    one_of_the_people(cast, asset)
    one_of_what_was_sent(cast, asset)
    one_of_progress(cast, asset)
    one_of_signals(cast, asset)
    one_of_sign_in(cast, asset)


def one_of_the_people(cast: Cast, asset: Asset) -> None:
    cohort = make_cohort("fall", cast.academy)
    make_task(cast.owner, "intro", cohort=cohort)
    CohortLearner.objects.create(cohort=cohort, user=cast.owner)
    due_date = DueDate.objects.create(cohort=cohort, asset=asset, due_at=NOW)
    Extension.objects.create(due_date=due_date, user=cast.owner, due_at=NOW + timedelta(days=1), reason="ill")
    Invitation.objects.create(
        academy=cast.academy, role="student", token_hash="a" * 64, made_by=cast.colleague, expires_at=NOW
    ).cohorts.add(cohort)
    job = RosterJob.objects.create(academy=cast.academy, made_by=cast.colleague, file_name="roster.csv", content=b"a")
    RosterProgress.objects.create(job=job)
    HelpRequest.objects.create(user=cast.owner, academy=cast.academy, cohort=cohort, text="stuck")


def one_of_what_was_sent(cast: Cast, asset: Asset) -> None:
    make_telemetry(cast.owner, "intro")
    make_webhook(cast.owner, asset=asset)
    make_stored_event(cast.owner, cast.academy)
    make_rejected(cast.owner, cast.academy, make_event(verb="danced"))
    make_notebook("lesson-03", cast.academy, "assignment:lesson-03-exercise-1")
    Consent.objects.create(user=cast.owner)
    AcademySettings.objects.create(academy=cast.academy)
    Grant.objects.create(user=cast.owner, permission="upload_any_telemetry")
    Token.issue(cast.owner)
    Refusal.objects.create(path="/v1", status_code=401, reason="invalid-token", size=1, user=cast.owner)
    Heartbeat.objects.create(name="worker", seen_at=NOW)
    ScheduledRun.objects.create(name="clean-up", last_run_at=NOW)


def one_of_progress(cast: Cast, asset: Asset) -> None:
    make_assignment(cast.academy, asset, "intro/01-hello")
    make_attempts(cast.owner, cast.academy, "intro/01-hello", "xx-")
    UnreadDocument.objects.create(user=cast.owner, asset_slug="intro", receipt=1, received_at=NOW, document={})
    ReadingPosition.objects.create(user=cast.owner, asset_slug="intro", fingerprint=1, state=b"")
    code = Code.objects.create(academy=cast.academy, hash="a" * 64, text="print(1)")
    CodeUse.objects.create(code=code, user=cast.owner)
    CheckedAssignment.objects.create(academy=cast.academy, key="intro/01", part="test")
    StepList.objects.create(user=cast.owner, academy=cast.academy, asset=asset, digest="d", steps=[["a", "A"]])
    FormerStep.objects.create(academy=cast.academy, asset=asset, key="intro/00", published_at=NOW)
    StepRename.objects.create(academy=cast.academy, asset=asset, old_key="intro/00", new_key="a", read_as="a")
    Exclusion.objects.create(user=cast.owner, academy=cast.academy, reason="a preview")
    CourseRun.objects.create(user=cast.owner, academy=cast.academy, name="Fall", starts_on=NOW.date())
    Floor.objects.create(user=cast.owner, academy=cast.academy, scope="intro/", at=NOW, cause="course_run")
    EarlierRun.objects.create(user=cast.owner, academy=cast.academy, assignment="intro/01-hello", until=NOW)
    SummarySubscription.objects.create(user=cast.colleague, academy=cast.academy)
    Stale.objects.create(user=cast.owner, asset_slug="intro", source="test")
    Recomputation.objects.create(run=uuid.uuid4(), user=cast.owner)
    Watch.objects.create(user=cast.owner, academy=cast.academy, kind="stuck", group="g", last_at=NOW, last_arrival=1)


def one_of_signals(cast: Cast, asset: Asset) -> None:
    rule = NotificationRule.objects.create(user=cast.colleague, academy=cast.academy, target="https://secret.example")
    signal = make_signal(cast.owner, cast.academy)
    Notification.objects.create(rule=rule, signal=signal, user=rule.user, academy=rule.academy, destination="x")
    concern = Concern.objects.create(user=cast.owner, academy=cast.academy, assignment="intro/01-hello")
    ConcernAct.objects.create(concern=concern, number=1, what="acknowledged", by=cast.colleague, clock=NOW)
    AssetComparison.objects.create(academy=cast.academy, asset=asset)
    LiveEvent.objects.create(academy_id=cast.academy.pk, kind="signal", data={})
    Arrival.objects.create(events=[uuid.uuid4()])


def one_of_sign_in(cast: Cast, asset: Asset) -> None:
    Erasure.objects.create(user=cast.owner, erased_at=NOW)
    PendingErasure.objects.create(user=cast.owner, erases_at=NOW)
    GuessCount.objects.create(subject=f"account:{cast.owner.pk}", ends_at=NOW)
    SignInSession.objects.create(user=cast.owner, session_key="k", created_at=NOW, last_seen_at=NOW)
    AuthenticatorApp.objects.create(user=cast.owner, secret="A" * 32)
    RecoveryCode.objects.create(user=cast.owner, code_hash="a" * 64)
    Passkey.objects.create(user=cast.owner, name="laptop", credential_id="abc", public_key=b"")
    UserMerge.objects.create(merged=cast.colleague, into=cast.owner)
    SetupCode.objects.create(salt="a", code_hash="a" * 64)
    SampleData.objects.create(academy=cast.elsewhere, users=[cast.owner.pk], assets=[asset.pk])
    MergedUser.objects.create(former_id=7, former_name="former", user=cast.owner)
    record(SETTINGS_CHANGED, academy_id=cast.academy.pk, after={"erasure": False})


def shown_of(page: Response) -> str:
    """The words of a page, without its table and filters: what stands in those is a row's, or one of the labels."""
    hidden = r"(?s)<(script|style|table id=\"result_list\"|nav id=\"changelist-filter\").*?</(script|style|table|nav)>"
    body = re.sub(hidden, " ", page.content.decode())
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).lower().split())


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_models_are_called_in_the_readers_language(browser: Client, one_of_each: None, model: type[Any]) -> None:
    names = (model._meta.verbose_name, model._meta.verbose_name_plural)
    with translation.override("en"):
        english = {str(name).lower() for name in names}
    with translation.override("es"):
        spanish = {str(name).lower() for name in names}
    listed = browser.get(url(model, "changelist"), headers={"Accept-Language": "es"})
    index = browser.get(reverse("admin:index"), headers={"Accept-Language": "es"})
    for page in (shown_of(listed), shown_of(index)):
        assert any(name in page for name in spanish)
        assert not [name for name in english - spanish if re.search(rf"\b{name}\b", page)]
        assert "learntrace" in page
        assert "django" not in page


# What is called the same in both languages.
SHARED = {"id", "slug", "url"}


def labels_of(page: Response) -> set[str]:
    """What a page calls fields: the headings of its tables, the filters beside them, and what its form asks for."""
    body = re.sub(r"(?s)<(script|style).*?</\1>", " ", page.content.decode())
    labels = re.findall(r"(?s)<(th(?= [^>]*column-)|summary|label)\b[^>]*>(.*?)</\1>", body)
    words = (re.sub(r"<[^>]*>", " ", label).lower().split() for _tag, label in labels)
    # The place of a column in the order stands before its name.
    return {html.unescape(" ".join(word for word in label if not word.isdigit())) for label in words} - {""}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_fields_are_called_in_the_readers_language(browser: Client, one_of_each: None, model: type[Any]) -> None:
    for address in (url(model, "changelist"), url(model, "change", model.objects.first().pk)):
        english, spanish = (
            labels_of(browser.get(address, headers={"Accept-Language": language})) for language in ("en", "es")
        )
        assert english
        assert {label.rstrip(":") for label in english & spanish} <= SHARED


def test_labels_need_no_migration(db: None) -> None:
    said = StringIO()
    call_command("makemigrations", dry_run=True, stdout=said)
    assert said.getvalue() == "No changes detected\n"


def test_why_a_row_ended_so_is_told_in_the_readers_language(browser: Client, cast: Cast) -> None:
    make_webhook(cast.owner, status="IGNORED", status_text="Ignored because", reason="deduplicated")
    make_rejected(cast.owner, cast.academy, make_event(verb="danced"))
    for model, spanish, english in (
        (Webhook, "Ignorado porque", "Ignored because"),
        (RejectedEvent, "Verbo desconocido danced", "Unknown verb"),
    ):
        page = browser.get(url(model, "changelist"), headers={"Accept-Language": "es"}).content.decode()
        assert spanish in page
        assert english not in page


def test_measures_are_the_products_alone(browser: Client, one_of_each: None) -> None:
    assert ErrorCount.objects.get().count == 2
    answer = browser.post(url(Progress, "change", Progress.objects.get().pk), {"attempts": 9})
    assert (answer.status_code, Progress.objects.get().attempts) == (403, 3)


def test_every_model_has_its_pages() -> None:
    ours = {model for model in apps.get_models() if model.__module__.startswith("learntrace.")}
    assert ours == set(MODELS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_model_is_listed_searched_and_opened(browser: Client, one_of_each: None, model: type[Any]) -> None:
    listed = browser.get(url(model, "changelist"), {"q": "ada"})
    assert listed.status_code == 200
    row = model.objects.first()
    assert browser.get(url(model, "changelist")).status_code == 200
    assert browser.get(url(model, "change", row.pk)).status_code == 200
    expected = 200 if admin.site._registry[model].has_add_permission(listed.wsgi_request) else 403
    assert browser.get(url(model, "add")).status_code == expected


def test_a_new_tokens_key_is_told_once(browser: Client, cast: Cast) -> None:
    form = {"user": cast.owner.pk, "kind": "short", "expires_at_0": "", "expires_at_1": ""}
    page = browser.post(url(Token, "add"), form, follow=True)
    (token,) = Token.objects.all()
    told = [str(message) for message in page.context["messages"] if "key is" in str(message)]
    key = told[0].split("key is ")[1].split(".")[0]
    assert key_hash(key) == token.key_hash
    assert (token.user, token.kind) == (cast.owner, "short")
    assert token.expires_at is not None
    again = browser.get(url(Token, "change", token.pk))
    assert key.encode() not in again.content
    assert token.key_hash.encode() not in again.content


def test_of_a_token_only_the_expiry_can_be_changed(browser: Client, cast: Cast) -> None:
    token, _key = Token.issue(cast.owner)
    form = {
        "user": cast.stranger.pk, "kind": "one_time", "key_hash": "x",
        "expires_at_0": "2026-12-01", "expires_at_1": "0:00",
    }  # fmt: skip
    assert browser.post(url(Token, "change", token.pk), form).status_code == 302
    changed = Token.objects.get()
    assert (changed.user, changed.kind, changed.key_hash) == (cast.owner, "permanent", token.key_hash)
    assert changed.expires_at.year == 2026


def test_failed_webhooks_can_be_processed_again(
    browser: Client,
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    announced: list[str] = []
    monkeypatch.setattr("learntrace.learnpack.webhook_log.queries.announce", announced.append)
    failed = make_webhook(
        cast.owner, status="ERROR", status_text="x", reason="fault", reason_values={"a": 1}, attempts=3
    )
    done = make_webhook(cast.owner, status="DONE", status_text="OK")
    form = {"action": "process_again", "_selected_action": [failed.pk, done.pk]}
    with django_capture_on_commit_callbacks(execute=True):
        page = browser.post(url(Webhook, "changelist"), form, follow=True)
    assert "1 row will be processed again." in page.content.decode()
    failed.refresh_from_db()
    done.refresh_from_db()
    assert (failed.status, failed.status_text, failed.reason, failed.reason_values, failed.attempts) == (
        "PENDING", None, "", {}, 0
    )  # fmt: skip
    assert done.status == "DONE"
    assert announced == ["learnpack-webhooks"]


def test_what_a_client_sent_is_shown_escaped_and_cannot_be_edited(browser: Client, cast: Cast) -> None:
    row = make_webhook(cast.owner, payload={"a": "<script>alert(1)</script>"})
    page = browser.get(url(Webhook, "change", row.pk)).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    browser.post(url(Webhook, "change", row.pk), {"payload": "{}", "status": "DONE"})
    row.refresh_from_db()
    assert (row.payload, row.status) == ({"a": "<script>alert(1)</script>"}, "PENDING")


def test_bad_ignore_rules_are_refused_here_too(browser: Client, cast: Cast) -> None:
    form = {"academy": cast.academy.pk, "learnpack_features": '{"telemetry_webhook_ignore": {"events": 1}}'}
    page = browser.post(url(AcademySettings, "add"), form)
    assert "`events` must be a list" in page.content.decode()
    form["learnpack_features"] = '{"telemetry_webhook_ignore": {"events": ["a"], "unknown": 1}, "b": 2}'
    assert browser.post(url(AcademySettings, "add"), form).status_code == 302
    assert AcademySettings.objects.get().learnpack_features == {"telemetry_webhook_ignore": {"events": ["a"]}, "b": 2}


def test_bad_notebook_features_are_refused_here_too(browser: Client, cast: Cast) -> None:
    form = {"academy": cast.academy.pk, "learnpack_features": "{}", "notebook_features": '{"opt_out": 1}'}
    assert "`opt_out` must be true or false" in browser.post(url(AcademySettings, "add"), form).content.decode()
    form["notebook_features"] = '{"opt_out": true}'
    assert browser.post(url(AcademySettings, "add"), form).status_code == 302
    assert AcademySettings.objects.get().notebook_features == {"opt_out": True}


def test_rejected_events_can_be_tried_again(browser: Client, cast: Cast) -> None:
    bad = make_rejected(cast.owner, cast.academy, make_event(verb="danced"))
    good = make_rejected(cast.owner, cast.academy, make_event())
    form = {"action": "take", "_selected_action": [bad.pk, good.pk]}
    page = browser.post(url(RejectedEvent, "changelist"), form, follow=True).content.decode()
    assert "1 event was accepted." in page
    assert "Unknown verb danced" in page
    assert (list(RejectedEvent.objects.all()), Event.objects.count()) == ([bad], 1)


def test_editing_an_asset_leaves_its_statistics_to_the_worker(
    browser: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = make_asset("intro")
    page = browser.get(url(Asset, "change", asset.pk))
    form = {name: value for name, value in page.context["adminform"].form.initial.items() if value is not None}
    form |= {"title": "New", "technologies": "[]", "manifest": "null", "config": "null"}
    form |= {"aliases-TOTAL_FORMS": "1", "aliases-INITIAL_FORMS": "0", "aliases-0-slug": "beginning"}

    def queue(_row: object, **_options: object) -> None:
        Asset.objects.filter(pk=asset.pk).update(sync_status="PENDING")

    # Between reading the row and saving it.
    monkeypatch.setattr(Asset, "full_clean", queue)
    assert browser.post(url(Asset, "change", asset.pk), form).status_code == 302
    asset.refresh_from_db()
    assert (asset.title, asset.sync_status) == ("New", "PENDING")
    assert [alias.slug for alias in asset.aliases.all()] == ["beginning"]


def test_users_can_be_made_and_changed(browser: Client, cast: Cast) -> None:
    form = {"username": "new", "password1": "a-Long-one-9", "password2": "a-Long-one-9", "usable_password": "true"}
    form |= {f"{name}-{count}_FORMS": "0" for name in ("memberships", "grants") for count in ("TOTAL", "INITIAL")}
    assert browser.post(url(User, "add"), form).status_code == 302
    assert User.objects.get(username="new").check_password("a-Long-one-9")
    assert browser.get(url(Membership, "changelist"), {"role": "student"}).status_code == 200


def test_who_is_no_staff_is_sent_away(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.colleague)
    for model in MODELS:
        assert client.get(url(model, "changelist")).status_code == 302
