"""Reading a LearnPack document as a learner's activities; its compilations and tests are attempts.

`entries` finds what a document says that the learner did, in two steps because each batch is the whole state again: an
entry's id, time and outcome cost little, and only entries that are not stored yet are decoded by `Entry.activity`.
The id is made from the entry itself, so that the same run in the next batch, of another device, in a step that was
renamed, or as a streaming event (`streamed_entry`), is the same activity.

Nothing here raises, whatever JSON a client sends.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple
from zlib import crc32

from learntrace.learnpack.attempts.content import (
    LATEST,
    latest_runs,
    listed_steps,
    slug_of,
    started,
    time_of,
)
from learntrace.learnpack.attempts.encoding import decoded
from learntrace.learnpack.attempts.kinds import (
    BY_EVENT,
    COMPLETION,
    KINDS,
    OPENING,
    OUTCOME_OF,
    TOLD_COMPLETION,
    Kind,
    Run,
)
from learntrace.learnpack.attempts.run_identity import (
    KIND_PLACES,
    MICROSECOND,
    STEP_PLACES,
    Subject,
    arrival_of,
    id_of,
    run_name,
    told_completion_name,
)
from learntrace.learnpack.attempts.workout_sessions import Sessions
from learntrace.learnpack.events import OPEN_STEP
from learntrace.measures.activity import ERROR, EXECUTED, Activity, Failure
from learntrace.measures.clock import counted_at, is_ahead
from learntrace.measures.code_hash import code_hash, without_blanks
from learntrace.measures.failures import FAILED, from_stderr
from learntrace.measures.timestamps import EPOCH

# The end of an output has the error; a longer output is a program that printed in a loop.
MOST_OUTPUT = 64 * 1024

# The latest time, in microseconds, times these fits a bigint.
_KIND_PLACES_AHEAD = 2**3


class Entry(NamedTuple):
    """Something that a learner did, as a document says it; `activity` decodes the source code and the outputs.

    `first` is the id of the first of its equals: entries of one moment that differ at most in their step. A tuple, as a
    document may have 100,000 and a frozen dataclass takes four times as long to make.
    """

    id: str
    first: str
    at: datetime
    arrival: int
    assignment: str
    session_id: str
    kind: Kind
    outcome: str | None
    code_hash: str | None
    run: Run

    def code(self) -> str | None:
        """Return the code that was run, as it is hashed; None where there is none."""
        return without_blanks(decoded(self.run.get("source_code"))) if self.code_hash else None

    def activity(self, received_at: datetime) -> Activity:
        """Return the activity; `received_at` is when we were told of it first."""
        return Activity(
            id=self.id,
            at=counted_at(self.at, received_at),
            arrival=self._order_ahead if is_ahead(self.at, received_at) else self.arrival,
            verb=self.kind.verb,
            assignment=self.assignment,
            outcome=self.outcome,
            failures=_failures(self.run) if self.outcome == ERROR else (),
            session_id=self.session_id,
            object_id=self.kind.part,
            code_hash=self.code_hash,
            part=self.kind.part,
        )

    @property
    def _order_ahead(self) -> int:
        """The `arrival` where the clock is ahead: all that came with one batch counts at one moment, in the clock's order."""
        return (self.at - EPOCH) // MICROSECOND * _KIND_PLACES_AHEAD + self.kind.rank


def entries(document: object, subject: Subject) -> list[Entry]:
    """Return what a learner did according to a document: each step's opening, runs, questions, answers and completion.

    A run is an attempt if it has an exit code, and a success if that is the number 0; a null, of a process that was
    killed, is a failure, as it is for the indicators. A quiz is one if its status is SUCCESS or ERROR. What has no
    readable time is left out: it has no place in the learner's order, on which measures and signals depend, and no id
    that the next batch would give again. Of each step, the latest MOST_RUNS runs are taken. A step that is listed twice
    is one step.
    """
    return list(EntryReader(document, subject))


class EntryReader(Iterator[Entry]):
    """Yields the entries of a document in their order, each made when it is asked for.

    So that the work on a document with 100,000 runs can be done in parts: to put them in order is a quarter of it.
    """

    def __init__(self, document: object, subject: Subject) -> None:
        found: list[_Found] = []
        if isinstance(document, Mapping):
            sessions = Sessions(document.get("workout_session"), document.get("telemetry_id"), subject)
            equals = _Equals()
            listings = [(step, slug) for _position, step, slug in listed_steps(document)]
            times = Counter(slug for _step, slug in listings)
            told: dict[str, Counter[str]] = {}
            for step, slug in listings:
                told_by_step = told.setdefault(slug, Counter()) if times[slug] > 1 else None
                found += _found_in(step, _StepReader(subject, slug, sessions, equals, told_by_step), document)
        # Entries of one moment in the order of their `arrival`: equal ones keep their order, in which they are numbered.
        found.sort(key=itemgetter(0, 1))
        self._found = iter(found)

    def __next__(self) -> Entry:
        for at, _place, kind, run, reader in self._found:
            if (entry := reader.entry(kind, run, at)) is not None:
                return entry
        raise StopIteration


def activities(document: object, subject: Subject, received_at: datetime = LATEST) -> list[Activity]:
    """Return all entries of a document that came at `received_at` as activities; without it, no clock is ahead."""
    return sorted((entry.activity(received_at) for entry in entries(document, subject)), key=attrgetter("order"))


