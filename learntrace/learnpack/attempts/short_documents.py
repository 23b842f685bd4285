"""Short documents: many in a turn, and of each only what is beyond the position up to which the one before was read.

Whether a document is read from a position or whole, its new entries are the same (`positions`). A learner's documents on an
asset are read all in the one way or all in the other.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from learntrace.assignments.telemetry_documents import store_untold
from learntrace.core.stopwatch import Stopwatch
from learntrace.learnpack.attempts.document import Entry, Subject, entries, unknown
from learntrace.learnpack.attempts.long_documents import LONG, RECORDED_AT_ONCE
from learntrace.learnpack.attempts.positions import Position, Tail, position_after
from learntrace.learnpack.attempts.stored_activities import Standing, keep_positions, present, stored_activities
from learntrace.learnpack.attempts.stored_documents import StoredDocument, activities_of
from learntrace.learnpack.processing.streaming import SOURCE
from learntrace.progress.recording.activity_store import LearnerActivity, executions, missing
from learntrace.progress.recording.recording import record

Place = tuple[Subject, bool, int]
"""`StoredDocument.place`."""


@dataclass
class _Reading:
    """What a turn has read: of each document what it adds, and of each subject where it stands after its last document."""

    tails: Mapping[Place, Tail]
    stored: dict[Subject, dict[str, str]]
    positions: dict[Subject, Position] = field(default_factory=dict)
    untold: list[tuple[StoredDocument, Set[str]]] = field(default_factory=list)

    def new_entries(self, document: StoredDocument) -> list[Entry]:
        """Return what a document tells that neither a stored activity is nor an entry of a document before it in the turn."""
        tail = self.tails.get(document.place)
        if tail is None:
            return self._whole(document)
        self.positions[document.subject] = tail.position
        if document.is_record:
            self.untold.append((document, tail.position.untold_ids()))
        return tail.entries

    def _whole(self, document: StoredDocument) -> list[Entry]:
        subject = document.subject
        known = self.stored.setdefault(subject, {})
        # Stored entries are not decoded again: every batch repeats them.
        read = entries(document.content, subject)
        new = unknown(read, known)
        untold = known.keys() - {entry.id for entry in read}
        if document.is_record:
            self.untold.append((document, untold))
        known |= {entry.id: entry.assignment for entry in new}
        self.positions.pop(subject, None)
        if document.outline is not None:
            position = position_after(document.outline, subject, read, untold)
            if position is not None:
                self.positions[subject] = position
        return new


def record_short(
    documents: Sequence[StoredDocument],
    academies: Mapping[Subject, int | None],
    standing: Mapping[Subject, Standing],
    seconds: float,
) -> list[StoredDocument]:
    """Record what is new in short documents, as much as a turn has room for; return the documents that are finished.

    In the order in which they came: a run stays with the step that told it first. A record comes again as long as there
    are unread documents beside it, so that the time is up only once another one is finished.
    """
    waiting = {document.subject for document in documents if not document.is_record}
    stopwatch = Stopwatch(seconds)
    in_order = sorted(documents, key=lambda document: document.receipt or 0)
    reading = _begin(in_order, standing)
    added: list[LearnerActivity] = []
    finished: list[StoredDocument] = []
    for document in in_order:
        for_good = any(not earlier.is_record or earlier.subject not in waiting for earlier in finished)
        if len(added) >= RECORDED_AT_ONCE or (for_good and stopwatch.is_over):
            break
        added += activities_of(document, academies[document.subject], reading.new_entries(document))
        finished.append(document)
    refused = _record(added)
    _store_untold(reading.untold)
    keep_positions(
        {subject: position for subject, position in reading.positions.items() if subject.user_id not in refused}, LONG
    )
    return finished


def _begin(documents: Sequence[StoredDocument], standing: Mapping[Subject, Standing]) -> _Reading:
    """Go on from positions as far as they hold; load what is stored of the subjects whose documents are read whole."""
    tails: dict[Subject, dict[Place, Tail]] = {}
    for subject, own in _by_subject(documents).items():
        followed = _follow(own, standing.get(subject, Standing()).position)
        if followed is not None:
            tails[subject] = followed
    told = {subject: [entry.id for tail in own.values() for entry in tail.entries] for subject, own in tails.items()}
    stored = present(entry_id for ids in told.values() for entry_id in ids)
    for subject, ids in told.items():
        # An equal of another run: how many there are is told by the whole document only.
        if len(set(ids)) < len(ids) or not stored.isdisjoint(ids):
            del tails[subject]
    whole = {document.subject for document in documents} - tails.keys()
    return _Reading(
        {place: tail for own in tails.values() for place, tail in own.items()},
        stored_activities(whole) if whole else {},
    )


def _by_subject(documents: Iterable[StoredDocument]) -> dict[Subject, list[StoredDocument]]:
    grouped: dict[Subject, list[StoredDocument]] = {}
    for document in documents:
        grouped.setdefault(document.subject, []).append(document)
    return grouped


def _follow(documents: Iterable[StoredDocument], position: Position | None) -> dict[Place, Tail] | None:
    """Return the tails of a subject's documents, each going on from the one before; None if one of them doesn't."""
    tails: dict[Place, Tail] = {}
    for document in documents:
        if position is None or document.outline is None:
            return None
        tail = position.go_on(document.outline, document.subject)
        if tail is None:
            return None
        tails[document.place], position = tail, tail.position
    return tails


def _record(added: Sequence[LearnerActivity]) -> set[int]:
    """Record activities; return the learners of whom some are not stored: what lies before an erasure, for example.

    With another document they are tried again, as what isn't kept today may be kept tomorrow.
    """
    if record(SOURCE, added) == len(added):
        return set()
    by_id = {row.activity.id: row.user_id for row in added}
    return {by_id[identifier] for identifier in missing(by_id)}


def _store_untold(untold: Sequence[tuple[StoredDocument, Set[str]]]) -> None:
    """Store of how many attempts, stored under these ids, a record knows nothing, though it was made after them."""
    times = executions({activity_id for _document, ids in untold for activity_id in ids})
    counts = {}
    for document, ids in untold:
        until = document.until or document.received_at
        known_at = [times[activity_id] for activity_id in ids if activity_id in times]
        counts[document.subject.user_id, document.subject.asset_slug] = sum(
            until is not None and at <= until for at in known_at
        )
    store_untold(counts)
