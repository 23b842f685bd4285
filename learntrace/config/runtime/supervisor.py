"""The supervisor of `learntrace serve`: starts the database and the processes, restarts what dies, stops all."""

import contextlib
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Protocol

from learntrace.config.postgres.binaries import EmbeddedPostgresError
from learntrace.config.runtime.processes import dies_with_us

log = logging.getLogger("learntrace.serve")

TICK = 0.1
WATCH_SECONDS = 2.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
HEALTHY_SECONDS = 30.0
STOP_SECONDS = 10.0  # for everything, unless LEARNTRACE_STOP_SECONDS says otherwise: service managers kill after 10
_MARGIN = 0.5  # reserved for the supervisor's own exit
_FOR_DATABASE = 2.0  # reserved for the database, which stops after the children
SAME_CTRL_C_SECONDS = 0.5  # a terminal and a wrapper (make, npm) each forward one Ctrl-C


class Database(Protocol):
    """The database that the supervisor owns; EmbeddedPostgres is one."""

    def start(self, cancelled: Callable[[], bool] = ...) -> subprocess.Popen[bytes] | None: ...
    def is_answering(self) -> bool: ...
    def stop(self, patience: float = ...) -> None: ...
    def trim_log(self) -> None: ...


@dataclass(frozen=True)
class Child:
    """A process to keep running. `env` is its whole environment, None to inherit. The next child waits for `is_ready`."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] | None = None
    is_ready: Callable[[], bool] | None = None
    ready_seconds: float = 30.0


class Pause:
    """The delay before the next attempt: longer each time, short again after a healthy period."""

    def __init__(self) -> None:
        self._next = FIRST_PAUSE
        self._until = 0.0
        self._began = 0.0

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._until

    def began(self) -> None:
        self._began = time.monotonic()

    def failed(self) -> float:
        """Note a failure; return the seconds until the next attempt."""
        now = time.monotonic()
        if now - self._began >= HEALTHY_SECONDS:
            self._next = FIRST_PAUSE
        seconds, self._next = self._next, min(self._next * 2, LONGEST_PAUSE)
        self._until = now + seconds
        return seconds


class Running:
    """A child and its current process."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.process: subprocess.Popen[bytes] | None = None
        self._pause = Pause()

    def start(self) -> None:
        self._pause.began()
        try:
            self.process = subprocess.Popen(  # noqa: S603 - the commands are ours
                list(self.child.command),
                env=self.child.env,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C in the terminal reaches the supervisor only, which stops all in order
                preexec_fn=dies_with_us(signal.SIGTERM),
            )
        except OSError as error:
            log.error("%s cannot start (%s), next attempt in %.1f s", self.child.name, error, self._pause.failed())
            return
        log.info("%s started, pid %d", self.child.name, self.process.pid)

    def restart_if_ended(self) -> None:
        """Notice when the process has ended, and restart it when its pause is over."""
        if self.process is None:
            if self._pause.over:
                self.start()
        elif self.process.poll() is not None:
            ending = ending_of(self.process.returncode)
            self.kill_group()
            self.process = None
            log.error("%s died (%s), starting it again in %.1f s", self.child.name, ending, self._pause.failed())

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def terminate(self) -> None:
        if self.process is not None and self.alive:
            self.process.terminate()

    def kill_group(self) -> None:
        """Kill the child's process group: its own children would keep the port."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS raises the second for a group of zombies
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def ending_of(returncode: int) -> str:
    """Describe how a process ended: `exit code 1`, `SIGKILL`."""
    if returncode >= 0:
        return f"exit code {returncode}"
    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return f"signal {-returncode}"


class Supervisor:
    """Runs the database and the children until SIGTERM, SIGINT or SIGHUP. Use it in the main thread."""

    def __init__(
        self, children: Sequence[Child], database: Database | None = None, *, stop_seconds: float = STOP_SECONDS
    ) -> None:
        self._running = [Running(child) for child in children]
        self._database = database
        self._stop_seconds = stop_seconds
        self._database_process: subprocess.Popen[bytes] | None = None
        self._database_pause = Pause()
        self._next_watch = 0.0
        self._asked_at: float | None = None
        self._stop_at_once = False

    def run(self) -> int:
        """Run until asked to stop; return the exit code: 0 after a clean stop, 1 if the database cannot start."""
        before = {number: signal.signal(number, self._ask_to_stop) for number in _stop_signals()}
        try:
            try:
                self._start()
                while not self.stopping():
                    self._restart_ended()
                    time.sleep(TICK)
            except EmbeddedPostgresError as error:
                if not self.stopping():
                    log.error("%s", error)
                    return 1
            finally:
                self._stop()
            return 0
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def stopping(self) -> bool:
        return self._asked_at is not None

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
        elif now - self._asked_at > SAME_CTRL_C_SECONDS:
            self._stop_at_once = True

    def _start(self) -> None:
        if self._database is not None:
            self._database_pause.began()
            self._database_process = self._database.start(self.stopping)
            self._next_watch = time.monotonic() + WATCH_SECONDS
        for running in self._running:
            if self.stopping():
                return
            running.start()
            self._wait_until_ready(running)

    def _wait_until_ready(self, running: Running) -> None:
        is_ready = running.child.is_ready
        if is_ready is None:
            return
        deadline = time.monotonic() + running.child.ready_seconds
        while not self.stopping():
            if running.alive and is_ready():
                log.info("%s is ready", running.child.name)
                return
            if time.monotonic() > deadline:
                log.warning("%s is not ready after %.0f s, going on", running.child.name, running.child.ready_seconds)
                return
            self._restart_database_if_away()
            running.restart_if_ended()
            time.sleep(TICK)

    def _restart_ended(self) -> None:
        self._restart_database_if_away()
        for running in self._running:
            running.restart_if_ended()

    def _restart_database_if_away(self) -> None:
        """Restart the database when its process has ended or it does not answer."""
        database, now = self._database, time.monotonic()
        ended = self._database_process is not None and self._database_process.poll() is not None
        if database is None or not self._database_pause.over or (now < self._next_watch and not ended):
            return
        self._next_watch = now + WATCH_SECONDS
        if not ended and database.is_answering():
            database.trim_log()
            return
        how = f" ({ending_of(self._database_process.returncode)})" if ended and self._database_process else ""
        log.error("the database stopped answering%s, starting it again", how)
        try:
            started = database.start(self.stopping)
        except EmbeddedPostgresError as error:
            if not self.stopping():
                pause = self._database_pause.failed()
                log.error("the database cannot start, next attempt in %.1f s: %s", pause, error)
        else:
            if started or ended:  # otherwise it recovered by itself
                self._database_process = started
            self._database_pause.began()
            log.info("the database answers again")

    def _stop(self) -> None:
        """Ask all children to stop at once, the last started first, so that an unresponsive one delays no other."""
        began = self._asked_at or time.monotonic()
        log.info("stopping")
        for running in reversed(self._running):
            running.terminate()
        while any(running.alive for running in self._running):
            if self._stop_at_once or time.monotonic() - began > self._stop_seconds - _FOR_DATABASE:
                break
            time.sleep(TICK / 2)
        for running in self._running:
            if running.alive:
                log.warning("%s did not stop, killing it", running.child.name)
            running.kill_group()
        if self._database is not None:
            left = self._stop_seconds - _MARGIN - (time.monotonic() - began)
            self._database.stop(1.0 if self._stop_at_once else max(left, 1.0))
        log.info("stopped")


def _stop_signals() -> list[signal.Signals]:
    """SIGHUP too, when a terminal closes, but not under nohup."""
    hang_up = [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN else []
    return [signal.SIGTERM, signal.SIGINT, *hang_up]
