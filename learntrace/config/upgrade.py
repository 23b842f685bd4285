"""Run pending migrations, one process at a time."""

import time

import structlog
from django.core.management import call_command
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.migrations.executor import MigrationExecutor

from learntrace.config import new_database

log = structlog.get_logger(__name__)

_LOCK = 6_120_842
_PAUSE = 0.1


def pending_migrations() -> list[str]:
    """Return the names of the migrations that the database has not run yet."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def upgrade_database() -> list[str]:
    """Run the pending migrations; return their names. A new database gets all tables at once.

    Processes that start at the same time wait.
    """
    with connection.cursor() as cursor:
        # A statement that waits would hold a snapshot, for whose end an index that is made concurrently waits: a deadlock.
        while not _locked(cursor):
            time.sleep(_PAUSE)
        try:
            pending = pending_migrations()
            if pending and new_database.is_empty():
                log.info("creating the tables")
                new_database.create_tables()
            elif pending:
                log.info("updating the database", migrations=len(pending))
            if pending:
                call_command("migrate", interactive=False, verbosity=0)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    return pending


def _locked(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
    return bool(cursor.fetchone()[0])
