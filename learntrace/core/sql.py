"""SQL by hand: one call a statement, and rows sent to PostgreSQL as one JSON document.

All of it runs on Django's connection and so in the open transaction.

`prepared` has PostgreSQL keep a statement's plan for the connection: to plan one with a handful of joins takes it ten times as
long as to run it for a lone event. For statements of a worker's turns whose plan doesn't depend on their parameters: they look
rows up by an index. Plans are made again every few seconds (`core.postgresql`), as tables grow.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, cast

import msgspec
from django.db import connection

if TYPE_CHECKING:
    from learntrace.core.postgresql.base import DatabaseWrapper

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


def _cursor(prepared: bool) -> AbstractContextManager[Any]:
    # The settings name our backend, which Django's types don't know.
    return cast("DatabaseWrapper", connection).prepared_cursor() if prepared else connection.cursor()


def json_rows(rows: Iterable[object]) -> str:
    """Rows as the text for a `jsonb_to_recordset(%s::jsonb)`: mappings or dataclasses whose names are the columns."""
    return msgspec.json.encode(list(rows)).decode()
