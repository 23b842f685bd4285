"""Django's PostgreSQL backend: a pool that survives a restart of the server, times that are read fast, and kept plans.

After a restart, every idle connection of the pool is dead. The pool's own check drops them one by one with growing pauses,
so that with eight of them a request fails after 10 s; here the first dead connection empties the pool.
"""

from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import BaseTzLoader

_UTC_TEXT = b"+00"
# From its third run on a connection on, a statement that `core.sql` calls prepared is.
_PREPARE_AFTER = 2


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

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection that answers, from the pool if there is one.

        Raises OperationalError when the server is away for longer than the pool's timeout.
        """
        connection = super().get_new_connection(conn_params)
        pool = self.pool
        if pool is None or _answers(connection):
            return self._with_ways(connection)
        pool.putconn(connection)
        pool.drain()
        return self._with_ways(super().get_new_connection(conn_params))

    def _with_ways(self, connection: Any) -> Any:
        """Return the connection with our ways of reading times and of keeping plans."""
        connection.prepare_threshold = _PREPARE_AFTER
        if self.timezone is UTC:
            connection.adapters.register_loader("timestamptz", UtcLoader)
        return connection


def _answers(connection: "psycopg.Connection[Any]") -> bool:
    try:
        connection.execute("")
    except psycopg.Error:
        return False
    return True
