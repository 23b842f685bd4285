"""SQL by hand: one call a statement, and rows sent to PostgreSQL as one JSON document.

All of it runs on Django's connection and so in the open transaction.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import msgspec
from django.db import DEFAULT_DB_ALIAS, connections

from learntrace.core.postgresql.base import DatabaseWrapper

Parameters = Sequence[Any] | Mapping[str, Any]  # what psycopg can adapt
Fact = TypeVar("Fact")

# What was read in the turn that runs, by a name; None outside of turns.
_facts: ContextVar[dict[Hashable, Any] | None] = ContextVar("facts", default=None)


@contextmanager
def prepared() -> Iterator[None]:
    """Have the server plan the statements that run within this once a connection, and not each time.

    For workers' turns, which run the same few statements all the time. The server finds out the parameters' types then: one
    that is used twice in a statement has the same type in both places, or a cast. A turn is one transaction; what
    `once_a_turn` reads in it is kept until its end.
    """
    token = _facts.set({})
    try:
        yield
    finally:
        _facts.reset(token)


def once_a_turn(name: Hashable, read: Callable[[], Fact]) -> Fact:
    """Return what `read` returns, in a worker's turn the same for the same name; for settings, which no turn changes."""
    facts = _facts.get()
    if facts is None:
        return read()
    if name not in facts:
        facts[name] = read()
    fact: Fact = facts[name]
    return fact


def _cursor() -> AbstractContextManager[Any]:
    wrapper = connections[DEFAULT_DB_ALIAS]
    if _facts.get() is not None and isinstance(wrapper, DatabaseWrapper):
        return wrapper.prepared_cursor()
    return wrapper.cursor()


def fetch(statement: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
    """Run a statement and return all of its rows."""
    with _cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def fetch_one(statement: str, parameters: Parameters = ()) -> tuple[Any, ...] | None:
    """Run a statement and return its first row, None where there is none."""
    with _cursor() as cursor:
        cursor.execute(statement, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def execute(statement: str, parameters: Parameters = ()) -> int:
    """Run a statement that returns no rows; return how many rows it changed."""
    with _cursor() as cursor:
        cursor.execute(statement, parameters)
        changed: int = cursor.rowcount
        return changed


def json_rows(rows: Iterable[object]) -> str:
    """Rows as the text for a `jsonb_to_recordset(%s::jsonb)`: mappings or dataclasses whose names are the columns."""
    return msgspec.json.encode(list(rows)).decode()
