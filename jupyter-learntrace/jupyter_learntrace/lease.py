"""The lease of a spool that several Jupyter servers of one user share: only its holder sends."""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
from dataclasses import dataclass, field

# Longer than a request may take, so that a lease doesn't expire while its holder sends.
SECONDS = 30.0


@dataclass(frozen=True)
class Holder:
    """A process that wants to send. Stored as host/pid/number, so that others on its host can tell when it has ended."""

    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    number: str = field(default_factory=lambda: secrets.token_hex(4))

    def __str__(self) -> str:
        return f"{self.host}/{self.pid}/{self.number}"


def claim(connection: sqlite3.Connection, holder: Holder, at: float) -> bool:
    """Take or renew the lease at this time (seconds since the epoch). Return false while another process holds it."""
    row = connection.execute("SELECT holder, until FROM lease").fetchone()
    if row is not None and row[0] != str(holder) and not _has_ended(row[0], row[1], holder, at):
        return False
    connection.execute("INSERT OR REPLACE INTO lease VALUES (1, ?, ?)", (str(holder), at + SECONDS))
    return True


def release(connection: sqlite3.Connection, holder: Holder) -> None:
    connection.execute("DELETE FROM lease WHERE holder = ?", (str(holder),))


def _has_ended(other: str, until: float, holder: Holder, at: float) -> bool:
    # An end further away than a lease is long was set before the clock was put back.
    if not at <= until <= at + SECONDS:
        return True
    host, pid, _number = other.rsplit("/", 2)
    return host == holder.host and not _is_alive(int(pid))


def _is_alive(pid: int) -> bool:
    if os.name != "posix":
        return True  # os.kill(pid, 0) would send a signal there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
