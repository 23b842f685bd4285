"""`jupyter learntrace status`: what waits, what was sent and to whom, and an exit code for who only wants to know that."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.jupyter_package.conftest import Launch
from tests.jupyter_package.jupyter import TOKEN, an_event, post, rests, spool_of, state, status
from tests.jupyter_package.learntrace_server import EVENTS, Answer, LearntraceServer
from tests.support.waiting import wait_until


def asked(folder: Path, url: str, *words: str, **environment: str) -> tuple[int, Any]:
    code, text = status(folder, "--json", *words, **{"LEARNTRACE_URL": url, "LEARNTRACE_TOKEN": TOKEN, **environment})
    assert TOKEN not in text
    return code, json.loads(text)


def test_before_anything_was_captured_all_is_well(folder: Path) -> None:
    code, found = asked(folder, "http://127.0.0.1:9")
    assert (code, found["attention"], found["sent"], found["waiting"]["events"]) == (0, [], 0, 0)
    assert not Path(found["spool"]["path"]).parent.exists(), "to look changes nothing"


def test_it_says_what_was_sent_to_whom_and_what_waits(
    launch: Launch, folder: Path, learntrace: LearntraceServer
) -> None:
    server = launch(url=learntrace.url)
    post(server, [an_event() for _ in range(3)])
    wait_until(lambda: state(server)["sent"] == 3, "all sent")
    code, found = asked(server.folder, learntrace.url, "--check")
    assert code == 0
    assert (found["server"], found["actor"], found["academy"], found["sent"], found["answers"]) == (
        learntrace.url,
        "ada",
        "Downtown",
        3,
        True,
    )

    learntrace.stop()
    post(server, [an_event() for _ in range(2)])
    wait_until(lambda: state(server)["reason"] == "server-away", "away")
    code, found = asked(server.folder, learntrace.url, "--check")
    assert (code, found["waiting"]["events"], found["answers"]) == (1, 2, False)
    assert found["waiting"]["bytes"] > 500
    assert found["waiting"]["oldest_at"]
    assert found["last_error"] == "the connection is refused"
    assert len(found["attention"]) == 1


def test_it_speaks_the_language_of_the_terminal(folder: Path, learntrace: LearntraceServer) -> None:
    environment = {"LEARNTRACE_URL": learntrace.url, "LEARNTRACE_TOKEN": TOKEN}
    english, spanish = status(folder, **environment), status(folder, LANG="es_MX.UTF-8", **environment)
    assert "No events are waiting." in english[1]
    assert "No hay eventos en espera." in spanish[1]
    assert status(folder, LC_ALL="en_GB.UTF-8", LANG="es_MX.UTF-8", **environment) == english


def test_rejected_events_show_their_reasons(launch: Launch, learntrace: LearntraceServer) -> None:
    event = an_event(verb="danced")
    rejected = [{"index": 0, "id": event["id"], "code": "unknown-verb", "detail": "danced is no verb"}]
    learntrace.behaviour = lambda request: (
        Answer(body={"accepted": 0, "duplicates": 0, "rejected": rejected}) if request.path == EVENTS else None
    )
    server = launch(url=learntrace.url)
    post(server, [event])
    wait_until(lambda: state(server)["rejected"] == 1, "rejected")
    code, found = asked(server.folder, learntrace.url)
    assert code == 1
    assert [(one["id"], one["code"], one["detail"]) for one in found["rejected"]] == [
        (event["id"], "unknown-verb", "danced is no verb")
    ]
    text = status(server.folder, LEARNTRACE_URL=learntrace.url, LEARNTRACE_TOKEN=TOKEN)[1]
    assert f"{event['id']} (unknown-verb): danced is no verb" in text


def test_what_waits_for_another_account_is_told_and_needs_attention(
    launch: Launch, learntrace: LearntraceServer
) -> None:
    learntrace.stop()
    server = launch(url=learntrace.url)
    post(server, [an_event() for _ in range(2)])
    code, found = asked(server.folder, learntrace.url, LEARNTRACE_TOKEN="somebody-elses")
    assert (code, found["waiting"]["events"]) == (1, 0)
    assert [(pile["server"], pile["events"]) for pile in found["waiting_for_others"]] == [(learntrace.url, 2)]


def test_without_a_configuration_it_says_what_is_missing(folder: Path) -> None:
    code, text = status(folder)
    assert code == 1
    assert "LEARNTRACE_URL" in text


def test_it_reads_jupyters_configuration(folder: Path) -> None:
    (folder / "config").mkdir()
    (folder / "config" / "jupyter_config.py").write_text("c.Learntrace.url = 'http://base'\nc.Learntrace.token = 'x'\n")
    (folder / "config" / "jupyter_server_config.py").write_text("c.Learntrace.url = 'http://own'\n")
    code, text = status(folder, "--json")
    assert (code, json.loads(text)["server"]) == (0, "http://own")


@pytest.mark.parametrize("content", [b"", b"junk" * 1000])
def test_a_spool_that_cannot_be_read_is_told_and_left_as_it_is(folder: Path, content: bytes) -> None:
    path = folder / "data" / "learntrace" / "spool.sqlite3"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    code, _found = asked(folder, "http://127.0.0.1:9")
    assert code == (1 if content else 0)
    assert path.read_bytes() == content


def test_a_spool_that_was_put_aside_is_named(launch: Launch, learntrace: LearntraceServer) -> None:
    server = launch(url=learntrace.url)
    post(server, [an_event()])
    wait_until(lambda: state(server)["sent"] == 1 and rests(server), "sent")
    spool_of(server).write_bytes(b"\xff" * 10_000)
    post(server, [an_event()])
    code, found = asked(server.folder, learntrace.url)
    assert code == 1
    assert len(found["spool"]["damaged"]) == 1
    with sqlite3.connect(spool_of(server)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
