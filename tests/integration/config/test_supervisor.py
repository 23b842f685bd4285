"""What `learntrace serve` promises of its processes, with real ones: restarted, stopped in time, not left behind."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from learntrace.config.postgres import lifecycle
from learntrace.config.postgres.server import EmbeddedPostgres
from learntrace.config.runtime.processes import arguments_of
from tests.support.paths import CHECKOUT
from tests.support.waiting import wait_until

# A new database is a thousand files: in memory, where there is enough, that takes a third of the time.
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") and shutil.disk_usage("/dev/shm").free > 2**31 else None
PATIENT = "echo $$ >> {pids}; exec sleep 600"
STUBBORN = "trap '' TERM; echo $$ >> {pids}; while :; do sleep 0.2; done"
# Time to stop, so long that a test which ends within 30 s has not waited for its end.
LONG = "stop_seconds=122.0"
# Whatever started the tests, as nohup does, may have had hang-ups ignored, and children inherit that.
PRELUDE = """
import logging, signal, sys
from pathlib import Path
from learntrace.config.postgres.server import EmbeddedPostgres
from learntrace.config.runtime.supervisor import Child, Supervisor
logging.basicConfig(level="INFO", format="%(message)s")
signal.signal(signal.SIGHUP, signal.SIG_DFL)
here = Path(sys.argv[1])
def sh(name, script, is_ready=None):
    script = script.replace("{pids}", str(here / name)).replace("{here}", str(here))
    return Child(name, ["sh", "-c", script], is_ready=is_ready)
"""


class Serve:
    """A supervisor in a process of its own; `code` is its call. Children named N note their pids in the file N."""

    def __init__(self, folder: Path, code: str) -> None:
        self.folder = folder
        self.output = folder / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", f"{PRELUDE}\nsys.exit({code})", str(folder)],
                cwd=CHECKOUT,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def log(self) -> str:
        return self.output.read_text()

    def pids(self, name: str) -> list[int]:
        with contextlib.suppress(FileNotFoundError):
            return [int(pid) for pid in (self.folder / name).read_text().split()]
        return []

    def pid(self, name: str, number: int = 1) -> int:
        """The pid of the child's n-th process, when it has come."""
        wait_until(lambda: len(self.pids(name)) >= number, f"{name} has started {number} times")
        return self.pids(name)[number - 1]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Its exit code, and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(60), time.monotonic() - began


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="learntrace-test-", dir=MEMORY))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[[str], Serve]]:
    started: list[Serve] = []

    def start(code: str) -> Serve:
        started.append(Serve(folder, code))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()
        left = [int(pid) for file in folder.glob("child*") for pid in file.read_text().split() if pid.isdigit()]
        for pid in filter(lives, left):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def database(folder: Path) -> Iterator[EmbeddedPostgres]:
    database = EmbeddedPostgres(folder / "var")
    yield database
    database.stop(patience=1)


def lives(pid: int) -> bool:
    return arguments_of(pid) is not None


def await_life(pid: int) -> None:
    """A shell that becomes another program has no command line for a moment."""
    wait_until(lambda: lives(pid), f"process {pid} runs")


def test_a_killed_child_is_started_again(serve: Callable[[str], Serve]) -> None:
    running = serve(f"Supervisor([sh('child', {PATIENT!r})]).run()")
    os.kill(running.pid("child"), signal.SIGKILL)
    await_life(running.pid("child", 2))
    assert "child died (SIGKILL), starting it again in 0.2 s" in running.log()


def test_a_child_that_keeps_dying_is_started_less_and_less_often(serve: Callable[[str], Serve]) -> None:
    running = serve("Supervisor([sh('child', 'exit 3')]).run()")
    wait_until(lambda: "0.8 s" in running.log(), "a pause of 0.8 s")
    pauses = [line for line in running.log().splitlines() if "died" in line]
    assert pauses == [f"child died (exit code 3), starting it again in {seconds} s" for seconds in (0.2, 0.4, 0.8)]


def test_a_command_that_does_not_exist_stops_nothing_else(serve: Callable[[str], Serve]) -> None:
    running = serve(f"Supervisor([Child('none', ['/no/such/program']), sh('child', {PATIENT!r})]).run()")
    await_life(running.pid("child"))
    assert "none cannot start" in running.log()
    assert running.stop()[0] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_stops_cleanly(number: signal.Signals, serve: Callable[[str], Serve]) -> None:
    running = serve(f"Supervisor([sh('child-1', {PATIENT!r}), sh('child-2', {PATIENT!r})], {LONG}).run()")
    pids = [running.pid("child-1"), running.pid("child-2")]
    code, seconds = running.stop(number)
    assert code == 0
    assert seconds < 30
    assert not any(map(lives, pids))
    assert "died" not in running.log()


def test_ctrl_c_in_a_terminal_stops_everything_once(serve: Callable[[str], Serve]) -> None:
    """A terminal sends it to the whole group, and a wrapper may pass it on once more."""
    slow = "trap 'echo asked >> {pids}.asked; sleep 1; exit 0' TERM INT; echo $$ >> {pids}; while :; do sleep 0.1; done"
    running = serve(f"Supervisor([sh('child', {slow!r})]).run()")
    running.pid("child")
    os.killpg(running.process.pid, signal.SIGINT)
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.process.wait(60) == 0
    assert (running.folder / "child.asked").read_text() == "asked\n"
    assert "killing" not in running.log()


