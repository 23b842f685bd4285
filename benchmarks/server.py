"""The server that is measured: an installation of its own, with as many workers as one has by default."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.installation import Installation


@contextmanager
def running() -> Iterator[Installation]:
    """Start an installation and set Django up for its database; remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="learntrace-bench-"))
    folder.chmod(0o755)
    installation = Installation(folder / "home", workers=0)
    try:
        installation.start()
        os.environ |= {
            "LEARNTRACE_DATABASE_URL": installation.database_url,
            "LEARNTRACE_HOME": str(installation.home),
            "DJANGO_SETTINGS_MODULE": "learntrace.config.settings",
            "LEARNTRACE_LOG_LEVEL": "warning",
        }
        import django

        django.setup()
        yield installation
    finally:
        installation.clear()
        shutil.rmtree(folder, ignore_errors=True)
