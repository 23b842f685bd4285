"""The inbox of notebook events: the source behind POST /v1/notebook/me/events.

An event's way: `decode` and `read` parse and check each event; `admit` loads what the database says of callers and
learners, decides whose each event is, inserts the events, stores the rejected ones, and answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.roles import UPLOAD_OWN
from learntrace.core.errors import Forbidden, Problem
from learntrace.core.http.language import choose_language
from learntrace.intake.protocol import Answer, Connection, Submission
from learntrace.intake.refusals import write_refusals
from learntrace.notebooks import prometheus
from learntrace.notebooks.inbox.admission import (
    AdmissionFacts,
    Sender,
    academy_of,
    complete_row,
    learner_of,
    milliseconds,
    sender_of,
)
from learntrace.notebooks.inbox.admission_queries import load_facts
from learntrace.notebooks.inbox.batch_parser import (
    MAX_EVENTS,
    Batch,
    InvalidBatch,
    ParsedEvent,
    copy_rejected,
    decode_batch,
    parse_batch,
)
from learntrace.notebooks.inbox.event_store import insert_events, upsert_rejected
from learntrace.notebooks.validation.event import Row
from learntrace.notebooks.validation.rejections import ERASED, ID_TAKEN, OPTED_OUT, TELEMETRY_OF_ANOTHER, Rejection

TOPIC = "notebook-events"


class EventOfAnother(Forbidden):
    """Recorded as a refusal; not the answer, as the other events of the request may be accepted."""

    slug = "telemetry-of-another-user"
    text = _("You (user: %(user)s) can't send telemetry of another user")


@dataclass(slots=True)
class _AdmittedBatch:
    """A request whose sender may send, with the outcomes of its events so far."""

    submission: Submission
    sender: Sender
    rows: list[tuple[ParsedEvent, Row]] = field(default_factory=list)
    rejected: list[tuple[ParsedEvent, Rejection]] = field(default_factory=list)
    duplicates: int = 0
    accepted: int = 0


class EventsInbox:
    """The source behind POST /v1/notebook/me/events."""

    path = "/v1/notebook/me/events"
    permission = UPLOAD_OWN
    topic = TOPIC
    defers = False
    # The Jupyter servers keep what is refused, and send it again.
    patience = 0.25

    def decode(self, body: bytes) -> Batch:
        """Decode a body; an event that can't be stored doesn't affect the others.

        Raises InvalidBatch.
        """
        return decode_batch(body)

    def read(self, submission: Submission) -> None:
        """Check each event as far as possible without the database.

        Raises InvalidBatch.
        """
        batch = submission.document
        if not isinstance(batch, Batch):
            raise InvalidBatch(most=MAX_EVENTS)
        # Groups are limited by the unpacked size.
        submission.size = max(submission.size, batch.size)
        submission.values["events"] = parse_batch(batch, datetime.now(UTC))
        submission.rows = len(batch.events)

    def asset_named(self, submission: Submission) -> str:
        """Return the assignment or else the notebook of the first event that names one."""
        for name in ("assignment", "notebook"):
            for event in submission.values.get("events", ()):
                if event.row and (named := event.row["object"].get(name)):
                    return str(named)
        return ""

    async def admit(self, connection: Connection, submissions: Sequence[Submission]) -> list[Answer | Problem]:
        """Write the events of all submissions, and answer each."""
        facts = await _load_facts(connection, submissions)
        admitted: list[_AdmittedBatch | Problem] = []
        for submission in submissions:
            try:
                admitted.append(_admit(submission, facts))
            except Problem as problem:
                admitted.append(problem)
        batches = [outcome for outcome in admitted if isinstance(outcome, _AdmittedBatch)]
        await _insert(connection, batches)
        await _store_rejected(connection, batches, facts)
        for batch in batches:
            _count(batch)
        return [_answer(outcome) if isinstance(outcome, _AdmittedBatch) else outcome for outcome in admitted]


async def _load_facts(connection: Connection, submissions: Sequence[Submission]) -> AdmissionFacts:
    callers = {submission.caller.user_id for submission in submissions if submission.caller}
    rows = [event.row_or_stub for submission in submissions for event in submission.values["events"]]
    return await load_facts(connection, callers, rows)


def _admit(submission: Submission, facts: AdmissionFacts) -> _AdmittedBatch:
    """Decide for each event whose it is.

    Raises Problem where the whole request is refused.
    """
    caller = submission.caller
    assert caller is not None  # noqa: S101 (the front door admits only authenticated callers)
    sender = sender_of(caller, submission.headers.get("academy", "").strip(), facts)
    batch = _AdmittedBatch(submission, sender)
    for event in submission.values["events"]:
        if event.row is None:
            batch.rejected.append((event, event.rejection))
            continue
        try:
            batch.rows.append((event, complete_row(event.row, sender, facts)))
        except Rejection as rejection:
            batch.rejected.append((event, rejection))
    return batch


async def _insert(connection: Connection, batches: Sequence[_AdmittedBatch]) -> None:
    """Insert the events of a group, and note for each whether it was new, a duplicate or has another user's id."""
    first: dict[str, Row] = {}
    for batch in batches:
        for _event, row in batch.rows:
            first.setdefault(row["id"], row)
    new, owners = await insert_events(connection, list(first.values()))
    for batch in batches:
        for event, row in batch.rows:
            earliest = first[row["id"]]
            if row is earliest and row["id"] in new:
                batch.accepted += 1
            # An event that was erased in the meantime has no owner and stays erased.
            elif row["user_id"] == owners.get(row["id"], earliest["user_id"]):
                batch.duplicates += 1
            else:
                batch.rejected.append((event, Rejection(ID_TAKEN, id=row["id"])))


