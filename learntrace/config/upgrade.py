"""Bringing the tables up to date, by one process at a time."""

import structlog
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

log = structlog.get_logger(__name__)

_LOCK = 6_120_842


def pending_migrations() -> list[str]:
    """The names of the migrations that this version has and the database has not."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def upgrade_database() -> list[str]:
    """Run the pending migrations; return their names. Others who start at the same time wait."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            pending = pending_migrations()
            if pending:
                log.info("updating the database", migrations=len(pending))
                call_command("migrate", interactive=False, verbosity=0)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    return pending
