"""A LearnPack document as a learner's activities: its compilations and tests are attempts (signals.md).

Plain values, whatever JSON a client sends; nothing here raises. Each batch is the whole state again, so an activity's id
is made from what it is: the same run in the next batch, or as a streaming event, is the same activity.
"""

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5
from zlib import crc32

from learntrace.learnpack.encoding import decoded
from learntrace.metrics.attempts import ERROR, EXECUTED, OK, Activity, Failure
from learntrace.metrics.code import code_hash
from learntrace.metrics.failures import FAILED, from_stderr
from learntrace.metrics.timestamps import EPOCH, parse

# No detector reads these: they say that the learner was there. "closed" would end a session.
OPENED, COMPLETED, ASKED, ANSWERED = "opened", "completed", "asked", "answered"
OPEN_STEP: Final = "open_step"

# Bounds of the work on one document. Packages have some tens of steps, and nobody runs one a thousand times.
MOST_STEPS = 1000
MOST_RUNS = 1000
# An output's end tells how it ended; a longer one is a program that printed in a loop.
MOST_OUTPUT = 64 * 1024

MAX_SLUG = 200
MAX_TITLE = 200
MAX_SESSION = 200
# What lies beyond is no learner's clock, and too near to the ends of what can be reckoned with.
_EARLIEST, _LATEST = datetime(1973, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

_NAMESPACE = UUID("6d0f7a52-8b1e-4c39-9a57-2f1c0e5b7d84")
# An activity's `arrival` only orders those of one moment. Like the id it doesn't depend on how it came: it is made from
# the step, from what it is (a step is opened first and completed last) and from its place among those that are alike.
_STEP_PLACES = 2**24
_KIND_PLACES = 2**20


@dataclass(frozen=True)
class _Kind:
    """A list of a step: its name there, the streaming event that tells one of it, and what its elements are.

    `place` orders what was done in one moment.
    """

    key: str
    event: str
    place: int
    verb: str
    object_id: str | None = None


KINDS: Final = (
    _Kind("compilations", "compile", 1, EXECUTED, "compile"),
    _Kind("tests", "test", 2, EXECUTED, "test"),
    _Kind("ai_interactions", "ai_interaction", 3, ASKED),
    _Kind("quiz_submissions", "quiz_submission", 4, ANSWERED),
)
# Times of the step itself, of which it has one each.
_OPENING, _COMPLETION = _Kind("opened_at", "opened", 0, OPENED), _Kind("completed_at", "completed", 5, COMPLETED)
_BY_EVENT: Mapping[str, _Kind] = {kind.event: kind for kind in KINDS}
STREAMED = frozenset({OPEN_STEP, *_BY_EVENT})

Run = Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """Whose activities, and on which asset (its canonical slug)."""

    user_id: int
    asset_slug: str


@dataclass(frozen=True)
class Step:
    """A step that a document names: `key` is its assignment."""

    key: str
    title: str
    position: int


class Sessions:
    """The workout sessions of a document. A moment belongs to the last one that had begun, the first one otherwise.

    Where a document names none, all is one session.
    """

    def __init__(self, entries: object, name: object, subject: Subject) -> None:
        entries = entries if isinstance(entries, list) else []
        began = [(_time(entry, "started_at", "starting_at"), index) for index, entry in enumerate(entries)]
        self._starts = sorted((start, index) for start, index in began if start is not None)
        self._name = name if isinstance(name, str) and name else subject.asset_slug

    def id_at(self, moment: datetime) -> str:
        """The session id: the document's telemetry id and the session's place."""
        found = bisect_right(self._starts, moment, key=lambda one: one[0])
        index = self._starts[max(found - 1, 0)][1] if self._starts else 0
        return f"{self._name[: MAX_SESSION - 12]}/{index}"


def steps(document: object, subject: Subject) -> list[Step]:
    """The steps that a document names, in its order, each once."""
    found: dict[str, Step] = {}
    for position, entry, slug in _entries(document):
        title = entry.get("title")
        key = f"{subject.asset_slug}/{slug}"
        found.setdefault(key, Step(key, title[:MAX_TITLE] if isinstance(title, str) else "", position))
    return list(found.values())


@dataclass(frozen=True)
class Telling:
    """One thing that a document tells. To know which one it is costs little; `activity` reads the rest."""

    id: str
    at: datetime
    arrival: int
    assignment: str
    session_id: str
    kind: _Kind
    outcome: str | None
    run: Run

    def activity(self) -> Activity:
        source = decoded(self.run.get("source_code"))
        return Activity(
            id=self.id, at=self.at, arrival=self.arrival, verb=self.kind.verb, assignment=self.assignment,
            outcome=self.outcome, failures=_failures(self.run) if self.outcome == ERROR else (),
            session_id=self.session_id, object_id=self.kind.object_id, code_hash=code_hash(source) if source else None,
        )  # fmt: skip


def told(document: object, subject: Subject) -> list[Telling]:
    """What a learner did, as a batch tells it: each step's opening, runs, questions, answers and completion.

    A run is an attempt if it has an exit code, and a success if that is the number 0; a null, of a process that was
    killed, is a failure, as it is for the indicators. What has no time that can be read is left out: it has no place in
    the learner's order, without which neither measures nor signals can be told, nor an id that the next batch gives
    again. Of a step, the latest MOST_RUNS are taken.
    """
    if not isinstance(document, Mapping):
        return []
    sessions = Sessions(document.get("workout_session"), document.get("telemetry_id"), subject)
    met: Counter[str] = Counter()
    found: list[Telling | None] = []
    for _position, entry, slug in _entries(document):
        step = _Reader(subject, slug, sessions, met)
        found += [
            step.telling(kind, {}, at) for kind in (_OPENING, _COMPLETION) if (at := _time(entry, kind.key)) is not None
        ]
        found += [step.telling(kind, run, at) for at, kind, run in _latest(entry)]
    return sorted((one for one in found if one is not None), key=lambda one: (one.at, one.arrival))


def activities(document: object, subject: Subject) -> list[Activity]:
    """All that a document tells (`told`), read."""
    return [one.activity() for one in told(document, subject)]


def streamed(
    event: str, payload: Mapping[str, Any], received_at: datetime, subject: Subject, workout: object = None
) -> Activity | None:
    """The activity that a streaming event tells; None where it tells none (no step, no time, no exit code).

    `workout` is the `workout_session` of the learner's last document. `open_step` brings no time: it is the moment in
    which it was received.
    """
    slug, data = _slug(payload.get("slug")), payload.get("data")
    if not slug:
        return None
    run = data if isinstance(data, Mapping) else {}
    step = _Reader(subject, slug, Sessions(workout, payload.get("telemetry_id"), subject), Counter())
    if event == OPEN_STEP:
        found = step.telling(_OPENING, {}, received_at)
    else:
        at, kind = started(run), _BY_EVENT.get(event)
        found = None if at is None or kind is None else step.telling(kind, run, at)
    return None if found is None else found.activity()


def started(run: object) -> datetime | None:
    """When a run started, under either spelling: the CLI writes `starting_at`, the IDE `started_at`."""
    return _time(run, "started_at", "starting_at")


@dataclass(frozen=True)
class _Reader:
    """Finds what a step tells. `met` counts what can't be told apart otherwise, for their ids."""

    subject: Subject
    slug: str
    sessions: Sessions
    met: Counter[str]

    def telling(self, kind: _Kind, run: Run, at: datetime) -> Telling | None:
        """None for an execution without an exit code.

        Id and arrival are made from what it is, and of several that are alike, from its place among them: with the
        outcome, as an id whose activity is known is not looked at again.
        """
        outcome = _outcome(run) if kind.verb == EXECUTED else None
        if kind.verb == EXECUTED and outcome is None:
            return None
        moment = (at - EPOCH) // timedelta(microseconds=1)
        facts = [self.subject.user_id, self.subject.asset_slug, self.slug, kind.event, moment, outcome]
        name = json.dumps(facts)  # pure ASCII, as a hash needs bytes whatever a slug holds
        self.met[name] += 1
        return Telling(
            id=str(uuid5(_NAMESPACE, f"{name} {self.met[name]}")), at=at,
            arrival=crc32(json.dumps(self.slug).encode()) * _STEP_PLACES + kind.place * _KIND_PLACES + self.met[name],
            assignment=f"{self.subject.asset_slug}/{self.slug}", session_id=self.sessions.id_at(at), kind=kind,
            outcome=outcome, run=run,
        )  # fmt: skip


def _entries(document: object) -> Iterator[tuple[int, Run, str]]:
    """The document's steps that have a slug: place, step, slug."""
    listed = document.get("steps") if isinstance(document, Mapping) else None
    for position, entry in enumerate(listed[:MOST_STEPS] if isinstance(listed, list) else []):
        if isinstance(entry, Mapping) and (slug := _slug(entry.get("slug"))):
            yield position, entry, slug


def _slug(value: object) -> str:
    return value.strip()[:MAX_SLUG] if isinstance(value, str) else ""


def _time(entry: object, *names: str) -> datetime | None:
    if not isinstance(entry, Mapping):
        return None
    moment = parse(next((value for name in names if (value := entry.get(name)) is not None), None))
    return moment if moment is not None and _EARLIEST <= moment <= _LATEST else None


def _latest(entry: Run) -> Sequence[tuple[datetime, _Kind, Run]]:
    """The latest of a step's runs, in their order."""
    found: list[tuple[datetime, _Kind, Run]] = []
    for kind in KINDS:
        runs = entry.get(kind.key)
        listed = runs if isinstance(runs, list) else []
        found += [(at, kind, run) for run in listed if (at := started(run)) is not None]
    found.sort(key=lambda one: one[0])
    return found[-MOST_RUNS:]


def _outcome(run: Run) -> str | None:
    """OK, ERROR, or None where there is no exit code."""
    for name in ("exit_code", "exitCode"):
        if name in run:
            return OK if run[name] == 0 else ERROR
    return None


def _failures(run: Run) -> tuple[Failure, ...]:
    """What went wrong: compilers and interpreters write it to stderr, test runners to stdout."""
    found = from_stderr(decoded(run.get("stderr"))[-MOST_OUTPUT:])
    return found if found != (Failure(FAILED),) else from_stderr(decoded(run.get("stdout"))[-MOST_OUTPUT:])
