"""Encrypt and decrypt texts with the installation's keys (`LEARNTRACE_ENCRYPTION_KEYS`).

The first key encrypts, all of them decrypt, so that a new key can be put before an old one while servers run.
"""

from functools import lru_cache
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

PREFIX: Final = "enc1:"
"""Begins each encrypted text; what has none was stored before there was a key."""


class Unreadable(str):
    """A text whose key is missing: empty for whoever reads it, and stored again as it was, so that nothing is lost."""

    __slots__ = ("stored",)
    stored: str

    def __new__(cls, stored: str) -> "Unreadable":
        text = super().__new__(cls, "")
        text.stored = stored
        return text


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


_keys: tuple[str, ...] = ()


def _current(*, again: bool = False) -> MultiFernet:
    global _keys
    if again or not _keys:
        _keys = tuple(settings.ENCRYPTION_KEYS())
    return _fernet(_keys)


def encrypt(text: str) -> str:
    """Return a text as it is stored; an empty one stays empty, an unreadable one as it was."""
    if isinstance(text, Unreadable):
        return text.stored
    return PREFIX + _current().encrypt(text.encode()).decode() if text else text


def decrypt(stored: str) -> str:
    """Return a stored text as it was given, Unreadable where its key is missing."""
    if not stored.startswith(PREFIX):
        return stored
    token = stored.removeprefix(PREFIX).encode()
    for again in (False, True):
        # Another process may have added a key since this one has read them.
        try:
            return _current(again=again).decrypt(token).decode()
        except InvalidToken:
            continue
    return Unreadable(stored)


def with_newest_key(stored: str) -> str:
    """Return a stored text encrypted with the first key; one that can't be read as it is."""
    return encrypt(decrypt(stored))


def forget_keys() -> None:
    """Have the keys read again."""
    global _keys
    _keys = ()