async def _store_rejected(connection: Connection, batches: Sequence[_AdmittedBatch], facts: AdmissionFacts) -> None:
    """Store the rejected events; a sender of another user's events is also recorded like a refused one."""
    rows, refused = [], []
    for batch in batches:
        codes = {rejection.code for _event, rejection in batch.rejected}
        if TELEMETRY_OF_ANOTHER in codes:
            problem = EventOfAnother(user=batch.sender.person.id)
            refused.append((batch.submission, problem, EventsInbox().asset_named(batch.submission)))
        for event, rejection in batch.rejected:
            if row := _rejected_row(event, rejection, batch.sender, facts):
                rows.append(row)
    await upsert_rejected(connection, rows)
    await write_refusals(connection, refused)


def _rejected_row(event: ParsedEvent, rejection: Rejection, sender: Sender, facts: AdmissionFacts) -> Row | None:
    """Return the row of a rejected event: in the academy of its learner or, if that isn't known, of its sender.

    None where the learner has opted out or has erased the event.
    """
    if rejection.code == ERASED:
        return None
    row = event.row_or_stub
    try:
        learner = learner_of(row, sender, facts)
        academy = academy_of(row, learner, sender, facts)
    except Rejection as other:
        if other.code == OPTED_OUT:
            return None
        learner = sender.person
        academy = academy_of(row, learner, sender, facts)
    copy = copy_rejected(event.document)
    prometheus.DROPPED.inc(copy.dropped)
    return {
        "sender_id": sender.person.id,
        "user_id": learner.id,
        "academy_id": academy,
        "fingerprint": copy.fingerprint,
        "event_id": event.id or "",
        "code": rejection.code,
        "detail": rejection.text()[:1000],
        "reason_values": rejection.values,
        "raw": copy.raw,
        "cut": copy.cut,
        "times": 1,
        "clock_offset_ms": None if event.clock.ahead is None else milliseconds(event.clock.ahead),
    }


def _count(batch: _AdmittedBatch) -> None:
    prometheus.DROPPED.inc(sum(event.dropped for event, _row in batch.rows))
    prometheus.EVENTS.labels("accepted").inc(batch.accepted)
    prometheus.EVENTS.labels("duplicates").inc(batch.duplicates)
    prometheus.EVENTS.labels("rejected").inc(len(batch.rejected))
    for _event, rejection in batch.rejected:
        prometheus.REJECTED.labels(rejection.code).inc()


def _answer(batch: _AdmittedBatch) -> Answer:
    body = {"accepted": batch.accepted, "duplicates": batch.duplicates, "rejected": _rejections(batch)}
    return Answer(200, msgspec.json.encode(body), "application/json")


def _rejections(batch: _AdmittedBatch) -> list[dict[str, Any]]:
    """Return the answer's list of rejected events, in the order and the language of the request."""
    if not batch.rejected:
        return []
    caller = batch.submission.caller
    header = batch.submission.headers.get("accept-language", "")
    with translation.override(choose_language(header, caller.language if caller else "")):
        return [
            {"index": event.index, "id": event.id, "code": rejection.code, "detail": rejection.sentence()}
            for event, rejection in sorted(batch.rejected, key=lambda rejected: rejected[0].index)
        ]
