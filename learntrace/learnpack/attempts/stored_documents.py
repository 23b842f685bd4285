"""The LearnPack documents that are stored: records, and documents whose runs are still to be recorded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec
from django.utils import timezone

from learntrace.assignments.telemetry_documents import from_client
from learntrace.core.sql import execute, fetch, json_rows
from learntrace.core.stopwatch import Stopwatch
from learntrace.learnpack.attempts.content import count_runs
from learntrace.learnpack.attempts.document import Entry
from learntrace.learnpack.attempts.outline import Outline, outline_of
from learntrace.learnpack.attempts.run_identity import Subject
from learntrace.progress.recording.activity_store import LearnerActivity

# The text of a small one comes with it.
_HEADS = f"""
SELECT t.id, t.user_id, t.asset_slug, t.last_interaction_at, t.receipt, pg_column_size(t.telemetry),
       w.sender_id, coalesce(w.created_at, t.updated_at),
       CASE WHEN pg_column_size(t.telemetry) <= %s THEN t.telemetry::text END, t.untold_attempts
  FROM assignments_assignmenttelemetry t
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(user_id bigint, asset_slug text) USING (user_id, asset_slug)
  LEFT JOIN learnpack_webhook w ON w.id = t.receipt AND w.student_id = t.user_id
 WHERE {from_client("t")}
"""  # noqa: S608 (only texts of ours)
_CONTENTS = "SELECT id, receipt, telemetry::text FROM assignments_assignmenttelemetry WHERE id = ANY(%s)"
# Of each subject, as many as one turn may read, in the order in which they came.
_UNREAD_HEADS = """
SELECT unread.*
  FROM jsonb_to_recordset(%s::jsonb) AS asked(user_id bigint, asset_slug text)
 CROSS JOIN LATERAL (
       SELECT u.id, u.user_id, u.asset_slug, u.until, u.receipt, pg_column_size(u.document), u.received_at
         FROM learnpack_unreaddocument u
        WHERE u.user_id = asked.user_id AND u.asset_slug = asked.asset_slug AND u.fault = ''
        ORDER BY u.receipt, u.id LIMIT %s
 ) AS unread
"""
_UNREAD_CONTENTS = "SELECT id, receipt, document::text FROM learnpack_unreaddocument WHERE id = ANY(%s)"
_FORGET_READ = "DELETE FROM learnpack_unreaddocument WHERE id = ANY(%s)"
_SET_FAULT = "UPDATE learnpack_unreaddocument SET fault = %s WHERE id = ANY(%s)"
# A learner's documents that came through LearnPack's inbox; notebooks make documents too.
_OF_LEARNER = f"""
SELECT t.id, t.user_id, t.asset_slug, t.last_interaction_at, t.receipt, 0, coalesce(w.created_at, t.updated_at),
       t.telemetry::text
  FROM assignments_assignmenttelemetry t
  LEFT JOIN learnpack_webhook w ON w.id = t.receipt AND w.student_id = t.user_id
 WHERE t.user_id = %s AND {from_client("t")}
"""  # noqa: S608 (only texts of ours)
_PUT_ASIDE = """
SELECT id, user_id, asset_slug, until, receipt, 0, received_at, document::text FROM learnpack_unreaddocument
 WHERE user_id = %s AND fault <> '' ORDER BY id
"""
# Compressed bytes: so many documents as have these are read by one query, and a document with more is large. A document of
# the size that the inbox takes has more, whatever is in it.
_READ_AT_ONCE = 256 * 1024
LARGE = 16 * 1024
MOST_UNREAD = 50


@dataclass(frozen=True)
class StoredDocument:
    """A document of a learner on an asset: the record, which is the last one, or one that is still to be read.

    `until` is its last interaction, `size` its compressed size in bytes, `sender_id` who sent it, if known; `is_record`
    tells the two apart. `received_at` is that of its webhook where it is kept, else the record's last change. `row_id` is 0
    where there is no record (it was deleted), and `text`, the document's JSON, is None where it wasn't read.
    `untold_attempts` are those that are stored with a record.
    """

    subject: Subject
    row_id: int = 0
    until: datetime | None = None
    receipt: int | None = None
    size: int = 0
    sender_id: int | None = None
    received_at: datetime | None = None
    text: str | None = None
    is_record: bool = True
    untold_attempts: int = 0

    @cached_property
    def content(self) -> Any:
        """The whole document, decoded when it is asked for."""
        return msgspec.json.decode(self.text) if self.text else None

    @cached_property
    def outline(self) -> Outline | None:
        """The document's outline, None where it wasn't read, and for a document that has to be read whole."""
        return outline_of(self.text) if self.text else None

    @cached_property
    def shown(self) -> Any:
        """The steps, as far as they describe the asset (`document.steps`, `document.testable_steps`)."""
        return self.content if self.outline is None else self.outline.shown()

    @property
    def place(self) -> tuple[Subject, bool, int]:
        """What says which document it is, whatever its state."""
        return self.subject, self.is_record, self.row_id

    def has_more_runs(self, than: int) -> bool:
        """Whether the document has more runs than this."""
        # Between any two there is a comma: most documents have too few of these, and needn't be looked into.
        if self.text is None or self.text.count(",") + self.text.count("[") <= than:
            return False
        return than < self._count_runs()

    def _count_runs(self) -> int:
        return count_runs(self.content) if self.outline is None else self.outline.count_runs()


def document_heads(subjects: Sequence[Subject]) -> list[StoredDocument]:
    """Return the subjects' records, large ones without their contents, in the order of the subjects."""
    heads = {
        Subject(user_id, slug): StoredDocument(
            Subject(user_id, slug), row_id, until, receipt, size or 0, sender, at, text, untold_attempts=untold
        )
        for row_id, user_id, slug, until, receipt, size, sender, at, text, untold in fetch(
            _HEADS, [LARGE, json_rows(subjects)]
        )
    }
    return [heads.get(subject) or StoredDocument(subject) for subject in subjects]


