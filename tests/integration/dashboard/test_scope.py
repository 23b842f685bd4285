"""Who may open which page of one learner, assignment or signal; nobody sees anything of another academy."""

import html
import re

import pytest
from django.test import Client

from learntrace.accounts.models import User
from learntrace.progress.models import Progress
from learntrace.signals.concerns.of_class import concerns_of_learner
from learntrace.signals.help_requests.models import HelpRequest
from learntrace.signals.models import ConcernAct
from tests.support.builders import (
    Cast,
    make_asset,
    make_assignment,
    make_attempts,
    make_cohort,
    make_rejected,
    make_signal,
    make_task,
    make_telemetry,
    make_user,
    make_webhook,
)

SECRET = "downtown-secret"
KEY = f"assignment:{SECRET}-exercise"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def things(cast: Cast) -> dict[str, object]:
    asset = make_asset(SECRET, academy=cast.academy, visibility="PRIVATE")
    make_assignment(cast.academy, asset, KEY)
    make_attempts(cast.owner, cast.academy, KEY, "xx-")
    make_telemetry(cast.owner, SECRET)
    make_task(cast.owner, SECRET, cohort=make_cohort(SECRET, cast.academy))
    signal = make_signal(cast.owner, cast.academy, assignment=KEY, asset_slug=SECRET)
    webhook = make_webhook(cast.owner, asset=asset, status="ERROR", status_text=SECRET)
    make_rejected(cast.owner, cast.academy, {"id": SECRET}, event_id=SECRET)
    return {
        "key": KEY.removeprefix("assignment:"), "owner": cast.owner.pk, "slug": SECRET, "signal": signal.pk,
        "webhook": webhook.pk,
    }  # fmt: skip