def streamed_entry(
    event: str, payload: Mapping[str, Any], received_at: datetime, subject: Subject, workout_sessions: object = None
) -> Entry | None:
    """Return what a streaming event tells, None where it tells nothing (no step, no time, no exit code).

    `workout_sessions` are those of the learner's last document. `open_step` brings no time: it counts from when it was
    received.
    """
    slug, data = slug_of(payload.get("slug")), payload.get("data")
    if not slug:
        return None
    run = data if isinstance(data, Mapping) else {}
    sessions = Sessions(workout_sessions, payload.get("telemetry_id"), subject)
    at, kind = (received_at, OPENING) if event == OPEN_STEP else (started(run), BY_EVENT.get(event))
    if at is None or kind is None:
        return None
    return _StepReader(subject, slug, sessions, _Equals()).entry(kind, {} if kind is OPENING else run, at)


def streamed_activity(
    event: str, payload: Mapping[str, Any], received_at: datetime, subject: Subject, workout_sessions: object = None
) -> Activity | None:
    """Return the activity of a streaming event; see `streamed_entry`."""
    entry = streamed_entry(event, payload, received_at, subject, workout_sessions)
    return None if entry is None else entry.activity(received_at)


class _Equals:
    """The equal entries of a document: how many there are of each name, and the id of the first.

    Also the hash of each source code that was met, as most runs repeat an earlier one's.
    """

    def __init__(self) -> None:
        self.numbers: Counter[str] = Counter()
        self.first: dict[str, str] = {}
        self._hashes: dict[str, str | None] = {}

    def hash_of(self, source: object) -> str | None:
        """Return the hash of source code as a client encodes it, None where there is none."""
        if not isinstance(source, str) or not source:
            return None
        if source not in self._hashes:
            text = decoded(source)
            self._hashes[source] = code_hash(text) if text else None
        return self._hashes[source]


class _StepReader:
    """Makes the entries of a step. `equals` counts equal entries, whose ids differ by their number only.

    `told` counts what was told of a step that is listed more than once: a listing that repeats another tells nothing new.
    What all entries of the step have in common is made once: the rest is done 100,000 times for one document.
    """

    def __init__(
        self, subject: Subject, slug: str, sessions: Sessions, equals: _Equals, told: Counter[str] | None = None
    ) -> None:
        self._subject, self._sessions, self._equals, self._told = subject, sessions, equals, told
        self._told_here: Counter[str] = Counter()
        self._assignment = f"{subject.asset_slug}/{slug}"
        self._place = crc32(json.dumps(slug).encode()) * STEP_PLACES

    def place_of(self, kind: Kind) -> int:
        """Return the `arrival` of a kind's entries without their numbers."""
        return self._place + kind.rank * KIND_PLACES

    def entry(self, kind: Kind, run: Run, at: datetime) -> Entry | None:
        """Return an entry, None for an execution without an exit code, and for one that the step has told before."""
        outcome = OUTCOME_OF[kind.verb](run) if kind.verb in OUTCOME_OF else None
        if kind.verb == EXECUTED and outcome is None:
            return None
        hashed = self._equals.hash_of(run.get("source_code"))
        name = run_name(self._subject, kind.event, at, outcome, hashed)
        if kind is TOLD_COMPLETION:
            name = told_completion_name(self._subject, self._assignment)
        if self._told is not None and not self._is_new(name):
            return None
        self._equals.numbers[name] = number = self._equals.numbers[name] + 1
        entry_id = id_of(name, number)
        return Entry(
            entry_id,
            self._equals.first.setdefault(name, entry_id),
            at,
            arrival_of(self.place_of(kind), number, entry_id),
            self._assignment,
            self._sessions.id_at(at),
            kind,
            outcome,
            hashed,
            run,
        )

    def _is_new(self, name: str) -> bool:
        assert self._told is not None  # noqa: S101 (asked for repeated steps only)
        self._told_here[name] += 1
        if self._told_here[name] <= self._told[name]:
            return False
        self._told[name] += 1
        return True


_Found = tuple[datetime, int, Kind, Run, _StepReader]
"""An entry that has yet to be made: its time, its `arrival` without a number, its kind, its run and its step."""


def _found_in(step: Run, reader: _StepReader, document: Mapping[str, Any]) -> Iterator[_Found]:
    times = {kind: at for kind in (OPENING, COMPLETION) if (at := time_of(step, kind.key)) is not None}
    for kind, at in times.items():
        yield at, reader.place_of(kind), kind, {}, reader
    places = {kind: reader.place_of(kind) for kind in KINDS}
    runs = latest_runs(step)
    for at, kind, run in runs:
        yield at, places[kind], kind, run, reader
    if step.get("is_completed") is True and COMPLETION not in times:
        known = [at for at in (runs[-1][0] if runs else None, times.get(OPENING)) if at is not None]
        if (told := max(known, default=None) or time_of(document, "last_interaction_at")) is not None:
            yield told, reader.place_of(TOLD_COMPLETION), TOLD_COMPLETION, {}, reader


def _failures(run: Run) -> tuple[Failure, ...]:
    """Return the errors in a run's output: compilers and interpreters write them to stderr, test runners to stdout."""
    failures = from_stderr(decoded(run.get("stderr"))[-MOST_OUTPUT:])
    return failures if failures != (Failure(FAILED),) else from_stderr(decoded(run.get("stdout"))[-MOST_OUTPUT:])
