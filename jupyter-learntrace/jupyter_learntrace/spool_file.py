"""The SQLite file of a spool: opens it, creates it, and puts it aside when it is damaged. `spool` knows its content."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from jupyter_learntrace.messages import Sentence, _
from jupyter_learntrace.storage_errors import reason_of

Value = TypeVar("Value")

SCHEMA_VERSION = 1
# Another Jupyter server of the same user may be writing; its transactions take milliseconds.
BUSY_SECONDS = 5.0
PAGES_WORTH_FREEING = 256

# `actor`, `server` and `credential` of an event determine its owner (identity.Owner).
SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    server TEXT NOT NULL,
    credential TEXT NOT NULL,
    actor TEXT,
    body TEXT NOT NULL,
    spooled_at TEXT NOT NULL,
    ahead_ms INTEGER
);
CREATE INDEX IF NOT EXISTS event_owner ON event (credential, actor, server);
CREATE TABLE IF NOT EXISTS account (
    number INTEGER PRIMARY KEY,
    server TEXT NOT NULL,
    credential TEXT NOT NULL,
    actor TEXT,
    academy TEXT,
    collecting INTEGER,
    may_opt_out INTEGER,
    sent INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0,
    last_sent_at TEXT,
    last_error TEXT,
    last_error_at TEXT
);
CREATE TABLE IF NOT EXISTS rejected (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    server TEXT NOT NULL,
    credential TEXT NOT NULL,
    actor TEXT,
    body TEXT NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    rejected_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS lease (one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL, until REAL NOT NULL);
"""
# Earlier versions made files without this column, and work with those that have it: the schema's number stays.
_ADD_CLOCKS = "ALTER TABLE event ADD COLUMN ahead_ms INTEGER"
INSERT_EVENT = """
INSERT OR IGNORE INTO event (id, server, credential, actor, body, spooled_at, ahead_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
"""


class SpoolUnusable(Exception):
    """Nothing can be stored now: the disk is full, the folder isn't writable, or another process holds the file."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


class SpoolFile:
    """A connection that outlives the removal or damage of its file. Not for several threads at a time."""

    def __init__(self, path: Path, log: logging.Logger) -> None:
        self.path = path
        self._log = log
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None

    def transaction(self, work: Callable[[sqlite3.Connection], Value]) -> Value:
        """Run `work` in one durable transaction. A damaged file is put aside and replaced. Raises SpoolUnusable."""
        try:
            return self._transaction(work)
        except sqlite3.DatabaseError as problem:
            # Only this class itself, not a subclass, means that the file is no sound database.
            if type(problem) is not sqlite3.DatabaseError:
                raise SpoolUnusable(_unusable(problem)) from problem
            self._put_aside(str(problem))
        except OSError as problem:
            raise SpoolUnusable(_unusable(problem)) from problem
        try:
            return self._transaction(work)
        except (sqlite3.Error, OSError) as problem:
            raise SpoolUnusable(_unusable(problem)) from problem

    def shrink(self) -> None:
        """Return free pages to the disk, once there are many. A failure is ignored, as this can wait."""
        with suppress(sqlite3.Error, OSError):
            connection = self._open()
            (free,) = connection.execute("PRAGMA freelist_count").fetchone()
            if free >= PAGES_WORTH_FREEING:
                # As a script, because execute() would free the first page and stop.
                connection.executescript("PRAGMA incremental_vacuum")

    def close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = self._opened = None

    def _transaction(self, work: Callable[[sqlite3.Connection], Value]) -> Value:
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            value = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            # A failed write may have ended the transaction already.
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        return value

    def _open(self) -> sqlite3.Connection:
        """Return the connection; a new one if another Jupyter server or a person has removed or replaced the file."""
        if self._connection is not None and self._opened == _identity(self.path):
            return self._connection
        self.close()
        self._create()
        opened = _identity(self.path)
        connection = sqlite3.connect(
            os.fspath(self.path), timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._opened = connection, opened
        return connection

    def _create(self) -> None:
        if not self.path.parent.is_dir():
            self.path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        # Created before SQLite opens it, so that others can never read it; its journal gets the same mode.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))

    def _put_aside(self, reason: str) -> None:
        opened = self._opened
        self.close()
        if opened is not None and opened != _identity(self.path):
            return  # another Jupyter server has put it aside
        aside = self.path.with_name(f"{self.path.name}.damaged-{time.time_ns() // 1_000_000}")
        try:
            os.replace(self.path, aside)
        except OSError as problem:
            raise SpoolUnusable(_unusable(problem)) from problem
        recovered = self._recover_from(aside)
        self._log.error(
            "Learntrace: the spool %s is damaged (%s). It was kept as %s; %d events in it could be read and still wait.",
            self.path,
            reason,
            aside.name,
            recovered,
        )

    def _recover_from(self, damaged: Path) -> int:
        """Copy the events that can still be read. Return how many."""
        rows: list[tuple[object, ...]] = []
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"{damaged.as_uri()}?mode=ro", uri=True)) as connection:
            ahead_ms = "ahead_ms" if _knows_clocks(connection) else "NULL"
            for row in connection.execute(
                f"SELECT id, server, credential, actor, body, spooled_at, {ahead_ms} FROM event"
            ):
                rows.append(row)  # noqa: PERF402 - keeps the rows that come before the damage
        if rows:
            self._transaction(
                lambda connection: connection.executemany(
                    INSERT_EVENT,
                    rows,
                )
            )
        return len(rows)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino)


def _prepare(connection: sqlite3.Connection) -> None:
    # Damage may hit a text and leave the database sound. Such an event is left to Learntrace to reject; others pass.
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    # Home folders are often on NFS, where a write-ahead log breaks. EXTRA also syncs the folder after the journal is
    # removed: with FULL, a power cut right after a commit could still undo it.
    for pragma in ("auto_vacuum = INCREMENTAL", "journal_mode = DELETE", "synchronous = EXTRA"):
        connection.execute(f"PRAGMA {pragma}")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise sqlite3.NotSupportedError(f"made by a newer version ({version})")
    if version < SCHEMA_VERSION:
        connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
    if not _knows_clocks(connection):
        # Another Jupyter server may add it at the same moment.
        connection.execute("BEGIN IMMEDIATE")
        if not _knows_clocks(connection):
            connection.execute(_ADD_CLOCKS)
        connection.execute("COMMIT")


def _knows_clocks(connection: sqlite3.Connection) -> bool:
    return any(row[1] == "ahead_ms" for row in connection.execute("PRAGMA table_info(event)"))


def _unusable(problem: Exception) -> Sentence:
    return _("The file that keeps your events can't be written (%(problem)s).", problem=reason_of(problem))
