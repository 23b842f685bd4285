"""Management commands that change what is stored. Their runs are recorded before they begin: many are several transactions."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from learntrace.accounts.audit.actions import COMMAND_RUN
from learntrace.accounts.audit.recording import record

# Django's own options, and the one with which nothing changes.
_NOT_TOLD = frozenset((
    "stdout", "stderr", "verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color", "skip_checks",
    "dry_run", "force",
))  # fmt: skip


def record_run(command: str, **told: str) -> None:
    """Record that a command begins to run, with its options."""
    with transaction.atomic():
        record(COMMAND_RUN, after={"command": command, **told})


class RecordedCommand(BaseCommand):
    """A command whose runs are recorded with their options, unless they only tell what would change."""

    def execute(self, *args: Any, **options: Any) -> Any:
        if not options.get("dry_run"):
            name = type(self).__module__.rpartition(".")[2]
            told = {key: value for key, value in options.items() if key not in _NOT_TOLD and value not in (None, False)}
            record_run(name, **{key: str(value)[:200] for key, value in told.items()})
        return super().execute(*args, **options)
