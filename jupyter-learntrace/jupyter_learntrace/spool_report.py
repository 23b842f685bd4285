"""What is in a spool, read by another process than those that use it, and without changing anything."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from .identity import Owner
from .spool import OWNED, owned
from .spool_file import BUSY_SECONDS


@dataclass(frozen=True)
class Pile:
    """Events that wait for one owner: how many, how large (bytes), the oldest's time."""

    server: str
    actor: str | None
    events: int
    size: int
    oldest_at: str | None


@dataclass(frozen=True)
class Rejected:
    """An event that Learntrace doesn't take, and why."""

    id: str
    code: str
    detail: str
    rejected_at: str


@dataclass(frozen=True)
class Report:
    """All that there is to tell. `mine` is what this configuration sends, `others` what it must not."""

    size: int = 0
    mine: Pile | None = None
    others: list[Pile] = field(default_factory=list)
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
    """Read a spool; a file that isn't there yet is an empty one. Raises sqlite3.Error, OSError."""
    damaged = sorted(path.parent.glob(f"{path.name}.damaged-*")) if path.parent.is_dir() else []
    if not path.exists() or not path.stat().st_size:
        return Report(damaged=damaged)
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as connection:
        values = owned(owner) if owner else dict.fromkeys(("server", "credential", "name", "other_name"))
        mine, others = _piles(connection, values)
        account = connection.execute(
            "SELECT actor, academy, collecting, sent, last_sent_at, last_error, last_error_at FROM account"
            f" WHERE server = :server AND {OWNED} ORDER BY number LIMIT 1",
            values,
        ).fetchone()
        actor, academy, collecting, sent, *times = account or (None, None, None, 0, None, None, None)
        return Report(
            path.stat().st_size, mine, others, actor, academy, collecting != 0, sent, times[0], times[1], times[2],
            _rejected(connection), damaged,
        )  # fmt: skip


def _piles(connection: sqlite3.Connection, values: dict[str, str | None]) -> tuple[Pile | None, list[Pile]]:
    """What is ours, and what isn't, a pile each account."""
    mine: Pile | None = None
    others: list[Pile] = []
    for is_ours, *pile in connection.execute(
        # Of an account that has no name yet the credential tells it from others. What compares with no name is null.
        f"SELECT coalesce({OWNED}, 0) AS ours, server, actor, count(*), sum(length(CAST(body AS BLOB))), min(spooled_at)"
        " FROM event"
        " GROUP BY ours, CASE WHEN NOT ours THEN server END, CASE WHEN NOT ours THEN coalesce(actor, credential) END",
        values,
    ):
        if is_ours:
            mine = Pile(*pile)
        else:
            others.append(Pile(*pile))
    return mine, others


def _rejected(connection: sqlite3.Connection) -> list[Rejected]:
    rows = connection.execute("SELECT id, code, detail, rejected_at FROM rejected ORDER BY number DESC")
    return [Rejected(*row) for row in rows]
