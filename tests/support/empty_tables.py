"""Empties the tables after a test that commits, as Django's flush does, at a tenth of its cost.

Flush truncates all tables, which makes each table's files anew, and then writes all permissions again. A test writes to
a few tables only.
"""

from typing import Any

from django.db import connection, transaction
from django.test import TransactionTestCase

# What `migrate` has written for Django itself, and tests leave as it is.
_KEPT = {"django_migrations", "django_content_type", "auth_permission"}
# Rows that were deleted stay in a table's file until it is vacuumed, and slow down whoever reads it whole.
_LARGE = 1 << 20

_flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]  # not in the types


def empty_tables_quickly() -> None:
    """Have Django's tests that commit end so, where the tests' account may (as the embedded server's does)."""

    def teardown(test_case: TransactionTestCase) -> None:
        if _is_superuser():
            _empty()
        else:
            _flush(test_case)

    TransactionTestCase._fixture_teardown = teardown  # type: ignore[attr-defined]  # not in the types


def _is_superuser() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser') = 'on'")
        return bool(cursor.fetchone()[0])


def _empty() -> None:
    tables = [table for table in connection.introspection.table_names() if table not in _KEPT]
    with transaction.atomic(), connection.cursor() as cursor:
        # Waits for whoever is still writing, as TRUNCATE does.
        cursor.execute(f"LOCK TABLE {', '.join(map(_quoted, tables))} IN SHARE ROW EXCLUSIVE MODE")
        written = _names(
            cursor, " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {_quoted(name)})" for name in tables)
        )
        # Neither foreign keys nor triggers have anything to say where all rows go.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for name in written:
            cursor.execute(f"DELETE FROM {_quoted(name)}")
        large = _names(
            cursor,
            "SELECT oid::regclass FROM pg_class WHERE oid = ANY(%s::regclass[]) AND pg_relation_size(oid) > %s",
            [[_quoted(name) for name in written], _LARGE],
        )
    if large:
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM {', '.join(large)}")


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _names(cursor: Any, statement: str, values: Any = None) -> list[str]:
    cursor.execute(statement, values)
    return [row[0] for row in cursor.fetchall()]
