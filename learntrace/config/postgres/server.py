"""The embedded PostgreSQL of an installation: PostgreSQL 18 from PyPI, on a socket that nobody else can reach.

`learntrace serve` calls start(), watches it and calls stop(). Every other command says `with database.ensure():`, which
uses the running server or starts one; the last user stops it, so that no command cuts another one off.
"""

import contextlib
import enum
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psycopg

from learntrace.config.postgres import lifecycle as lifecycle
from learntrace.config.postgres.binaries import EmbeddedPostgresError, packaged, usable_by
from learntrace.config.postgres.layout import DatabaseLayout, layout_of, prepare
from learntrace.config.postgres.locks import FileLock, locked

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "StartCancelledError"]

START_SECONDS = 60.0
RECOVERY_SECONDS = 600.0  # while the server reports that it is replaying its journal
PAUSE = 0.05

# Errors that a start may meet for a moment after a kill, while children of the old server still end.
PASSING_TROUBLES = ("shared memory block", "lock file")


class StartCancelledError(EmbeddedPostgresError):
    """The process was asked to stop while the database was starting."""


class Answer(enum.Enum):
    YES = enum.auto()
    BUSY = enum.auto()  # it is there, and starting up, recovering or shutting down
    NO = enum.auto()


class EmbeddedPostgres:
    """The database of one home folder. Creating this object changes nothing and may happen in any process."""

    def __init__(self, home: Path) -> None:
        self.home = Path(home)
        self._process: subprocess.Popen[bytes] | None = None
        self._use: FileLock | None = None

    @cached_property
    def layout(self) -> DatabaseLayout:
        return layout_of(self.home)

    @property
    def url(self) -> str:
        """The libpq URL. It depends on the home folder alone, whether the database exists and runs or not."""
        name = lifecycle.NAME
        return f"postgresql://{name}@/{name}?host={quote(bytes(self.layout.sockets), safe='')}&port={lifecycle.PORT}"

    def binary(self, name: str) -> Path:
        """Return the path of a PostgreSQL program (psql, pg_dump) that the current account can run."""
        path = packaged() / name
        if not path.is_file():
            raise EmbeddedPostgresError(f"The embedded PostgreSQL has no program {name}.")
        return path

    def initialise(self) -> None:
        """Create the database, unless it exists."""
        prepare(self.layout)
        with self._alone():
            self._initialise()

    def start(self, cancelled: Callable[[], bool] = lambda: False) -> subprocess.Popen[bytes] | None:
        """Start the server as a child that ends with this process and wait until it answers; None if one runs already.

        Called from another thread than the main one, the child does not end with us. Raises EmbeddedPostgresError with
        the last lines of its log when it cannot start, StartCancelledError as soon as `cancelled` says so.
        """
        prepare(self.layout)
        if self._use is None:
            self._use = self._user()
        with self._alone():
            process = self._bring_up(tied=True, cancelled=cancelled)
        if process is not None:
            if self._process is not None:
                self._process.poll()  # it has ended: reap it
            self._process = process
        return process

    def is_answering(self) -> bool:
        return self._ask() is Answer.YES

    def stop(self, patience: float = 5.0) -> None:
        """Stop the server, whichever process started it: fast, and after `patience` seconds immediately."""
        lifecycle.stop(self.layout, patience, self._process)
        if self._use is not None:
            self._use.release()
            self._use = None

    def trim_log(self) -> None:
        """Keep the server's log small; the process that watches the server calls it now and then."""
        lifecycle.trim_log(self.layout)

    @contextlib.contextmanager
    def ensure(self) -> Iterator[None]:
        """Have a server for the duration of a command: the running one, or one that is started for it."""
        prepare(self.layout)
        use = self._user()
        process = None
        try:
            with self._alone():
                process = self._bring_up(tied=False)  # another command may need it longer than this process lives
            yield
        finally:
            use.release()
            self._stop_if_unused()
            if process is not None and process.poll() is None:
                process.returncode = 0  # it outlives this process on purpose: no ResourceWarning

    def _user(self) -> FileLock:
        """Register as a user of the server. Waits only while the last other user is stopping it."""
        lock = FileLock(self.layout.folder / "users.lock")
        if not lock.take(shared=True, patience=START_SECONDS):
            raise EmbeddedPostgresError("Another process has been stopping the database for too long.")
        return lock

    def _stop_if_unused(self) -> None:
        with self._alone():
            users = FileLock(self.layout.folder / "users.lock")
            if users.take():
                lifecycle.stop(self.layout, patience=10.0)
                users.release()

    def _alone(self) -> contextlib.AbstractContextManager[None]:
        """Lock out other processes: starting, and stopping by the last user, happen in one process at a time."""
        return locked(self.layout.folder / "start.lock", patience=START_SECONDS + 30)

    def _initialise(self) -> Path:
        programs = usable_by(self.layout.account, self.layout.folder)
        lifecycle.initialise(self.layout, programs)
        return programs

    def _bring_up(self, *, tied: bool, cancelled: Callable[[], bool] = lambda: False) -> subprocess.Popen[bytes] | None:
        """Start the server and wait until it answers; return the new child, or None if the server ran already."""
        if self._is_there():
            return None
        programs = self._initialise()
        patience = Patience(cancelled)
        while True:
            if lifecycle.running(self.layout):  # it is starting or ending by itself
                if self._is_there():
                    return None
                patience.wait(self._ask(), "It runs, but does not answer.")
                continue
            said = lifecycle.log_size(self.layout)
            process = lifecycle.spawn(self.layout, programs, tied=tied)
            if self._comes_up(process, patience):
                return process
            reason = lifecycle.log_since(self.layout, said)
            if not any(trouble in reason for trouble in PASSING_TROUBLES):
                raise EmbeddedPostgresError(f"PostgreSQL ended with {process.returncode} while starting:\n{reason}")
            patience.wait(Answer.NO, reason)

    def _comes_up(self, process: subprocess.Popen[bytes], patience: "Patience") -> bool:
        """Wait until the server answers; return False if it ended instead."""
        try:
            while process.poll() is None:
                answer = self._ask()
                if answer is Answer.YES:
                    return process.poll() is None
                patience.wait(answer, "It runs, but does not answer.")
        except BaseException:
            lifecycle.stop(self.layout, 2.0, process)
            raise
        return False

    def _is_there(self) -> bool:
        """Whether the server answers, with our data: one whose data were deleted still answers for a minute."""
        return (self.layout.data / "postmaster.pid").exists() and self.is_answering()

    def _ask(self) -> Answer:
        try:
            psycopg.connect(self.url, connect_timeout=2, application_name="learntrace watch").close()
        except psycopg.OperationalError as error:
            text = str(error)
            if "too many clients" in text or "connection slots" in text:
                return Answer.YES  # full, hence alive
            return Answer.BUSY if "the database system is" in text else Answer.NO
        return Answer.YES


class Patience:
    """The time limit of a start: a minute, or longer while the server reports that it is recovering."""

    def __init__(self, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled
        self._began = time.monotonic()

    def wait(self, answer: Answer, trouble: str) -> None:
        if self._cancelled():
            raise StartCancelledError("Stopped while the database was starting.")
        allowed = RECOVERY_SECONDS if answer is Answer.BUSY else START_SECONDS
        if time.monotonic() - self._began > allowed:
            raise EmbeddedPostgresError(f"PostgreSQL did not start within {allowed:.0f} seconds. {trouble}")
        time.sleep(PAUSE)
