"""What waits to be sent, on disk: what a browser was told to be accepted is here until Learntrace has it.

Several Jupyter servers of one user share a spool. An event is in it once (by its id), and belongs to whoever captured it.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from . import lease
from .capture import Captured
from .identity import Account, Owner
from .lease import Holder
from .messages import Sentence, _
from .spool_file import SpoolFile, SpoolUnusable

MOST_REJECTED = 100


class SpoolFull(SpoolUnusable):
    """The limit is reached; Learntrace has to take some first."""


@dataclass(frozen=True)
class Spooled:
    """An event in the spool; `arrival` is its place in the row."""

    arrival: int
    id: str
    body: str


@dataclass(frozen=True)
class Rejection:
    """Why Learntrace doesn't take an event."""

    event: Spooled
    code: str
    detail: str


@dataclass(frozen=True)
class Totals:
    """What has been sent for an owner so far, and what Learntrace last said of it."""

    sent: int = 0
    rejected: int = 0
    last_sent_at: str | None = None
    last_error: str | None = None
    last_error_at: str | None = None
    account: Account | None = None


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Spool:
    """A spool file. Blocks, so it belongs into a thread of its own; every method raises SpoolUnusable."""

    def __init__(self, path: Path, limit: int, log: logging.Logger) -> None:
        self._file = SpoolFile(path, log)
        self._limit = limit

    def close(self) -> None:
        self._file.close()

    def add(self, owner: Owner, events: Sequence[Captured]) -> None:
        """Keep the events, durably when this returns; those that are here already stay as they are. Raises SpoolFull."""
        rows = [(one.id, owner.server, owner.credential, owner.name, one.body, now()) for one in events]

        def work(connection: sqlite3.Connection) -> None:
            if _size(connection) + sum(len(one.body.encode()) for one in events) > self._limit:
                raise SpoolFull(_spool_full(self._limit))
            connection.executemany(
                "INSERT OR IGNORE INTO event (id, server, credential, actor, body, spooled_at) VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )

        self._file.transaction(work)

    def waiting(self, owner: Owner) -> int:
        """How many events of an owner wait."""
        return self._file.transaction(
            lambda connection: int(
                connection.execute(f"SELECT count(*) FROM event WHERE {OWNED}", owned(owner)).fetchone()[0]
            )
        )

    def oldest(self, owner: Owner, events: int, size: int) -> list[Spooled]:
        """The next to be sent: at most so many events, and bytes of theirs, but at least one."""

        def work(connection: sqlite3.Connection) -> list[Spooled]:
            batch: list[Spooled] = []
            total = 0
            for row in connection.execute(
                f"SELECT arrival, id, body FROM event WHERE {OWNED} ORDER BY arrival LIMIT :events",
                {**owned(owner), "events": events},
            ):
                total += len(row[2].encode()) + 1
                if batch and total > size:
                    break
                batch.append(Spooled(*row))
            return batch

        return self._file.transaction(work)

    def settle(self, owner: Owner, delivered: Iterable[Spooled], rejected: Sequence[Rejection] = ()) -> None:
        """Forget what Learntrace has; keep what it never takes (the last hundred) with its reason."""
        gone = [(one.arrival, one.id) for one in [*delivered, *(rejection.event for rejection in rejected)]]
        at = now()

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM event WHERE arrival = ? AND id = ?", gone)
            connection.executemany(
                "INSERT INTO rejected (id, server, credential, actor, body, code, detail, rejected_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (one.event.id, owner.server, owner.credential, owner.name, one.event.body, one.code, one.detail, at)
                    for one in rejected
                ],
            )
            connection.execute(
                "DELETE FROM rejected WHERE number <= (SELECT max(number) FROM rejected) - ?", (MOST_REJECTED,)
            )
            connection.execute(
                "UPDATE account SET sent = sent + ?, rejected = rejected + ?, last_sent_at = ?, last_error = NULL,"
                " last_error_at = NULL WHERE number = ?",
                (len(gone) - len(rejected), len(rejected), at, _account(connection, owner)),
            )

        self._file.transaction(work)
        self._file.shrink()

    def postpone(self, event: Spooled) -> None:
        """Put an event to the end of the row."""
        self._file.transaction(
            lambda connection: connection.execute(
                "UPDATE event SET arrival = (SELECT max(arrival) + 1 FROM event) WHERE arrival = ? AND id = ?",
                (event.arrival, event.id),
            )
        )

    def discard(self, owner: Owner) -> int:
        """Drop what waits for an owner, who doesn't want it sent; how many events."""
        dropped = self._file.transaction(
            lambda connection: connection.execute(f"DELETE FROM event WHERE {OWNED}", owned(owner)).rowcount
        )
        self._file.shrink()
        return dropped

    def learn(self, owner: Owner, account: Account) -> None:
        """Note what Learntrace says of the owner, also on the events that were captured before it said so."""
        told = (account.actor, account.academy, account.collecting, account.may_opt_out)

        def work(connection: sqlite3.Connection) -> None:
            number = _account(connection, owner)
            connection.execute(
                "UPDATE account SET actor = ?, academy = ?, collecting = ?, may_opt_out = ?, last_error = NULL,"
                " last_error_at = NULL WHERE number = ?",
                (*told, number),
            )
            connection.execute(
                "UPDATE event SET actor = ? WHERE credential = ? AND actor IS NOT ?",
                (account.actor, owner.credential, account.actor),
            )

        self._file.transaction(work)

    def note_error(self, owner: Owner, error: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE account SET last_error = ?, last_error_at = ? WHERE number = ?",
                (error, now(), _account(connection, owner)),
            )

        self._file.transaction(work)

    def totals(self, owner: Owner) -> Totals:
        """What is known of an owner. Of the source the last word isn't kept: it is only sent where that is certain."""

        def work(connection: sqlite3.Connection) -> Any:
            return connection.execute(
                "SELECT sent, rejected, last_sent_at, last_error, last_error_at, actor, academy, collecting, may_opt_out"
                " FROM account WHERE number = ?",
                (_account(connection, owner),),
            ).fetchone()

        sent, rejected, last_sent_at, *error, actor, academy, collecting, may_opt_out = self._file.transaction(work)
        known = Account(actor, academy, bool(collecting), bool(may_opt_out)) if collecting is not None else None
        return Totals(sent, rejected, last_sent_at, error[0], error[1], known)

    def claim(self, holder: Holder) -> bool:
        """Become, or stay, the only one who sends from this spool; false while another is."""
        return self._file.transaction(lambda connection: lease.claim(connection, holder, time.time()))

    def release(self, holder: Holder) -> None:
        self._file.transaction(lambda connection: lease.release(connection, holder))


