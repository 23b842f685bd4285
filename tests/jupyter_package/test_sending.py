"""Sending: in order, in batches, until Learntrace has said what became of every event, whatever it answers meanwhile."""

import asyncio
import json
import logging
import threading
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_learntrace import delivery, sender
from jupyter_learntrace.collector import Collector, Refusal
from jupyter_learntrace.configuration import Settings
from jupyter_learntrace.identity import HUB, TOKEN, Credential

from tests.jupyter_package.jupyter import an_event
from tests.jupyter_package.learntrace_server import CONSENT, EVENTS, Answer, LearntraceServer, Request

LOG = logging.getLogger("learntrace-under-test")
SECRET = "s3cr3t" * 6
ADA = Credential(TOKEN, SECRET)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "FIRST_BACKOFF", 0.02)
    monkeypatch.setattr(sender, "LAST_BACKOFF", 0.1)
    monkeypatch.setattr(sender, "REFUSED_SECONDS", 0.1)
    monkeypatch.setattr(sender, "ANOTHER_SENDS_SECONDS", 0.05)


class Desk:
    """A collector that runs in this process, and what a browser does with it."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def post(self, events: list[Any]) -> Any:
        return await self._collector.take(json.dumps({"events": events}).encode(), "en")

    async def spool(self, count: int) -> list[str]:
        """Post new events; their ids in order."""
        events = [an_event() for _ in range(count)]
        for first in range(0, count, 200):
            await self.post(events[first : first + 200])
        return [event["id"] for event in events]

    async def state(self, language: str = "en") -> Any:
        return await self._collector.state(language)

    async def consent(self, collecting: bool) -> Any:
        return await self._collector.consent(collecting, "en")

    async def until(self, condition: Callable[[Any], object], what: str, seconds: float = 20) -> Any:
        """Wait for a state."""
        end = asyncio.get_running_loop().time() + seconds
        while not condition(found := await self.state()):
            assert asyncio.get_running_loop().time() < end, f"{what}: {found}"
            await asyncio.sleep(0.01)
        return found

    async def until_empty(self) -> Any:
        return await self.until(lambda state: state["waiting"] == 0, "everything sent")


@asynccontextmanager
async def desk(url: str, folder: Path, credential: Credential = ADA, limit: int = 64 << 20) -> Any:
    collector = Collector(Settings(url, credential, "", folder / "learntrace" / "spool.sqlite3", limit), LOG)
    await collector.start()
    try:
        yield Desk(collector)
    finally:
        await collector.stop()


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


Scene = Callable[[Desk], Awaitable[None]]


def played(learntrace: LearntraceServer, folder: Path, scene: Scene, **options: Any) -> None:
    async def play() -> None:
        async with desk(learntrace.url, folder, **options) as one:
            await scene(one)

    run(play())


def events_answered(answer: Callable[[Request, int], Answer | None]) -> Callable[[Request], Answer | None]:
    """A behaviour for posts of events alone; it gets their number, from 0."""
    count = iter(range(10**6))
    return lambda request: answer(request, next(count)) if request.path == EVENTS else None


def test_events_arrive_in_order_packed_and_with_the_credential(learntrace: LearntraceServer, folder: Path) -> None:
    async def scene(one: Desk) -> None:
        ids = await one.spool(700)
        state = await one.until_empty()
        assert list(learntrace.stored) == ids
        assert (state["state"], state["sent"], state["actor"], state["academy"]) == ("sending", 700, "ada", "Downtown")

    played(learntrace, folder, scene)
    sent = learntrace.sent()
    assert max(len(request.document) for request in sent) <= 500
    assert {request.headers["Content-Encoding"] for request in sent} == {"gzip"}
    assert {request.headers["Authorization"] for request in learntrace.requests} == {f"Token {SECRET}"}
    assert set(learntrace.taken.values()) == {1}


def test_a_batch_stays_below_a_megabyte(learntrace: LearntraceServer, folder: Path) -> None:
    learntrace.stop()

    async def scene(one: Desk) -> None:
        for _ in range(3):
            await one.post([an_event(result={"error_name": "x" * 60_000}) for _ in range(15)])
        learntrace.start()
        await one.until_empty()

    played(learntrace, folder, scene)
    assert len(learntrace.stored) == 45
    sizes = [len(json.dumps(request.document, separators=(",", ":"))) for request in learntrace.sent()]
    assert 900_000 < max(sizes) <= sender.MOST_BYTES


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, {"detail": "oops"}),
        Answer(502, b"<html>bad gateway</html>", {"Content-Type": "text/html"}),
        Answer(503, {"detail": "wait"}, {"Retry-After": "0"}),
        Answer(503, {"detail": "wait"}, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}),
        Answer(429, {"detail": "slowly"}, {"Retry-After": "0"}),
        Answer(404, b"<html>a router's page</html>"),
        Answer(400, b"<html>The plain HTTP request was sent to HTTPS port</html>"),
        Answer(301, b"", {"Location": "http://127.0.0.1:9/elsewhere"}),
        Answer(200, b"<html>sign in to the wireless network</html>"),
        Answer(200, b"[" * 5000),
        Answer(200, {}),
        Answer(200, {"accepted": 1, "duplicates": 0, "rejected": []}),
        Answer(
            200, {"accepted": 2, "duplicates": 0, "rejected": [{"index": 7, "id": "x", "code": "c", "detail": "d"}]}
        ),
        Answer(200, {"accepted": 3, "duplicates": 0, "rejected": []}, cut=5),
        Answer(401, {"detail": "Invalid or Inactive Token"}),
        Answer(403, {"detail": "not a member", "slug": "not-a-member"}),
    ],
    ids=lambda answer: f"{answer.status} {str(answer.body)[:25]}",
)
def test_an_answer_that_does_not_account_for_every_event_loses_none(
    learntrace: LearntraceServer, folder: Path, answer: Answer
) -> None:
    learntrace.behaviour = events_answered(lambda _request, number: answer if number < 2 else None)

    async def scene(one: Desk) -> None:
        ids = await one.spool(3)
        state = await one.until_empty()
        assert sorted(learntrace.stored) == sorted(ids)
        assert (state["sent"], state["rejected"], state["reason"]) == (3, 0, "")

    played(learntrace, folder, scene)


def test_a_redirect_takes_the_token_nowhere(learntrace: LearntraceServer, folder: Path) -> None:
    with LearntraceServer() as elsewhere:
        learntrace.behaviour = lambda request: Answer(307, b"", {"Location": elsewhere.url + request.path})

        async def scene(one: Desk) -> None:
            await one.spool(1)
            state = await one.until(lambda state: state["reason"], "a reason")
            assert (state["reason"], state["waiting"]) == ("server-away", 1)
            assert "307" in state["detail"]

        played(learntrace, folder, scene)
        assert elsewhere.requests == []


def test_a_server_that_hangs_is_left_after_a_while_and_asked_again(
    learntrace: LearntraceServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "REQUEST_SECONDS", 0.3)

    def hang(request: Request, number: int) -> Answer | None:
        if number == 0:
            learntrace.released.wait(20)
        return None

    learntrace.behaviour = events_answered(hang)

    async def scene(one: Desk) -> None:
        ids = await one.spool(2)
        await one.until_empty()
        assert sorted(learntrace.stored) == sorted(ids)
        learntrace.released.set()

    played(learntrace, folder, scene)


def test_an_answer_that_was_lost_counts_nothing_twice(learntrace: LearntraceServer, folder: Path) -> None:
    def lose(request: Request, number: int) -> Answer | None:
        answer = learntrace.usual(request)
        if number == 0:
            answer.cut = 10
        return answer

    learntrace.behaviour = events_answered(lose)

    async def scene(one: Desk) -> None:
        ids = await one.spool(2)
        state = await one.until_empty()
        assert state["sent"] == 2
        assert list(learntrace.taken) == ids

    played(learntrace, folder, scene)


def refuse_together(poison: str) -> Callable[[Request], Answer | None]:
    """A Learntrace that, for a poison event, refuses whatever batch it is in."""
    body = {"detail": "This batch can't be read", "status_code": 400, "slug": "invalid-batch"}
    return lambda request: (
        Answer(400, body) if request.path == EVENTS and poison in [event["id"] for event in request.document] else None
    )


def test_one_event_for_which_all_are_refused_blocks_no_other(
    learntrace: LearntraceServer, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    poison = an_event()
    learntrace.behaviour = refuse_together(poison["id"])

    async def scene(one: Desk) -> None:
        learntrace.stop()
        before = await one.spool(120)
        await one.post([poison])
        after = await one.spool(79)
        learntrace.start()
        state = await one.until_empty()
        assert list(learntrace.stored) == before + after
        assert (state["sent"], state["rejected"]) == (199, 1)

    played(learntrace, folder, scene)
    assert len(learntrace.sent()) < 25
    assert "This batch can't be read" in caplog.text


def test_batches_that_are_too_large_for_something_in_between_are_halved(
    learntrace: LearntraceServer, folder: Path
) -> None:
    learntrace.behaviour = events_answered(
        lambda request, _number: Answer(413, b"<html>413</html>") if len(request.document) > 10 else None
    )

    async def scene(one: Desk) -> None:
        ids = await one.spool(60)
        state = await one.until_empty()
        assert list(learntrace.stored) == ids
        assert state["rejected"] == 0

    played(learntrace, folder, scene)


def test_an_event_over_which_learntrace_fails_waits_while_the_others_pass(
    learntrace: LearntraceServer, folder: Path
) -> None:
    poison = an_event()
    healed: list[bool] = []
    learntrace.behaviour = events_answered(
        lambda request, _number: (
            Answer(500, {"detail": "Server Error"})
            if not healed and poison["id"] in [event["id"] for event in request.document]
            else None
        )
    )

    async def scene(one: Desk) -> None:
        await one.post([poison])
        ids = await one.spool(20)
        await one.until(lambda _state: len(learntrace.stored) == 20, "the others sent")
        assert set(learntrace.stored) == set(ids)
        healed.append(True)
        state = await one.until_empty()
        assert (state["sent"], poison["id"] in learntrace.stored) == (21, True)

    played(learntrace, folder, scene)


def test_rejected_events_are_told_once_a_code_and_never_sent_again(
    learntrace: LearntraceServer, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def pick(request: Request, _number: int) -> Answer:
        rejected = [
            {"index": index, "id": event["id"], "code": "unknown-verb", "detail": f"{event['verb']} is no verb"}
            for index, event in enumerate(request.document)
            if event["verb"] != "executed"
        ]
        return Answer(body={"accepted": len(request.document) - len(rejected), "duplicates": 0, "rejected": rejected})

    learntrace.behaviour = events_answered(pick)

    async def scene(one: Desk) -> None:
        for verb in ("danced", "executed", "sang"):
            await one.post([an_event(verb=verb)])
            await one.until_empty()
        state = await one.state()
        assert (state["sent"], state["rejected"]) == (1, 2)

    played(learntrace, folder, scene)
    assert caplog.text.count("Learntrace rejected an event") == 1
    assert sum(len(request.document) for request in learntrace.sent()) == 3


def test_a_refused_token_keeps_the_events_and_is_told_without_showing_it(
    learntrace: LearntraceServer, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    learntrace.behaviour = lambda _request: Answer(401, {"detail": f"Token {SECRET} is invalid", "status_code": 401})

    async def scene(one: Desk) -> None:
        await one.spool(2)
        state = await one.until(lambda state: state["reason"] == "refused", "refused")
        assert (state["state"], state["waiting"]) == ("waiting", 2)
        assert SECRET not in json.dumps(state)
        learntrace.behaviour = lambda _request: None
        assert (await one.until_empty())["sent"] == 2

    played(learntrace, folder, scene)
    assert caplog.text.count("refuses us") == 1
    assert SECRET not in caplog.text


def test_a_learner_who_has_said_no_is_not_collected_and_what_waited_is_dropped(
    learntrace: LearntraceServer, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    learntrace.behaviour = events_answered(
        lambda _request, _number: Answer(403, {"detail": "You have opted out", "slug": "opted-out", "status_code": 403})
    )

    async def scene(one: Desk) -> None:
        await one.spool(2)
        state = await one.until(lambda state: state["state"] == "off", "off")
        assert (state["reason"], state["waiting"], state["collecting"]) == ("opted-out", 0, False)
        answer = await one.post([an_event()])
        assert (answer["accepted"], answer["state"]["state"]) == (0, "off")

    played(learntrace, folder, scene)
    assert "2 waiting events were dropped" in caplog.text
    assert learntrace.stored == {}


def test_a_no_holds_over_a_restart_while_learntrace_is_away(learntrace: LearntraceServer, folder: Path) -> None:
    async def say_no(one: Desk) -> None:
        state = await one.consent(False)
        assert (state["state"], state["may_opt_out"]) == ("off", True)

    async def still_off(one: Desk) -> None:
        assert (await one.post([an_event()]))["accepted"] == 0
        assert (await one.state())["state"] == "off"

    played(learntrace, folder, say_no)
    assert learntrace.consent["collecting"] is False
    learntrace.stop()
    played(learntrace, folder, still_off)


def test_a_no_stands_against_an_answer_that_was_asked_for_before_it(learntrace: LearntraceServer, folder: Path) -> None:
    asked, decided = threading.Event(), threading.Event()

    def late(request: Request) -> Answer | None:
        if request.method != "GET" or request.path != CONSENT:
            return None
        before = learntrace.consent
        asked.set()
        decided.wait(10)
        return Answer(body=before)

    learntrace.behaviour = late

    async def scene(one: Desk) -> None:
        assert await asyncio.to_thread(asked.wait, 10)
        assert (await one.consent(False))["state"] == "off"
        decided.set()
        # This waits for the answer that the server was asked for at its start.
        assert (await one.state())["state"] == "off"

    played(learntrace, folder, scene)


def test_a_yes_after_a_no_collects_again(learntrace: LearntraceServer, folder: Path) -> None:
    async def scene(one: Desk) -> None:
        await one.consent(False)
        assert (await one.consent(True))["state"] == "sending"
        ids = await one.spool(1)
        await one.until_empty()
        assert list(learntrace.stored) == ids

    played(learntrace, folder, scene)


def test_where_the_academy_leaves_no_choice_or_learntrace_is_away_a_no_is_refused(
    learntrace: LearntraceServer, folder: Path
) -> None:
    async def scene(one: Desk) -> None:
        learntrace.behaviour = lambda request: (
            Answer(403, {"detail": "no", "slug": "opt-out-not-allowed"}) if request.method == "PUT" else None
        )
        with pytest.raises(Refusal) as denied:
            await one.consent(False)
        assert denied.value.status == 403
        learntrace.stop()
        with pytest.raises(Refusal) as away:
            await one.consent(False)
        assert away.value.status == 503
        assert (await one.state())["collecting"]

    played(learntrace, folder, scene)


def test_source_is_kept_only_while_learntrace_says_that_the_academy_collects_it(
    learntrace: LearntraceServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learntrace.consent["collects_source"] = True

    async def known(one: Desk) -> None:
        assert (await one.state())["collects_source"]
        await one.spool(1)
        await one.until_empty()

    async def unknown(one: Desk) -> None:
        await one.spool(1)
        learntrace.start()
        await one.until_empty()

    played(learntrace, folder, known)
    learntrace.stop()
    played(learntrace, folder, unknown)
    first, second = learntrace.stored.values()
    assert first["object"]["code"] == "print(1)\n"
    assert "code" not in second["object"]


def test_what_is_captured_while_nobody_answers_is_sent_after_a_restart_with_the_hubs_next_token(
    learntrace: LearntraceServer, folder: Path
) -> None:
    learntrace.stop()
    ids: list[str] = []

    async def away(one: Desk) -> None:
        ids.extend(await one.spool(5))

    async def another(one: Desk) -> None:
        await one.until(lambda state: state["actor"] == "grace", "grace known")
        assert (await one.state())["waiting"] == 0

    async def back(one: Desk) -> None:
        await one.until(lambda _state: len(learntrace.stored) == 5, "all sent")

    played(learntrace, folder, away, credential=Credential(HUB, "first", "ada"))
    learntrace.start()
    learntrace.consent["user"] = {"id": 8, "username": "grace"}
    played(learntrace, folder, another, credential=Credential(HUB, "other", "grace"))
    assert learntrace.stored == {}
    learntrace.consent["user"] = {"id": 7, "username": "ada"}
    played(learntrace, folder, back, credential=Credential(HUB, "second", "ada"))
    assert list(learntrace.stored) == ids
    assert {request.headers["Authorization"] for request in learntrace.sent()} == {"JupyterHub second"}


def test_a_token_of_somebody_else_never_sends_what_waits(learntrace: LearntraceServer, folder: Path) -> None:
    learntrace.stop()

    async def away(one: Desk) -> None:
        await one.spool(3)

    async def somebody_else(one: Desk) -> None:
        own = await one.spool(1)
        await one.until(lambda _state: learntrace.stored, "the own event sent")
        assert list(learntrace.stored) == own

    played(learntrace, folder, away, credential=Credential(TOKEN, "adas"))
    learntrace.start()
    learntrace.consent["user"] = {"id": 8, "username": "grace"}
    played(learntrace, folder, somebody_else, credential=Credential(TOKEN, "graces"))


def test_two_servers_of_a_user_share_the_work_and_send_nothing_twice(
    learntrace: LearntraceServer, folder: Path
) -> None:
    async def scene() -> None:
        async with desk(learntrace.url, folder) as one, desk(learntrace.url, folder) as other:
            batches = [(one if number % 2 else other).spool(10) for number in range(40)]
            ids = [identifier for batch in await asyncio.gather(*batches) for identifier in batch]
            await one.until_empty()
            await other.until_empty()
            assert set(learntrace.stored) == set(ids)
            assert (await one.state())["sent"] == (await other.state())["sent"] == 400

    run(scene())
    assert set(learntrace.taken.values()) == {1}


def test_a_full_spool_is_refused_to_the_browser_and_told_once(
    learntrace: LearntraceServer, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    learntrace.stop()
    held: list[str] = []

    async def scene(one: Desk) -> None:
        async def fill() -> None:
            while True:
                event = an_event(result={"error_name": "x" * 20_000})
                await one.post([event] * 5)
                held.append(event["id"])

        for _ in range(3):
            with pytest.raises(Refusal) as refused:
                await fill()
            assert refused.value.status == 503
        state = await one.state("es")
        assert (state["state"], state["reason"]) == ("waiting", "spool-full")
        learntrace.start()
        await one.until_empty()
        held.extend(await one.spool(1))
        assert (await one.until_empty())["reason"] == ""

    played(learntrace, folder, scene, limit=1 << 20)
    assert sorted(learntrace.stored) == sorted(held)
    assert caplog.text.count("which is the limit") == 1


def test_the_end_makes_a_last_attempt(learntrace: LearntraceServer, folder: Path) -> None:
    ids: list[str] = []

    async def scene(one: Desk) -> None:
        learntrace.stop()
        ids.extend(await one.spool(3))
        await one.until(lambda state: state["reason"] == "server-away", "away")
        learntrace.start()

    played(learntrace, folder, scene)
    assert list(learntrace.stored) == ids


def test_nobody_is_asked_while_there_is_nothing_to_send_and_nobody_looks(
    learntrace: LearntraceServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "ACCOUNT_SECONDS", 0.05)

    async def scene(one: Desk) -> None:
        await one.state()
        await one.until_empty()
        before = len(learntrace.sent(CONSENT))
        assert before >= 1
        # Twenty times as long as what is known stays fresh.
        await asyncio.sleep(1)
        assert len(learntrace.sent(CONSENT)) <= before + 4

    played(learntrace, folder, scene)


def test_ids_within_a_request_count_once(learntrace: LearntraceServer, folder: Path) -> None:
    async def scene(one: Desk) -> None:
        event = an_event()
        shouted = {**event, "id": str(uuid.UUID(event["id"])).upper()}
        assert (await one.post([event, event, shouted]))["accepted"] == 3
        await one.until_empty()
        assert list(learntrace.stored) == [event["id"]]

    played(learntrace, folder, scene)
