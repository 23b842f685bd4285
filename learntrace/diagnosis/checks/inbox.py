"""What became of LearnPack's requests on the asset."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from learntrace.diagnosis.checks.queue import waits
from learntrace.diagnosis.facts import HERE, MISLED, UNKNOWN, Facts, Sent
from learntrace.diagnosis.findings import NO, OK, WARNING, Check, ends, when, written

# A stored batch may rightly be the newer one, as when requests overtake each other; not by a clock that is ahead of
# ours by more than this, nor when new ones have been coming for a day.
_CLOCK = timedelta(minutes=5)
_OVERTAKING = timedelta(days=1)

_EVENT_REASONS = {"no-tasks": "failed-no-task", "asset-not-found": "failed-asset-not-found"}


def _of(facts: Facts, place: str) -> list[Sent]:
    return [one for one in facts.sent if one.place == place]


def _amount(found: Iterable[Sent]) -> dict[str, Any]:
    rows = list(found)
    return {"count": sum(one.rows for one in rows), "last": when(max((one.last_at for one in rows), default=None))}


def arrived(facts: Facts) -> Check:
    """Did anything arrive, under which slug, from which client, when?"""
    found = _of(facts, HERE)
    if facts.batch is None:
        return Check(NO, _("Nothing about the asset has arrived"))
    batch = facts.batch
    statuses: dict[str, int] = {}
    for one in found:
        statuses[one.status] = statuses.get(one.status, 0) + one.rows
    evidence = {
        "requests": sum(statuses.values()), "statuses": statuses,
        "slugs": sorted({one.slug for one in found if one.slug}),
        "first_at": written(min((one.first_at for one in found), default=None)),
        "last_at": written(batch.created_at), "webhook_id": batch.id, "client": batch.agent,
        "sent_by": "service" if batch.by_service else "learner",
    }  # fmt: skip
    values = {"count": evidence["requests"], "last": when(batch.created_at)}
    return Check(OK, _("Telemetry has arrived (requests: %(count)s, the last at %(last)s)"), values, evidence)


def names(facts: Facts) -> Check:
    """Where nothing arrived: did it under another name?"""
    misled = _of(facts, MISLED)
    if misled and (facts.batch is None or max(one.last_at for one in misled) > facts.batch.created_at):
        newest = max(misled, key=lambda one: one.last_at)
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
    unknown = _of(facts, UNKNOWN)
    if unknown:
        newest = max(unknown, key=lambda one: one.last_at)
        same = [one for one in unknown if one.slug == newest.slug]
        evidence = {"webhook_id": newest.newest, "slugs": sorted({one.slug for one in unknown})}
        text = _("Telemetry of the learner names assets that don't exist")
        return ends(
            text, "arrived-under-an-unknown-slug", evidence, reason=newest.reason, slug=newest.slug, **_amount(same)
        )
    # What staff has written, or what came longer ago than requests are kept, is seen in the record.
    if facts.record or facts.stray:
        return Check(WARNING, _("No request is kept, but there is a record"))
    return ends(_("Nor did anything arrive under another name"), "nothing-sent")


def ignored(facts: Facts) -> Check:
    """Did a rule of the academy ignore the newest?"""
    rows = [one for one in _of(facts, HERE) if one.reason == "ignored-by-rule"]
    if not rows:
        return Check(OK, _("No ignore rule matched"))
    batch = facts.batch
    if batch is None or batch.reason != "ignored-by-rule":
        return Check(
            WARNING, _("Ignore rules matched earlier requests (%(count)s, the last at %(last)s)"), _amount(rows)
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
    """Does the newest wait, and is a worker alive?"""
    batch = facts.batch
    if batch is None or batch.status != "PENDING":
        return Check(OK, _("The newest does not wait"))
    return waits(facts, batch.created_at, {"webhook_id": batch.id, "attempts": batch.attempts})


def processed(facts: Facts) -> Check:
    """Did the newest fail, and with which text?"""
    batch = facts.batch
    if batch is None:
        return Check(OK, _("Nothing has failed"))
    failed = [one for one in _of(facts, HERE) if one.status == "ERROR"]
    evidence = {"webhook_id": batch.id, "event": batch.event, "status": batch.status, "text": batch.text}
    evidence |= {"failed": sum(one.rows for one in failed), "created_at": written(batch.created_at)}
    values: dict[str, Any] = {
        "text": batch.text,
        "event": batch.event,
        "slug": batch.slug,
        "last": when(batch.created_at),
    }
    if batch.status == "ERROR":
        verdict = _verdict_of(facts)
        values["count"] = sum(one.rows for one in failed if one.reason == batch.reason) or 1
        return ends(_("The newest failed: %(text)s"), verdict, evidence, reason=batch.reason, **values)
    if batch.streaming and not (facts.record or facts.stray):
        values |= _amount(one for one in _of(facts, HERE) if one.streaming)
        return ends(_("Only events have arrived, and no batch"), "only-events", evidence, reason=batch.reason, **values)
    earlier = any(not one.streaming for one in failed)
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
    """Is the newest what the record shows, or does an older one stand in its way?"""
    batch = facts.batch
    superseded = [one for one in _of(facts, HERE) if one.reason in ("superseded", "deduplicated")]
    count = sum(one.rows for one in superseded)
    evidence: dict[str, Any] = {"superseded": count}
    if batch is None or batch.reason not in ("superseded", "deduplicated"):
        return Check(OK, _("The newest is not superseded"), {}, evidence)
    record = facts.record
    evidence |= {
        "webhook_id": batch.id,
        "record_interaction_at": written(record.last_interaction_at if record else None),
    }
    moment = record.last_interaction_at if record else None
    ahead = moment is not None and moment > batch.created_at + _CLOCK
    received_at = record.received_at if record else None
    stuck = received_at is not None and batch.created_at - received_at > _OVERTAKING
    only = not any(one.reason == "done" and not one.streaming for one in _of(facts, HERE))
    if record is not None and (ahead or stuck or only):
        text = _("The newest is superseded: the stored batch says that it is newer")
        return ends(text, "superseded-only", evidence, reason=batch.reason, moment=when(moment), count=count)
    return Check(OK, _("The newest is superseded by one that is newer by the learner's clock"), {}, evidence)
