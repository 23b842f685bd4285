"""Folders for installations."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def folder_on_disk() -> Iterator[Path]:
    """Make a folder on a real disk, because durability is tested, and open to PostgreSQL's account."""
    made = Path(tempfile.mkdtemp(prefix="learntrace-faults-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)
