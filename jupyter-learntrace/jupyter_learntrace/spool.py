"""The spool: events on disk, from the moment that a browser is told they are accepted until Learntrace has them.

Several Jupyter servers of one user share a spool. It holds an event (by its id) once, for the owner that captured it.
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

from jupyter_learntrace import lease
from jupyter_learntrace.capture import CapturedEvent
from jupyter_learntrace.identity import Account, Owner
from jupyter_learntrace.lease import Holder
from jupyter_learntrace.messages import Sentence, _
from jupyter_learntrace.spool_file import INSERT_EVENT, SpoolFile, SpoolUnusable

MOST_REJECTED = 100


class SpoolFull(SpoolUnusable):
    """The size limit is reached; Learntrace has to take events first."""


@dataclass(frozen=True)
class Spooled:
    """An event in the spool; `arrival` is its position in the queue.

    `ahead_ms` is by how much the clock that stamped it was ahead of this server's; None where that isn't known.
    """

    arrival: int
    id: str
    body: str
    ahead_ms: int | None = None


@dataclass(frozen=True)
class Rejection:
    """An event that Learntrace rejected, with code and detail."""

    event: Spooled
    code: str
    detail: str


@dataclass(frozen=True)
class Totals:
    """What has been sent for an owner so far, the last error, and the account that Learntrace last named."""

    sent: int = 0
    rejected: int = 0
    last_sent_at: str | None = None
    last_error: str | None = None
    last_error_at: str | None = None
    account: Account | None = None


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Spool:
    """A spool in a file. Its methods block, so it needs a thread of its own; each raises SpoolUnusable."""

    def __init__(self, path: Path, limit: int, log: logging.Logger) -> None:
        self._file = SpoolFile(path, log)
        self._limit = limit

    def close(self) -> None:
        self._file.close()

    def add(self, owner: Owner, events: Sequence[CapturedEvent], ahead_ms: int | None = None) -> None:
        """Store the events; they are on disk when this returns. Ids that are here already are ignored. Raises SpoolFull."""
        rows = [(event.id, owner.server, owner.credential, owner.name, event.body, now(), ahead_ms) for event in events]

        def work(connection: sqlite3.Connection) -> None:
            if _size(connection) + sum(len(event.body.encode()) for event in events) > self._limit:
                raise SpoolFull(_spool_full(self._limit))
            connection.executemany(
                INSERT_EVENT,
                rows,
            )

        self._file.transaction(work)

    def waiting(self, owner: Owner) -> int:
        """Count the waiting events of an owner."""
        return self._file.transaction(
            lambda connection: int(
                connection.execute(f"SELECT count(*) FROM event WHERE {OWNED}", owner_values(owner)).fetchone()[0]
            )
        )

    def oldest(self, owner: Owner, events: int, size: int) -> list[Spooled]:
        """Return the next batch: at most `events` events of at most `size` bytes together, but at least one event."""

        def work(connection: sqlite3.Connection) -> list[Spooled]:
            batch: list[Spooled] = []
            total = 0
            for row in connection.execute(
                f"SELECT arrival, id, body, ahead_ms FROM event WHERE {OWNED} ORDER BY arrival LIMIT :events",
                {**owner_values(owner), "events": events},
            ):
                total += len(row[2].encode()) + 1
                if batch and total > size:
                    break
                batch.append(Spooled(*row))
            return batch

        return self._file.transaction(work)

    def settle(self, owner: Owner, delivered: Iterable[Spooled], rejected: Sequence[Rejection] = ()) -> None:
        """Delete what Learntrace has stored or rejected; keep the last hundred rejections."""
        gone = [(event.arrival, event.id) for event in [*delivered, *(rejection.event for rejection in rejected)]]
        at = now()

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM event WHERE arrival = ? AND id = ?", gone)
            connection.executemany(
                "INSERT INTO rejected (id, server, credential, actor, body, code, detail, rejected_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [_rejected_row(rejection, owner, at) for rejection in rejected],
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
        """Move an event to the end of the queue."""
        self._file.transaction(
            lambda connection: connection.execute(
                "UPDATE event SET arrival = (SELECT max(arrival) + 1 FROM event) WHERE arrival = ? AND id = ?",
                (event.arrival, event.id),
            )
        )

    def discard(self, owner: Owner) -> int:
        """Delete the waiting events of an owner who has opted out. Return how many."""
        dropped = self._file.transaction(
            lambda connection: connection.execute(f"DELETE FROM event WHERE {OWNED}", owner_values(owner)).rowcount
        )
        self._file.shrink()
        return dropped

    def store_account(self, owner: Owner, account: Account) -> None:
        """Store the owner's account as Learntrace names it; also on events that were captured before."""
        values = (account.actor, account.academy, account.collecting, account.may_opt_out)

        def work(connection: sqlite3.Connection) -> None:
            number = _account(connection, owner)
            connection.execute(
                "UPDATE account SET actor = ?, academy = ?, collecting = ?, may_opt_out = ?, last_error = NULL,"
                " last_error_at = NULL WHERE number = ?",
                (*values, number),
            )
            connection.execute(
                "UPDATE event SET actor = ? WHERE credential = ? AND actor IS NOT ?",
                (account.actor, owner.credential, account.actor),
            )

        self._file.transaction(work)

    def record_error(self, owner: Owner, error: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE account SET last_error = ?, last_error_at = ? WHERE number = ?",
                (error, now(), _account(connection, owner)),
            )

        self._file.transaction(work)

    def totals(self, owner: Owner) -> Totals:
        """Return what is known of an owner. `collects_source` isn't stored: source needs a fresh answer."""

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
        """Take or renew the lease of this spool. Return false while another process holds it."""
        return self._file.transaction(lambda connection: lease.claim(connection, holder, time.time()))

    def release(self, holder: Holder) -> None:
        self._file.transaction(lambda connection: lease.release(connection, holder))


def _rejected_row(rejection: Rejection, owner: Owner, at: str) -> tuple[str | None, ...]:
    event = rejection.event
    return (event.id, owner.server, owner.credential, owner.name, event.body, rejection.code, rejection.detail, at)


def _spool_full(limit: int) -> Sentence:
    return _("%(limit)s MiB of events are already waiting, which is the limit.", limit=round(limit / 1024 / 1024, 1))


def _size(connection: sqlite3.Connection) -> int:
    """Return the bytes in use within the file."""
    figures = [
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    ]
    return int((figures[0] - figures[1]) * figures[2])


# Condition: the row belongs to an owner. An unknown name is NULL and equals none.
OWNED = "(credential = :credential OR (server = :server AND actor IN (:name, :other_name)))"


def owner_values(owner: Owner) -> dict[str, str | None]:
    """Return the parameters of OWNED."""
    name, other_name, *_none = (*owner.names, None, None)
    return {"server": owner.server, "credential": owner.credential, "name": name, "other_name": other_name}


def _account(connection: sqlite3.Connection, owner: Owner) -> int:
    """Return the number of the owner's account. Create it if it is missing, merge it if there are several."""
    numbers = [
        row[0]
        for row in connection.execute(
            f"SELECT number FROM account WHERE server = :server AND {OWNED} ORDER BY number", owner_values(owner)
        )
    ]
    if not numbers:
        cursor = connection.execute(
            "INSERT INTO account (server, credential, actor) VALUES (?, ?, ?)",
            (owner.server, owner.credential, owner.name),
        )
        return int(cursor.lastrowid or 0)
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
