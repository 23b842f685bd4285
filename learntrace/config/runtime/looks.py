"""A worker's own connection for waiting: it hears wake-ups, and looks at all queues with one short statement.

Most queues are empty most of the time, and a turn of an empty queue is a transaction with a long claim. So a worker first
looks which queues may have something for it. A look reads a few rows and is planned once for a connection.
"""

import select
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings

from learntrace.config.runtime.queues import Queue
from learntrace.core.fair_claims import SHARE
from learntrace.core.wakeup import CHANNEL

# `statement_timestamp` is the server's, so that the clocks of workers needn't agree.
_BEAT = """
INSERT INTO core_heartbeat (name, seen_at) VALUES (%s, statement_timestamp())
    ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at
"""


@dataclass(frozen=True)
class Look:
    """The topics of queues that may have something to do, and the seconds until another one will; None if none will."""

    due: frozenset[str]
    pause: float | None


class Listener:
    """A connection in autocommit mode, opened when it is needed. `listening`: wake-ups are heard."""

    def __init__(self, *, listening: bool) -> None:
        self._listening = listening
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._signalled, self._signal_end = _signal_socket()

    def look(self, queues: Sequence[Queue], older_than: float) -> Look:
        """Return which of the queues may have rows that have waited so many seconds. Raises psycopg.Error."""
        if not queues:
            return Look(frozenset(), None)
        statement = " UNION ALL ".join(f"({queue.look})" for queue in queues)
        parameters = {**SHARE.parameters(), "older_than": float(older_than)}
        rows = self._open().execute(statement, parameters, prepare=True).fetchall()
        due = frozenset(queue.topic for queue, row in zip(queues, rows, strict=True) if row[0])
        return Look(due, min((row[1] for row in rows if row[1] is not None), default=None))

    def beat(self, name: str) -> None:
        """Record that a worker is alive. Raises psycopg.Error."""
        self._open().execute(_BEAT, [name], prepare=True)

    def wait(self, seconds: float) -> set[str]:
        """Wait for a wake-up or a signal, at most so long; return the topics of wake-ups. Raises psycopg.Error."""
        connection = self._open()
        # What came during a look is there already, and makes no file descriptor readable.
        heard = _topics(connection)
        if not heard and seconds > 0:
            database, signals = connection.fileno(), self._signalled.fileno()
            readable, _writable, _faulty = select.select([database, signals], [], [], seconds)
            if signals in readable:
                self._signalled.recv(100)
            if database in readable:
                heard = _topics(connection)
        return heard

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(settings.DATABASE_URL, autocommit=True, connect_timeout=5)
            if self._listening:
                self._connection.execute(f"LISTEN {CHANNEL}")
        return self._connection


def _topics(connection: psycopg.Connection[Any]) -> set[str]:
    return {notify.payload for notify in connection.notifies(timeout=0)}


def _signal_socket() -> tuple[socket.socket, socket.socket]:
    """Return a socket that becomes readable at a signal that Python handles, so that a wait ends then; and its other end."""
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    return reader, writer
