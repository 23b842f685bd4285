"""A pytest plugin that is loaded before Django's settings: gives the tests a real PostgreSQL.

The embedded one, in a folder of its own, unless LEARNTRACE_DATABASE_URL names a server. Either way the tests work in a
database of their own beside it.
"""

import contextlib
import gc
import os
from pathlib import Path
from unittest.mock import patch

import pytest

from learntrace.config.postgres.lifecycle import SETTINGS
from learntrace.config.postgres.server import EmbeddedPostgres
from tests.support.paths import CHECKOUT

_leave = contextlib.ExitStack()
# All tests and all that they are about is loaded, and stays: to look for garbage in it takes a fifth of the time.
gc.disable()

os.environ.setdefault("LEARNTRACE_HOME", str(CHECKOUT / "var" / "test"))
# Settings of the shell that would change what is tested.
for _name in ("LEARNTRACE_BROKER_URL", "LEARNTRACE_DEBUG", "PROMETHEUS_MULTIPROC_DIR"):
    os.environ.pop(_name, None)
os.environ["LEARNTRACE_LOG_LEVEL"] = "warning"

_embedded = EmbeddedPostgres(Path(os.environ["LEARNTRACE_HOME"]))
_URL = os.environ.get("LEARNTRACE_DATABASE_URL") or _embedded.url
os.environ["LEARNTRACE_DATABASE_URL"] = _URL


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the embedded server, unless all tests are unit tests, which need none."""
    _leave_collected_alone()
    if not all(item.nodeid.startswith("tests/unit/") for item in session.items):
        start()


def start() -> None:
    """Start the embedded server until the process ends, unless another server is named."""
    # A worker has got the embedded one's URL from the process that started it, and both use the server.
    if _embedded.url == _URL:
        # This one needn't survive a loss of power; the installations that are killed have databases of their own.
        with patch.dict(SETTINGS, fsync="off"):
            _leave.enter_context(_embedded.ensure())


def _leave_collected_alone() -> None:
    gc.freeze()
    # Tests make many objects that live for a moment: at the usual 700 the collector takes a tenth of the unit tests' time.
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    _leave.close()
