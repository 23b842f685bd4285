"""The clocks on an event's way: a browser's and the Jupyter server's may be wrong, each by its own amount."""

import asyncio
import contextlib
import json
import logging
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_learntrace.capture import CapturedEvent
from jupyter_learntrace.clocks import ahead_of, with_sent_at
from jupyter_learntrace.collector import Collector
from jupyter_learntrace.configuration import Settings
from jupyter_learntrace.identity import TOKEN, Credential, owner_of
from jupyter_learntrace.spool import Spool
from jupyter_learntrace.spool_file import SCHEMA, SCHEMA_VERSION

from tests.jupyter.servers import JupyterServer
from tests.jupyter_package.conftest import Launch
from tests.jupyter_package.jupyter import an_event
from tests.jupyter_package.learntrace_server import EVENTS, Answer, LearntraceServer, Request
from tests.support.waiting import wait_until

LOG = logging.getLogger("learntrace-under-test")
ADA = Credential(TOKEN, "s3cr3t" * 6)
HOUR = timedelta(hours=1)
milliseconds = st.integers(-40 * 365 * 86_400_000, 40 * 365 * 86_400_000)


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def told(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["sent_at"])


@given(ahead=milliseconds, waited=st.integers(0, 86_400_000), server=milliseconds)
def test_what_the_browsers_clock_shows_at_sending_is_told_however_wrong_the_servers_is(
    ahead: int, waited: int, server: int
) -> None:
    true = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    posted, sent = ((true + timedelta(milliseconds=late + server)).timestamp() for late in (0, waited))
    browser = true + timedelta(milliseconds=ahead)
    body = with_sent_at('{"id":"x"}', ahead_of(posted, text(browser)), sent)
    assert abs(told(json.loads(body)) - browser - timedelta(milliseconds=waited)) <= timedelta(milliseconds=2)


@pytest.mark.parametrize("sent_at", [None, "", "yesterday", 12, ["2026-11-22T10:30:00Z"], "2026-11-22T10:30:00", "Z"])
def test_a_browser_that_tells_no_time_is_sent_as_ever(sent_at: object) -> None:
    ahead = ahead_of(time.time(), sent_at)
    assert ahead is None
    assert with_sent_at('{"id":"x"}', ahead, time.time()) == '{"id":"x"}'


@pytest.mark.parametrize(("body", "ahead"), [("{}", 0), ("\ufffd", 0), ('{"id":"x"}', 10**17)])
def test_what_is_no_event_or_no_time_stays_as_it_is(body: str, ahead: int) -> None:
    assert with_sent_at(body, ahead, 0.0) == body


def test_each_event_tells_the_time_of_its_own_browser(running: tuple[JupyterServer, LearntraceServer]) -> None:
    """Two browsers at one Jupyter server, one of them two hours ahead; a third of an older version tells nothing."""
    server, learntrace = running
    ids = []
    for ahead in (timedelta(), 2 * HOUR, None):
        event = an_event(timestamp=text(datetime.now(UTC) + (ahead or timedelta())))
        ids.append(event["id"])
        body = {"events": [event]} | ({} if ahead is None else {"sent_at": text(datetime.now(UTC) + ahead)})
        assert server.ask("POST", "learntrace/events", json=body).json()["accepted"] == 1
    wait_until(lambda: set(ids) <= set(learntrace.stored), "all are sent")
    right, wrong, untold = (learntrace.stored[one] for one in ids)
    assert abs(told(right) - datetime.now(UTC)) < timedelta(minutes=1)
    assert abs(told(wrong) - datetime.now(UTC) - 2 * HOUR) < timedelta(minutes=1)
    assert "sent_at" not in untold


def test_a_sending_that_is_repeated_tells_its_own_time(launch: Launch, learntrace: LearntraceServer) -> None:
    attempts: list[dict[str, Any]] = []

    def fails_once(request: Request) -> Answer | None:
        if request.path != EVENTS:
            return None
        attempts.extend(request.document)
        return Answer(503, {"detail": "busy"}) if len(attempts) == 1 else None

    learntrace.behaviour = fails_once
    server = launch(url=learntrace.url)
    body = {"events": [an_event()], "sent_at": text(datetime.now(UTC) + HOUR)}
    assert server.ask("POST", "learntrace/events", json=body).json()["accepted"] == 1
    wait_until(lambda: len(attempts) == 2, "sent again")
    first, second = attempts
    assert first["id"] == second["id"]
    assert told(second) - told(first) >= timedelta(seconds=0.5)


def test_a_jupyter_server_with_a_wrong_clock_tells_what_the_browsers_shows(
    folder: Path, learntrace: LearntraceServer
) -> None:
    """Its own error doesn't matter: it tells what the browser's clock shows now, which it knows by the difference."""
    event = an_event()
    settings = Settings(learntrace.url, ADA, "", folder / "learntrace" / "spool.sqlite3", 1 << 26)

    async def send(clock: Callable[[], float]) -> None:
        collector = Collector(settings, LOG, clock)
        await collector.start()
        posted = {"events": [event], "sent_at": text(datetime.now(UTC) - 3 * HOUR)}
        await collector.take(json.dumps(posted).encode(), "en")
        end = time.monotonic() + 30
        while event["id"] not in learntrace.stored and time.monotonic() < end:
            await asyncio.sleep(0.05)
        await collector.stop()

    asyncio.run(send(lambda: time.time() + 26 * 3600))
    assert abs(told(learntrace.stored[event["id"]]) - datetime.now(UTC) + 3 * HOUR) < timedelta(minutes=1)


def test_a_spool_of_an_earlier_version_is_used_on_and_still_usable_by_it(folder: Path) -> None:
    path = folder / "learntrace" / "spool.sqlite3"
    path.parent.mkdir()
    earlier = SCHEMA.replace("spooled_at TEXT NOT NULL,\n    ahead_ms INTEGER\n", "spooled_at TEXT NOT NULL\n")
    assert earlier != SCHEMA
    insert = "INSERT INTO event (id, server, credential, actor, body, spooled_at) VALUES (?, 'https://x', ?, 'ada', '{}', '')"
    owner = owner_of("https://x", ADA, "ada")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(f"{earlier} PRAGMA user_version = {SCHEMA_VERSION};")
        connection.execute(insert, ["old", owner.credential])
    spool = Spool(path, 1 << 26, LOG)
    spool.add(owner, [CapturedEvent("new", "{}")], 7_200_000)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(insert, ["of the earlier version", owner.credential])
    assert [(event.id, event.ahead_ms) for event in spool.oldest(owner, 10, 1 << 20)] == [
        ("old", None),
        ("new", 7_200_000),
        ("of the earlier version", None),
    ]
    spool.close()
