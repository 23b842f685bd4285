"""A pytest plugin that is loaded before Django's settings: gives the tests a real PostgreSQL.

The embedded one, in a folder of its own, unless LEARNTRACE_DATABASE_URL names a server. Either way the tests work in a
database of their own beside it.
"""

import contextlib
import os
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.support.paths import CHECKOUT

_leave = contextlib.ExitStack()

os.environ.setdefault("LEARNTRACE_HOME", str(CHECKOUT / "var" / "test"))
# Settings of the shell that would change what is tested.
for _name in ("LEARNTRACE_BROKER_URL", "LEARNTRACE_DEBUG", "PROMETHEUS_MULTIPROC_DIR"):
    os.environ.pop(_name, None)
os.environ["LEARNTRACE_LOG_LEVEL"] = "warning"

if not os.environ.get("LEARNTRACE_DATABASE_URL"):
    from learntrace.config.postgres.lifecycle import SETTINGS
    from learntrace.config.postgres.server import EmbeddedPostgres

    _embedded = EmbeddedPostgres(Path(os.environ["LEARNTRACE_HOME"]))
    # This one needn't survive a loss of power; the installations that are killed have databases of their own.
    with patch.dict(SETTINGS, fsync="off"):
        _leave.enter_context(_embedded.ensure())
    os.environ["LEARNTRACE_DATABASE_URL"] = _embedded.url


def pytest_unconfigure(config: pytest.Config) -> None:
    _leave.close()
