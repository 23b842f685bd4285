"""Telemetry health tells the truth of both sources, of who wants nothing collected, and of who has no scores."""

import html
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from learntrace.accounts.academy_settings import settings_of
from learntrace.config.commands import roster
from learntrace.dashboard.health.overview import health_of
from learntrace.dashboard.health.volume import PERIODS
from learntrace.learnpack.ignore.academy_rules import rules_of
from learntrace.notebooks.models import Arrival, Consent, Event
from tests.support.builders import (
    Api,
    Cast,
    make_asset,
    make_assignment,
    make_attempts,
    make_rejected,
    make_stored_event,
    make_telemetry,
    make_user,
    make_webhook,
)
from tests.support.notebooks import make_event


@pytest.fixture
def staff(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.colleague)
    return client


def page_of(client: Client, address: str = "/telemetry", **headers: str) -> str:
    text = html.unescape(client.get(address, headers=headers).content.decode())
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ({"outcome": "error", "error_name": "TypeError"}, "The cell ended with TypeError"),
        ({"outcome": "error"}, "The cell ended with an error"),
        ({"outcome": "aborted"}, "The run was aborted"),
        ({"outcome": "ok"}, ""),
    ],
)
def test_what_a_learners_code_did_is_no_error_of_delivery(
    cast: Cast, staff: Client, result: dict[str, str], told: str
) -> None:
    make_stored_event(cast.owner, cast.academy, result=result)
    found = health_of(cast.academy, PERIODS[0])
    (line,) = found.events
    assert (line.status, line.sentence) == ("done", told)
    assert [source.failed for source in found.sources] == [0, 0]
    assert told in page_of(staff)


def test_both_sources_stand_side_by_side(cast: Cast, staff: Client) -> None:
    for status in ("DONE", "DONE", "ERROR", "PENDING", "IGNORED"):
        make_webhook(cast.owner, status=status)
    event = make_stored_event(cast.owner, cast.academy)
    make_stored_event(cast.owner, cast.academy, verb="opened", result={})
    make_rejected(cast.owner, cast.academy, make_event(verb="danced"))
    Arrival.objects.create(events=[event.pk], turn_academy=cast.academy.pk, turn_learner=cast.owner.pk)
    webhooks, notebooks = health_of(cast.academy, PERIODS[0]).sources
    assert (webhooks.lately, webhooks.received, webhooks.failed, webhooks.waiting) == (5, 5, 1, 1)
    assert (notebooks.lately, notebooks.received, notebooks.failed, notebooks.waiting) == (3, 3, 1, 1)
    strange = health_of(cast.elsewhere, PERIODS[0]).sources
    assert [(source.received, source.waiting, source.last_at) for source in strange] == [(0, 0, None), (0, 0, None)]
    page = page_of(staff)
    assert "LearnPack received 5 (24 hours), waiting 1, failed 1, last one" in page
    assert "Jupyter received 3 (24 hours), waiting 1, rejected 1, last one" in page


def test_who_wants_nothing_collected_is_told_to_the_teacher(cast: Cast, staff: Client) -> None:
    address = f"/learner/{cast.owner.pk}"
    note = "This learner has turned off the collection of notebook events."
    assert note not in page_of(staff, address)
    Consent.objects.create(user=cast.owner, collecting=False)
    Consent.objects.create(user=cast.strange_learner, collecting=False)
    assert "One learner has turned off the collection of notebook events: Ada Lovelace" in page_of(staff)
    assert note in page_of(staff, address)
    Consent.objects.filter(user=cast.owner).update(collecting=True)
    assert "turned off the collection" not in page_of(staff)


def test_whose_clock_is_wrong_is_told_with_by_how_much(cast: Cast, staff: Client) -> None:
    hour = 3_600_000
    make_stored_event(cast.owner, cast.academy, clock_offset_ms=-5 * hour)
    make_stored_event(cast.owner, cast.academy, clock_offset_ms=2 * hour - 1500)
    make_stored_event(cast.strange_learner, cast.elsewhere, clock_offset_ms=3 * hour)
    told = "The clock of one learner's machine was wrong in the last 24 hours; times are corrected: Ada Lovelace"
    assert f"{told} (2 h ahead)" in page_of(staff)
    Event.objects.filter(user=cast.owner).update(clock_offset_ms=-3 * 24 * hour)
    assert f"{told} (3 d behind)" in page_of(staff)
    Event.objects.filter(user=cast.owner).update(created_at=timezone.now() - timedelta(days=2))
    assert "times are corrected" not in page_of(staff)


def test_who_has_finished_without_scores_is_told_with_why(cast: Cast, staff: Client) -> None:
    asset = make_asset("intro", academy=cast.academy)
    for step in ("one", "two"):
        make_assignment(cast.academy, asset, f"intro/{step}")
    half = make_user("half", "student", cast.academy)
    for learner, steps in ((cast.owner, ("one", "two")), (half, ("one",))):
        make_telemetry(learner, "intro", telemetry={"steps": []})
        for step in steps:
            make_attempts(learner, cast.academy, f"intro/{step}", "x-")
    (told,) = health_of(cast.academy, PERIODS[0]).unscored
    assert (told.slug, told.graded, told.learners) == ("intro", False, 1)
    assert "One learner has finished intro and has no scores, because it isn't graded." in page_of(staff)
    asset.graded = True
    asset.save()
    assert "One learner has finished intro and has no scores yet." in page_of(staff)
    cast.owner.telemetry.update(metrics={})
    assert health_of(cast.academy, PERIODS[0]).unscored == ()


WHY = "`user_ids` takes ids, which are numbers, not abc"
RULES = "/v1/assignment/academy/learnpack/telemetry-webhook-ignore"


@pytest.mark.parametrize(
    "rules", [{"user_ids": ["abc"]}, {"rules": [{"events": ["x"]}, {"user_ids": ["abc", None, ""]}]}]
)
def test_a_rule_with_a_user_who_is_no_id_is_refused_with_why(cast: Cast, rules: dict[str, Any]) -> None:
    api = Api(cast.colleague, cast.academy)
    answer = api.put(RULES, rules)
    assert (answer.status_code, answer.json()["detail"]) == (400, WHY)
    assert answer.json()["slug"] == "invalid-telemetry-webhook-ignore-field"
    features = {"learnpack_features": {"telemetry_webhook_ignore": rules}}
    answer = api.put("/v1/auth/academy/settings", features)
    assert (answer.status_code, answer.json()["detail"]) == (400, WHY)
    assert rules_of(cast.academy) == {}


@pytest.mark.parametrize(
    "rules", [{"user_ids": [1, "x", None]}, {"user_ids": []}, {"package_slugs": ["abc"]}, {"asset_ids": [True, -1]},
              {"user_ids": ["007"]}]
)  # fmt: skip
def test_what_the_contract_keeps_is_kept(cast: Cast, rules: dict[str, Any]) -> None:
    answer = Api(cast.colleague, cast.academy).put(RULES, rules)
    assert (answer.status_code, answer.json()) == (200, rules)


def test_the_administration_refuses_such_a_rule_too(cast: Cast) -> None:
    stored = settings_of(cast.academy)
    stored.save()
    root = make_user("root", is_superuser=True, is_staff=True)
    browser = Client()
    browser.force_login(root)
    address = reverse("admin:accounts_academysettings_change", args=[stored.pk])
    rules = {"telemetry_webhook_ignore": {"user_ids": ["abc"]}}
    form = {
        "academy": cast.academy.pk,
        "learnpack_features": json.dumps(rules),
        "notebook_features": "{}",
        "signal_features": "{}",
    }
    answer = browser.post(address, form)
    assert answer.status_code == 200
    assert WHY in html.unescape(answer.content.decode())
    assert rules_of(cast.academy) == {}


def test_the_roster_command_refuses_such_a_rule_too(
    cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = {"telemetry_webhook_ignore": {"rules": [{"user_ids": ["abc"]}]}}
    file = tmp_path / "roster.json"
    file.write_text(json.dumps({"academies": [{"slug": "downtown", "settings": {"learnpack_features": rules}}]}))
    assert roster.main(["import", str(file)]) == 1
    out = capsys.readouterr()
    assert WHY in out.out + out.err
    assert rules_of(cast.academy) == {}


def test_the_editor_says_it_where_ids_are_typed(cast: Cast, staff: Client) -> None:
    page = staff.get("/telemetry/ignore").content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    fields = {
        **{name: html.unescape(value) for name, value in hidden.items()},
        "rules": "1",
        "rule-0-user_ids": "abc",
        "do": "save",
    }
    answer = staff.post("/telemetry/ignore", fields)
    assert answer.status_code == 400
    assert "User ids: abc is not an id. Ids are numbers." in html.unescape(answer.content.decode())
    assert rules_of(cast.academy) == {}


def test_it_is_told_in_spanish_too(cast: Cast) -> None:
    answer = Api(cast.colleague, cast.academy).put(RULES, {"user_ids": ["abc"]}, Accept_Language="es")
    assert "abc" in answer.json()["detail"]
    assert answer.json()["detail"] != WHY


def test_filters_that_the_address_repeats_mean_the_same_to_the_log_and_to_its_deletion(
    cast: Cast, staff: Client
) -> None:
    for event in ("a", "b", "c"):
        make_webhook(cast.owner, event=event, status="ERROR", status_text="x", reason="fault")
    page = staff.get("/telemetry/webhooks?event=a&event=b&status=ERROR").content.decode()
    assert len(re.findall(r'role="row" data-row=', page)) == 2
    assert "event=a%2Cb" in page
