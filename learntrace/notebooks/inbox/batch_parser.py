"""Parse a request's events, each by itself: an event that can't be parsed doesn't affect the others."""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import Problem
from learntrace.core.json import MAX_DEPTH, JSONProblem, decode, refuse_many_values, refuse_unstorable, whole
from learntrace.intake.text_repair import Repaired, decode_repaired, repair
from learntrace.measures.clock import SAME_CLOCK
from learntrace.notebooks.validation.allowed import copy_of_rejected
from learntrace.notebooks.validation.event import REPLACED_CHARACTERS, UNTOLD, Clock, Row, check_counting, parse_time
from learntrace.notebooks.validation.rejections import TOO_LARGE, Rejection, excerpt, unstorable
from learntrace.notebooks.validation.usual import usual_row

MAX_EVENTS = 500
MAX_BYTES = 64 * 1024
# How much is kept of an event that is larger.
KEPT_CHARACTERS = 16 * 1024
# The present time by the clock that stamped the events, as they are sent: beside `events`, or in an event.
SENT_AT = "sent_at"
_COMPACT = (",", ":")
_NAMES = frozenset({"id", "actor", "assignment", "code_hash"})
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class InvalidBatch(Problem):
    slug = "invalid-batch"
    text = _("The body must be a JSON list of 1 to %(most)s events, or an object with such a list as `events`")

    @classmethod
    def of_count(cls, count: int) -> "InvalidBatch":
        return cls(_("Send 1 to %(most)s events at a time, not %(count)s"), most=MAX_EVENTS, count=count)

    @classmethod
    def unreadable(cls, problem: JSONProblem) -> "InvalidBatch":
        invalid = cls(problem.text)
        invalid.values = problem.values
        return invalid


@dataclass(frozen=True, slots=True)
class Batch:
    """A decoded body: its events, and its size in bytes; `storable`: the database can hold every event.

    `sent_at`: the present time by the sender's clock, for the events that don't tell it themselves.
    """

    events: list[Any]
    size: int
    storable: bool
    sent_at: Any = None


class ParsedEvent(msgspec.Struct, frozen=True):
    """One event of a request, with its row or its rejection. `document`: the event as sent; `id`: as sent, for
    the answer. `dropped`: how many of its keys an event may not carry. `clock`: what its sending told of its clock.

    A Struct, as a frozen dataclass takes six times as long to make."""

    index: int
    id: str | None
    document: Any
    row: Row | None = None
    rejection: Rejection | None = None
    dropped: int = 0
    clock: Clock = UNTOLD

    @property
    def row_or_stub(self) -> Row:
        """The row; for an event that has none, a stub with what admission reads of it."""
        actor = self.document.get("actor") if isinstance(self.document, dict) else None
        return self.row or {"actor": actor, "object": {}}


def decode_batch(body: bytes) -> Batch:
    """Decode a body of events.

    Raises InvalidBatch for a body that isn't JSON, isn't a list, is empty or too long, TooManyValues.
    """
    refuse_many_values(body)
    storable = True
    _refuse_count(body)
    try:
        document = decode(body)
    except JSONProblem as problem:
        # Python's reader accepts a NUL, half a surrogate pair and a huge number, so that each event is checked by itself.
        # It fails on deep nesting, which is therefore cut to a depth that the check of the event still refuses.
        storable = False
        try:
            document = json.loads(_shallow(body).decode("utf-8", "surrogateescape"), parse_int=whole)
        except (ValueError, RecursionError):
            raise InvalidBatch.unreadable(problem) from problem
    events, sent_at = (
        (document.get("events"), document.get(SENT_AT)) if isinstance(document, dict) else (document, None)
    )
    if not isinstance(events, list):
        raise InvalidBatch(most=MAX_EVENTS)
    if not 1 <= len(events) <= MAX_EVENTS:
        raise InvalidBatch.of_count(len(events))
    return Batch(events, len(body), storable, sent_at)


class _Uncounted(msgspec.Struct):
    events: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET


_counter = msgspec.json.Decoder(list[msgspec.Raw] | _Uncounted)


def _refuse_count(body: bytes) -> None:
    """Refuse a list that is too long before its elements are decoded: the sender isn't authenticated yet."""
    try:
        counted = _counter.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return  # the full decoder says what is wrong
    events = counted.events if isinstance(counted, _Uncounted) else counted
    if isinstance(events, list) and len(events) > MAX_EVENTS:
        raise InvalidBatch.of_count(len(events))


# Whole strings and brackets. A lone quote begins an unterminated string: the rest isn't JSON.
_STRUCTURE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{}]', re.DOTALL)
# The list, an object around it, and one level more than an event may have: deep enough that the event's check refuses it.
_DEEPEST = MAX_DEPTH + 3


def _shallow(body: bytes) -> bytes:
    """Replace everything nested deeper than _DEEPEST by null, in one pass over the bytes and without recursion.

    Inside the replaced parts only brackets are counted: an event that holds such a part is refused in any case.
    """
    kept: list[bytes] = []
    depth = start = 0
    for token in _STRUCTURE.finditer(body):
        mark = body[token.start()]
        if mark in b"[{":
            depth += 1
            if depth == _DEEPEST + 1:
                kept += (body[start : token.start()], b"null")
                start = len(body)
        elif mark in b"]}":
            depth -= 1
            if depth == _DEEPEST:
                start = token.end()
        elif token.end() - token.start() == 1:
            break
    kept.append(body[start:])
    return b"".join(kept)


