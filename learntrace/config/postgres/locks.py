"""File locks between processes that share one embedded database; the kernel releases them when the holder ends."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from learntrace.config.postgres.binaries import EmbeddedPostgresError
from learntrace.config.postgres.layout import open_within

PAUSE = 0.05


class FileLock:
    """A lock file held by one process, shared or exclusive. Child programs do not inherit it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def take(self, *, shared: bool = False, patience: float = 0) -> bool:
        """Acquire the lock, trying for `patience` seconds; return whether it was acquired."""
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
    """Hold an exclusive lock; raise if another process holds it for more than `patience` seconds."""
    lock = FileLock(path)
    if not lock.take(patience=patience):
        raise EmbeddedPostgresError(f"Another process starts or stops the database, for too long by now ({path}).")
    try:
        yield
    finally:
        lock.release()
