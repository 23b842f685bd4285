"""SQL by hand: one call a statement, and rows sent to PostgreSQL as one JSON document.

All of it runs on Django's connection and so in the open transaction. A worker runs few statements very often, and planning one
takes twice as long as its work; so there the database keeps the plans (`prepare_statements`).
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
import psycopg
from django.db import ProgrammingError, connection, transaction

Parameters = Sequence[Any] | Mapping[str, Any]  # what psycopg can adapt

# More than a worker has statements; each takes some 50 KB of the database's memory.
_MOST_PREPARED = 1000
# So often a connection's plans are made anew: tables grow faster than the database notices.
_PLANS_SECONDS = 20.0


@dataclass
class _Preparing:
    """Whether this process has the database keep its statements' plans, and the connections that have been told so.

    `tried` are the statements that have been prepared; `refused` are those that can't be, and are run as everywhere else.
    """

    on: bool = False
    made_at: "WeakKeyDictionary[psycopg.Connection[Any], float]" = field(default_factory=WeakKeyDictionary)
    tried: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)


_preparing = _Preparing()


def prepare_statements() -> None:
    """Have the database keep the plans of all statements of this process from now on.

    For a process that starts over with a new connection when a statement fails: the plans of a connection from before an
    upgrade of the tables may fail.
    """
    _preparing.on = True


@contextmanager
def _executed(statement: str, parameters: Parameters) -> Iterator[Any]:
    prepared = _execute_prepared(statement, parameters) if _preparing.on else None
    if prepared is not None:
        with prepared:
            yield prepared
        return
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        yield cursor


def _execute_prepared(statement: str, parameters: Parameters) -> "psycopg.Cursor[tuple[Any, ...]] | None":
    """Run a statement with its kept plan; None where it can't be prepared, and then nothing has happened.

    A parameter in two places may need two types, which a literal in the text can have and a prepared parameter can't. So
    the first run of each statement has a savepoint.
    """
    if statement in _preparing.refused:
        return None
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    raw: psycopg.Connection[tuple[Any, ...]] = connection.connection
    cursor = psycopg.Cursor(raw)
    first = statement not in _preparing.tried
    try:
        with transaction.atomic() if first else nullcontext(), connection.wrap_database_errors:
            _keep_plans(raw)
            cursor.execute(statement, parameters, prepare=True)
    except ProgrammingError:
        _preparing.refused.add(statement)
        if first:
            return None
        # With other parameters than the first ones; the next attempt of the turn succeeds.
        raise
    _preparing.tried.add(statement)
    return cursor


def _keep_plans(raw: psycopg.Connection[Any]) -> None:
    """Have the connection keep one plan of each statement, for all parameters, and forget old plans."""
    now = time.monotonic()
    made_at = _preparing.made_at.get(raw)
    if made_at is not None and now - made_at < _PLANS_SECONDS:
        return
    if made_at is None:
        # Django switches prepared statements off; its own statements can't be prepared anyway.
        raw.prepare_threshold, raw.prepared_max = 0, _MOST_PREPARED
        # Our statements' rows come as one JSON document or array, of whose contents a plan knows nothing anyway.
        raw.execute("SELECT set_config('plan_cache_mode', 'force_generic_plan', false)")
    raw.execute("DISCARD PLANS")
    _preparing.made_at[raw] = now


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
