"""Reading a LearnPack document as a learner's activities; its compilations and tests are attempts.

`entries` finds what a document says that the learner did, in two steps because each batch is the whole state again: an
entry's id, time and outcome cost little, and only entries that are not stored yet are decoded by `Entry.activity`.
The id is made from the entry itself, so that the same run in the next batch, of another device, in a step that was
renamed, or as a streaming event (`streamed_entry`), is the same activity. `unknown` finds the entries of a document
that no stored activity is.

Nothing here raises, whatever JSON a client sends.
"""

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple
from zlib import crc32

from learntrace.learnpack.attempts.encoding import decoded
from learntrace.learnpack.attempts.run_identity import (
    KIND_PLACES,
    MICROSECOND,
    STEP_PLACES,
    TOLD_COMPLETION,
    Subject,
    arrival_of,
    id_of,
    run_name,
    told_completion_name,
)
from learntrace.learnpack.events import AI_INTERACTION, COMPILE, OPEN_STEP, QUIZ_SUBMISSION, TEST
from learntrace.measures.activity import ASKED, COMPLETED, ERROR, EXECUTED, OK, QUIZ, Activity, Failure
from learntrace.measures.activity import COMPILE as COMPILED
from learntrace.measures.activity import TEST as TESTED
from learntrace.measures.clock import counted_at, is_ahead
from learntrace.measures.code_hash import code_hash, without_blanks
from learntrace.measures.failures import FAILED, from_stderr
from learntrace.measures.timestamps import EPOCH, parse

# Verbs that no detector reads: they say that the learner was there. "closed" would end a session.
# A step's completion is evidence that it is done; a quiz that was answered right or wrong is an attempt.
OPENED, ANSWERED = "opened", "answered"

# Bounds of the work on one document. Packages have some tens of steps, and nobody runs one a thousand times.
MOST_STEPS = 1000
MOST_RUNS = 1000
# The end of an output has the error; a longer output is a program that printed in a loop.
MOST_OUTPUT = 64 * 1024