def test_a_child_that_ignores_the_request_is_killed_within_the_budget(serve: Callable[[str], Serve]) -> None:
    running = serve(f"Supervisor([sh('child-1', {STUBBORN!r}), sh('child-2', {PATIENT!r})], stop_seconds=3.0).run()")
    stubborn, patient = running.pid("child-1"), running.pid("child-2")
    code, seconds = running.stop()
    assert code == 0
    assert 1 <= seconds < 30
    assert not lives(stubborn)
    assert not lives(patient)
    assert "child-1 did not stop, killing it" in running.log()


def test_a_second_request_to_stop_kills_at_once(serve: Callable[[str], Serve]) -> None:
    running = serve(f"Supervisor([sh('child', {STUBBORN!r})], {LONG}).run()")
    stubborn = running.pid("child")
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.7)
    assert lives(stubborn)
    code, seconds = running.stop()
    assert code == 0
    assert seconds < 30
    assert not lives(stubborn)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_children_end_with_a_killed_supervisor(serve: Callable[[str], Serve]) -> None:
    running = serve(f"Supervisor([sh('child', {PATIENT!r})]).run()")
    child = running.pid("child")
    running.process.kill()
    assert running.process.wait() == -signal.SIGKILL
    wait_until(lambda: not lives(child), "the child has ended")


def test_what_a_dead_child_left_behind_is_ended_before_its_restart(serve: Callable[[str], Serve]) -> None:
    parent = "sleep 600 & echo $! >> {pids}-own; echo $$ >> {pids}; wait"
    running = serve(f"Supervisor([sh('child', {parent!r})]).run()")
    own = running.pid("child-own")
    os.kill(running.pid("child"), signal.SIGKILL)
    running.pid("child", 2)
    assert not lives(own)


def test_the_next_child_waits_until_the_one_before_is_ready(serve: Callable[[str], Serve]) -> None:
    first = "sleep 0.5; touch {pids}.ready; echo $$ >> {pids}; exec sleep 600"
    second = "test -e {here}/child-1.ready || touch {pids}.early; echo $$ >> {pids}; exec sleep 600"
    ready = "lambda: (here / 'child-1.ready').exists()"
    running = serve(f"Supervisor([sh('child-1', {first!r}, {ready}), sh('child-2', {second!r})]).run()")
    running.pid("child-2")
    assert not (running.folder / "child-2.early").exists()
    assert "child-1 is ready" in running.log()


def test_a_request_to_stop_while_starting_is_heard(serve: Callable[[str], Serve]) -> None:
    running = serve(
        f"Supervisor([sh('child-1', {PATIENT!r}, lambda: False), sh('child-2', {PATIENT!r})], {LONG}).run()"
    )
    first = running.pid("child-1")
    code, seconds = running.stop()
    assert code == 0
    assert seconds < 30
    assert not lives(first)
    assert running.pids("child-2") == []


def test_a_killed_database_is_started_again_and_stopped_at_the_end(
    serve: Callable[[str], Serve], database: EmbeddedPostgres
) -> None:
    running = serve(f"Supervisor([sh('child', {PATIENT!r})], EmbeddedPostgres(here / 'var')).run()")
    child = running.pid("child")
    first = lifecycle.running(database.layout)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: "the database answers again" in running.log(), "the database answers again")
    assert "the database stopped answering (SIGKILL)" in running.log()
    assert database.is_answering()
    assert lives(child)
    code, seconds = running.stop()
    assert code == 0
    assert seconds < 30
    assert lifecycle.running(database.layout) is None
    assert "database system is shut down" in database.layout.log.read_text().splitlines()[-1]


def test_an_adopted_database_is_watched_as_well(serve: Callable[[str], Serve], database: EmbeddedPostgres) -> None:
    process = database.start()
    assert process is not None
    running = serve(f"Supervisor([sh('child', {PATIENT!r})], EmbeddedPostgres(here / 'var')).run()")
    running.pid("child")
    process.kill()
    process.wait()
    wait_until(lambda: "the database answers again" in running.log(), "the database answers again")
    assert database.is_answering()


def test_a_request_to_stop_during_the_first_start_of_the_database_is_heard(
    serve: Callable[[str], Serve], database: EmbeddedPostgres
) -> None:
    running = serve(f"Supervisor([sh('child', {PATIENT!r})], EmbeddedPostgres(here / 'var')).run()")
    wait_until(lambda: bool(list((running.folder / "var").glob("postgres/data.new-*"))), "the database is being made")
    code, seconds = running.stop()
    assert code == 0
    assert seconds < 30
    assert running.pids("child") == []
    assert lifecycle.running(database.layout) is None


def test_without_a_database_it_says_why_and_ends(serve: Callable[[str], Serve], database: EmbeddedPostgres) -> None:
    database.initialise()
    (database.layout.data / "postgresql.conf").write_text("no_such_setting = 1\n")
    running = serve(f"Supervisor([sh('child', {PATIENT!r})], EmbeddedPostgres(here / 'var')).run()")
    assert running.process.wait(60) == 1
    assert "no_such_setting" in running.log()
    assert running.pids("child") == []
