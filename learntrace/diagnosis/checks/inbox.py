"""Checks of LearnPack's requests on the asset: arrived, ignored, processed, applied."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from learntrace.diagnosis.checks.queue import waits
from learntrace.diagnosis.facts import HERE, MISLED, UNKNOWN, Facts, RequestGroup
from learntrace.diagnosis.findings import NO, OK, WARNING, Check, ends, iso_time, time_text
from learntrace.measures.clock import is_ahead

# The stored batch may really be the newer one, because requests can overtake each other. It is not if its clock is ahead
# of the server's, or if newer requests have been coming for a day.
_OVERTAKING = timedelta(days=1)

_EVENT_REASONS = {"no-tasks": "failed-no-task", "asset-not-found": "failed-asset-not-found"}


def _at(facts: Facts, place: str) -> list[RequestGroup]:
    return [group for group in facts.sent if group.place == place]


def _amount(groups: Iterable[RequestGroup]) -> dict[str, Any]:
    groups = list(groups)
    last = max((group.last_at for group in groups), default=None)
    return {"count": sum(group.rows for group in groups), "last": time_text(last)}


def arrived(facts: Facts) -> Check:
    """Check whether requests on the asset arrived, and say when, under which slugs and from which client."""
    groups = _at(facts, HERE)
    if facts.batch is None:
        return Check(NO, _("Nothing about the asset has arrived"))
    batch = facts.batch
    statuses: dict[str, int] = {}
    for group in groups:
        statuses[group.status] = statuses.get(group.status, 0) + group.rows
    evidence = {
        "requests": sum(statuses.values()),
        "statuses": statuses,
        "slugs": sorted({group.slug for group in groups if group.slug}),
        "first_at": iso_time(min((group.first_at for group in groups), default=None)),
        "last_at": iso_time(batch.created_at),
        "webhook_id": batch.id,
        "client": batch.agent,
        "sent_by": "service" if batch.by_service else "learner",
    }
    values = {"count": evidence["requests"], "last": time_text(batch.created_at)}
    return Check(OK, _("Telemetry has arrived (requests: %(count)s, the last on %(last)s)"), values, evidence)


def names(facts: Facts) -> Check:
    """Check whether requests went to another asset, or name one that doesn't exist."""
    misled = _at(facts, MISLED)
    if misled and (facts.batch is None or max(group.last_at for group in misled) > facts.batch.created_at):
        newest = max(misled, key=lambda group: group.last_at)
        evidence = {"webhook_id": newest.newest, "slug": newest.slug, "asset": newest.went_to}
        text = _("Requests that name it by its slug have the asset id of another one")
        return ends(
            text,
            "arrived-under-another-slug",
            evidence,
            slug=newest.slug,
            other=newest.went_to or "?",
            **_amount(misled),
        )
    if facts.batch is not None:
        return Check(OK, _("What arrived is about this asset"))
    unknown = _at(facts, UNKNOWN)
    if unknown:
        newest = max(unknown, key=lambda group: group.last_at)
        same = [group for group in unknown if group.slug == newest.slug]
        evidence = {"webhook_id": newest.newest, "slugs": sorted({group.slug for group in unknown})}
        text = _("Telemetry of the learner names assets that don't exist")
        return ends(
            text, "arrived-under-an-unknown-slug", evidence, reason=newest.reason, slug=newest.slug, **_amount(same)
        )
    # A record without requests was written by staff, or its requests are older than they are kept.
    if facts.record or facts.stray:
        return Check(WARNING, _("No request is kept, but there is a record"))
    return ends(_("Nothing arrived under another name either"), "nothing-sent")


def ignored(facts: Facts) -> Check:
    """Check whether an ignore rule of the academy matched the newest request."""
    rows = [group for group in _at(facts, HERE) if group.reason == "ignored-by-rule"]
    if not rows:
        return Check(OK, _("No ignore rule matched"))
    batch = facts.batch
    if batch is None or batch.reason != "ignored-by-rule":
        return Check(
            WARNING, _("Ignore rules matched earlier requests (%(count)s, the last on %(last)s)"), _amount(rows)
        )
    evidence = {"webhook_id": batch.id, "rule": batch.text}
    return ends(
        _("The newest was ignored: %(text)s"),
        "ignored-by-rule",
        evidence,
        reason=batch.reason,
        text=batch.text,
        **_amount(rows),
    )


def waiting(facts: Facts) -> Check:
    """Check whether the newest request waits, and a worker is alive."""
    batch = facts.batch
    if batch is None or batch.status != "PENDING":
        return Check(OK, _("The newest isn't waiting"))
    return waits(facts, batch.created_at, {"webhook_id": batch.id, "attempts": batch.attempts})


def processed(facts: Facts) -> Check:
    """Check whether the newest request failed, and with which text."""
    batch = facts.batch
    if batch is None:
        return Check(OK, _("Nothing has failed"))
    failed = [group for group in _at(facts, HERE) if group.status == "ERROR"]
    evidence = {"webhook_id": batch.id, "event": batch.event, "status": batch.status, "text": batch.text}
    evidence |= {"failed": sum(group.rows for group in failed), "created_at": iso_time(batch.created_at)}
    values: dict[str, Any] = {
        "text": batch.text,
        "event": batch.event,
        "slug": batch.slug,
        "last": time_text(batch.created_at),
    }
    if batch.status == "ERROR":
        verdict = _verdict_of(facts)
        values["count"] = sum(group.rows for group in failed if group.reason == batch.reason) or 1
        return ends(_("The newest failed: %(text)s"), verdict, evidence, reason=batch.reason, **values)
    if batch.streaming and not (facts.record or facts.stray):
        values |= _amount(group for group in _at(facts, HERE) if group.streaming)
        return ends(_("Only events have arrived, and no batch"), "only-events", evidence, reason=batch.reason, **values)
    earlier = any(not group.streaming for group in failed)
    if earlier:
        return Check(WARNING, _("The newest was processed; earlier ones failed"), {}, evidence)
    return Check(OK, _("The newest was processed"), {}, evidence)


def _verdict_of(facts: Facts) -> str:
    batch = facts.batch
    if batch is None:
        return "failed-other"
    if batch.reason == "not-implemented":
        return "not-implemented"
    if batch.reason == "invalid-shape":
        return "failed-indicators"
    return _EVENT_REASONS.get(batch.reason, "failed-other")


def applied(facts: Facts) -> Check:
    """Check whether the record shows the newest request, or an older one supersedes it."""
    batch = facts.batch
    superseded = [group for group in _at(facts, HERE) if group.reason in ("superseded", "deduplicated")]
    count = sum(group.rows for group in superseded)
    evidence: dict[str, Any] = {"superseded": count}
    if batch is None or batch.reason not in ("superseded", "deduplicated"):
        return Check(OK, _("The newest is not superseded"), {}, evidence)
    record = facts.record
    evidence |= {
        "webhook_id": batch.id,
        "record_interaction_at": iso_time(record.last_interaction_at if record else None),
    }
    moment = record.last_interaction_at if record else None
    ahead = moment is not None and is_ahead(moment, batch.created_at)
    received_at = record.received_at if record else None
    stuck = received_at is not None and batch.created_at - received_at > _OVERTAKING
    only = not any(group.reason == "done" and not group.streaming for group in _at(facts, HERE))
    if record is not None and (ahead or stuck or only):
        text = _("The newest is superseded: the stored batch says that it is newer")
        return ends(text, "superseded-only", evidence, reason=batch.reason, moment=time_text(moment), count=count)
    return Check(OK, _("The newest is superseded by one that is newer by the learner's clock"), {}, evidence)