def unread_heads(subjects: Sequence[Subject]) -> list[StoredDocument]:
    """Return the subjects' documents that are still to be read, without their contents, as many as a turn may read."""
    rows = fetch(_UNREAD_HEADS, [json_rows(subjects), MOST_UNREAD])
    return [
        StoredDocument(Subject(user_id, slug), row_id, until, receipt, size or 0, received_at=at, is_record=False)
        for row_id, user_id, slug, until, receipt, size, at in rows
    ]


def forget_read(documents: Iterable[StoredDocument]) -> None:
    """Delete documents that were kept to be read, now that what they tell is recorded."""
    if ids := [document.row_id for document in documents if not document.is_record]:
        execute(_FORGET_READ, [ids])


def put_aside(documents: Iterable[StoredDocument], fault: str) -> None:
    """Leave unread documents alone, whose work failed by a fault of ours; they are kept."""
    if ids := [document.row_id for document in documents if not document.is_record]:
        execute(_SET_FAULT, [fault[:1000], ids])


def read_contents(heads: Sequence[StoredDocument], seconds: float) -> list[StoredDocument]:
    """Read the contents of documents for so many seconds, at least of one; return those that were read.

    Those that came with their heads are first, and large ones last. A document that was replaced since its head was read is
    left out.
    """
    stopwatch = Stopwatch(seconds)
    read = [head for head in heads if head.text is not None or not head.row_id]
    left = [head for head in heads if head.text is None and head.row_id]
    for number, part in enumerate(_parts(sorted(left, key=lambda head: head.size > LARGE))):
        # At least one part: records come again as long as there are unread documents beside them.
        if number and stopwatch.is_over:
            break
        rows = {
            (is_record, row_id): row
            for is_record, statement in ((True, _CONTENTS), (False, _UNREAD_CONTENTS))
            if (ids := [head.row_id for head in part if head.is_record == is_record])
            for row_id, *row in fetch(statement, [ids])
        }
        for head in part:
            receipt, text = rows.get((head.is_record, head.row_id), (head.receipt, None))
            if receipt == head.receipt:
                read.append(replace(head, text=text))
    return read


def _parts(heads: Iterable[StoredDocument]) -> list[list[StoredDocument]]:
    """Part documents into those that one query reads; a large one is a part by itself."""
    parts: list[list[StoredDocument]] = []
    room = 0
    for head in heads:
        if head.size > min(room, LARGE) or not parts:
            parts.append([])
            room = 0 if head.size > LARGE else _READ_AT_ONCE
        parts[-1].append(head)
        room -= head.size
    return parts


def documents_of(user_id: int) -> list[StoredDocument]:
    """Return all records of a learner that came through LearnPack's inbox, and the documents that were put aside."""
    return [
        StoredDocument(
            Subject(learner, slug),
            row_id,
            until,
            receipt,
            size,
            received_at=at,
            text=content,
            is_record=is_record,
        )
        for is_record, statement in ((True, _OF_LEARNER), (False, _PUT_ASIDE))
        for row_id, learner, slug, until, receipt, size, at, content in fetch(statement, [user_id])
    ]


def activities_of(document: StoredDocument, academy: int | None, read: Iterable[Entry]) -> list[LearnerActivity]:
    """Return entries of a document as activities of its learner, seen by an academy."""
    received_at = document.received_at or timezone.now()
    return [
        LearnerActivity(document.subject.user_id, academy, entry.activity(received_at), entry.code()) for entry in read
    ]
