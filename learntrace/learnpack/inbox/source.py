"""LearnPack's inbox: which requests are accepted, and the row that each one becomes (contract, section 2)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from learntrace.accounts.roles import UPLOAD_ANY, UPLOAD_OWN
from learntrace.accounts.write_scope import NOWHERE, AssetHome, Learner, Sender, may_name, may_write
from learntrace.core.errors import FieldProblem, Forbidden, Problem
from learntrace.core.sql import json_rows
from learntrace.intake.authentication import MissingPermission
from learntrace.intake.limits import limits
from learntrace.intake.protocol import Answer, Caller, Connection, Submission
from learntrace.intake.text_repair import Repaired, decode_repaired
from learntrace.learnpack.events import BATCH, PACKAGE_EVENTS
from learntrace.learnpack.ignore import rules
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.payloads import asset_id_raw, choose_asset, natural_id
from learntrace.learnpack.processing import outcomes
from learntrace.learnpack.processing.dispatch import naming, resolve
from learntrace.learnpack.webhook_refs import WebhookRefs, read_refs
from learntrace.registry.resolution import NAMED_ASSETS, Registry, registry_from
from learntrace.registry.visibility import is_open

TOPIC = "learnpack-webhooks"
MAX_EVENT = 60
MAX_SLUG = 200

_NAMES = frozenset({"id", "ids", "slug", "slugs", "event"})
_ENDS_OF_IDS = ("_id", "_ids", "_slug", "_slugs")

_OK = Answer(200, b"ok", "text/plain")

_USERS = """
SELECT asked.id, u.id, ARRAY(SELECT m.academy_id FROM accounts_membership m WHERE m.user_id = u.id)
  FROM unnest(%s::bigint[]) AS asked(id)
  LEFT JOIN accounts_mergeduser f ON f.former_id = asked.id
  JOIN accounts_user u ON u.id = coalesce(f.user_id, asked.id)
"""
_ASSETS = "SELECT id, lang, academy_id, status, visibility FROM registry_asset WHERE id = ANY(%s)"
# Read in the transaction that writes, so that new rules apply as soon as they are stored.
_RULES = """
SELECT m.user_id, m.academy_id, s.learnpack_features -> 'telemetry_webhook_ignore'
  FROM accounts_membership m JOIN accounts_academysettings s ON s.academy_id = m.academy_id
 WHERE m.user_id = ANY(%s) AND m.academy_id = ANY(%s)
"""
_INSERT = """
INSERT INTO learnpack_webhook (is_streaming, event, payload, package_slug, asset_id, learnpack_package_id, student_id,
                               sender_id, status, status_text, reason, reason_values, turn_academy, turn_learner,
                               replaced, retry_at)
SELECT is_streaming, event, payload, package_slug, asset_id, learnpack_package_id, student_id,
       sender_id, status, status_text, reason, reason_values, turn_academy, turn_learner, replaced,
       statement_timestamp() + make_interval(secs => deferred)
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(is_streaming boolean, event text, payload jsonb, package_slug text, asset_id bigint,
         learnpack_package_id bigint, student_id bigint, sender_id bigint, status text, status_text text, reason text,
         reason_values jsonb, turn_academy bigint, turn_learner bigint, replaced jsonb, deferred double precision)
"""


class NotAnObject(Problem):
    reason = "invalid-body"
    text = _("Request body must be a JSON object")


class EmptyPayload(Problem):
    """LearnPack's clients expect this text."""

    reason = "empty-payload"
    text = _("this request couldn't no be processed")
    plain = True


class TelemetryOfAnother(Forbidden):
    slug = "telemetry-of-another-user"
    text = _("You (user: %(user)s) can't send telemetry of another user")


class _Request(NamedTuple):
    """A submission of a known caller: `student` is the user that it is about, `academy` the one whose rules apply."""

    caller: Caller
    payload: Mapping[str, Any]
    refs: WebhookRefs
    package_slug: str | None
    student: int | None
    academy: int | None
    replaced: Sequence[str]

    @property
    def sender(self) -> Sender:
        return Sender(self.caller.user_id, self.caller.serves if UPLOAD_ANY in self.caller.permissions else NOWHERE)


@dataclass(frozen=True)
class _Context:
    """What the database says about a group of requests.

    `assets`: language and home of those named by an id. `registry`: whatever is named by requests of a service about a
    learner who belongs to other academies too.
    """

    academies_by_user: Mapping[int, frozenset[int]]
    assets: Mapping[int, tuple[str | None, AssetHome]]
    rules: Mapping[tuple[int, int], Any]
    registry: Registry

    def learner(self, request: _Request) -> Learner:
        student = request.student
        if student is None or student not in self.academies_by_user:
            return Learner(None)
        return Learner(student, self.academies_by_user[student])


class LearnPackInbox:
    """The source behind POST /v1/assignment/me/telemetry."""

    path = "/v1/assignment/me/telemetry"
    permission = UPLOAD_OWN
    topic = TOPIC
    defers = True
    # LearnPack's clients skip the other copy that they send after a refusal, so they are refused last.
    patience = 5.0

    def decode(self, body: bytes) -> Any:
        """Decode the body as one JSON document, its texts repaired.

        Raises JSONProblem.
        """
        return decode_repaired(body, _is_id)

    def read(self, submission: Submission) -> None:
        """Merge the query over the body and check what needs no database.

        Raises Problem.
        """
        repaired = submission.document
        # An empty body is decoded by nobody.
        document = repaired.document if isinstance(repaired, Repaired) else repaired
        if not isinstance(document, dict):
            raise NotAnObject
        submission.values["replaced"] = repaired.places if isinstance(repaired, Repaired) else ()
        over = {
            name: value
            for name, value in submission.parameters.items()
            if name != "user_id" or "user_id" not in document
        }
        payload = {**document, **over}
        if not payload:
            raise EmptyPayload
        refs = read_refs(_event(payload), payload)
        submission.values["package_slug"] = package_slug_of(refs)
        submission.values["refs"] = refs
        submission.document = payload

    def asset_named(self, submission: Submission) -> str:
        """Return the asset as the client named it: an id, or its slug."""
        named: object = submission.parameters.get("asset_id")
        if isinstance(submission.document, dict):
            raw = asset_id_raw(submission.document)
            named = raw if isinstance(raw, str | int) else named or submission.values.get("package_slug")
        return str(named or "")[:MAX_SLUG]

    async def admit(self, connection: Connection, submissions: Sequence[Submission]) -> list[Answer | Problem]:
        """Write one row for each submission that its caller may send."""
        requests, homes = await _of_today([_request(submission) for submission in submissions], connection)
        context = await _load_context(connection, requests, homes)
        answers: list[Answer | Problem] = []
        rows = []
        for request in requests:
            try:
                rows.append(_row(request, context))
                answers.append(_OK)
            except Problem as problem:
                answers.append(problem)
        if rows:
            await connection.execute(_INSERT, [json_rows(rows)])
        return answers


def _is_id(key: str) -> bool:
    """Whether a key of a payload holds what something is known by, or its kind: such a text is never changed."""
    return key in _NAMES or key.endswith(_ENDS_OF_IDS)


def _event(payload: Mapping[str, Any]) -> str:
    if "event" not in payload:
        return BATCH
    event = payload["event"]
    if event is None:
        raise FieldProblem("event", _("This field may not be null."))
    return _short_text("event", event, MAX_EVENT)


def package_slug_of(refs: WebhookRefs) -> str | None:
    """Return the row's package_slug: the payload's package_slug, or else its slug.

    Raises FieldProblem for a value that can't be stored.
    """
    for field, value in (("package_slug", refs.package_slug), ("slug", refs.slug)):
        if value not in (None, ""):
            return _short_text(field, value, MAX_SLUG)
    return None


def _short_text(field: str, value: object, longest: int) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise FieldProblem(field, _("Not a valid string."))
    text = str(value)
    if len(text) > longest:
        raise FieldProblem(field, _("Ensure this field has no more than %(longest)s characters."), longest=longest)
    return text


def _request(submission: Submission) -> _Request:
    caller, refs = submission.caller, submission.values["refs"]
    assert caller is not None  # noqa: S101 (the front door admits known callers only)
    return _Request(
        caller=caller,
        payload=submission.document,
        refs=refs,
        package_slug=submission.values["package_slug"],
        student=refs.student_id(caller.user_id),
        academy=_rules_academy(submission, refs),
        replaced=submission.values["replaced"],
    )


def _rules_academy(submission: Submission, refs: WebhookRefs) -> int | None:
    """Return the academy whose ignore rules apply: of header, query or payload; None if the first of them is no id."""
    named = (submission.headers.get("academy"), submission.parameters.get("academy"), refs.academy)
    return natural_id(next((value for value in named if value not in (None, "")), None))


async def _of_today(
    requests: Sequence[_Request], connection: Connection
) -> tuple[list[_Request], dict[int, frozenset[int]]]:
    """Return requests with those of merged users as of the users that they are now, and the academies of all that exist."""
    asked = {request.student for request in requests if request.student is not None}
    rows = await (await connection.execute(_USERS, [list(asked)])).fetchall()
    merged = {former: user for former, user, _academies in rows if former != user}
    if merged:
        requests = [request._replace(student=merged.get(request.student or 0, request.student)) for request in requests]
    return list(requests), {user: frozenset(academies) for _former, user, academies in rows}


async def _load_context(
    connection: Connection, requests: Sequence[_Request], homes: Mapping[int, frozenset[int]]
) -> _Context:
    users = {request.student for request in requests if request.student is not None}
    assets = {asset for request in requests for asset in request.refs.asset_ids}
    academies = {request.academy for request in requests if request.academy is not None}
    asset_rows = await (await connection.execute(_ASSETS, [list(assets)])).fetchall() if assets else []
    rule_rows = await (await connection.execute(_RULES, [list(users), list(academies)])).fetchall() if academies else []
    return _Context(
        homes,
        {
            asset: (lang, AssetHome(academy, is_open(status, visibility)))
            for asset, lang, academy, status, visibility in asset_rows
        },
        {(user, academy): features for user, academy, features in rule_rows},
        await _registry(connection, [request for request in requests if _is_shared(request, homes)]),
    )


def _is_shared(request: _Request, homes: Mapping[int, frozenset[int]]) -> bool:
    """Whether a service sends for a learner of whose academies it serves some and not the others."""
    serves, student = request.sender.serves, request.student
    if serves is None or student is None or student == request.caller.user_id:
        return False
    academies = homes.get(student, NOWHERE)
    return not academies <= serves and not academies.isdisjoint(serves)


async def _registry(connection: Connection, requests: Sequence[_Request]) -> Registry:
    """Load what these requests name: whose record they would write depends on the asset."""
    if not requests:
        return registry_from([])
    parameters = {
        "ids": list({asset for request in requests for asset in request.refs.asset_ids}),
        "slugs": list({slug for request in requests for slug in request.refs.asset_slugs}),
        "packages": list({request.refs.package_id for request in requests if request.refs.package_id is not None}),
    }
    return registry_from(await (await connection.execute(NAMED_ASSETS, parameters)).fetchall())


def _check_may_send(request: _Request, context: _Context) -> None:
    """Raise Problem where the caller may not send this."""
    caller = request.caller
    if request.student != caller.user_id and not _may_send_for(request, context):
        raise TelemetryOfAnother(user=caller.user_id)
    # What changes an asset for everybody may not come from a learner.
    if request.refs.event in PACKAGE_EVENTS and UPLOAD_ANY not in caller.permissions:
        raise MissingPermission(user=caller.user_id, permission=UPLOAD_ANY)


def _may_send_for(request: _Request, context: _Context) -> bool:
    """Whether a caller may send another user's telemetry: a service may, but not into an academy that it doesn't serve.

    A service of all academies may name a user that doesn't exist: the row ends as an ERROR that says so.
    """
    sender, learner = request.sender, context.learner(request)
    if not sender.is_service:
        return False
    if not _is_shared(request, context.academies_by_user):
        return may_write(sender, learner, None)
    resolved = resolve(request.refs, context.registry, naming(sender, learner))
    home = None if resolved is None else context.registry.canonical(resolved.asset).academy_id
    return may_write(sender, learner, home)


def _row(request: _Request, context: _Context) -> dict[str, Any]:
    """Return the row of a request.

    Raises Problem where the caller may not send this.
    """
    _check_may_send(request, context)
    refs, student = request.refs, request.student
    asset_id = _asset_of(request, context)
    known = student if student in context.academies_by_user else None
    return {
        "is_streaming": "event" in request.payload,
        "event": refs.event,
        "payload": request.payload,
        "package_slug": request.package_slug,
        "asset_id": asset_id,
        "learnpack_package_id": refs.package_id,
        "student_id": known,
        "sender_id": request.caller.user_id,
        "turn_academy": min(context.academies_by_user.get(known or 0, ()), default=0),
        "turn_learner": known or request.caller.user_id,
        "replaced": request.replaced,
        **_first_status(request, asset_id, context),
    }


def _asset_of(request: _Request, context: _Context) -> int | None:
    """Return the asset that the request names by its id, None also where its sender may not name it: it doesn't exist."""
    if not request.refs.asset_ids:
        return None
    sender, learner = request.sender, context.learner(request)
    languages = {
        asset_id: context.assets[asset_id][0]
        for asset_id in request.refs.asset_ids
        if asset_id in context.assets and may_name(sender, learner, context.assets[asset_id][1])
    }
    return choose_asset(languages, languages)


def _first_status(request: _Request, asset_id: int | None, context: _Context) -> dict[str, Any]:
    """Return the columns that say that the row is pending, or that the academy's rules ignore it."""
    match = None
    if request.student is not None and request.academy is not None:
        match = rules.match(context.rules.get((request.student, request.academy)), request.refs, asset_id)
    if match is None:
        return _pending(request)
    outcome = outcomes.ignored(match)
    return {
        "status": outcome.status,
        "status_text": outcome.text(),
        "reason": outcome.reason,
        "reason_values": outcome.values,
        "deferred": 0,
    }


def _pending(request: _Request) -> dict[str, Any]:
    """Return the columns of a pending row; beyond the share of the learner, or of who sends, its turn comes later."""
    seconds = limits().delay(request.student or request.caller.user_id)
    return {
        "status": Webhook.Status.PENDING,
        "status_text": None,
        "reason": outcomes.DEFERRED if seconds else "",
        "reason_values": {"seconds": math.ceil(seconds)} if seconds else {},
        "deferred": seconds,
    }
