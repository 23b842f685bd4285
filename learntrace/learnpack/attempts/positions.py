"""How far a document was read: where the next one only goes on from there, nothing but its new runs is made into entries.

A `Position` is made of a document all of whose entries are stored, and holds as long as exactly the same activities are
stored (`stored_positions` keeps the two together). The next document goes on from it (`Position.go_on`) if it has all steps
of the first, and in each of them all runs as they were, with others after them at most. Then its entries are those of the
first and those of its tail. Anything else, and a tail that tells an equal of another run, is read whole: the result is the
same, by the slower way. Pure functions.
"""

from collections.abc import Iterable, Sequence, Set
from hashlib import sha1
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from learntrace.learnpack.attempts.document import Entry, entries
from learntrace.learnpack.attempts.kinds import KINDS
from learntrace.learnpack.attempts.outline import Outline, OutlinedStep, is_filled
from learntrace.learnpack.attempts.run_identity import Subject
from learntrace.measures.activity import COMPLETED

# To be raised with every change in what `document.entries` reads of a document: then positions of before count no longer.
READER: Final = 1
# A time is a number or a short text. With more attempts that a document doesn't tell, it is read whole.
_LONGEST_TIME = 64
MOST_UNTOLD = 1000
_ID_BYTES = 16


class _List(NamedTuple):
    """The runs of one kind that were read: the length of their JSON text without the closing bracket, and its digest."""

    length: int
    digest: bytes


class _Reach(msgspec.Struct, array_like=True, frozen=True):
    """How far a step was read. Times are JSON texts, empty for none; `finished`: a completion was told, with a time or not."""

    opened: str = ""
    completed: str = ""
    is_completed: bool = False
    finished: bool = False
    lists: dict[str, _List] = {}


class Position(msgspec.Struct, array_like=True, frozen=True):
    """What was read of a document, and the ids of the activities that were stored then and that it doesn't tell."""

    reader: int
    steps: dict[str, _Reach]
    untold: bytes = b""

    def untold_ids(self) -> set[str]:
        starts = range(0, len(self.untold), _ID_BYTES)
        return {str(UUID(bytes=self.untold[start : start + _ID_BYTES])) for start in starts}

    def go_on(self, outline: Outline, subject: Subject) -> "Tail | None":
        """Return what a document tells beyond this position, None where it has to be read whole."""
        named = outline.named_steps()
        steps = dict(named)
        if self.reader != READER or len(steps) < len(named) or not steps.keys() >= self.steps.keys():
            return None
        told: list[dict[str, Any]] = []
        reached: dict[str, _Reach] = {}
        for slug, step in named:
            beyond = _beyond(step, self.steps.get(slug, _Reach()))
            if beyond is None:
                return None
            reached[slug], new = beyond
            if new:
                told.append({"slug": slug, **new})
        read = _entries(outline, subject, told)
        finished = _finished(read)
        for slug, reach in reached.items():
            if f"{subject.asset_slug}/{slug}" in finished:
                reached[slug] = msgspec.structs.replace(reach, finished=True)
            elif reach.is_completed and not reach.finished:
                return None
        if any(entry.id != entry.first for entry in read):
            return None
        return Tail(read, Position(READER, _of_use(reached), self.untold))


class Tail(NamedTuple):
    """The entries of a document beyond a position, and the position after them."""

    entries: list[Entry]
    position: Position


def position_after(
    outline: Outline, subject: Subject, read: Iterable[Entry], untold: Set[str] | Sequence[str]
) -> Position | None:
    """Return the position at the end of a document that was read whole, None for one that is always read whole.

    `read` are its entries, `untold` the ids of the stored activities that it doesn't tell.
    """
    named = outline.named_steps()
    steps = dict(named)
    if len(steps) < len(named) or len(untold) > MOST_UNTOLD:
        return None
    finished = _finished(read)
    reached: dict[str, _Reach] = {}
    for slug, step in named:
        head = _head(step)
        if head is None:
            return None
        lists = {kind.key: _list(text) for kind in KINDS if is_filled(text := step.text_of(kind.key))}
        reached[slug] = _Reach(*head, f"{subject.asset_slug}/{slug}" in finished, lists)
    return Position(READER, _of_use(reached), b"".join(UUID(one).bytes for one in sorted(untold)))


