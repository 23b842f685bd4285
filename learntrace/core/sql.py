"""SQL by hand: one call a statement, and rows sent to PostgreSQL as one JSON document.

All of it runs on Django's connection and so in the open transaction.

`prepared` has PostgreSQL keep a statement's plan for the connection: to plan one with a handful of joins takes it ten times as
long as to run it for a lone event. For statements of a worker's turns whose plan doesn't depend on their parameters: they look
rows up by an index. A plan is made again whenever a table was analysed or altered.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg
from django.db import NotSupportedError, OperationalError, connection

Parameters = Sequence[Any] | Mapping[str, Any]  # what psycopg can adapt


def fetch(statement: str, parameters: Parameters = (), *, prepared: bool = False) -> list[tuple[Any, ...]]:
    """Run a statement and return all of its rows."""
    with _cursor(prepared) as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def fetch_one(statement: str, parameters: Parameters = ()) -> tuple[Any, ...] | None:
    """Run a statement and return its first row, None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def execute(statement: str, parameters: Parameters = (), *, prepared: bool = False) -> int:
    """Run a statement that returns no rows; return how many rows it changed."""
    with _cursor(prepared) as cursor:
        cursor.execute(statement, parameters)
        changed: int = cursor.rowcount
        return changed


@contextmanager
def _cursor(prepared: bool) -> Iterator[Any]:
    if not prepared:
        with connection.cursor() as cursor:
            yield cursor
        return
    connection.ensure_connection()
    # Django's own cursors put the parameters into the text, which can't be prepared.
    with connection.wrap_database_errors:
        bound = psycopg.Cursor(connection.connection)
    with connection.make_cursor(bound) as cursor:
        try:
            yield cursor
        except NotSupportedError as error:
            # "cached plan must not change result type": an upgrade has altered a table meanwhile. The connection goes on
            # without plans, and the caller's transaction is tried again as after any loss of a connection.
            connection.connection.prepare_threshold = None
            raise OperationalError(str(error)) from error


def json_rows(rows: Iterable[object]) -> str:
    """Rows as the text for a `jsonb_to_recordset(%s::jsonb)`: mappings or dataclasses whose names are the columns."""
    return msgspec.json.encode(list(rows)).decode()
