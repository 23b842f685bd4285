"""Several workers of one command, as real processes: started again, stopped in time, and none left without its parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from learntrace.config.runtime.processes import arguments_of
from tests.support.paths import CHECKOUT
from tests.support.waiting import wait_until

PRELUDE = """
import logging, os, signal, sys, time
from pathlib import Path
from learntrace.config.runtime.pool import WorkerPool
logging.basicConfig(level="INFO", format="%(message)s")
def note(seat):
    with open(Path(sys.argv[1]) / f"seat-{seat.number}", "a") as file:
        file.write(f"{os.getpid()} ")
def patient(seat):
    note(seat)
    stopping = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))
    while not stopping:
        time.sleep(0.05)
def stubborn(seat):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note(seat)
    while True:
        time.sleep(1)
def failing(seat):
    note(seat)
    raise RuntimeError("no more")
"""
# So long that a test which ends within 30 s has not waited for its end.
LONG = 120


class Pool:
    """A pool in a process of its own, in a process group of its own as in a terminal."""

    def __init__(self, folder: Path, count: int, work: str, stop_seconds: float) -> None:
        self.folder, self.count = folder, count
        self.output = folder / "output"
        code = f"{PRELUDE}\nsys.exit(WorkerPool({count}, {work}, stop_seconds={stop_seconds}).run())"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, str(folder)],
                cwd=CHECKOUT,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def pids(self, seat: int) -> list[int]:
        file = self.folder / f"seat-{seat}"
        return [int(pid) for pid in file.read_text().split()] if file.exists() else []

    def pid(self, seat: int, number: int = 1) -> int:
        """The pid of the seat's n-th process, when it has come."""
        wait_until(lambda: len(self.pids(seat)) >= number, f"seat {seat} has been taken {number} times")
        return self.pids(seat)[number - 1]

    def all_pids(self) -> list[int]:
        return [self.pid(seat) for seat in range(self.count)]

    def log(self) -> str:
        return self.output.read_text()


Start = Callable[..., Pool]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Pool] = []

    def run(count: int, work: str, stop_seconds: float = LONG) -> Pool:
        started.append(Pool(tmp_path, count, work, stop_seconds))
        return started[-1]

    yield run
    for pool in started:
        pool.process.kill()
        pool.process.wait()
        for pid in (pid for seat in range(pool.count) for pid in pool.pids(seat) if lives(pid)):
            os.kill(pid, signal.SIGKILL)


def lives(pid: int) -> bool:
    return arguments_of(pid) is not None


def test_a_killed_worker_is_started_again_in_its_seat_and_the_others_go_on(start: Start) -> None:
    pool = start(3, "patient")
    first, second, third = pool.all_pids()
    os.kill(second, signal.SIGKILL)
    again = pool.pid(1, 2)
    assert again != second
    assert all(map(lives, (first, again, third)))
    assert "worker 2 died (SIGKILL), starting it again in 0.2 s" in pool.log()


def test_a_worker_that_keeps_failing_is_started_less_and_less_often(start: Start) -> None:
    pool = start(1, "failing")
    wait_until(lambda: "0.8 s" in pool.log(), "a pause of 0.8 s")
    pauses = [line for line in pool.log().splitlines() if "died" in line]
    assert pauses == [f"worker 1 died (exit code 1), starting it again in {seconds} s" for seconds in (0.2, 0.4, 0.8)]
    assert "RuntimeError: no more" in pool.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_end_when_the_command_is_asked_to(start: Start, number: signal.Signals) -> None:
    pool = start(3, "patient")
    pids = pool.all_pids()
    pool.process.send_signal(number)
    assert pool.process.wait(60) == 0
    assert not any(map(lives, pids))


def test_a_ctrl_c_in_the_terminal_which_reaches_all_of_them_is_a_stop_too(start: Start) -> None:
    pool = start(3, "patient")
    pids = pool.all_pids()
    os.killpg(pool.process.pid, signal.SIGINT)
    assert pool.process.wait(60) == 0
    assert not any(map(lives, pids))
    assert "died" not in pool.log()


def test_a_worker_that_does_not_stop_is_killed_when_its_time_is_up(start: Start) -> None:
    pool = start(2, "stubborn", stop_seconds=1.0)
    pids = pool.all_pids()
    began = time.monotonic()
    pool.process.terminate()
    assert pool.process.wait(60) == 1
    assert time.monotonic() - began >= 1.0
    wait_until(lambda: not any(map(lives, pids)), "the workers' end")
    assert "worker 1 did not stop, killing it" in pool.log()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker looks for its parent itself, between two turns")
def test_a_parent_that_is_killed_leaves_nobody_at_work(start: Start) -> None:
    pool = start(3, "patient")
    pids = pool.all_pids()
    pool.process.kill()
    assert pool.process.wait() == -signal.SIGKILL
    wait_until(lambda: not any(map(lives, pids)), "the workers' end")
