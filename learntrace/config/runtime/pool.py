"""Several worker processes, forked from one that has loaded everything, and watched by it."""

import gc
import logging
import os
import signal
import time
from collections.abc import Callable
from types import FrameType

from learntrace.config.runtime.processes import end_with_parent
from learntrace.config.runtime.seats import Board, Seat
from learntrace.config.runtime.supervisor import Pause, ending_of

log = logging.getLogger("learntrace.workers")

# How often the parent looks after its workers.
TICK = 0.2

Work = Callable[[Seat], None]


class _Forked:
    """One seat's process."""

    def __init__(self, seat: Seat, work: Work) -> None:
        self.name = f"worker {seat.number + 1}"
        self.pid: int | None = None
        self._seat, self._work = seat, work
        self._pause = Pause()

    def start(self) -> None:
        if not self._pause.over:
            return
        self._pause.began()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            self._be_the_worker(parent)
        log.info("%s started, pid %d", self.name, self.pid)

    def _be_the_worker(self, parent: int) -> None:
        """Work until asked to stop, and end the process: what the parent would do after `start` is not the child's."""
        code = 1
        try:
            # A Ctrl-C in the terminal reaches the whole group; the parent passes it on as SIGTERM.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            # Before anything else: a parent that is killed leaves nobody at work.
            end_with_parent(signal.SIGTERM, parent)
            self._work(self._seat)
            code = 0
        except BaseException:
            log.exception("%s failed", self.name)
        finally:
            logging.shutdown()
            os._exit(code)

    def restart_if_ended(self) -> None:
        if self.pid is None:
            self.start()
        elif (ending := _ending(self.pid)) is not None:
            self.pid = None
            log.error("%s died (%s), starting it again in %.1f s", self.name, ending, self._pause.failed())

    @property
    def alive(self) -> bool:
        if self.pid is not None and _ending(self.pid) is not None:
            self.pid = None
        return self.pid is not None

    def send(self, number: signal.Signals) -> None:
        # Until it is waited for, its number belongs to no other process.
        if self.pid is not None:
            os.kill(self.pid, number)


def _ending(pid: int) -> str | None:
    """Return how a child ended, None while it runs."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return ending_of(os.waitstatus_to_exitcode(status)) if ended else None


class WorkerPool:
    """Runs workers until SIGTERM or SIGINT. Use it in the main thread of a process without other threads or connections.

    `work` is called in each of the forked processes; what is loaded before `run` is shared by all of them.
    """

    def __init__(self, count: int, work: Work, *, stop_seconds: float) -> None:
        board = Board(count)
        self._workers = [_Forked(Seat(number, board), work) for number in range(count)]
        self._stop_seconds = stop_seconds
        self._asked_at: float | None = None

    def run(self) -> int:
        """Run until asked to stop; return the exit code: 1 where a worker had to be killed."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)
        # A collection in a child would write to the objects that it shares with the others, and copy their pages.
        gc.collect()
        gc.freeze()
        while self._asked_at is None:
            for worker in self._workers:
                worker.restart_if_ended()
            time.sleep(TICK)
        return self._stop(self._asked_at)

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._asked_at = self._asked_at or time.monotonic()

    def _stop(self, asked_at: float) -> int:
        for worker in self._workers:
            worker.send(signal.SIGTERM)
        while time.monotonic() - asked_at < self._stop_seconds:
            if not any(worker.alive for worker in self._workers):
                return 0
            time.sleep(TICK / 4)
        for worker in self._workers:
            if worker.alive:
                log.warning("%s did not stop, killing it", worker.name)
                worker.send(signal.SIGKILL)
        return 1
