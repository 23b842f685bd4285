"""What browsers get from their own Jupyter server, JupyterLab's and Classic Notebook 6 alike."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.jupyter.servers import JupyterServer
from tests.jupyter_package.conftest import Launch
from tests.jupyter_package.jupyter import TOKEN, an_event, post, state
from tests.jupyter_package.learntrace_server import HELP, Answer, LearntraceServer, Request
from tests.support.waiting import wait_until

Running = tuple[JupyterServer, LearntraceServer]


@pytest.fixture
def server(running: Running) -> JupyterServer:
    return running[0]


@pytest.fixture
def learntrace_of(running: Running) -> LearntraceServer:
    return running[1]


def refused(server: JupyterServer, body: bytes, language: str = "en") -> tuple[int, str]:
    headers = {"Authorization": f"token {server.token}", "Accept-Language": language}
    answer = httpx.post(f"{server.url}learntrace/events", content=body, headers=headers, timeout=60, trust_env=False)
    assert answer.headers["content-type"].startswith("application/json")
    return answer.status_code, answer.json()["detail"]


def test_what_is_posted_arrives(server: JupyterServer, learntrace_of: LearntraceServer) -> None:
    events = [an_event() for _ in range(200)]
    answer = post(server, events)
    assert (answer["accepted"], answer["rejected"]) == (200, [])
    assert answer["state"]["state"] == "sending"
    wait_until(lambda: {event["id"] for event in events} <= set(learntrace_of.stored), "all events at Learntrace")


def test_one_bad_event_harms_no_other(server: JupyterServer, learntrace_of: LearntraceServer) -> None:
    good, bad = an_event(), an_event(id="7")
    answer = post(server, [bad, good, None])
    assert answer["accepted"] == 1
    assert [(one["index"], one["id"], one["code"]) for one in answer["rejected"]] == [
        (0, "7", "invalid-id"),
        (2, None, "not-an-object"),
    ]
    wait_until(lambda: good["id"] in learntrace_of.stored, "the good event at Learntrace")


def test_the_state_has_what_the_front_ends_show(running: Running) -> None:
    server, learntrace = running
    post(server, [an_event()])
    wait_until(lambda: state(server)["waiting"] == 0, "all sent")
    found = state(server)
    sent_at = found.pop("last_sent_at")
    assert sent_at.endswith("Z")
    assert found.pop("sent") >= 1
    assert found == {
        "state": "sending",
        "reason": "",
        "detail": "No events are waiting to be sent.",
        "waiting": 0,
        "rejected": 0,
        "server": learntrace.url,
        "actor": "ada",
        "academy": "Downtown",
        "may_opt_out": True,
        "collecting": True,
        "collects_source": False,
    }
    assert TOKEN not in json.dumps(found)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'{"events": []}', 400),
        (b'{"events": {}}', 400),
        (b'{"events": [' + b"1," * 200 + b"1]}", 400),
        (b"[" * 100_000, 400),
        (b'{"events": ["' + b"x" * (4 << 20) + b'"]}', 413),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_body_that_is_none_is_refused_in_the_readers_language(
    server: JupyterServer, body: bytes, status: int
) -> None:
    assert refused(server, body)[0] == status
    assert refused(server, body, "es-MX,es;q=0.9,en;q=0.5")[1] != refused(server, body)[1]


def test_somebody_who_is_not_logged_in_gets_nothing(server: JupyterServer) -> None:
    for method, path in (("GET", "state"), ("POST", "events"), ("PUT", "consent"), ("GET", "help"), ("POST", "help")):
        answer = httpx.request(method, f"{server.url}learntrace/{path}", json={}, timeout=60, trust_env=False)
        assert answer.status_code == 403
        assert set(answer.json()) == {"detail"}


def test_a_page_of_another_origin_can_post_nothing_in_the_learners_name(
    server: JupyterServer, learntrace_of: LearntraceServer
) -> None:
    event = an_event()
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as browser:
        assert browser.get("/login", params={"token": server.token}, follow_redirects=True).status_code == 200
        browser.get("/tree")
        without = browser.post("learntrace/events", json={"events": [event]})
        assert without.status_code == 403
        assert "XSRF" in without.json()["detail"]
        xsrf = {"X-XSRFToken": browser.cookies["_xsrf"]}
        foreign = browser.post("learntrace/events", json={"events": [event]}, headers=xsrf | {"Origin": "http://evil"})
        assert foreign.status_code in {403, 404}
        assert browser.post("learntrace/events", json={"events": [event]}, headers=xsrf).json()["accepted"] == 1
    wait_until(lambda: event["id"] in learntrace_of.stored, "the learner's own event")
    assert learntrace_of.taken[event["id"]] == 1


def test_polling_the_state_does_not_look_like_work(server: JupyterServer) -> None:
    def last_activity() -> str:
        # Asking for it is activity of its own, told from the next time on.
        return str(server.ask("GET", "api/status?no_track_activity=1").json()["last_activity"])

    before = last_activity()
    state(server)
    assert last_activity() == before


def test_a_learner_says_no_and_yes(running: Running) -> None:
    server, learntrace = running
    answer = server.ask("PUT", "learntrace/consent", json={"collecting": False}).json()
    assert (answer["state"], answer["reason"], answer["collecting"]) == ("off", "opted-out", False)
    assert learntrace.consent["collecting"] is False
    assert post(server, [an_event()])["accepted"] == 0
    assert server.ask("PUT", "learntrace/consent", json={"collecting": True}).json()["state"] == "sending"
    refused: tuple[Any, ...] = ({}, {"collecting": "no"}, [], {"collecting": None})
    for document in refused:
        assert server.ask("PUT", "learntrace/consent", json=document).status_code == 400


def test_a_no_that_the_academy_does_not_allow_changes_nothing(running: Running) -> None:
    server, learntrace = running
    learntrace.behaviour = lambda request: (
        Answer(403, {"detail": "x", "slug": "opt-out-not-allowed"}) if request.method == "PUT" else None
    )
    try:
        assert server.ask("PUT", "learntrace/consent", json={"collecting": False}).status_code == 403
        assert state(server)["collecting"]
    finally:
        learntrace.behaviour = lambda _request: None


def always(answer: Answer) -> Callable[[Request], Answer | None]:
    return lambda _request: answer


def test_a_hand_is_raised_at_learntrace_and_nowhere_else(running: Running) -> None:
    server, learntrace = running
    assert server.ask("GET", "learntrace/help").json() == {"allowed": True, "academy": 1, "hand": None}
    asked = {"text": "Why?", "assignment": "assignment:one", "actor": "grace", "asset": 7}
    answer = server.ask("POST", "learntrace/help", json=asked).json()
    # Known keys only: whose hand it is follows from the token.
    assert answer["hand"] == {"state": "waiting", "before": 2, "text": "Why?", "assignment": "assignment:one"}
    assert server.ask("DELETE", "learntrace/help").json()["hand"] is None
    assert [request.method for request in learntrace.sent(HELP)] == ["GET", "POST", "DELETE"]
    wrong: tuple[Any, ...] = ([], None, {"text": "x" * 9000})
    assert [server.ask("POST", "learntrace/help", json=body).status_code for body in wrong] == [400, 400, 400]
    for answered, status, told in (
        (Answer(403, {"detail": "Your academy has turned raised hands off"}), 403, "Your academy has turned"),
        (Answer(400, {"text": ["Write at most 200 characters"]}), 403, "Write at most 200 characters"),
        (Answer(502, b"<html>"), 503, "can't be reached right now"),
    ):
        learntrace.behaviour = always(answered)
        try:
            refused = server.ask("POST", "learntrace/help", json={"text": "x"})
            assert (refused.status_code, told in refused.json()["detail"]) == (status, True)
        finally:
            learntrace.behaviour = lambda _request: None
    # A Learntrace that knows no hands.
    learntrace.behaviour = lambda request: Answer(404, {"detail": "x"}) if request.path == HELP else None
    try:
        assert server.ask("GET", "learntrace/help").json()["allowed"] is False
    finally:
        learntrace.behaviour = lambda _request: None


@pytest.mark.parametrize(
    ("host", "environment", "word"),
    [
        ("jupyter_server", {"LEARNTRACE_TOKEN": ""}, "LEARNTRACE_URL"),
        (
            "notebook 6",
            {"LEARNTRACE_URL": "http://127.0.0.1:9", "LEARNTRACE_ACADEMY": "downtown"},
            "LEARNTRACE_ACADEMY",
        ),
    ],
)
def test_a_configuration_that_cannot_be_used_is_told_and_breaks_nothing(
    launch: Launch, host: str, environment: dict[str, str], word: str
) -> None:
    server = launch(host, **({"LEARNTRACE_URL": ""} | environment))
    found = state(server)
    assert (found["state"], found["reason"], found["collecting"]) == ("off", "not-configured", False)
    assert word in found["detail"]
    assert post(server, [an_event()])["accepted"] == 0
    assert server.log.count("telemetry is off") == 1
    assert server.ask("PUT", "learntrace/consent", json={"collecting": True}).status_code == 503
    assert server.ask("GET", "api/contents").status_code == 200


@pytest.mark.parametrize("host", ["jupyter_server", "notebook 6"])
def test_jupyters_own_configuration_files_serve(
    launch: Launch, folder: Path, host: str, learntrace: LearntraceServer
) -> None:
    name = {"jupyter_server": "jupyter_server_config.py", "notebook 6": "jupyter_notebook_config.py"}[host]
    place = folder / "home" / "config" / name
    place.parent.mkdir(parents=True)
    spool = folder / "elsewhere" / "s.sqlite3"
    place.write_text(
        f"c.Learntrace.url = {learntrace.url!r}\nc.Learntrace.token = 'own'\nc.Learntrace.academy = 3\n"
        f"c.Learntrace.spool_path = {str(spool)!r}\n"
    )
    server = launch(host, LEARNTRACE_TOKEN="")
    event = an_event()
    post(server, [event])
    wait_until(lambda: event["id"] in learntrace.stored, "the event at Learntrace")
    headers = learntrace.sent()[0].headers
    assert (headers["Authorization"], headers["Academy"]) == ("Token own", "3")
    assert spool.is_file()


def test_a_value_of_the_wrong_type_is_told_without_showing_it(launch: Launch, folder: Path) -> None:
    place = folder / "home" / "config" / "jupyter_server_config.py"
    place.parent.mkdir(parents=True)
    secret = uuid.uuid4().hex
    place.write_text(f"c.Learntrace.spool_limit_mb = {secret!r}\n")
    server = launch()
    assert state(server)["reason"] == "not-configured"
    assert "telemetry is off" in server.log
    assert secret not in server.log
