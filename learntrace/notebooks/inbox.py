"""The inbox of notebook events: what a Jupyter server may send, and what becomes of each event (design, "Jupyter")."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.roles import UPLOAD_OWN
from learntrace.core.errors import Forbidden, Problem
from learntrace.core.language import choose_language
from learntrace.intake.refusals import write_refusals
from learntrace.intake.submissions import Answer, Connection, Submission
from learntrace.notebooks import measures
from learntrace.notebooks.admission import Known, Sending, academy_of, learner_of, sending_of
from learntrace.notebooks.checking import Row
from learntrace.notebooks.context import load
from learntrace.notebooks.reading import MAX_EVENTS, Batch, InvalidBatch, Reading, decode_batch, keep, read_batch
from learntrace.notebooks.rejections import ERASED, ID_TAKEN, OPTED_OUT, TELEMETRY_OF_ANOTHER, Rejection
from learntrace.notebooks.storing import insert_events, keep_rejected

TOPIC = "notebook-events"


class EventOfAnother(Forbidden):
    """Not answered, as the other events of the request may be taken, but recorded."""

    slug = "telemetry-of-another-user"
    text = _("You (user: %(user)s) can't send telemetry of another user")


@dataclass(slots=True)
class _Request:
    """A request on its way through a group commit, and what has become of its events."""

    submission: Submission
    sending: Sending
    rows: list[tuple[Reading, Row]] = field(default_factory=list)
    rejected: list[tuple[Reading, Rejection]] = field(default_factory=list)
    duplicates: int = 0
    accepted: int = 0


class EventsInbox:
    """The source behind POST /v1/notebook/me/events."""

    path = "/v1/notebook/me/events"
    permission = UPLOAD_OWN
    topic = TOPIC

    def decode(self, body: bytes) -> Batch:
        """Decode a body, in which one event that can't be stored costs no other.

        Raises InvalidBatch.
        """
        return decode_batch(body)

    def read(self, submission: Submission) -> None:
        """Check each event as far as that goes without the database.

        Raises InvalidBatch.
        """
        batch = submission.document
        if not isinstance(batch, Batch):
            raise InvalidBatch(most=MAX_EVENTS)
        # Groups are limited by what they hold, not by how small it was packed.
        submission.size = max(submission.size, batch.size)
        submission.values["readings"] = read_batch(batch, datetime.now(UTC))

    def asset_named(self, submission: Submission) -> str:
        """The assignment or else the notebook of the first event that names one."""
        for name in ("assignment", "notebook"):
            for reading in submission.values.get("readings", ()):
                if reading.row and (named := reading.row["object"].get(name)):
                    return str(named)
        return ""

    async def admit(self, connection: Connection, submissions: Sequence[Submission]) -> list[Answer | Problem]:
        """Write the events of all submissions, and answer each."""
        known = await load(connection, *_asked(submissions))
        admitted: list[_Request | Problem] = []
        for submission in submissions:
            try:
                admitted.append(_admit(submission, known))
            except Problem as problem:
                admitted.append(problem)
        requests = [one for one in admitted if isinstance(one, _Request)]
        await _store(connection, requests)
        await _keep(connection, requests, known)
        for request in requests:
            _count(request)
        return [_answer(one) if isinstance(one, _Request) else one for one in admitted]


def _asked(submissions: Sequence[Submission]) -> tuple[set[int], list[Row]]:
    callers = {submission.caller.user_id for submission in submissions if submission.caller}
    return callers, [_known_of(reading) for submission in submissions for reading in submission.values["readings"]]


def _known_of(reading: Reading) -> Row:
    """What is known of an event's row, though the event itself may be bad."""
    actor = reading.event.get("actor") if isinstance(reading.event, dict) else None
    return reading.row or {"actor": actor, "object": {}}


def _admit(submission: Submission, known: Known) -> _Request:
    """Decide whose each event is.

    Raises Problem where the whole request is refused.
    """
    caller = submission.caller
    assert caller is not None  # noqa: S101 (the front door admits only who is known)
    sending = sending_of(caller, submission.headers.get("academy", "").strip(), known)
    request = _Request(submission, sending)
    for reading in submission.values["readings"]:
        if reading.row is None:
            request.rejected.append((reading, reading.rejection))
            continue
        try:
            request.rows.append((reading, complete(reading.row, sending, known)))
        except Rejection as rejection:
            request.rejected.append((reading, rejection))
    return request


