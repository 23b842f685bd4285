"""What we do with a hub that is slow, odd or flooded: a small server stands for it, as no real hub can be made to be so."""

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from learntrace.accounts.jupyterhub import client as asking
from learntrace.accounts.jupyterhub.client import Hub, HubAway, HubBusy, HubTokenRefused, HubUnclear
from learntrace.accounts.models import User
from learntrace.config.environment import HUB_API_URL
from learntrace.config.setting_types import SettingError
from learntrace.core.rate_limit import TokenBucket
from learntrace.intake.models import Refusal
from tests.support.asgi import asgi_client
from tests.support.builders import Api, make_academy, make_key, make_user
from tests.support.learnpack_inbox import Client
from tests.support.waiting import wait_until

Behaviour = Callable[[BaseHTTPRequestHandler], object]
TOKEN = "0123456789abcdef0123456789abcdef"


class OddHub:
    """Answers GET /user by a function that a test gives; counts the questions, also those that run at once."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = says(user("ana"))
        self.questions: list[dict[str, str]] = []
        self.most_at_once = 0
        self._running = 0
        self._lock = threading.Lock()
        odd = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with odd._lock:
                    odd.questions.append(dict(self.headers.items()))
                    odd._running += 1
                    odd.most_at_once = max(odd.most_at_once, odd._running)
                try:
                    odd.behaviour(self)
                except OSError:
                    self.close_connection = True
                finally:
                    with odd._lock:
                        odd._running -= 1

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hub/api"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def says(body: Any, status: int = 200, **headers: str) -> Behaviour:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    return answer


def user(name: Any, **fields: Any) -> dict[str, Any]:
    return {"kind": "user", "name": name, **fields}


@pytest.fixture
def odd() -> Iterator[OddHub]:
    server = OddHub()
    yield server
    server.close()


@pytest.fixture
def hub(odd: OddHub) -> Iterator[Hub]:
    one = Hub(odd.url)
    yield one
    one.close()


@pytest.fixture
def door(odd: OddHub, settings: Any, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Iterator[Client]:
    """A front door whose hub is the odd one."""
    make_academy("downtown")
    settings.HUB_API_URL, settings.HUB_ACADEMY = odd.url, "downtown"
    monkeypatch.setattr(asking, "_hub", None)
    client = Client("")
    yield client
    client.close()
    if asking._hub is not None:
        asking._hub.close()


@pytest.mark.parametrize(
    "behaviour",
    [
        says(b"<html>Sign in</html>"),
        says(b""),
        says([user("ana")]),
        says("ana"),
        says({"kind": "user"}),
        says({"name": "ana"}),
        says(user("")),
        says(user(None)),
        says(user(7)),
        says(user(["ana"])),
        says({"kind": "group", "name": "ana"}),
        says(b'{"kind": "user", "name": "a\\u0000b"}'),
        says(b'{"kind": "user", "name": "\\ud800"}'),
        says(b'{"kind": "user", "name": "ana", "groups": [' + b'"x",' * 300_000 + b'"x"]}'),
        says(b"\x1f\x8b not gzip", Content_Encoding="gzip"),
        says(user("ana"), 201),
        says(user("ana"), 404),
        says(user("ana"), 429),
        says(user("ana"), 500),
        says(user("ana"), 502),
    ],
)
def test_an_answer_that_no_hub_gives_makes_nobody_and_refuses_nobody_for_good(
    door: Client, odd: OddHub, behaviour: Callable[..., Any]
) -> None:
    odd.behaviour = behaviour
    answer = door.post({"slug": "x"}, Authorization=f"JupyterHub {TOKEN}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "LEARNTRACE_HUB_API_URL" in answer.json()["detail"]
    assert Refusal.objects.get().reason == "hub-unclear"
    assert not User.objects.exists()
    odd.behaviour = says(user("ana"))
    assert door.post({"slug": "x"}, Authorization=f"JupyterHub {TOKEN}").text == "ok"


def test_a_redirect_is_not_followed_so_that_no_token_goes_elsewhere(door: Client, odd: OddHub) -> None:
    elsewhere = OddHub()
    odd.behaviour = says(b"", 302, Location=f"{elsewhere.url}/user")
    assert door.post({"slug": "x"}, Authorization=f"JupyterHub {TOKEN}").status_code == 503
    elsewhere.close()
    assert (len(odd.questions), elsewhere.questions) == (1, [])


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_asked_again_after_some_seconds(
    door: Client, odd: OddHub, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    odd.behaviour = says({"status": status}, status)
    for _time in range(3):
        assert door.post({"slug": "x"}, Authorization=f"JupyterHub {TOKEN}").status_code == 401
    assert len(odd.questions) == 1
    now = time.monotonic()
    monkeypatch.setattr(
        "learntrace.accounts.jupyterhub.client.time.monotonic", lambda: now + asking.REFUSED_SECONDS + 1
    )
    assert door.post({"slug": "x"}, Authorization=f"JupyterHub {TOKEN}").status_code == 401
    assert len(odd.questions) == 2


def test_new_users_are_served_while_forged_tokens_come(odd: OddHub, hub: Hub) -> None:
    """22 forged tokens a second for ten seconds, and 15 users who are new."""
    odd.behaviour = lambda handler: (
        says({}, 403)(handler) if "forged" in handler.headers["Authorization"] else says(user("ana"))(handler)
    )
    forged = [hub.whose(f"forged-{number}") for number in range(60)]
    for number in range(160):
        with pytest.raises(HubTokenRefused):
            hub.whose(f"forged-later-{number}").result(60)
    assert [hub.whose(f"new-{number}").result(60) for number in range(15)] == ["ana"] * 15
    assert all(isinstance(question.exception(60), HubTokenRefused) for question in forged)


def test_an_acceptance_is_asked_once_in_its_minute(door: Client, odd: OddHub, monkeypatch: pytest.MonkeyPatch) -> None:
    for _time in range(3):
        assert door.post({"slug": "x"}, Authorization=f"JupyterHub {TOKEN}").text == "ok"
    assert Api()("GET", "/v1/auth/user/me", Authorization=f"JupyterHub {TOKEN}").json()["username"] == "ana"
    assert len(odd.questions) == 1
    now = time.monotonic()
    monkeypatch.setattr("learntrace.accounts.jupyterhub.client.time.monotonic", lambda: now + 61)
    assert door.post({"slug": "x"}, Authorization=f"JupyterHub {TOKEN}").text == "ok"
    assert len(odd.questions) == 2


def test_a_question_has_the_token_in_its_header_alone_and_nothing_of_other_users(
    odd: OddHub, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    odd.behaviour = says(user("ana"), Set_Cookie="jupyterhub-session-id=ana; Path=/")
    assert hub.whose("one").result(60) == "ana"
    odd.behaviour = says(user("bob"))
    assert hub.whose("two").result(60) == "bob"
    assert [question["Authorization"] for question in odd.questions] == ["token one", "token two"]
    assert not [question for question in odd.questions if "Cookie" in question]


def test_a_hub_that_hangs_holds_up_nobody_but_who_needs_it(door: Client, odd: OddHub) -> None:
    released = threading.Event()
    odd.behaviour = lambda handler: (released.wait(60), says(user("ana"))(handler))[0]
    key = make_key(make_user("bob", "student", make_academy("elsewhere")))

    async def send() -> tuple[int, int]:
        async with asgi_client(door.door) as client:

            def post(authorization: str) -> Any:
                headers = {"Authorization": authorization}
                return client.post("/v1/assignment/me/telemetry", json={"slug": "x"}, headers=headers)

            waiting = asyncio.ensure_future(post(f"JupyterHub {TOKEN}"))
            while not odd.questions:
                await asyncio.sleep(0.01)
            others = await post(f"Token {key}")
            assert not waiting.done()
            released.set()
            return others.status_code, (await waiting).status_code

    assert door.loop.run_until_complete(send()) == (200, 200)


def drips(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.02)


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)
    raise OSError


@pytest.mark.parametrize("behaviour", [drips, hangs_up, lambda handler: threading.Event().wait(2)])
def test_a_hub_that_gives_no_answer_in_time_is_away(
    door: Client, odd: OddHub, monkeypatch: pytest.MonkeyPatch, behaviour: Callable[..., Any]
) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 0.3)
    odd.behaviour = behaviour
    answer = door.post({"slug": "x"}, Authorization=f"JupyterHub {TOKEN}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert Refusal.objects.get().reason == "hub-unreachable"


def test_a_crowd_does_not_wait_one_after_the_other_for_a_hub_that_is_away(
    odd: OddHub, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "AWAY_SECONDS", 3600)
    odd.behaviour = hangs_up
    with pytest.raises(HubAway):
        hub.whose("first").result(60)
    for number in range(20):
        with pytest.raises(HubAway):
            hub.whose(f"token-{number}").result(60)
    assert len(odd.questions) == 1


def test_many_who_ask_for_one_token_at_once_share_a_question(odd: OddHub, hub: Hub) -> None:
    released = threading.Event()
    odd.behaviour = lambda handler: (released.wait(60), says(user("ana"))(handler))[0]
    with ThreadPoolExecutor(50) as pool:
        answers = [pool.submit(lambda: hub.whose(TOKEN).result(60)) for _asker in range(50)]
        wait_until(lambda: odd.questions, "the question arrives")
        released.set()
        assert {answer.result() for answer in answers} == {"ana"}
    assert len(odd.questions) == 1


def test_a_flood_of_forged_tokens_is_no_flood_on_the_hub_and_shuts_nobody_out_who_was_known(
    odd: OddHub, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub._unknown_tokens = TokenBucket(burst=asking.MOST_WAITING, per_second=0)
    assert hub.whose("known").result(10) == "ana"
    monkeypatch.setattr(asking, "BELIEVED_SECONDS", 0)
    odd.behaviour = says({}, 403)
    told: list[type[Exception]] = []
    for number in range(400):
        try:
            hub.whose(f"forged-{number}").result(60)
        except (HubTokenRefused, HubBusy) as problem:
            told.append(type(problem))
    assert told == [HubTokenRefused] * asking.MOST_WAITING + [HubBusy] * (400 - asking.MOST_WAITING)
    odd.behaviour = says(user("ana"))
    assert hub.whose("known").result(60) == "ana"
    assert len(odd.questions) == asking.MOST_WAITING + 2


def test_a_crowd_of_new_users_costs_the_strangers_allowance_nothing(odd: OddHub, hub: Hub) -> None:
    hub._unknown_tokens = TokenBucket(burst=10, per_second=0)
    odd.behaviour = lambda handler: says(user(handler.headers["Authorization"].partition(" ")[2]))(handler)
    assert [hub.whose(f"user-{n}").result(60) for n in range(50)] == [f"user-{n}" for n in range(50)]


def test_the_hub_gets_few_questions_at_a_time(odd: OddHub, hub: Hub) -> None:
    released = threading.Event()
    odd.behaviour = lambda handler: (released.wait(60), says({}, 403)(handler))[0]
    questions = [hub.whose(f"token-{n}") for n in range(asking.MOST_WAITING)]
    with pytest.raises(HubBusy):
        hub.whose("one more")
    wait_until(lambda: len(odd.questions) == asking.MOST_AT_ONCE, "as many as may ask")
    released.set()
    for question in questions:
        with pytest.raises(HubTokenRefused):
            question.result(60)
    assert (len(odd.questions), odd.most_at_once) == (asking.MOST_WAITING, asking.MOST_AT_ONCE)


def test_what_is_remembered_is_bounded(odd: OddHub, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_REMEMBERED", 3)
    for number in range(5):
        hub.whose(f"token-{number}").result(60)
    assert len(hub._accepted) == 3
    hub.whose("token-4").result(60)
    assert len(odd.questions) == 5


def test_no_token_reaches_a_log_or_an_answer(door: Client, odd: OddHub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answers: list[Any] = []
    for behaviour in (says(user("ana")), says({}, 403), says(b"?"), says({"kind": "service", "name": "s"}), hangs_up):
        odd.behaviour = behaviour
        token = TOKEN[: -len(answers)] if answers else TOKEN
        answers.append(door.post({"slug": "x"}, Authorization=f"JupyterHub {token}").text)
        answers.append(Api()("GET", "/v1/auth/user/me", Authorization=f"JupyterHub {token}").content.decode())
    assert len(odd.questions) >= 5
    assert "JupyterHub" in caplog.text
    assert TOKEN[:20] not in caplog.text + "".join(answers)
    assert TOKEN[:20] not in str(list(Refusal.objects.values()))


def test_an_unclear_answer_says_its_status(odd: OddHub, hub: Hub) -> None:
    odd.behaviour = says(b"", 418)
    with pytest.raises(HubUnclear, match="HTTP 418"):
        hub.whose(TOKEN).result(60)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", ""),
        ("http://hub:8081/hub/api", "http://hub:8081/hub/api"),
        ("https://hub.example.org/hub/api/", "https://hub.example.org/hub/api"),
    ],
)
def test_the_hubs_address_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, text: str, read: str) -> None:
    monkeypatch.setenv("LEARNTRACE_HUB_API_URL", text)
    assert HUB_API_URL.value() == read


@pytest.mark.parametrize(
    "text",
    ["hub:8081/hub/api", "ftp://hub/api", "http://", "http://me:secret@hub/api", "http://hub/api?x=1", "file:///x"],
)
def test_an_address_that_can_not_be_asked_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("LEARNTRACE_HUB_API_URL", text)
    with pytest.raises(SettingError, match="LEARNTRACE_HUB_API_URL"):
        HUB_API_URL.value()
