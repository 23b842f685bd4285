"""The database that those of the tests are copied from: it has its tables already, which take seconds to make.

It stays for the next run, until a migration changes.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management import call_command
from django.db import connection

from tests.support.paths import CHECKOUT

_PREFIX = "learntrace_tests_"


def ensure_template() -> str:
    """Return the template's name; whoever comes first makes it, and others wait meanwhile."""
    name = _PREFIX + _digest()
    with _alone(), connection._nodb_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_PREFIX])
        found = {row[0] for row in cursor.fetchall()}
        if name not in found:
            for earlier in found:
                cursor.execute(f'DROP DATABASE "{earlier}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{_PREFIX}unfinished"')
            _migrate(f"{_PREFIX}unfinished")
            cursor.execute(f'ALTER DATABASE "{_PREFIX}unfinished" RENAME TO "{name}"')
    return name


def _digest() -> str:
    """Return what the tables depend on: our migrations, and the packages that bring some."""
    digest = hashlib.sha256((CHECKOUT / "requirements" / "base.txt").read_bytes())
    for path in sorted((CHECKOUT / "learntrace").glob("*/migrations/*.py")):
        digest.update(f"{path.relative_to(CHECKOUT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _alone() -> Iterator[None]:
    home = Path(os.environ["LEARNTRACE_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    with (home / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _migrate(name: str) -> None:
    usual = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        call_command("migrate", verbosity=0, interactive=False)
        # Tests that commit empty all tables afterwards.
        connection.cursor().execute("ALTER TABLE accounts_auditentry DISABLE TRIGGER audit_entries_stay")
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual
