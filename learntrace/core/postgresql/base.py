"""Django's PostgreSQL backend: a pool that survives a restart of the server, times that are read fast, and kept plans.

After a restart, every idle connection of the pool is dead. The pool's own check drops them one by one with growing pauses,
so that with eight of them a request fails after 10 s; here the first dead connection empties the pool.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import NotSupportedError, OperationalError
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import BaseTzLoader

_UTC_TEXT = b"+00"
# A plan is made for the tables as they are. A new installation's are empty at first, and autovacuum looks once a minute.
_PLAN_SECONDS = 10.0
# Such statements look rows up by an index, whatever their parameters: PostgreSQL needn't compare that with plans for each of
# them, which it would make again and again where it can't know how many rows a LIMIT leaves.
_ONE_PLAN = "-c plan_cache_mode=force_generic_plan"
# Turns look a few rows up in tables whose newest rows are in memory. With the default, which is that of a disk's head, they
# would read all signals and all counted errors of a class to change some of them. Set again with each new plan, as a turn
# that is rolled back takes it with it.
_NEW_PLANS = "SET random_page_cost = 1.1; DISCARD PLANS"


class UtcLoader(BaseTzLoader):  # type: ignore[misc]  # Django has no types for it
    """Reads times in UTC by Python's own parser: psycopg's takes ten times as long, and a worker reads a dozen an event."""

    timezone = UTC

    def load(self, data: Any) -> datetime:
        """Return a `timestamptz`; what isn't written as four-digit years in UTC is left to psycopg."""
        text = bytes(data)
        if text.endswith(_UTC_TEXT):
            try:
                return datetime.fromisoformat(text.decode())
            except ValueError:
                pass
        moment: datetime = super().load(data)
        return moment


class DatabaseWrapper(base.DatabaseWrapper):
    """The backend checks connections itself: set CONN_HEALTH_CHECKS to False with it."""

    # When the connection's plans were thrown away last (`time.monotonic`).
    _planned_at = 0.0

    def get_connection_params(self) -> dict[str, Any]:
        """Return the parameters of a connection, with ours."""
        parameters: dict[str, Any] = super().get_connection_params()
        return {**parameters, "options": f"{parameters.get('options', '')} {_ONE_PLAN}".strip()}

    @contextmanager
    def prepared_cursor(self) -> Iterator[Any]:
        """Open a cursor that has the server plan a statement once, and not each time that it is run.

        To plan one of ours takes several times as long as to run it for a few rows. Django's own cursors write the
        parameters into the statement, so that the server never sees the same one twice. Raises OperationalError, besides
        all that cursors raise, where an upgrade has altered a table under a prepared statement: the transaction can be tried
        again.
        """
        self.ensure_connection()
        # As the stubs know neither the cursor's base class nor the wrapper's method.
        wrapper: Any = self
        make_cursor: Any = base.ServerBindingCursor
        with self.wrap_database_errors:
            bound = make_cursor(self.connection)
            if time.monotonic() - self._planned_at > _PLAN_SECONDS:
                bound.execute(_NEW_PLANS, prepare=False)
                self._planned_at = time.monotonic()
        with wrapper._prepare_cursor(bound) as cursor:
            try:
                yield cursor
            except NotSupportedError as error:
                # "cached plan must not change result type": the connection goes on without prepared statements.
                self.connection.prepare_threshold = None
                raise OperationalError(str(error)) from error

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection that answers, from the pool if there is one.

        Raises OperationalError when the server is away for longer than the pool's timeout.
        """
        connection = super().get_new_connection(conn_params)
        pool = self.pool
        if pool is None or _answers(connection):
            return self._with_loader(connection)
        pool.putconn(connection)
        pool.drain()
        return self._with_loader(super().get_new_connection(conn_params))

    def _with_loader(self, connection: Any) -> Any:
        if self.timezone is UTC:
            connection.adapters.register_loader("timestamptz", UtcLoader)
        return connection


def _answers(connection: "psycopg.Connection[Any]") -> bool:
    try:
        connection.execute("")
    except psycopg.Error:
        return False
    return True
