"""What is copied because its tables take seconds to make: a database for tests in this process, a home for real servers.

They stay for the next run, until a migration changes. A server's very first start has tests of its own.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from learntrace.config.upgrade import upgrade_database
from tests.support.folders import folder_on_disk
from tests.support.paths import CHECKOUT

_PREFIX = "learntrace_tests_"
_HOME_PREFIX = "prepared-"
# Of this process; outside of pytest nothing has said another one.
_HOME = Path(os.environ.get("LEARNTRACE_HOME") or CHECKOUT / "var" / "test")


def ensure_template() -> str:
    """Return the template's name; whoever comes first makes it, and others wait meanwhile."""
    name = _PREFIX + _digest("*/migrations/*.py", "config/tables.sql")
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


def copy_prepared_home(home: Path) -> None:
    """Make a home as the first `learntrace migrate` leaves it; whoever comes first makes the one that is copied."""
    made = _HOME / (_HOME_PREFIX + _digest("*/migrations/*.py", "config/tables.sql", "config/postgres/*.py"))
    with _alone():
        if not made.exists():
            for earlier in _HOME.glob(f"{_HOME_PREFIX}*"):
                shutil.rmtree(earlier)
            unfinished = _HOME / f"{_HOME_PREFIX}unfinished"
            # Not there itself: where PostgreSQL's account can't enter, a home has a link to its database instead.
            with folder_on_disk() as folder:
                _make_home(folder / "var")
                _copy(folder / "var", unfinished)
            unfinished.rename(made)
    _copy(made, home)


def _copy(home: Path, to: Path) -> None:
    # The database's files belong to an account of their own where the tests run as root.
    subprocess.run(["cp", "-a", str(home), str(to)], check=True)


def _make_home(home: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LEARNTRACE_", "DJANGO_"))}
    ran = subprocess.run(
        [sys.executable, "-m", "learntrace.config", "migrate"],
        cwd=CHECKOUT,
        env=kept | {"LEARNTRACE_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _digest(*patterns: str) -> str:
    """Return what the tables depend on: files of ours, and the packages that bring some."""
    digest = hashlib.sha256((CHECKOUT / "requirements" / "base.txt").read_bytes())
    for path in sorted(found for pattern in patterns for found in (CHECKOUT / "learntrace").glob(pattern)):
        digest.update(f"{path.relative_to(CHECKOUT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _alone() -> Iterator[None]:
    _HOME.mkdir(parents=True, exist_ok=True)
    with (_HOME / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _migrate(name: str) -> None:
    usual = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        upgrade_database()
        # Tests that commit empty all tables afterwards.
        connection.cursor().execute("ALTER TABLE accounts_auditentry DISABLE TRIGGER audit_entries_stay")
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual
