"""LearnPack's inbox: what its clients may send, and the row that each request becomes (contract, section 2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.roles import UPLOAD_ANY, UPLOAD_OWN
from learntrace.core.errors import FieldProblem, Forbidden, Problem
from learntrace.intake.callers import MissingPermission
from learntrace.intake.submissions import Answer, Caller, Connection, Submission
from learntrace.learnpack import ignore, outcomes
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.payloads import (
    asset_id_candidates,
    asset_id_raw,
    choose_asset,
    natural_id,
    package_id,
)

TOPIC = "learnpack-webhooks"
BATCH = "batch"
MAX_EVENT = 60
MAX_SLUG = 200
# What changes an asset for everybody may not come from a learner.
SERVICE_EVENTS = frozenset({"package_published", "package_manifest_updated"})

_OK = Answer(200, b"ok", "text/plain")

_USERS = """
SELECT u.id, ARRAY(SELECT m.academy_id FROM accounts_membership m WHERE m.user_id = u.id)
  FROM accounts_user u WHERE u.id = ANY(%s)
"""
_ASSETS = "SELECT id, lang FROM registry_asset WHERE id = ANY(%s)"
# Read in the transaction that writes, so that new rules hold everywhere as soon as they are stored.
_RULES = """
SELECT m.user_id, m.academy_id, s.learnpack_features -> 'telemetry_webhook_ignore'
  FROM accounts_membership m JOIN accounts_academysettings s ON s.academy_id = m.academy_id
 WHERE m.user_id = ANY(%s) AND m.academy_id = ANY(%s)
"""
_INSERT = """
INSERT INTO learnpack_webhook (is_streaming, event, payload, package_slug, asset_id, learnpack_package_id, student_id,
                               sender_id, status, status_text, reason, reason_values)
SELECT is_streaming, event, payload, package_slug, asset_id, learnpack_package_id, student_id,
       sender_id, status, status_text, reason, reason_values
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(is_streaming boolean, event text, payload jsonb, package_slug text, asset_id bigint,
         learnpack_package_id bigint, student_id bigint, sender_id bigint, status text, status_text text, reason text,
         reason_values jsonb)
"""


class NotAnObject(Problem):
    reason = "invalid-body"
    text = _("Request body must be a JSON object")


class EmptyPayload(Problem):
    """LearnPack's clients know this text."""

    reason = "empty-payload"
    text = _("this request couldn't no be processed")
    plain = True


class TelemetryOfAnother(Forbidden):
    slug = "telemetry-of-another-user"
    text = _("You (user: %(user)s) can't send telemetry of another user")


@dataclass(frozen=True)
class _Context:
    """What the database says about a group of submissions."""

    users: Mapping[int, frozenset[int]]  # with the academies that each belongs to
    assets: Mapping[int, str | None]
    rules: Mapping[tuple[int, int], Any]


class LearnPackInbox:
    """The source behind POST /v1/assignment/me/telemetry."""

    path = "/v1/assignment/me/telemetry"
    permission = UPLOAD_OWN
    topic = TOPIC

    def read(self, submission: Submission) -> None:
        """Merge the query over the body and check what needs no database.

        Raises Problem.
        """
        document = submission.document
        if not isinstance(document, dict):
            raise NotAnObject
        over = {name: value for name, value in submission.query if name != "user_id" or "user_id" not in document}
        payload = {**document, **over}
        if not payload:
            raise EmptyPayload
        submission.values["event"] = _event(payload)
        submission.values["package_slug"] = package_slug_of(payload)
        submission.document = payload

    def asset_named(self, submission: Submission) -> str:
        """The asset as the client named it: an id, or its slug."""
        named: object = dict(submission.query).get("asset_id")
        if isinstance(submission.document, dict):
            raw = asset_id_raw(submission.document)
            named = raw if isinstance(raw, str | int) else named or submission.values.get("package_slug")
        return str(named or "")[:MAX_SLUG]

    async def admit(self, connection: Connection, submissions: Sequence[Submission]) -> list[Answer | Problem]:
        """Write one row for each submission that its caller may send."""
        context = await _load_context(connection, submissions)
        outcomes_: list[Answer | Problem] = []
        rows = []
        for submission in submissions:
            try:
                rows.append(_row(submission, context))
                outcomes_.append(_OK)
            except Problem as problem:
                outcomes_.append(problem)
        if rows:
            await connection.execute(_INSERT, [msgspec.json.encode(rows).decode()])
        return outcomes_


def _event(payload: Mapping[str, Any]) -> str:
    if "event" not in payload:
        return BATCH
    event = payload["event"]
    if event is None:
        raise FieldProblem("event", _("This field may not be null."))
    return _short_text("event", event, MAX_EVENT)


def package_slug_of(payload: Mapping[str, Any]) -> str | None:
    """The row's package_slug: the payload's package_slug, or else its slug.

    Raises FieldProblem for one that can't be stored.
    """
    for name in ("package_slug", "slug"):
        if payload.get(name) not in (None, ""):
            return _short_text(name, payload[name], MAX_SLUG)
    return None


def _short_text(field: str, value: object, longest: int) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise FieldProblem(field, _("Not a valid string."))
    text = str(value)
    if len(text) > longest:
        raise FieldProblem(field, _("Ensure this field has no more than %(longest)s characters."), longest=longest)
    return text


def named_student(payload: Mapping[str, Any]) -> object:
    """The user that a payload names: any JSON value; None (or an empty text) means whoever sent it."""
    value = payload.get("user_id")
    return None if value == "" else value


def academy_scope(submission: Submission) -> int | None:
    """The academy whose ignore rules are asked: header, query, payload; None where the first of them is no id."""
    payload = submission.document
    candidates = (
        submission.headers.get("academy"),
        dict(submission.query).get("academy"),
        payload.get("academy_id"),
    )
    named = next((value for value in candidates if value not in (None, "")), None)
    return natural_id(named)


async def _load_context(connection: Connection, submissions: Sequence[Submission]) -> _Context:
    users, assets, academies = set(), set(), set()
    for submission in submissions:
        if (student := _student_id(submission)) is not None:
            users.add(student)
        assets.update(asset_id_candidates(asset_id_raw(submission.document)))
        if (academy := academy_scope(submission)) is not None:
            academies.add(academy)
    known = await (await connection.execute(_USERS, [list(users)])).fetchall()
    found = await (await connection.execute(_ASSETS, [list(assets)])).fetchall() if assets else []
    rules = await (await connection.execute(_RULES, [list(users), list(academies)])).fetchall() if academies else []
    return _Context(
        {row[0]: frozenset(row[1]) for row in known},
        {row[0]: row[1] for row in found},
        {(row[0], row[1]): row[2] for row in rules},
    )


def _student_id(submission: Submission) -> int | None:
    """The id that the submission is about: the named user's, or the caller's."""
    named = named_student(submission.document)
    if named is None:
        return submission.caller.user_id if submission.caller else None
    return natural_id(named)


def _may_send_for(caller: Caller, student: int | None, context: _Context) -> bool:
    """Whether a caller may send somebody else's telemetry: a service may, but not into an academy that isn't its own.

    An unknown user is nobody's: the row ends as an ERROR that says so.
    """
    if UPLOAD_ANY not in caller.permissions:
        return False
    homes = context.users.get(student, frozenset()) if student is not None else frozenset()
    return caller.serves is None or not homes or not homes.isdisjoint(caller.serves)


def _row(submission: Submission, context: _Context) -> dict[str, Any]:
    """The row of a submission.

    Raises Problem where the caller may not send this.
    """
    caller, payload, event = submission.caller, submission.document, submission.values["event"]
    assert caller is not None  # noqa: S101 (the front door admits only who is known)
    student = _student_id(submission)
    if student != caller.user_id and not _may_send_for(caller, student, context):
        raise TelemetryOfAnother(user=caller.user_id)
    if event in SERVICE_EVENTS and UPLOAD_ANY not in caller.permissions:
        raise MissingPermission(user=caller.user_id, permission=UPLOAD_ANY)
    asset_id = choose_asset(asset_id_candidates(asset_id_raw(payload)), context.assets)
    academy = academy_scope(submission)
    matched = None
    if student is not None and academy is not None:
        matched = ignore.match(context.rules.get((student, academy)), payload, asset_id)
    ignored = outcomes.ignored(matched) if matched else None
    return {
        "is_streaming": "event" in payload,
        "event": event,
        "payload": payload,
        "package_slug": submission.values["package_slug"],
        "asset_id": asset_id,
        "learnpack_package_id": package_id(payload),
        "student_id": student if student in context.users else None,
        "sender_id": caller.user_id,
        "status": ignored.status if ignored else Webhook.Status.PENDING,
        "status_text": ignored.text() if ignored else None,
        "reason": ignored.reason if ignored else "",
        "reason_values": ignored.values if ignored else {},
    }
