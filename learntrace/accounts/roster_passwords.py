"""Checking and hashing a roster's passwords: by far its slowest part, so in threads and outside of any transaction."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import check_password, make_password

from learntrace.core.progress import Progress


class PasswordBook:
    """What the stored form of each password has to be.

    A roster is compared once to learn which passwords there are, then they are worked out, then it is compared again.
    """

    def __init__(self) -> None:
        self._encoded: dict[tuple[str, str], str] = {}
        self._asked: set[tuple[str, str]] = set()

    def encoded(self, stored: str, password: str) -> str:
        """The form to store: `stored` itself (empty for a new user) as long as it fits, or isn't worked out yet."""
        pair = (stored, password)
        if pair not in self._encoded:
            self._asked.add(pair)
        return self._encoded.get(pair, stored)

    @property
    def complete(self) -> bool:
        return not self._asked

    def work(self, *, check_only: bool = False) -> None:
        """Work out what was asked. `check_only` hashes nothing: it tells which would change, not into what."""
        asked, self._asked = sorted(self._asked), set()
        progress = Progress("passwords", len(asked), for_people=True)
        # scrypt lets go of Python's lock, so that threads use all processors.
        with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
            encoded: Iterator[str] = threads.map(lambda pair: _encode(*pair, check_only=check_only), asked)
            for pair, form in zip(asked, encoded, strict=True):
                self._encoded[pair] = form
                progress.advance()


def _encode(stored: str, password: str, *, check_only: bool) -> str:
    if stored and check_password(password, stored):
        return stored
    return "!" if check_only else make_password(password)
