"""The tables of a new database, created at once: its migrations one by one take ten times as long.

`tables.sql` is what the migrations lead to. `make tables` writes it, and a test holds it against them. Migrations that it
doesn't know yet run after it.
"""

from pathlib import Path

from django.db import connection, transaction

TABLES = Path(__file__).with_name("tables.sql")

_IS_EMPTY = """
SELECT NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace)
   AND NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = current_schema()::regnamespace)
"""


def is_empty() -> bool:
    """Return whether the database has neither tables nor functions."""
    with connection.cursor() as cursor:
        cursor.execute(_IS_EMPTY)
        return bool(cursor.fetchone()[0])


def create_tables() -> None:
    """Create all tables in an empty database, and note which migrations they stand for: all of it or nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TABLES.read_text())
