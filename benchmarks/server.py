"""The server that is measured: an installation of its own, with as many workers as one has by default."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.installation import Installation
from tests.faults.processes import frozen


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


def wait_for_the_queues() -> None:
    """Wait until the workers have done what was sent, so that what follows is measured on a machine as free as before."""
    from learntrace.learnpack.models import UnreadDocument, Webhook
    from learntrace.notebooks.models import Arrival

    while (
        Webhook.objects.filter(status="PENDING").exists() or UnreadDocument.objects.exists() or Arrival.objects.exists()
    ):
        time.sleep(0.05)


@contextmanager
def workers_stopped(installation: Installation) -> Iterator[None]:
    """Suspend the workers once they have nothing to do; at the end they go on, and do what was sent meanwhile."""
    wait_for_the_queues()
    with frozen([*installation.find("worker"), *installation.find("forked_worker")]):
        yield
