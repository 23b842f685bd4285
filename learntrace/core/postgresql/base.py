"""Django's PostgreSQL backend, with a pool that survives a restart of the server, and statements that are prepared.

After a restart, every idle connection of the pool is dead. The pool's own check drops them one by one with growing pauses,
so that with eight of them a request fails after 10 s; here the first dead connection empties the pool.
"""

from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper


class DatabaseWrapper(base.DatabaseWrapper):
    """The backend checks connections itself: set CONN_HEALTH_CHECKS to False with it."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection that answers, from the pool if there is one.

        Raises OperationalError when the server is away for longer than the pool's timeout.
        """
        connection = super().get_new_connection(conn_params)
        pool = self.pool
        if pool is None or _answers(connection):
            return connection
        pool.putconn(connection)
        pool.drain()
        return super().get_new_connection(conn_params)

    def prepared_cursor(self) -> CursorWrapper:
        """Return a cursor that has the server plan a statement once, and not each time that it is run.

        To plan one of ours takes several times as long as to run it for a few rows. Django's own cursors write the
        parameters into the statement, so that the server never sees the same one twice.
        """
        self.ensure_connection()
        # As the stubs know neither the cursor's base class nor the wrapper's method.
        wrapper: Any = self
        make_cursor: Any = base.ServerBindingCursor
        with self.wrap_database_errors:
            cursor = make_cursor(self.connection)
        prepared: CursorWrapper = wrapper._prepare_cursor(cursor)
        return prepared


def _answers(connection: "psycopg.Connection[Any]") -> bool:
    try:
        connection.execute("")
    except psycopg.Error:
        return False
    return True