def _spool_full(limit: int) -> Sentence:
    return _("%(limit)s MiB of events wait already, which is the limit.", limit=round(limit / 1024 / 1024, 1))


def _size(connection: sqlite3.Connection) -> int:
    """Bytes in use, of the file's."""
    figures = [
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    ]
    return int((figures[0] - figures[1]) * figures[2])


# The condition under which a row belongs to an owner; a name that isn't known equals none.
OWNED = "(credential = :credential OR (server = :server AND actor IN (:name, :other_name)))"


def owned(owner: Owner) -> dict[str, str | None]:
    """The values of OWNED."""
    name, other_name, *_none = (*owner.names, None, None)
    return {"server": owner.server, "credential": owner.credential, "name": name, "other_name": other_name}


def _account(connection: sqlite3.Connection, owner: Owner) -> int:
    """The number of the owner's account, which is made or, if it has become known under two, made one."""
    numbers = [
        row[0]
        for row in connection.execute(
            f"SELECT number FROM account WHERE server = :server AND {OWNED} ORDER BY number", owned(owner)
        )
    ]
    if not numbers:
        made = connection.execute(
            "INSERT INTO account (server, credential, actor) VALUES (?, ?, ?)",
            (owner.server, owner.credential, owner.name),
        )
        return int(made.lastrowid or 0)
    first, *others = numbers
    for other in others:
        _merge_accounts(connection, first, other)
    connection.execute(
        "UPDATE account SET credential = ? WHERE number = ? AND credential <> ?",
        (owner.credential, first, owner.credential),
    )
    return int(first)


def _merge_accounts(connection: sqlite3.Connection, first: int, other: int) -> None:
    sent, rejected, last_sent_at = connection.execute(
        "SELECT sent, rejected, last_sent_at FROM account WHERE number = ?", (other,)
    ).fetchone()
    connection.execute(
        "UPDATE account SET sent = sent + ?, rejected = rejected + ?,"
        " last_sent_at = nullif(max(coalesce(last_sent_at, ''), ?), '') WHERE number = ?",
        (sent, rejected, last_sent_at or "", first),
    )
    connection.execute("DELETE FROM account WHERE number = ?", (other,))