def parse_batch(batch: Batch, now: datetime) -> list[ParsedEvent]:
    """Check each event by itself."""
    measured = batch.size > MAX_BYTES or not batch.storable
    clocks = _Clocks(batch.sent_at, now)
    return [
        _parse(index, event, now, clocks.clock_of(event), measured=measured, storable=batch.storable)
        for index, event in enumerate(batch.events)
    ]


class _Clocks:
    """What the sending of a request's events tells of their clocks; each time is read once, as most events tell the same."""

    def __init__(self, sent_at: Any, now: datetime) -> None:
        self._sent_at, self._now = sent_at, now
        self._read: dict[str, Clock] = {}

    def clock_of(self, event: Any) -> Clock:
        """Take from an event what its sending tells: with each sending it is another, while the event is the same."""
        sent_at = event.pop(SENT_AT, self._sent_at) if isinstance(event, dict) else self._sent_at
        if sent_at is None:
            return UNTOLD
        if not isinstance(sent_at, str):
            return Clock(legible=False)
        clock = self._read.get(sent_at)
        if clock is None:
            clock = self._read[sent_at] = self._clock_at(parse_time(sent_at))
        return clock

    def _clock_at(self, moment: datetime | None) -> Clock:
        if moment is None:
            return Clock(legible=False)
        ahead = moment - self._now
        # So near to ours, it is never corrected (`measures.clock.correction`).
        return UNTOLD if abs(ahead) <= SAME_CLOCK else Clock(ahead)


def _parse(index: int, event: Any, now: datetime, clock: Clock, *, measured: bool, storable: bool) -> ParsedEvent:
    try:
        repaired = Repaired(event) if storable else _storable(event)
        if measured and (size := len(msgspec.json.encode(repaired.document))) > MAX_BYTES:
            raise Rejection(TOO_LARGE, size=size, limit=MAX_BYTES)
        row, dropped = _checked(repaired, now, clock)
    except Rejection as rejection:
        return ParsedEvent(index, _id_of(event), event, rejection=rejection, clock=clock)
    return ParsedEvent(index, row["id"], repaired.document, row=row, dropped=dropped, clock=clock)


def _checked(repaired: Repaired, now: datetime, clock: Clock) -> tuple[Row, int]:
    """Return the row of an event, flagged where its texts were repaired, and how many of its keys were dropped."""
    row, dropped = (usual_row(repaired.document, now) if clock == UNTOLD else None), 0
    if row is None:
        row, dropped = check_counting(repaired.document, now, clock)
    if repaired.places:
        row["flags"].append(REPLACED_CHARACTERS)
    return row, dropped


def parse_event(text: str | bytes, now: datetime, clock: Clock = UNTOLD) -> Row:
    """Return the row of one event, given as JSON; `now` and `clock` are those of its sending.

    Raises Rejection.
    """
    body = text.encode() if isinstance(text, str) else text
    try:
        repaired = decode_repaired(body, _is_id)
    except JSONProblem as problem:
        raise unstorable(problem) from problem
    if len(body) > MAX_BYTES:
        raise Rejection(TOO_LARGE, size=len(body), limit=MAX_BYTES)
    return _checked(repaired, now, clock)[0]


def _storable(event: Any) -> Repaired:
    """Return an event with its texts repaired.

    Raises Rejection where what can't be stored is elsewhere.
    """
    repaired = repair(event, _is_id)
    try:
        refuse_unstorable(repaired.document)
    except JSONProblem as problem:
        raise unstorable(problem) from problem
    return repaired


def _is_id(key: str) -> bool:
    """Whether a key of an event holds what something is known by: such a text is never changed."""
    return key in _NAMES or key.endswith("_id")


def _id_of(event: Any) -> str | None:
    given = event.get("id") if isinstance(event, dict) else None
    return excerpt(given) if isinstance(given, str) else None


@dataclass(frozen=True, slots=True)
class RejectedCopy:
    """The stored copy of a rejected event: the JSON of what an event may carry, perhaps cut, and a fingerprint of the whole.

    `dropped`: how many keys and values it doesn't hold.
    """

    raw: str
    cut: bool
    fingerprint: str
    dropped: int


def copy_rejected(event: Any) -> RejectedCopy:
    """Return the copy of a rejected event that is stored."""
    kept, dropped = copy_of_rejected(event)
    text = _as_text(kept)
    raw = text.encode()
    cut = len(raw) > MAX_BYTES
    # Of what was sent, so that two events that differ in what isn't kept are two.
    fingerprint = hashlib.sha256(_as_text(event).encode()).hexdigest()
    return RejectedCopy(text[:KEPT_CHARACTERS] if cut else text, cut, fingerprint, dropped)


def _as_text(event: Any) -> str:
    try:
        text = json.dumps(event, ensure_ascii=False, separators=_COMPACT)
    except (ValueError, RecursionError):
        return ""
    # Escaped, such characters can be stored and corrected.
    return json.dumps(event, separators=_COMPACT) if _UNSTORABLE.search(text) else text
