"""The cells of classes, remembered by each process.

Class now is opened and refreshed all the time, and a class of 3,000 on 60 assignments has 180,000 cells, of which a few change
in a second. So what was read is kept, and a look at the rows tells which of them are newer. It can't miss any: each version
of a row names the transaction that wrote it (`xmin`), and PostgreSQL tells the oldest transaction that may still write. What
was deleted shows in the number of rows; then all are read again.
"""

import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from sys import intern
from threading import Lock
from typing import Any, Final

from learntrace.core.sql import fetch
from learntrace.measures.learner_state import Evidence, learner_state
from learntrace.progress.class_cells.cells import Cell, LearnerCells
from learntrace.progress.class_cells.totals import NO_TOTALS, AssignmentTotals, CellChange
from learntrace.progress.evidence import EVIDENCE

# Cells of all classes together; one takes about 450 bytes.
MOST_KEPT: Final = 250_000
# Academies, and lessons that somebody has chosen.
_MOST_NAMES: Final = 50
# Numbers of transactions begin again after 2^32, which is days at the least.
_KEPT_SECONDS: Final = 3600.0

_WANTED = """
  FROM progress_progress p
 WHERE p.academy_id = %(academy)s AND (%(keys)s::text[] IS NULL OR p.assignment = ANY(%(keys)s))
"""
# One pass over the rows. What this transaction itself has written may be taken back, and must not be kept.
_LOOK = f"""
SELECT pg_postmaster_start_time()::text, pg_snapshot_xmin(pg_current_snapshot())::text,
       pg_current_xact_id_if_assigned() IS NOT NULL, count(*),
       array_agg(p.id) FILTER (WHERE age(p.xmin) <= age(%(since)s::xid8::xid))
{_WANTED}
"""
_ROWS = f"""
SELECT p.user_id, p.assignment, p.attempts, p.errors, p.last_seen_at, p.active_seconds, p.error_quotient,
       p.repeated_error_density, {EVIDENCE.format(row="p")}
"""
_ALL = _ROWS + _WANTED
_THESE = f"{_ROWS} FROM progress_progress p WHERE p.id = ANY(%(ids)s)"


@dataclass(frozen=True)
class ClassCells:
    """The cells of everybody who was seen in an academy, by learner, and the sums of them all on each assignment."""

    by_learner: Mapping[int, LearnerCells]
    totals: Mapping[str, AssignmentTotals]

    @property
    def keys(self) -> frozenset[str]:
        """The assignments that somebody was seen on."""
        return frozenset(self.totals)


@dataclass
class _Kept:
    """What is remembered of an academy's assignments; `since` is the oldest transaction that may have written since."""

    lock: Lock = field(default_factory=Lock)
    server: str = ""
    since: str | None = None
    began: float = 0.0
    count: int = 0
    cells: ClassCells | None = None


_Name = tuple[int, tuple[str, ...] | None]
_kept: OrderedDict[_Name, _Kept] = OrderedDict()
_lock = Lock()


def cells_in(academy_id: int, keys: Collection[str] | None) -> ClassCells:
    """Return the cells of an academy, on these assignments or on all; three queries at most, of which one reads rows."""
    wanted = {"academy": academy_id, "keys": None if keys is None else list(keys)}
    name = (academy_id, None if keys is None else tuple(sorted(keys)))
    return _cells_in(name, wanted) or _cells_of(fetch(_ALL, wanted))


def kept_cells(academy_id: int) -> ClassCells | None:
    """Return all cells of an academy; None if they are too many to be kept, so that sums of rows are better left to SQL."""
    return _cells_in((academy_id, None), {"academy": academy_id, "keys": None})


def _cells_in(name: _Name, wanted: Mapping[str, Any]) -> ClassCells | None:
    with _lock:
        kept = _kept.setdefault(name, _Kept())
        _kept.move_to_end(name)
    # One at a time: of two, the one that has looked first could keep its rows last.
    with kept.lock:
        cells = _refreshed(kept, wanted)
    with _lock:
        _forget_beyond_most()
    return cells


def forget_all() -> None:
    """Forget what is kept, as a new process would have it."""
    with _lock:
        _kept.clear()


def _refreshed(kept: _Kept, wanted: Mapping[str, Any]) -> ClassCells | None:
    if time.monotonic() - kept.began > _KEPT_SECONDS:
        kept.cells = kept.since = None
    ((server, since, has_written, count, changed),) = fetch(_LOOK, {**wanted, "since": kept.since})
    if count > MOST_KEPT:
        kept.cells, kept.count = None, 0
        return None
    if has_written:
        return _cells_of(fetch(_ALL, wanted))
    if kept.cells is None or kept.server != server or len(changed or ()) > count // 2:
        kept.cells = None
    elif changed:
        kept.cells, added = _with(kept.cells, fetch(_THESE, {"ids": changed}))
        kept.count += added
    if kept.cells is None or kept.count != count:
        rows = fetch(_ALL, wanted)
        kept.cells, kept.count, kept.began = _cells_of(rows), len(rows), time.monotonic()
    # Of the look, which was before the rows were read: what came between is read once more.
    kept.server, kept.since = server, since
    return kept.cells


def _cells_of(rows: Collection[tuple[Any, ...]]) -> ClassCells:
    return _with(ClassCells({}, {}), rows)[0]


def _with(cells: ClassCells, rows: Collection[tuple[Any, ...]]) -> tuple[ClassCells, int]:
    """Return cells with these rows, and how many of them there weren't before."""
    by_learner: dict[int, LearnerCells] = {}
    changes: dict[str, list[CellChange]] = {}
    added = 0
    for user_id, about, attempts, errors, last_seen_at, active, quotient, density, *evidence in rows:
        key = intern(about)
        found = Evidence(*evidence)
        own = by_learner.get(user_id)
        if own is None:
            own = by_learner[user_id] = LearnerCells(cells.by_learner.get(user_id, {}))
        before = own.get(key)
        added += before is None
        own[key] = Cell(learner_state(found), attempts, errors, found.seen_at, last_seen_at, active, quotient, density)
        changes.setdefault(key, []).append((before, own[key]))
    everybody = {**cells.by_learner, **by_learner}
    totals = {key: cells.totals.get(key, NO_TOTALS).changed(own) for key, own in changes.items()}
    return ClassCells(everybody, {**cells.totals, **totals}), added


def _forget_beyond_most() -> None:
    """Forget the classes that were asked for longest ago, where there are too many cells."""
    total = sum(kept.count for kept in _kept.values())
    while _kept and (total > MOST_KEPT or len(_kept) > _MOST_NAMES):
        _name, oldest = _kept.popitem(last=False)
        total -= oldest.count