def complete(row: Row, sending: Sending, known: Known) -> Row:
    """The whole row of a checked event.

    Raises Rejection.
    """
    learner = learner_of(row, sending, known)
    if learner.has_erased(datetime.fromisoformat(row["occurred_at"])):
        raise Rejection(ERASED)
    academy = academy_of(row, learner, sending, known)
    about = row["object"]
    if "code" in about and academy not in known.collects_source:
        about = {name: value for name, value in about.items() if name != "code"}
    return {
        **row,
        "actor": learner.username,
        "user_id": learner.id,
        "academy_id": academy,
        "sender_id": sending.person.id,
        "object": about,
    }


async def _store(connection: Connection, requests: Sequence[_Request]) -> None:
    """Insert the events of a group, and tell in each request what was new, double or another's."""
    first: dict[str, Row] = {}
    for request in requests:
        for _reading, row in request.rows:
            first.setdefault(row["id"], row)
    new, owners = await insert_events(connection, list(first.values()))
    for request in requests:
        for reading, row in request.rows:
            earliest = first[row["id"]]
            if row is earliest and row["id"] in new:
                request.accepted += 1
            # One that has been erased since is nobody's, and stays erased.
            elif row["user_id"] == owners.get(row["id"], earliest["user_id"]):
                request.duplicates += 1
            else:
                request.rejected.append((reading, Rejection(ID_TAKEN, id=row["id"])))


async def _keep(connection: Connection, requests: Sequence[_Request], known: Known) -> None:
    """Keep what was rejected; whoever speaks for somebody else is recorded like one who was refused."""
    rows, refused = [], []
    for request in requests:
        codes = {rejection.code for _reading, rejection in request.rejected}
        if TELEMETRY_OF_ANOTHER in codes:
            problem = EventOfAnother(user=request.sending.person.id)
            refused.append((request.submission, problem, EventsInbox().asset_named(request.submission)))
        rows += [row for one in request.rejected if (row := _kept(*one, request, known))]
    await keep_rejected(connection, rows)
    await write_refusals(connection, refused)


def _kept(reading: Reading, rejection: Rejection, request: _Request, known: Known) -> Row | None:
    """The row of a rejected event: in the academy of whoever it would be, or of whoever sent it.

    None where that is somebody who has said no, or has had it erased.
    """
    if rejection.code == ERASED:
        return None
    sending = request.sending
    row = _known_of(reading)
    try:
        learner = learner_of(row, sending, known)
        academy = academy_of(row, learner, sending, known)
    except Rejection as other:
        if other.code == OPTED_OUT:
            return None
        learner = sending.person
        academy = academy_of(row, learner, sending, known)
    kept = keep(reading.event)
    return {
        "sender_id": sending.person.id,
        "user_id": learner.id,
        "academy_id": academy,
        "fingerprint": kept.fingerprint,
        "event_id": reading.id or "",
        "code": rejection.code,
        "detail": rejection.text()[:1000],
        "reason_values": rejection.values,
        "raw": kept.raw,
        "cut": kept.cut,
        "times": 1,
    }


def _count(request: _Request) -> None:
    for outcome in ("accepted", "duplicates"):
        measures.EVENTS.labels(outcome).inc(getattr(request, outcome))
    measures.EVENTS.labels("rejected").inc(len(request.rejected))
    for _reading, rejection in request.rejected:
        measures.REJECTED.labels(rejection.code).inc()


def _answer(request: _Request) -> Answer:
    caller = request.submission.caller
    language = choose_language(request.submission.headers.get("accept-language", ""), caller.language if caller else "")
    rejected: list[dict[str, Any]] = []
    if request.rejected:
        with translation.override(language):
            rejected = [
                {"index": reading.index, "id": reading.id, "code": rejection.code, "detail": rejection.sentence()}
                for reading, rejection in sorted(request.rejected, key=lambda one: one[0].index)
            ]
    body = {"accepted": request.accepted, "duplicates": request.duplicates, "rejected": rejected}
    return Answer(200, msgspec.json.encode(body), "application/json")