PAGES = [
    "/class", "/class?projector=1", "/class?format=csv", "/assignments", "/assignments?format=csv", "/learners",
    "/learners?format=csv", "/search?q=downtown", "/telemetry", "/telemetry?format=csv", "/telemetry/webhooks",
    "/telemetry/webhooks?format=csv", "/telemetry/webhooks/delete", "/telemetry/webhooks/retry", "/telemetry/rejected",
    "/telemetry/rejected?format=csv", "/telemetry/ignore", "/telemetry/webhook/{webhook}",
    "/telemetry/webhook/{webhook}/payload",
    "/assignment/{key}", "/assignment/{key}?format=csv", "/assignment/{key}/learner/{owner}",
    "/assignment/{key}/learner/{owner}?format=csv", "/assignment/{key}/learner/{owner}/read",
    "/people/{owner}", "/learner/{owner}", "/learner/{owner}?format=csv",
    "/learner/{owner}/telemetry/{slug}", "/assets", "/assets?format=csv", "/asset/{slug}",
    "/asset/{slug}?format=csv&table=learners", "/asset/{slug}?format=csv&table=steps",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_open_to_staff_of_its_academy_alone(cast: Cast, things: dict[str, object], path: str) -> None:
    address = path.format(**things)
    joined = f"{address}{'&' if '?' in address else '?'}academy={cast.academy.pk}"
    assert signed_in(cast.colleague).get(address).status_code == 200
    assert signed_in(cast.colleague).get(joined).status_code == 200
    refused = signed_in(cast.owner).get(address)
    assert refused.status_code == 403
    assert "This page is for those who teach at an academy." in refused.content.decode()
    for client, asked in ((signed_in(cast.stranger), joined), (signed_in(cast.owner), joined)):
        answer = client.get(asked)
        assert answer.status_code == 403
        assert "Lovelace" not in answer.content.decode()
    elsewhere = signed_in(cast.stranger).get(address)
    assert elsewhere.status_code == (404 if "{" in path else 200)
    assert "Lovelace" not in elsewhere.content.decode()
    assert Client().get(address).headers["Location"].startswith("/sign-in?next=")


def test_a_raised_hand_is_helped_by_staff_of_its_academy_alone(cast: Cast) -> None:
    assert signed_in(cast.stranger).post("/me/hand", {"academy": cast.elsewhere.pk}).status_code == 302
    signed_in(cast.owner).post("/me/hand", {"academy": cast.academy.pk, "note": SECRET})
    hand = HelpRequest.objects.get()
    assert (hand.user, hand.text) == (cast.owner, SECRET)
    body = {"hand": hand.pk, "act": "help", "next": "/class"}
    assert signed_in(cast.owner).post("/concerns/hand", body).status_code == 403
    told = signed_in(cast.stranger).post("/concerns/hand", body, headers={"Learntrace-Parts": "1"}).json()
    assert (told["told"], told["failed"], told["undo"]) == ("There is no such raised hand.", True, [])
    assert signed_in(cast.stranger).post(f"/concerns/hand?academy={cast.academy.pk}", body).status_code == 403
    assert signed_in(cast.colleague).get("/concerns/hand").status_code == 405
    assert Client(enforce_csrf_checks=True).post("/concerns/hand", body).status_code == 403
    told = signed_in(cast.colleague).post("/concerns/hand", body, headers={"Learntrace-Parts": "1"}).json()
    assert (told["told"], told["undo"]) == ("You are helping", [f"hand.{hand.pk}:help"])
    for refused in (cast.owner, cast.stranger):
        signed_in(refused).post("/concerns/undo", {"undo": told["undo"]})
        assert HelpRequest.objects.get().state == "helping"
    signed_in(cast.colleague).post("/concerns/undo", {"undo": told["undo"]})
    assert HelpRequest.objects.get().state == "waiting"
    signed_in(cast.owner).post("/me/hand", {"academy": cast.academy.pk, "do": "take_back"})
    assert HelpRequest.objects.get().state == "taken_back"


def test_a_concern_is_handled_by_staff_of_its_academy_alone(cast: Cast, things: dict[str, object]) -> None:
    Progress.objects.update(done_at=None)
    number = concerns_of_learner(cast.academy, cast.owner)[0].concern.row.pk
    body = {"concern": number, "act": "acknowledge", "next": "/class"}
    assert signed_in(cast.owner).post("/concerns", body).status_code == 403
    told = signed_in(cast.stranger).post("/concerns", body, headers={"Learntrace-Parts": "1"}).json()
    assert (told["told"], told["failed"], told["undo"]) == ("Concern not found.", True, [])
    assert signed_in(cast.stranger).post(f"/concerns?academy={cast.academy.pk}", body).status_code == 403
    assert Client().post("/concerns", body).status_code == 302
    assert cast.owner.signals.get().state == "open"
    assert signed_in(cast.colleague).get("/concerns").status_code == 405
    assert Client(enforce_csrf_checks=True).post("/concerns", body).status_code == 403
    answer = signed_in(cast.colleague).post("/concerns", body)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/class")
    assert cast.owner.signals.get().acknowledged_by == cast.colleague
    undo = {"undo": f"{number}:{ConcernAct.objects.get().pk}"}
    for refused in (cast.owner, cast.stranger):
        signed_in(refused).post("/concerns/undo", undo)
        assert cast.owner.signals.get().state == "acknowledged"
    signed_in(cast.colleague).post("/concerns/undo", undo)
    assert cast.owner.signals.get().state == "open"


def test_an_assistant_opens_what_the_role_opens_and_everybody_begins_where_they_belong(cast: Cast) -> None:
    assistant = make_user("ann", "assistant", cast.academy)
    assert signed_in(assistant).get("/class").status_code == 200
    assert signed_in(assistant).get("/").headers["Location"] == "/class"
    assert signed_in(cast.owner).get("/").headers["Location"] == "/me"
    both = make_user("bo", "teacher", cast.academy, cast.elsewhere)
    assert (
        signed_in(both).get(f"/?academy={cast.elsewhere.pk}").headers["Location"]
        == f"/class?academy={cast.elsewhere.pk}"
    )


def test_the_academy_switch_keeps_the_page(cast: Cast) -> None:
    both = make_user("bo", "teacher", cast.academy, cast.elsewhere)
    page = signed_in(both).get(f"/learners?academy={cast.elsewhere.pk}").content.decode()
    assert f'<a href="/learners?academy={cast.academy.pk}"' in page
    assert f'href="/class?academy={cast.elsewhere.pk}"' in page


def test_the_academy_switch_leaves_a_page_of_one_object_for_its_place(cast: Cast, things: dict[str, object]) -> None:
    client = signed_in(make_user("bo", "teacher", cast.academy, cast.elsewhere))
    places = {
        "assignment": "/assignments", "learner": "/learners", "asset": "/assets", "telemetry/webhook": "/telemetry",
        "people": "/people",
    }  # fmt: skip
    pages = [path.format(**things) for path in PAGES if "{" in path]
    seen = set()
    for address in pages:
        answer = client.get(f"{address}{'&' if '?' in address else '?'}academy={cast.academy.pk}")
        switch = f'?academy={cast.elsewhere.pk}"'
        found = re.findall(
            rf'<details class="menu academy">.*?href="([^"?]*){re.escape(switch)}', answer.content.decode(), re.S
        )
        if not found:
            continue
        kind = next((kind for kind in places if address.startswith(f"/{kind}/")), None)
        assert kind is not None, address
        assert found == [places[kind]], address
        assert client.get(f"{found[0]}?academy={cast.elsewhere.pk}").status_code == 200
        seen.add(kind)
    assert {"assignment", "learner", "asset"} <= seen


def choice_of(page: str) -> str:
    """Where the choice of a language leads on."""
    (found,) = re.findall(r'action="/language".*?name="next" value="([^"]*)"', page, re.DOTALL)
    return html.unescape(found)


def test_a_language_is_chosen_on_the_error_page_of_a_form(cast: Cast) -> None:
    client = signed_in(cast.colleague)
    row, log = "/telemetry/webhook/999999", "/telemetry/webhooks?status=ERROR&event=a"
    for referer, target in (
        (f"http://testserver{log}", log), ("http://evil.example/telemetry", "/"), ("http://testserver//evil.example", "/"),
        ("http://[", "/"), ("x", "/"), ("", "/"),
    ):  # fmt: skip
        answer = client.post(f"{row}/delete", headers={"Referer": referer})
        assert answer.status_code == 404
        page = answer.content.decode()
        assert choice_of(page) == target
        assert f'name="next" value="{row}/delete' not in page, "nor after a choice of colours"
        moved = client.post("/language", {"language": "es", "next": choice_of(page)}, follow=True)
        assert moved.status_code == 200
    assert choice_of(client.get(log).content.decode()) == log


def test_a_refused_method_is_a_page_for_who_looks_for_one(cast: Cast) -> None:
    client = signed_in(cast.colleague)
    for method, path, allowed in (("get", "/concerns", "POST"), ("post", "/learners", "GET, HEAD")):
        for language in ("en", "es"):
            answer = getattr(client, method)(path, headers={"Accept": "text/html", "Accept-Language": language})
            assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
            page = answer.content.decode()
            assert f'<html lang="{language}"' in page
            assert '<p class="code">405</p>' in page
        assert getattr(client, method)(path, headers={"Accept": "*/*"}).content == b""
    assert (
        client.get("/v1/notebook/me/events", headers={"Accept": "text/html"}).headers["Content-Type"]
        == "application/json"
    )
