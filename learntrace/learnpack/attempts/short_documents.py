"""Short documents: many in a turn, and of each only what is beyond the position up to which the one before was read.

Whether a document is read from a position or whole, its new entries are the same (`positions`). A learner's documents on an
asset are read all in the one way or all in the other.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from learntrace.assignments.telemetry_documents import store_untold
from learntrace.core.stopwatch import Stopwatch
from learntrace.learnpack.attempts.document import Entry, entries
from learntrace.learnpack.attempts.long_documents import LONG, RECORDED_AT_ONCE
from learntrace.learnpack.attempts.new_entries import unknown
from learntrace.learnpack.attempts.positions import Position, Tail, position_after
from learntrace.learnpack.attempts.run_identity import Subject
from learntrace.learnpack.attempts.stored_activities import Standing, keep_positions, present, stored_activities
from learntrace.learnpack.attempts.stored_documents import StoredDocument, activities_of
from learntrace.learnpack.processing.streaming import SOURCE
from learntrace.progress.recording.activity_store import LearnerActivity, executions, missing
from learntrace.progress.recording.recording import record

Place = tuple[Subject, bool, int]
"""`StoredDocument.place`."""


@dataclass
class _Reading:
    """What a turn has read: of each document what it adds, and of each subject where it stands after its last document.

    `added` are the ids of all that is added, by subject.
    """

    documents: Sequence[StoredDocument]
    tails: Mapping[Place, Tail]
    stored: dict[Subject, dict[str, str]]
    positions: dict[Subject, Position] = field(default_factory=dict)
    untold: list[tuple[StoredDocument, Set[str]]] = field(default_factory=list)
    added: dict[Subject, list[str]] = field(default_factory=dict)

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
    are unread documents beside it, so that the time is up only once another one is finished. A record whose row is being
    written isn't finished either.
    """
    waiting = {document.subject for document in documents if not document.is_record}
    in_order = sorted(documents, key=lambda document: document.receipt or 0)
    reading = _begin(in_order, waiting, standing, seconds)
    stopwatch = Stopwatch(seconds)
    added: list[LearnerActivity] = []
    finished: list[StoredDocument] = []
    for document in reading.documents:
        if len(added) >= RECORDED_AT_ONCE or (stopwatch.is_over and _is_any_done(finished, waiting)):
            break
        new = reading.new_entries(document)
        added += activities_of(document, academies[document.subject], new)
        reading.added.setdefault(document.subject, []).extend(entry.id for entry in new)
        finished.append(document)
    refused = _record(added)
    held = _store_untold(reading.untold)
    kept = {subject: position for subject, position in reading.positions.items() if subject.user_id not in refused}
    keep_positions(kept, standing, reading.added, LONG)
    return [document for document in finished if not (document.is_record and document.subject in held)]


def _is_any_done(documents: Iterable[StoredDocument], waiting: Set[Subject]) -> bool:
    """Whether any of these documents doesn't come again: as a record does whose subject has unread documents, `waiting`."""
    return any(not document.is_record or document.subject not in waiting for document in documents)


def _begin(
    in_order: Sequence[StoredDocument], waiting: Set[Subject], standing: Mapping[Subject, Standing], seconds: float
) -> _Reading:
    """Go on from positions as far as they hold, with as many documents as there is time for.

    What is stored is loaded of the subjects whose documents are read whole.
    """
    stopwatch = Stopwatch(seconds)
    positions = {subject: stands.position for subject, stands in standing.items()}
    tails: dict[Subject, dict[Place, Tail]] = {}
    documents: list[StoredDocument] = []
    for document in in_order:
        if stopwatch.is_over and _is_any_done(documents, waiting):
            break
        documents.append(document)
        subject, position = document.subject, positions.get(document.subject)
        outline = document.outline if position is not None else None
        tail = position.go_on(outline, subject) if position is not None and outline is not None else None
        positions[subject] = None if tail is None else tail.position
        if tail is not None:
            tails.setdefault(subject, {})[document.place] = tail
    whole = {document.subject for document in documents if positions[document.subject] is None}
    whole |= _with_equals({subject: own for subject, own in tails.items() if subject not in whole})
    going_on = {place: tail for subject, own in tails.items() if subject not in whole for place, tail in own.items()}
    return _Reading(documents, going_on, stored_activities(whole) if whole else {})


def _with_equals(tails: Mapping[Subject, Mapping[Place, Tail]]) -> set[Subject]:
    """Return the subjects whose tails tell an equal of another run: how many there are, the whole document tells only."""
    told = {subject: [entry.id for tail in own.values() for entry in tail.entries] for subject, own in tails.items()}
    stored = present(entry_id for ids in told.values() for entry_id in ids)
    return {subject for subject, ids in told.items() if len(set(ids)) < len(ids) or not stored.isdisjoint(ids)}


def _record(added: Sequence[LearnerActivity]) -> set[int]:
    """Record activities of learners, whose locks are held; return the ids of the learners some of whose activities were not
    stored, as those from before an erasure.

    They are tried again with another document: what isn't kept today may be kept tomorrow.
    """
    if record(SOURCE, added, locked={row.user_id for row in added}) == len(added):
        return set()
    by_id = {row.activity.id: row.user_id for row in added}
    return {by_id[identifier] for identifier in missing(by_id)}


def _store_untold(untold: Sequence[tuple[StoredDocument, Set[str]]]) -> set[Subject]:
    """Store of how many attempts, stored under these ids, a record knows nothing, though it was made after them.

    Return the subjects whose records another transaction holds.
    """
    times = executions({activity_id for _document, ids in untold for activity_id in ids})
    counts = {}
    for document, ids in untold:
        until = document.until or document.received_at
        known_at = [times[activity_id] for activity_id in ids if activity_id in times]
        count = sum(until is not None and at <= until for at in known_at)
        if count != document.untold_attempts:
            counts[document.subject.user_id, document.subject.asset_slug] = count
    return {Subject(*key) for key in store_untold(counts)}
