"""How processes that share one embedded database agree: file locks, which the kernel drops with whoever held them."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from learntrace.config.postgres_binaries import EmbeddedPostgresError
from learntrace.config.postgres_place import open_within

PAUSE = 0.05


class FileLock:
    """One process's hold on a lock file, shared or exclusive. Not inherited by programs that we start."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def take(self, *, shared: bool = False, patience: float = 0) -> bool:
        """Take it, trying for `patience` seconds; whether it worked."""
        file = open_within(self.path, os.O_RDWR)
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(file)
                    return False
                time.sleep(PAUSE)
            except BaseException:
                os.close(file)
                raise
            else:
                self.release()
                self._file = file
                return True

    @property
    def taken(self) -> bool:
        return self._file is not None

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


@contextlib.contextmanager
def locked(path: Path, *, patience: float) -> Iterator[None]:
    """Alone in here; an error when another process stays inside for more than `patience` seconds."""
    lock = FileLock(path)
    if not lock.take(patience=patience):
        raise EmbeddedPostgresError(f"Another process starts or stops the database, for too long by now ({path}).")
    try:
        yield
    finally:
        lock.release()
