"""Long documents: their activities are recorded in parts, a part in each turn, so that nobody waits for one document.

A process works on one long document at a time, and keeps what it has read of it between its turns. Nothing of that is
needed to go on: what is recorded is stored, so that a process that starts over finds the rest.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import structlog
from django.db import OperationalError, transaction

from learntrace.core.stopwatch import Stopwatch
from learntrace.learnpack.attempts.document import Entry, EntryReader
from learntrace.learnpack.attempts.new_entries import unknown
from learntrace.learnpack.attempts.stored_activities import stored_activities
from learntrace.learnpack.attempts.stored_documents import StoredDocument, activities_of
from learntrace.learnpack.processing.streaming import SOURCE
from learntrace.progress.recording.recording import record

log = structlog.get_logger(__name__)

# A document with more runs, or more stored activities, is long.
LONG = 1000
# How many entries are read in a turn, and how many are recorded, which takes some twenty times as long. Fewer where that
# took longer than it should.
READ_AT_ONCE = 10_000
RECORDED_AT_ONCE = 500
RECORDING_SECONDS = 0.3
# How many turns of others pass at most before another document takes the place of the one that is worked on: turns go from
# learner to learner, and its own may never come again, as when it was erased.
MOST_PASSED = 100
# How many documents that failed by a fault of ours are remembered, so as not to be tried again and again.
_MOST_FAULTS = 1000


_State = tuple[bool, int, int | None]
"""Whether it is a record, its row and the receipt: a state of a document."""


@dataclass(frozen=True)
class _Work:
    """The work on a long document: each step of `parts` is that of one turn, in its open transaction."""

    document: StoredDocument
    parts: Iterator[None]


@dataclass
class LongDocuments:
    """What this process does of long documents: the one that it works on, and those that it has given up."""

    _work: _Work | None = None
    _passed: int = 0
    # The keys of a dictionary, as they keep their order.
    _faults: dict[_State, None] = field(default_factory=dict)

    def goes_on_with(self, document: StoredDocument) -> bool:
        """Whether the work on the document, or on an earlier state of the same row, has begun here."""
        begun = None if self._work is None else self._work.document
        return begun is not None and begun.place == document.place

    def begin(self, document: StoredDocument, academy: int | None) -> None:
        """Begin with a document, unless that on another one waits for its next turn."""
        self._passed += 1
        if self._work is None or self._passed > MOST_PASSED:
            self._keep(_Work(document, _parts(document, academy)))

    def take_part(self, newest: StoredDocument) -> bool:
        """Do the next part of the work that has begun; return whether the document is finished.

        `newest` is the row as it stands now, without its content: a state that was stored meanwhile is still to do.
        """
        # Whatever fails from here on, also the commit, begins again from what is stored.
        work, self._work = self._work, None
        if work is None:
            return False
        state = _state_of(work.document)
        if state in self._faults:
            log.warning("long document left out: its work has failed before", row=work.document.row_id)
            return True
        try:
            next(work.parts)
        except StopIteration:
            return work.document.receipt == newest.receipt
        except OperationalError:
            raise
        except Exception:
            self._remember_fault(state)
            raise
        transaction.on_commit(lambda: self._keep(work))
        return False

    def has_failed(self, document: StoredDocument) -> bool:
        """Whether the work on this state of a document has failed here by a fault of ours."""
        return _state_of(document) in self._faults

    def _remember_fault(self, state: _State) -> None:
        self._faults[state] = None
        if len(self._faults) > _MOST_FAULTS:
            del self._faults[next(iter(self._faults))]

    def _keep(self, work: _Work) -> None:
        self._work, self._passed = work, 0


def _state_of(document: StoredDocument) -> _State:
    return document.is_record, document.row_id, document.receipt


def _parts(document: StoredDocument, academy: int | None) -> Iterator[None]:
    """Read the document's entries, and record those that are new."""
    reader = EntryReader(document.content, document.subject)
    yield
    read: list[Entry] = []
    while part := list(islice(reader, READ_AT_ONCE)):
        read += part
        yield
    stored = stored_activities([document.subject]).get(document.subject, {})
    new = iter(unknown(read, stored))
    room = RECORDED_AT_ONCE
    while part := list(islice(new, room)):
        stopwatch = Stopwatch(RECORDING_SECONDS)
        record(SOURCE, activities_of(document, academy, part))
        room = max(room // 2, 10) if stopwatch.is_over else min(room * 2, RECORDED_AT_ONCE)
        yield
