"""The errors that a class met lately, remembered by each process.

Class now asks for those of a quarter of an hour with each request, of which a class of 300 meets some 9,000, and a few have
come since the request before. So attempts that failed are kept with the errors that they showed, and a look at the rows
tells which are newer, as of the cells of a class (`progress.class_cells.kept`): by the transaction that wrote each. What was
deleted, or no longer counts, shows in the number of rows; then all are read again.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from sys import intern
from threading import Lock
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from learntrace.core.sql import fetch
from learntrace.progress.counting import counts
from learntrace.signals.concerns.error_group import ReadError, read_error

# Attempts of all academies together; one takes about 800 bytes.
MOST_KEPT: Final = 50_000
_MOST_ACADEMIES: Final = 200
# An academy that had too many is not looked at again for so long.
_TOO_MANY_SECONDS: Final = 30.0
# Numbers of transactions begin again after 2^32, which is days at the least.
_KEPT_SECONDS: Final = 3600.0
# The times from which on attempts are kept begin with whole spans of this, so that of two requests at about the same time
# none needs what the other has just dropped.
_STEP: Final = timedelta(seconds=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_FAILED = """
a.outcome = 'error' AND a.part IS DISTINCT FROM 'check' AND a.assignment IS NOT NULL
"""
_COUNTED = f"""
  FROM progress_activity a
 WHERE a.academy_id = %(academy)s AND a.at > %(kept_since)s AND {counts("a")}
"""
# One pass over the rows, an answer a learner. What this transaction itself has written may be taken back, and must not be kept.
_LOOK = f"""
SELECT a.user_id, bool_or(a.at > %(since)s AND a.at <= %(now)s), count(*) FILTER (WHERE {_FAILED}),
       array_agg(a.id) FILTER (WHERE age(a.xmin) <= age(%(written_since)s::xid8::xid) AND {_FAILED}),
       pg_postmaster_start_time()::text, pg_snapshot_xmin(pg_current_snapshot())::text,
       pg_current_xact_id_if_assigned() IS NOT NULL
{_COUNTED}
 GROUP BY a.user_id
"""
_ALL = f"SELECT a.id, a.user_id, a.at, a.assignment, a.failures::text {_COUNTED} AND {_FAILED}"
_THESE = f"{_ALL} AND a.id = ANY(%(ids)s)"


class ErrorOn(NamedTuple):
    """An error group on an assignment."""

    assignment: str
    group: str


class Showing(NamedTuple):
    """That an attempt of a learner showed errors of one group."""

    user_id: int
    at: datetime
    errors: tuple[ReadError, ...]


class Lately(NamedTuple):
    """What a class did in a window of times: who was active, and the attempts that showed errors of each group; None where
    these aren't kept."""

    active: frozenset[int]
    showings: Mapping[ErrorOn, Sequence[Showing]] | None


_Failed = tuple[tuple[ErrorOn, Showing], ...]
"""What an attempt that failed has shown."""


class _Failures:
    """Attempts that failed, by their ids and by what they have shown."""

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self.by_id: dict[UUID, tuple[datetime, _Failed]] = _read(rows)
        self.by_place = self._sorted()

    def drop(self, until: datetime) -> None:
        """Drop the attempts up to a moment."""
        self.by_id = {number: one for number, one in self.by_id.items() if one[0] > until}
        kept = ((place, [one for one in own if one.at > until]) for place, own in self.by_place.items())
        self.by_place = {place: own for place, own in kept if own}

    def replace(self, ids: Iterable[UUID], rows: Iterable[tuple[Any, ...]]) -> None:
        """Have these rows in the place of those with the ids."""
        new = _read(rows)
        # What was written about the time of the last look is read once more, and mostly the same.
        changed = {number for number in ids if number in self.by_id and new.get(number) != self.by_id[number]}
        for number in changed:
            del self.by_id[number]
        added = {number: one for number, one in new.items() if number not in self.by_id}
        self.by_id |= added
        if changed:
            self.by_place = self._sorted()
            return
        for _at, failed in added.values():
            for place, showing in failed:
                self.by_place.setdefault(place, []).append(showing)

    def _sorted(self) -> dict[ErrorOn, list[Showing]]:
        by_place: dict[ErrorOn, list[Showing]] = {}
        for _at, failed in self.by_id.values():
            for place, showing in failed:
                by_place.setdefault(place, []).append(showing)
        return by_place


