"""Real Jupyter servers that are killed, run in pairs and get no disk: what was acknowledged arrives, and arrives once."""

import os
import resource
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.jupyter.servers import JupyterServer
from tests.jupyter_package.conftest import Launch
from tests.jupyter_package.jupyter import HOSTS, an_event, post, rests, spool_of, state
from tests.jupyter_package.learntrace_server import LearntraceServer
from tests.support.waiting import wait_until


class Poster(threading.Thread):
    """A browser that posts without end, one request after the other, to a server that may be gone at any time."""

    def __init__(self, server: JupyterServer) -> None:
        super().__init__(name="poster")
        self.acknowledged: list[str] = []
        self.refused: Counter[int] = Counter()
        self.ending = threading.Event()
        self._server = server

    def __enter__(self) -> "Poster":
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.ending.set()
        self.join()

    def run(self) -> None:
        while not self.ending.is_set():
            events = [an_event() for _ in range(5)]
            try:
                answer = self._server.ask("POST", "learntrace/events", json={"events": events})
            except httpx.HTTPError:
                # As a browser does before it tries again; the server is being started meanwhile.
                self.ending.wait(0.05)
                continue
            if answer.status_code == 200:
                self.acknowledged += [event["id"] for event in events]
            else:
                self.refused[answer.status_code] += 1

    def wait_for(self, more: int) -> None:
        goal = len(self.acknowledged) + more
        wait_until(lambda: len(self.acknowledged) >= goal, f"{goal} events acknowledged", 60)


def wait_all_arrived(learntrace: LearntraceServer, ids: list[str], seconds: float = 60) -> None:
    wait_until(lambda: set(ids) <= set(learntrace.stored), "every acknowledged event at Learntrace", seconds)


@pytest.mark.parametrize("host", HOSTS)
def test_what_was_acknowledged_before_a_kill_arrives(launch: Launch, learntrace: LearntraceServer, host: str) -> None:
    server = launch(host, learntrace.url)
    with Poster(server) as poster:
        for _ in range(3):
            poster.wait_for(40)
            server.stop(signal.SIGKILL)
            server.start()
        poster.wait_for(40)
    wait_all_arrived(learntrace, poster.acknowledged)
    assert not poster.refused
    assert len(poster.acknowledged) == len(set(poster.acknowledged))


def test_learntrace_goes_and_comes_and_the_server_is_started_again_meanwhile(
    launch: Launch, learntrace: LearntraceServer
) -> None:
    server = launch(url=learntrace.url)
    with Poster(server) as poster:
        poster.wait_for(20)
        learntrace.stop()
        wait_until(lambda: state(server)["reason"] == "server-away", "away")
        poster.wait_for(60)
        server.stop()
        server.start()
        poster.wait_for(60)
    assert state(server)["waiting"] >= 100
    learntrace.start()
    wait_all_arrived(learntrace, poster.acknowledged)
    wait_until(lambda: state(server)["waiting"] == 0, "an empty spool")
    found = state(server)
    assert (found["state"], found["reason"]) == ("sending", "")
    assert server.log.count("is away") == 2, "once a start"


def test_two_servers_of_a_user_send_what_either_took_and_one_survives_the_other(
    launch: Launch, learntrace: LearntraceServer
) -> None:
    first = launch(url=learntrace.url, name="one")
    second = launch("notebook 6", learntrace.url, name="other", JUPYTER_DATA_DIR=str(first.folder / "data"))
    with Poster(first) as one, Poster(second) as other:
        one.wait_for(40)
        other.wait_for(40)
        learntrace.stop()
        one.wait_for(40)
        first.stop(signal.SIGKILL)
        learntrace.start()
        other.wait_for(40)
    wait_all_arrived(learntrace, one.acknowledged + other.acknowledged)
    assert not spool_of(second).exists(), "both use the first one's"


def test_a_damaged_spool_is_put_aside_while_the_server_runs(launch: Launch, learntrace: LearntraceServer) -> None:
    server = launch(url=learntrace.url)
    post(server, [an_event()])
    wait_until(lambda: state(server)["sent"] == 1 and rests(server), "sent")
    spool_of(server).write_bytes(os.urandom(20_000))
    event = an_event()
    post(server, [event])
    wait_all_arrived(learntrace, [event["id"]])
    assert server.log.count("is damaged") == 1
    assert len(list(spool_of(server).parent.glob("*.damaged-*"))) == 1


@pytest.fixture
def small_files() -> Iterator[int]:
    """Processes started now can write no file larger than this: to a program that is a disk without space."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    most = 400_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    yield most
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_without_space_the_browser_is_told_and_what_was_acknowledged_still_arrives(
    launch: Launch, learntrace: LearntraceServer, small_files: int
) -> None:
    server = launch(url=learntrace.url)
    learntrace.stop()
    held: list[str] = []
    answer = httpx.Response(200)
    while answer.status_code == 200:
        events = [an_event(result={"error_name": "x" * 2000}) for _ in range(20)]
        answer = server.ask("POST", "learntrace/events", json={"events": events})
        held += [event["id"] for event in events] if answer.status_code == 200 else []
        assert len(held) * 2000 < small_files, "the limit holds"
    assert answer.status_code == 503
    assert "can't be written" in answer.json()["detail"]
    assert (state(server)["reason"], state(server)["waiting"]) == ("spool-full", len(held))
    assert len(held) > 50

    learntrace.start()
    wait_all_arrived(learntrace, held)
    wait_until(lambda: state(server)["waiting"] == 0, "an empty spool")
    post(server, [an_event()])
    assert state(server)["reason"] == ""
    assert server.log.count("Events wait in the browser") == 1


def test_a_data_folder_that_is_none_breaks_nothing(launch: Launch, learntrace: LearntraceServer, folder: Path) -> None:
    (folder / "home" / "data").mkdir(parents=True)
    (folder / "home" / "data" / "learntrace").write_text("a file where a folder should be")
    server = launch(url=learntrace.url)
    assert server.ask("POST", "learntrace/events", json={"events": [an_event()]}).status_code == 503
    assert state(server)["reason"] == "spool-full"
    assert server.ask("GET", "api/contents").status_code == 200