def _entries(outline: Outline, subject: Subject, steps: list[dict[str, Any]]) -> list[Entry]:
    if not steps:
        return []
    told = {"telemetry_id": outline.telemetry_id, "workout_session": outline.workout_session, "steps": steps}
    return entries(told, subject)


def _finished(read: Iterable[Entry]) -> set[str]:
    """Return the assignments of which these entries tell a completion."""
    return {entry.assignment for entry in read if entry.kind.verb == COMPLETED}


def _of_use(reached: dict[str, _Reach]) -> dict[str, _Reach]:
    """Return the steps of which there is anything to know: most steps of a package haven't been opened yet."""
    return {slug: reach for slug, reach in reached.items() if reach != _Reach()}


def _beyond(step: OutlinedStep, reach: _Reach) -> tuple[_Reach, dict[str, Any]] | None:
    """Return how far a step reaches now, and the part of it beyond where it was read; None where it doesn't go on."""
    head, lists = _head(step), _lists_beyond(step, reach)
    if head is None or lists is None:
        return None
    opened, completed, is_completed = head
    reached, new = lists
    for name, was, now in (("opened_at", reach.opened, opened), ("completed_at", reach.completed, completed)):
        if now != was:
            if was:
                return None
            new[name] = msgspec.json.decode(now)
    # A completion without a time counts until the time is told.
    if (reach.finished and "completed_at" in new) or (reach.is_completed and not is_completed):
        return None
    return _Reach(opened, completed, is_completed, reach.finished, reached), new


def _lists_beyond(step: OutlinedStep, reach: _Reach) -> tuple[dict[str, _List], dict[str, Any]] | None:
    """Return how far the lists of a step reach now, and their runs beyond where they were read; None where one doesn't."""
    reached: dict[str, _List] = {}
    new: dict[str, Any] = {}
    for kind in KINDS:
        text, was_read = step.text_of(kind.key), reach.lists.get(kind.key)
        if was_read is not None:
            read = _tail(text, was_read)
            if read is None:
                return None
        elif is_filled(text):
            read = _list(text), msgspec.json.decode(text)
        else:
            continue
        reached[kind.key], tail = read
        if tail:
            new[kind.key] = tail
    return reached, new


def _head(step: OutlinedStep) -> tuple[str, str, bool] | None:
    """Return the times of a step itself, as texts, and whether it says that it is completed; None for unusual ones."""
    opened, completed = (step.text_of(name) for name in ("opened_at", "completed_at"))
    if len(opened) > _LONGEST_TIME or len(completed) > _LONGEST_TIME:
        return None
    return _time(opened), _time(completed), step.is_completed is True


def _time(text: bytes) -> str:
    return "" if text == b"null" else text.decode()


def _list(text: bytes) -> _List:
    return _List(len(text) - 1, sha1(text[:-1], usedforsecurity=False).digest())


def _tail(text: bytes, was_read: _List) -> tuple[_List, list[Any]] | None:
    """Return how far a list of runs reaches now, and the runs after those that were read; None if these have changed.

    PostgreSQL writes the same JSON as the same text, so that a list that has grown begins with the text of the shorter one.
    """
    length, digest = was_read
    after = text[length : length + 1]
    if not text.startswith(b"[") or after not in (b",", b"]"):
        return None
    read = sha1(text[:length], usedforsecurity=False)
    if read.digest() != digest:
        return None
    if after == b"]":
        return was_read, []
    read.update(text[length:-1])
    return _List(len(text) - 1, read.digest()), msgspec.json.decode(b"[" + text[length + 1 :])