MAX_SLUG = 200
MAX_TITLE = 200
MAX_SESSION = 200
# Times outside are no learner's clock, and too near to the ends of datetime to calculate with.
_EARLIEST, _LATEST = datetime(1973, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

# The latest time, in microseconds, times these fits a bigint.
_KIND_PLACES_AHEAD = 2**3


@dataclass(frozen=True)
class _Kind:
    """A kind of entry: its key in a step, the streaming event that sends one, and the activity that it becomes.

    `rank` orders entries of one moment. `part` is what of the step was executed.
    """

    key: str
    event: str
    rank: int
    verb: str
    part: str | None = None


# Lists of a step.
KINDS: Final = (
    _Kind("compilations", COMPILE, 1, EXECUTED, COMPILED),
    _Kind("tests", TEST, 2, EXECUTED, TESTED),
    _Kind("ai_interactions", AI_INTERACTION, 3, ASKED),
    _Kind("quiz_submissions", QUIZ_SUBMISSION, 4, ANSWERED, QUIZ),
)
# Times of the step itself, one each.
_OPENING, _COMPLETION = _Kind("opened_at", "opened", 0, OPENED), _Kind("completed_at", "completed", 5, COMPLETED)
# A completion of which the client tells no time: one a step, at the time by which it is known.
_TOLD_COMPLETION = _Kind(TOLD_COMPLETION, TOLD_COMPLETION, 5, COMPLETED)
_BY_EVENT: Mapping[str, _Kind] = {kind.event: kind for kind in KINDS}

Run = Mapping[str, Any]
"""An element of a step's list: a compilation, a test, a question or an answer."""


@dataclass(frozen=True)
class Step:
    """A step that a document names."""

    slug: str
    title: str


def testable_steps(document: object) -> list[str]:
    """Return the slugs of the steps that a document says are testable, or of which it has a test."""
    tests = next(kind.key for kind in KINDS if kind.part == TESTED)
    return [slug for _position, step, slug in _steps(document) if step.get("is_testeable") is True or step.get(tests)]


class Sessions:
    """The workout sessions of a document. A moment belongs to the last session that had begun, or else to the first.

    A document without sessions is one session.
    """

    def __init__(self, sessions: object, name: object, subject: Subject) -> None:
        sessions = sessions if isinstance(sessions, list) else []
        starts = [(started(session), index) for index, session in enumerate(sessions)]
        begun = sorted((start, index) for start, index in starts if start is not None)
        name = name if isinstance(name, str) and name else subject.asset_slug
        self._starts = [start for start, _index in begun]
        self._ids = [f"{name[: MAX_SESSION - 12]}/{index}" for index in ([index for _start, index in begun] or [0])]

    def id_at(self, moment: datetime) -> str:
        """Return the session id: the document's telemetry id and the session's index."""
        return self._ids[max(bisect_right(self._starts, moment) - 1, 0)]


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
    kind: _Kind
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


def steps(document: object) -> list[Step]:
    """Return the steps that a document names, in its order, each once."""
    by_slug: dict[str, Step] = {}
    for _position, step, slug in _steps(document):
        title = step.get("title")
        by_slug.setdefault(slug, Step(slug, title[:MAX_TITLE] if isinstance(title, str) else ""))
    return list(by_slug.values())


def entries(document: object, subject: Subject) -> list[Entry]:
    """Return what a learner did according to a document: each step's opening, runs, questions, answers and completion.

    A run is an attempt if it has an exit code, and a success if that is the number 0; a null, of a process that was
    killed, is a failure, as it is for the indicators. A quiz is one if its status is SUCCESS or ERROR. What has no
    readable time is left out: it has no place in the learner's order, on which measures and signals depend, and no id
    that the next batch would give again. Of each step, the latest MOST_RUNS runs are taken. A step that is listed twice
    is one step.
    """
    return list(EntryReader(document, subject))


def unknown(read: Iterable[Entry], stored: Mapping[str, str]) -> list[Entry]:
    """Return the entries of one document that aren't among the stored activities.

    `stored` has the assignment of each stored activity by its id. Of equal entries in several steps, those are known whose
    step has told one already, and then as many others as there are stored ones left: these are of steps that were renamed.
    So there are always as many as the document had that told the most, whatever the order.
    """
    read = list(read)
    equals: dict[str, list[Entry]] = {entry.first: [] for entry in read if entry.id != entry.first}
    new: list[Entry] = []
    for entry in read:
        if entry.first in equals:
            equals[entry.first].append(entry)
        elif entry.id not in stored:
            new.append(entry)
    for group in equals.values():
        new += _unknown_of_equals(group, stored)
    return new


def _unknown_of_equals(group: Sequence[Entry], stored: Mapping[str, str]) -> list[Entry]:
    """Return the unknown ones of equal entries, with the ids that are free."""
    held = Counter(stored[entry.id] for entry in group if entry.id in stored)
    free = [entry.id for entry in group if entry.id not in stored]
    others = []
    for entry in group:
        if held[entry.assignment] > 0:
            held[entry.assignment] -= 1
        else:
            others.append(entry)
    renamed = len(others) - len(free)
    return [entry._replace(id=free_id) for entry, free_id in zip(others[renamed:], free, strict=True)]


class EntryReader(Iterator[Entry]):
    """Yields the entries of a document in their order, each made when it is asked for.

    So that the work on a document with 100,000 runs can be done in parts: to put them in order is a quarter of it.
    """

    def __init__(self, document: object, subject: Subject) -> None:
        found: list[_Found] = []
        if isinstance(document, Mapping):
            sessions = Sessions(document.get("workout_session"), document.get("telemetry_id"), subject)
            equals = _Equals()
            listings = [(step, slug) for _position, step, slug in _steps(document)]
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


def count_runs(document: object) -> int:
    """Return how many runs a document has at most; its cost doesn't grow with them."""
    lists = (step.get(kind.key) for _position, step, _slug in _steps(document) for kind in KINDS)
    return sum(len(listed) for listed in lists if isinstance(listed, list))


def activities(document: object, subject: Subject, received_at: datetime = _LATEST) -> list[Activity]:
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
    at, kind = (received_at, _OPENING) if event == OPEN_STEP else (started(run), _BY_EVENT.get(event))
    if at is None or kind is None:
        return None
    return _StepReader(subject, slug, sessions, _Equals()).entry(kind, {} if kind is _OPENING else run, at)


def streamed_activity(
    event: str, payload: Mapping[str, Any], received_at: datetime, subject: Subject, workout_sessions: object = None
) -> Activity | None:
    """Return the activity of a streaming event; see `streamed_entry`."""
    entry = streamed_entry(event, payload, received_at, subject, workout_sessions)
    return None if entry is None else entry.activity(received_at)


def started(entry: object) -> datetime | None:
    """Return when a run or a session started: the CLI writes `starting_at`, the IDE `started_at`."""
    return _time(entry, "started_at", "starting_at")


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

    def place_of(self, kind: _Kind) -> int:
        """Return the `arrival` of a kind's entries without their numbers."""
        return self._place + kind.rank * KIND_PLACES

    def entry(self, kind: _Kind, run: Run, at: datetime) -> Entry | None:
        """Return an entry, None for an execution without an exit code, and for one that the step has told before."""
        outcome = _OUTCOME_OF[kind.verb](run) if kind.verb in _OUTCOME_OF else None
        if kind.verb == EXECUTED and outcome is None:
            return None
        hashed = self._equals.hash_of(run.get("source_code"))
        name = run_name(self._subject, kind.event, at, outcome, hashed)
        if kind is _TOLD_COMPLETION:
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


_Found = tuple[datetime, int, _Kind, Run, _StepReader]
"""An entry that has yet to be made: its time, its `arrival` without a number, its kind, its run and its step."""


def _found_in(step: Run, reader: _StepReader, document: Mapping[str, Any]) -> Iterator[_Found]:
    times = {kind: at for kind in (_OPENING, _COMPLETION) if (at := _time(step, kind.key)) is not None}
    for kind, at in times.items():
        yield at, reader.place_of(kind), kind, {}, reader
    places = {kind: reader.place_of(kind) for kind in KINDS}
    runs = _latest_runs(step)
    for at, kind, run in runs:
        yield at, places[kind], kind, run, reader
    if step.get("is_completed") is True and _COMPLETION not in times:
        known = [at for at in (runs[-1][0] if runs else None, times.get(_OPENING)) if at is not None]
        if (told := max(known, default=None) or _time(document, "last_interaction_at")) is not None:
            yield told, reader.place_of(_TOLD_COMPLETION), _TOLD_COMPLETION, {}, reader


def _steps(document: object) -> Iterator[tuple[int, Run, str]]:
    """Yield the document's steps that have a slug: position, step, slug."""
    listed = document.get("steps") if isinstance(document, Mapping) else None
    for position, step in enumerate(listed[:MOST_STEPS] if isinstance(listed, list) else []):
        if isinstance(step, Mapping) and (slug := slug_of(step.get("slug"))):
            yield position, step, slug


def slug_of(value: object) -> str:
    """Return a step's slug as it is stored, "" for what is none."""
    return value.strip()[:MAX_SLUG] if isinstance(value, str) else ""


def _time(entry: object, *names: str) -> datetime | None:
    """Return the time under the first of these names that has a value, None where it can't be read."""
    if not isinstance(entry, dict):
        return None
    for name in names:
        if (value := entry.get(name)) is not None:
            moment = parse(value)
            return moment if moment is not None and _EARLIEST <= moment <= _LATEST else None
    return None


def _latest_runs(step: Run) -> Sequence[tuple[datetime, _Kind, Run]]:
    """Return the latest of a step's runs, in their order."""
    runs: list[tuple[datetime, _Kind, Run]] = []
    for kind in KINDS:
        listed = step.get(kind.key)
        runs += [
            (at, kind, run) for run in (listed if isinstance(listed, list) else []) if (at := started(run)) is not None
        ]
    runs.sort(key=itemgetter(0))
    return runs[-MOST_RUNS:]


def _outcome(run: Run) -> str | None:
    """Return OK or ERROR, None where there is no exit code."""
    for name in ("exit_code", "exitCode"):
        if name in run:
            return OK if run[name] == 0 else ERROR
    return None


def _answer(run: Run) -> str | None:
    """Return the outcome of a quiz submission: OK for SUCCESS, ERROR for ERROR, None for another status."""
    status = run.get("status")
    return {"SUCCESS": OK, "ERROR": ERROR}.get(status.strip().upper()) if isinstance(status, str) else None


_OUTCOME_OF: Final = {EXECUTED: _outcome, ANSWERED: _answer}


def _failures(run: Run) -> tuple[Failure, ...]:
    """Return the errors in a run's output: compilers and interpreters write them to stderr, test runners to stdout."""
    failures = from_stderr(decoded(run.get("stderr"))[-MOST_OUTPUT:])
    return failures if failures != (Failure(FAILED),) else from_stderr(decoded(run.get("stdout"))[-MOST_OUTPUT:])