def _read(rows: Iterable[tuple[Any, ...]]) -> dict[UUID, tuple[datetime, _Failed]]:
    return {
        number: (at, _failed(user_id, at, intern(about), failures)) for number, user_id, at, about, failures in rows
    }


def _failed(user_id: int, at: datetime, assignment: str, failures: str) -> _Failed:
    groups: dict[str, tuple[ReadError, ...]] = {}
    for name, message in msgspec.json.decode(failures):
        read = read_error(name, message)
        groups[read.group] = (*groups.get(read.group, ()), read)
    return tuple((ErrorOn(assignment, group), Showing(user_id, at, errors)) for group, errors in groups.items())


@dataclass
class _Kept:
    """What is remembered of an academy, from `since` on; `written_since` is the oldest transaction that may have written
    since."""

    lock: Lock = field(default_factory=Lock)
    server: str = ""
    written_since: str | None = None
    began: float = 0.0
    too_many_until: float = 0.0
    since: datetime = _EPOCH
    failures: _Failures | None = None

    @property
    def count(self) -> int:
        return len(self.failures.by_id) if self.failures else 0


_kept: OrderedDict[int, _Kept] = OrderedDict()
_lock = Lock()


def errors_lately(academy_id: int, since: datetime, now: datetime) -> Lately | None:
    """Return what an academy's learners did after one moment and up to another; three queries at most, of which one reads rows.

    Without errors where they can't be kept, as this transaction has written something or there are too many; None where that
    was found lately.
    """
    with _lock:
        kept = _kept.setdefault(academy_id, _Kept())
        _kept.move_to_end(academy_id)
    # One at a time: of two, the one that has looked first could keep its rows last.
    with kept.lock:
        if time.monotonic() < kept.too_many_until:
            return None
        active, is_kept = _refresh(kept, academy_id, since, now)
        by_place = kept.failures.by_place if kept.failures else {}
        showings = {place: [one for one in own if since < one.at <= now] for place, own in by_place.items()}
    with _lock:
        _forget_beyond_most()
    return Lately(active, showings if is_kept else None)


def forget_all() -> None:
    """Forget what is kept, as a new process would have it."""
    with _lock:
        _kept.clear()


def _refresh(kept: _Kept, academy_id: int, since: datetime, now: datetime) -> tuple[frozenset[int], bool]:
    """Bring what is kept up to date; return who was active, and whether the errors could be kept."""
    started = time.monotonic()
    if started - kept.began > _KEPT_SECONDS:
        kept.failures = kept.written_since = None
    kept_since = since - (since - _EPOCH) % _STEP
    asked = {"academy": academy_id, "since": since, "now": now, "kept_since": kept_since}
    looked = fetch(_LOOK, {**asked, "written_since": kept.written_since})
    active = frozenset(user_id for user_id, is_active, *_rest in looked if is_active)
    if not looked:
        kept.failures = kept.written_since = None
        return active, True
    count = sum(failed for _user, _is_active, failed, *_rest in looked)
    server, written_since, has_written = looked[0][-3:]
    if count > MOST_KEPT:
        kept.failures, kept.too_many_until = None, started + _TOO_MANY_SECONDS
    if has_written or count > MOST_KEPT:
        return active, False
    changed = [number for _user, _is_active, _failed, ids, *_rest in looked for number in ids or ()]
    if kept.server != server or len(changed) > count // 2:
        kept.failures = None
    if kept.failures is not None and kept_since > kept.since:
        kept.failures.drop(kept_since)
    if kept.failures is not None and changed:
        kept.failures.replace(changed, fetch(_THESE, {**asked, "ids": changed}))
    if kept.failures is None or kept.count != count:
        kept.failures, kept.began = _Failures(fetch(_ALL, asked)), started
    # Of the look, which was before the rows were read: what came between is read once more.
    kept.server, kept.written_since, kept.since = server, written_since, kept_since
    return active, True


def _forget_beyond_most() -> None:
    """Forget the academies that were asked for longest ago, where there are too many attempts."""
    total = sum(kept.count for kept in _kept.values())
    while _kept and (total > MOST_KEPT or len(_kept) > _MOST_ACADEMIES):
        _academy, oldest = _kept.popitem(last=False)
        total -= oldest.count
