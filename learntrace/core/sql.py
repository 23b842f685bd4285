"""SQL by hand: one call a statement, and rows sent to PostgreSQL as one JSON document.

All of it runs on Django's connection and so in the open transaction. Unlike Django's own statements, these send their
parameters beside the text (server-side binding), so that a worker's connection plans each of them once: planning takes twice
as long as a short statement's work.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg
from django.db import connection

Parameters = Sequence[Any] | Mapping[str, Any]  # what psycopg can adapt

# More than a worker has statements; each takes some 50 KB of the database's memory.
_MOST_PREPARED = 1000


@dataclass
class _Preparing:
    """Whether this process has the database keep its statements' plans."""

    on: bool = False


_preparing = _Preparing()


def prepare_statements() -> None:
    """Have the database keep the plans of all statements of this process from now on.

    For a process that starts over with a new connection when a statement fails: the plans of a connection from before an
    upgrade of the tables may fail.
    """
    _preparing.on = True


@contextmanager
def _executed(statement: str, parameters: Parameters) -> Iterator[Any]:
    if connection.queries_logged:
        # Only Django's own cursor logs.
        with connection.cursor() as logging:
            logging.execute(statement, parameters)
            yield logging
        return
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    raw: psycopg.Connection[tuple[Any, ...]] = connection.connection
    with connection.wrap_database_errors, psycopg.Cursor(raw) as cursor:
        if _preparing.on:
            raw.prepared_max = _MOST_PREPARED
        cursor.execute(statement, parameters, prepare=_preparing.on)
        yield cursor


def fetch(statement: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
    """Run a statement and return all of its rows."""
    with _executed(statement, parameters) as cursor:
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def fetch_one(statement: str, parameters: Parameters = ()) -> tuple[Any, ...] | None:
    """Run a statement and return its first row, None where there is none."""
    with _executed(statement, parameters) as cursor:
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def execute(statement: str, parameters: Parameters = ()) -> int:
    """Run a statement that returns no rows; return how many rows it changed."""
    with _executed(statement, parameters) as cursor:
        changed: int = cursor.rowcount
        return changed


def json_rows(rows: Iterable[object]) -> str:
    """Rows as the text for a `jsonb_to_recordset(%s::jsonb)`: mappings or dataclasses whose names are the columns."""
    return msgspec.json.encode(list(rows)).decode()
