"""Passwords are hashed by two threads of a process: a hash takes a tenth of a second, and anybody may ask for one.

Every door uses the hasher: the API, the sign-in page and the administration.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from django.contrib.auth.hashers import ScryptPasswordHasher
from django.db import connection
from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import Problem

AT_ONCE: Final = 2
MOST_WAITING: Final = 40
_NICENESS = 10


class TooManyLogins(Problem):
    """So many wait for their password to be checked that the next one would wait for seconds."""

    status_code = 429
    slug = "too-many-logins"
    text = _("Too many people are signing in at this moment. Please try again")

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "2"}


def _give_way() -> None:
    """Let requests go first; on Linux a thread has a niceness of its own."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


class _Line:
    """The threads that hash, and a bounded line before them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, "password", initializer=_give_way)
        self._places = threading.BoundedSemaphore(AT_ONCE + MOST_WAITING)

    def run(self, work: Callable[[], str]) -> str:
        """Run the work when its turn comes.

        Raises TooManyLogins when the line is full.
        """
        if not self._places.acquire(blocking=False):
            raise TooManyLogins
        try:
            return self._threads.submit(work).result()
        finally:
            self._places.release()


_lines: dict[int, _Line] = {}
_lock = threading.Lock()


def _line() -> _Line:
    """Return this process's line: a forked process has none of its parent's threads."""
    with _lock:
        return _lines.setdefault(os.getpid(), _Line())


class PatientScryptHasher(ScryptPasswordHasher):
    """Scrypt as Django's, when its turn comes."""

    def encode(self, password: str, salt: str, n: int | None = None, r: int | None = None, p: int | None = None) -> str:
        """Hash a password; raises TooManyLogins."""
        if not connection.in_atomic_block:
            # Back to the pool: whoever waits here must not keep other requests from the database.
            connection.close()
        return _line().run(lambda: super(PatientScryptHasher, self).encode(password, salt, n, r, p))
