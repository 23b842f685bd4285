"""The keys of this installation: those that are settings, and those in the home folder, made once where no setting has one."""

import base64
import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from learntrace.config.environment import ENCRYPTION_KEYS, HOME, SECRET_KEY
from learntrace.config.setting_types import fernet_keys

_KEYS_FILE = "encryption_keys"


def secret_key() -> str:
    """Return the signing key: the setting, or the one in the home folder, which is created (mode 0600) if missing."""
    if given := SECRET_KEY.value():
        return str(given)
    return _kept("secret_key", lambda: secrets.token_urlsafe(50))


def _kept(name: str, make: Callable[[], str]) -> str:
    """Return what a file of the home folder holds; it is created with what `make` returns if it is missing."""
    path: Path = HOME.value() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make())
    except FileExistsError:
        pass
    if text := path.read_text().strip():
        return text
    # A process was killed between creating and writing it.
    path.write_text(made := make())
    return made


def encryption_keys() -> tuple[str, ...]:
    """Return the keys that encrypt secrets, the one that encrypts first; never none."""
    if given := ENCRYPTION_KEYS.value():
        return tuple(given)
    if secret := SECRET_KEY.value():
        # Machines that share a database share this setting too, and no home folder.
        digest = hashlib.sha256(f"learntrace encryption {secret}".encode()).digest()
        return (base64.urlsafe_b64encode(digest).decode(),)
    return fernet_keys(_kept(_KEYS_FILE, _new_key).replace("\n", ","))


def encryption_keys_source() -> str:
    """Return from where the keys are, for people."""
    if ENCRYPTION_KEYS.value():
        return ENCRYPTION_KEYS.name
    return SECRET_KEY.name if SECRET_KEY.value() else str(HOME.value() / _KEYS_FILE)


def encryption_keys_are_ours() -> bool:
    """Whether the keys are in the home folder, and not in a setting that only the operator changes."""
    return not (ENCRYPTION_KEYS.value() or SECRET_KEY.value())


def add_encryption_key() -> None:
    """Put a new key before those in the home folder, in one step."""
    path = HOME.value() / _KEYS_FILE
    keys = [_new_key(), *encryption_keys()]
    beside = path.with_name(f"{_KEYS_FILE}.new")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(keys))
    beside.replace(path)


def _new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
