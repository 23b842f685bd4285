"""Reads a spool from another process than those that use it, without changing anything."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_learntrace.identity import Owner
from jupyter_learntrace.spool import OWNED, owner_values
from jupyter_learntrace.spool_file import BUSY_SECONDS


@dataclass(frozen=True)
class WaitingEvents:
    """The waiting events of one owner: how many, their size in bytes, and the time of the oldest."""

    server: str
    actor: str | None
    events: int
    size: int
    oldest_at: str | None


@dataclass(frozen=True)
class Rejected:
    """An event that Learntrace rejected, and why."""

    id: str
    code: str
    detail: str
    rejected_at: str


@dataclass(frozen=True)
class Report:
    """The content of a spool. `mine` waits for the configured account; `others` wait for other accounts."""

    size: int = 0
    mine: WaitingEvents | None = None
    others: list[WaitingEvents] = field(default_factory=list)
    actor: str | None = None
    academy: str | None = None
    collecting: bool = True
    sent: int = 0
    last_sent_at: str | None = None
    last_error: str | None = None
    last_error_at: str | None = None
    rejected: list[Rejected] = field(default_factory=list)
    damaged: list[Path] = field(default_factory=list)


def report(path: Path, owner: Owner | None) -> Report:
    """Read a spool; a missing file counts as an empty one. Raises sqlite3.Error, OSError."""
    damaged = sorted(path.parent.glob(f"{path.name}.damaged-*")) if path.parent.is_dir() else []
    if not path.exists() or not path.stat().st_size:
        return Report(damaged=damaged)
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as connection:
        values = owner_values(owner) if owner else dict.fromkeys(("server", "credential", "name", "other_name"))
        mine, others = _waiting_events(connection, values)
        account = connection.execute(
            "SELECT actor, academy, collecting, sent, last_sent_at, last_error, last_error_at FROM account"
            f" WHERE server = :server AND {OWNED} ORDER BY number LIMIT 1",
            values,
        ).fetchone()
        actor, academy, collecting, sent, *last = account or (None, None, None, 0, None, None, None)
        return Report(
            size=path.stat().st_size,
            mine=mine,
            others=others,
            actor=actor,
            academy=academy,
            collecting=collecting != 0,
            sent=sent,
            last_sent_at=last[0],
            last_error=last[1],
            last_error_at=last[2],
            rejected=_rejected(connection),
            damaged=damaged,
        )


def _waiting_events(
    connection: sqlite3.Connection, values: dict[str, str | None]
) -> tuple[WaitingEvents | None, list[WaitingEvents]]:
    """Return the waiting events of the owner, and those of each other account."""
    mine: WaitingEvents | None = None
    others: list[WaitingEvents] = []
    for is_ours, *figures in connection.execute(
        # An account without a name yet is told apart by its credential. A comparison with no name gives NULL.
        f"SELECT coalesce({OWNED}, 0) AS ours, server, actor, count(*), sum(length(CAST(body AS BLOB))), min(spooled_at)"
        " FROM event"
        " GROUP BY ours, CASE WHEN NOT ours THEN server END, CASE WHEN NOT ours THEN coalesce(actor, credential) END",
        values,
    ):
        if is_ours:
            mine = WaitingEvents(*figures)
        else:
            others.append(WaitingEvents(*figures))
    return mine, others


def _rejected(connection: sqlite3.Connection) -> list[Rejected]:
    rows = connection.execute("SELECT id, code, detail, rejected_at FROM rejected ORDER BY number DESC")
    return [Rejected(*row) for row in rows]
