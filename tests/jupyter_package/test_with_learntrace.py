"""The extension and a real Learntrace: an event's way from a browser's post to the table, and a learner's no."""

import json
import uuid
from collections.abc import Iterator

import pytest

from tests.jupyter.classroom import KEYS, Learntrace, roster
from tests.jupyter_package.conftest import Launch
from tests.jupyter_package.jupyter import an_event, post, state
from tests.support.folders import folder_on_disk
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def real() -> Iterator[Learntrace]:
    with folder_on_disk() as folder:
        learntrace = Learntrace(folder / "var")
        try:
            learntrace.prepare()
            learntrace.start()
            (folder / "roster.json").write_text(json.dumps(roster()))
            assert learntrace.command("roster", "import", str(folder / "roster.json")).wait(60) == 0, learntrace.log()
            yield learntrace
        finally:
            learntrace.clear()


def stored(real: Learntrace, session: str) -> list[dict[str, object]]:
    return real.rows("SELECT * FROM events WHERE session_id = %s ORDER BY arrival", session)


def test_events_stand_in_the_table_under_their_learners_name(real: Learntrace, launch: Launch) -> None:
    server = launch(url=real.url, LEARNTRACE_TOKEN=KEYS["ada"])
    assert (state(server)["actor"], state(server)["academy"]) == ("ada", "Downtown")
    session = str(uuid.uuid4())
    events = [an_event(session_id=session, actor="grace") for _ in range(120)]
    events[50]["verb"] = "danced"
    post(server, events)
    wait_until(lambda: state(server)["waiting"] == 0, "all sent")
    rows = stored(real, session)
    assert [str(row["id"]) for row in rows] == [event["id"] for event in events if event["verb"] == "executed"]
    assert {row["actor"] for row in rows} == {"ada"}
    assert all(row["code_hash"] and "print" not in json.dumps(row["object"]) for row in rows)
    found = state(server)
    assert (found["sent"], found["rejected"], found["state"]) == (119, 1, "sending")
    assert "unknown-verb" in server.log


def test_what_is_captured_while_learntrace_is_away_is_there_once_it_is_back(real: Learntrace, launch: Launch) -> None:
    server = launch("notebook 6", real.url, LEARNTRACE_TOKEN=KEYS["barbara"])
    session = str(uuid.uuid4())
    real.stop()
    ids = []
    for _ in range(10):
        events = [an_event(session_id=session) for _ in range(7)]
        ids += [event["id"] for event in events]
        post(server, events)
    server.stop()
    server.start()
    assert state(server)["state"] == "waiting"
    real.start()
    wait_until(lambda: len(stored(real, session)) == 70, "all events in the table", 60)
    assert [str(row["id"]) for row in stored(real, session)] == ids


def test_a_learner_who_says_no_is_collected_no_more(real: Learntrace, launch: Launch) -> None:
    server = launch(url=real.url, LEARNTRACE_TOKEN=KEYS["cara"])
    assert state(server)["may_opt_out"]
    answer = server.ask("PUT", "learntrace/consent", json={"collecting": False})
    assert (answer.status_code, answer.json()["reason"]) == (200, "opted-out")
    session = str(uuid.uuid4())
    assert post(server, [an_event(session_id=session)])["accepted"] == 0
    assert server.ask("PUT", "learntrace/consent", json={"collecting": True}).json()["state"] == "sending"
    event = an_event(session_id=session)
    post(server, [event])
    wait_until(lambda: state(server)["waiting"] == 0, "all sent")
    assert [str(row["id"]) for row in stored(real, session)] == [event["id"]]


def test_a_forged_token_keeps_what_it_captured(real: Learntrace, launch: Launch) -> None:
    server = launch(url=real.url, LEARNTRACE_TOKEN="f" * 40)
    session = str(uuid.uuid4())
    post(server, [an_event(session_id=session)])
    wait_until(lambda: state(server)["reason"] == "refused", "refused")
    assert state(server)["waiting"] == 1
    assert stored(real, session) == []
