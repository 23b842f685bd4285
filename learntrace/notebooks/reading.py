"""A request's events, each read by itself: one that can't be read costs no other."""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import Problem
from learntrace.core.json import MAX_DEPTH, JSONProblem, decode, refuse_unstorable, whole
from learntrace.notebooks.checking import Row, check
from learntrace.notebooks.rejections import TOO_LARGE, Rejection, shown, unstorable

MAX_EVENTS = 500
MAX_BYTES = 64 * 1024
# What is kept of an event that is larger.
KEPT_CHARACTERS = 16 * 1024
# Source code in whatever was sent; a learner's code is kept only where the academy wants it, and then as an event's.
_SOURCE = ("code", "source")
_COMPACT = (",", ":")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class InvalidBatch(Problem):
    slug = "invalid-batch"
    text = _("The body must be a JSON list of 1 to %(most)s events, or an object with such a list as `events`")

    @classmethod
    def of_count(cls, count: int) -> "InvalidBatch":
        return cls(_("Send 1 to %(most)s events at a time, not %(count)s"), most=MAX_EVENTS, count=count)

    @classmethod
    def unreadable(cls, problem: JSONProblem) -> "InvalidBatch":
        told = cls(problem.text)
        told.values = problem.values
        return told


@dataclass(frozen=True, slots=True)
class Batch:
    """A decoded body: its events, and its size in bytes."""

    events: list[Any]
    size: int
    # Whether every event is one that the database can hold.
    storable: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """One event of a request: its row, or why there is none. `id` is for the client, as it was sent."""

    index: int
    id: str | None
    event: Any
    row: Row | None = None
    rejection: Rejection | None = None


def decode_batch(body: bytes) -> Batch:
    """Decode a body of events.

    Raises InvalidBatch for what is no JSON, no list, empty or too long.
    """
    storable = True
    _refuse_count(body)
    try:
        document = decode(body)
    except JSONProblem as problem:
        # A NUL, half a surrogate pair, a huge number: Python's reader lets them pass, for each event to be looked at.
        # Deep nesting it doesn't: that is cut to where an event's own look finds it.
        storable = False
        try:
            document = json.loads(_shallow(body).decode("utf-8", "surrogateescape"), parse_int=whole)
        except (ValueError, RecursionError):
            raise InvalidBatch.unreadable(problem) from problem
    events = document.get("events") if isinstance(document, dict) else document
    if not isinstance(events, list):
        raise InvalidBatch(most=MAX_EVENTS)
    if not 1 <= len(events) <= MAX_EVENTS:
        raise InvalidBatch.of_count(len(events))
    return Batch(events, len(body), storable)


class _Uncounted(msgspec.Struct):
    events: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET


_counter = msgspec.json.Decoder(list[msgspec.Raw] | _Uncounted)


def _refuse_count(body: bytes) -> None:
    """Refuse a list that is too long before anything is made of its elements: bodies are read before the key is known."""
    try:
        counted = _counter.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return  # what is wrong is told by who reads it whole
    events = counted.events if isinstance(counted, _Uncounted) else counted
    if isinstance(events, list) and len(events) > MAX_EVENTS:
        raise InvalidBatch.of_count(len(events))


# Whole texts, and what opens and closes. A quote that stands alone opens a text without an end: what follows is no JSON.
_STRUCTURE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{}]', re.DOTALL)
# The list, an object around it, and one level more than an event may have: enough for each event to be refused by itself.
_DEEPEST = MAX_DEPTH + 3


def _shallow(body: bytes) -> bytes:
    """The body with null for what is nested deeper than any reader goes; one pass over the bytes, without recursion.

    Inside of that only the brackets' number counts: an event that holds it is refused either way.
    """
    kept: list[bytes] = []
    depth = start = 0
    for found in _STRUCTURE.finditer(body):
        mark = body[found.start()]
        if mark in b"[{":
            depth += 1
            if depth == _DEEPEST + 1:
                kept += (body[start : found.start()], b"null")
                start = len(body)
        elif mark in b"]}":
            depth -= 1
            if depth == _DEEPEST:
                start = found.end()
        elif found.end() - found.start() == 1:
            break
    kept.append(body[start:])
    return b"".join(kept)


def read_batch(batch: Batch, now: datetime) -> list[Reading]:
    """Check each event by itself."""
    measured = batch.size > MAX_BYTES or not batch.storable
    return [
        _read(index, event, now, measured=measured, storable=batch.storable) for index, event in enumerate(batch.events)
    ]


def _read(index: int, event: Any, now: datetime, *, measured: bool, storable: bool) -> Reading:
    try:
        if not storable:
            _refuse_unstorable(event)
        if measured and (size := len(msgspec.json.encode(event))) > MAX_BYTES:
            raise Rejection(TOO_LARGE, size=size, limit=MAX_BYTES)
        row = check(event, now)
    except Rejection as rejection:
        return Reading(index, _id_of(event), event, rejection=rejection)
    return Reading(index, row["id"], event, row=row)


def read_event(text: str | bytes, now: datetime) -> Row:
    """The row of one event, given as JSON.

    Raises Rejection.
    """
    body = text.encode() if isinstance(text, str) else text
    try:
        event = decode(body)
    except JSONProblem as problem:
        raise unstorable(problem) from problem
    if len(body) > MAX_BYTES:
        raise Rejection(TOO_LARGE, size=len(body), limit=MAX_BYTES)
    return check(event, now)


def _refuse_unstorable(event: Any) -> None:
    try:
        refuse_unstorable(event)
    except JSONProblem as problem:
        raise unstorable(problem) from problem


def _id_of(event: Any) -> str | None:
    given = event.get("id") if isinstance(event, dict) else None
    return shown(given) if isinstance(given, str) else None


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a rejected event: its JSON, without source code, perhaps cut; and what tells it from others."""

    raw: str
    cut: bool
    fingerprint: str


def keep(event: Any) -> Kept:
    """What to keep of a rejected event."""
    if isinstance(event, dict) and isinstance(event.get("object"), dict):
        event = {**event, "object": {name: value for name, value in event["object"].items() if name not in _SOURCE}}
    try:
        text = json.dumps(event, ensure_ascii=False, separators=_COMPACT)
    except (ValueError, RecursionError):
        text = ""
    if _UNSTORABLE.search(text):
        # As escapes they can be kept, and corrected.
        text = json.dumps(event, separators=_COMPACT)
    raw = text.encode()
    cut = len(raw) > MAX_BYTES
    return Kept(text[:KEPT_CHARACTERS] if cut else text, cut, hashlib.sha256(raw).hexdigest())
