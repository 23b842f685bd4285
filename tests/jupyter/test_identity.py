"""Nobody speaks for somebody else: neither a browser, nor a forged token, nor a token of another place."""

import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
from playwright.sync_api import expect

from tests.jupyter.classroom import KEYS, PASSWORD, Classroom, server_of
from tests.jupyter.conftest import NewPage, Sit
from tests.jupyter.hub_pages import choose, sign_in
from tests.support.waiting import wait_until

# What a page of the learner's own would do to pretend: the right cookies, the right XSRF token, another's name.
PRETEND = """async ([base, event]) => {
  const xsrf = document.cookie.match(/\\b_xsrf=([^;]*)/)[1];
  const answer = await fetch(`${base}learntrace/events`, {
    method: "POST", headers: {"Content-Type": "application/json", "X-XSRFToken": xsrf},
    body: JSON.stringify({events: [event]}),
  });
  return [answer.status, await answer.json()];
}"""


def event(notebook: str, **more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "verb": "executed",
        "timestamp": datetime.now(UTC).isoformat(),
        "session_id": "pretending",
        "object": {"type": "cell", "id": "a", "notebook": notebook},
        "result": {"outcome": "ok"},
        **more,
    }


def send(classroom: Classroom, authorization: str, *events: dict[str, Any], **headers: str) -> httpx.Response:
    return httpx.post(
        f"{classroom.learntrace.url}/v1/notebook/me/events",
        json=list(events),
        headers={"Authorization": authorization, **headers},
        timeout=60,
        trust_env=False,
    )


def newest_refusal(classroom: Classroom, reason: str) -> bool:
    return bool(classroom.learntrace.rows("SELECT 1 FROM intake_refusal WHERE reason = %s", reason))


def test_a_browser_that_names_another_learner_is_stored_as_itself(sit: Sit) -> None:
    desk = sit("classic", "hub")
    desk.page.goto(f"{desk.base}tree")
    pretended = event("pretended.ipynb", actor="grace", user_id=502)
    status, answer = desk.page.evaluate(PRETEND, [desk.base, pretended])
    assert (status, answer["accepted"]) == (200, 1)
    (row,) = desk.classroom.learntrace.wait_for_executions("pretended.ipynb", 1)
    assert row["actor"] == "ada"
    (owner,) = desk.classroom.learntrace.rows("SELECT username FROM accounts_user WHERE id = %s", row["user_id"])
    assert owner["username"] == "ada"


def test_a_learner_who_names_another_to_learntrace_is_refused_and_recorded(classroom: Classroom) -> None:
    named = event("named.ipynb", actor="grace")
    answer = send(classroom, f"Token {KEYS['alan']}", named)
    assert [one["code"] for one in answer.json()["rejected"]] == ["telemetry-of-another-user"]
    assert classroom.learntrace.executions("named.ipynb") == []
    teacher = {"Authorization": f"Token {KEYS['teacher']}", "Academy": "1"}
    kept = httpx.get(
        f"{classroom.learntrace.url}/v1/notebook/academy/rejected", headers=teacher, timeout=60, trust_env=False
    )
    assert named["id"] in kept.text


def test_a_forged_hub_token_is_refused_and_recorded(classroom: Classroom) -> None:
    answer = send(classroom, "JupyterHub 0123456789abcdef0123456789abcdef", event("forged.ipynb"))
    assert answer.status_code == 401
    assert classroom.learntrace.executions("forged.ipynb") == []
    wait_until(lambda: newest_refusal(classroom, "hub-token-refused"), "the record of the refusal")


def test_a_token_is_refused_for_another_academy_and_recorded(classroom: Classroom) -> None:
    answer = send(classroom, f"Token {KEYS['alan']}", event("elsewhere.ipynb"), Academy="2")
    assert (answer.status_code, answer.json()["slug"]) == (403, "not-a-member")
    assert classroom.learntrace.executions("elsewhere.ipynb") == []
    wait_until(lambda: newest_refusal(classroom, "not-a-member"), "the record of the refusal")


def test_the_token_of_a_hubs_service_speaks_for_nobody(classroom: Classroom) -> None:
    answer = send(classroom, f"JupyterHub {classroom.hub.admin_token}", event("service.ipynb"))
    assert answer.status_code == 403
    assert classroom.learntrace.executions("service.ipynb") == []


def test_a_learner_chooses_a_front_end_and_finds_the_lessons(classroom: Classroom, new_page: NewPage) -> None:
    page = new_page()
    sign_in(page, classroom.hub.url, "cara", PASSWORD)
    choose(page, "Classic Notebook 6")
    try:
        expect(page.get_by_role("link", name="lesson_03.ipynb")).to_be_visible()
        expect(page.get_by_role("link", name="lesson_06a.ipynb")).to_be_visible()
        assert page.evaluate("window.Jupyter.version") is not None
        assert (classroom.hub.folder_of("cara") / ".jupyter-classic" / "custom" / "custom.js").exists()
    finally:
        classroom.hub.ask("DELETE", "/users/cara/server")
    wait_until(lambda: not server_of(classroom.hub, "cara"), "the end of the server")


def test_a_front_end_that_is_not_offered_is_refused(classroom: Classroom) -> None:
    classroom.hub.make_user("cara")
    headers = {"Authorization": f"token {classroom.hub.admin_token}"}
    answer = httpx.post(
        f"{classroom.hub.api_url}/users/cara/server",
        json={"front_end": "../../bin/sh"},
        headers=headers,
        timeout=30,
        trust_env=False,
    )
    assert (answer.status_code, answer.json()["message"]) == (400, "front_end: expected one of lab, notebook7, classic")
