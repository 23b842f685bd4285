"""Check and hash a roster's passwords: by far the slowest part, so it runs in threads and outside of any transaction."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import check_password, make_password

from learntrace.core.progress_line import ProgressLine


class PasswordBook:
    """The hashes to store for a roster's passwords.

    A roster is compared once to collect the passwords, then they are hashed (`work`), then it is compared again.
    """

    def __init__(self) -> None:
        self._encoded: dict[tuple[str, str], str] = {}
        self._pending: set[tuple[str, str]] = set()

    def encoded(self, stored: str, password: str) -> str:
        """Return the hash to store: `stored` (empty for a new user) if it matches the password or until `work` is done."""
        pair = (stored, password)
        if pair not in self._encoded:
            self._pending.add(pair)
        return self._encoded.get(pair, stored)

    @property
    def complete(self) -> bool:
        return not self._pending

    def work(self, *, check_only: bool = False) -> None:
        """Check and hash the collected passwords; `check_only` hashes none, and only finds those that would change."""
        pairs, self._pending = sorted(self._pending), set()
        progress = ProgressLine("passwords", len(pairs), for_people=True)
        # scrypt releases Python's global lock, so that threads use all processors.
        with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
            encoded: Iterator[str] = threads.map(lambda pair: _encode(*pair, check_only=check_only), pairs)
            for pair, hashed in zip(pairs, encoded, strict=True):
                self._encoded[pair] = hashed
                progress.advance()


def _encode(stored: str, password: str, *, check_only: bool) -> str:
    if stored and check_password(password, stored):
        return stored
    return "!" if check_only else make_password(password)
