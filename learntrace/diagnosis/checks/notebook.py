"""What became of the events of a notebook."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from learntrace.diagnosis.checks.queue import waits
from learntrace.diagnosis.facts import Facts, Seen
from learntrace.diagnosis.findings import OK, WARNING, Check, ends, when, written


def published(facts: Facts) -> Check:
    """Is the notebook published? What isn't one needs not be."""
    book = facts.book
    if book is not None:
        evidence = {
            "paths": list(book.paths),
            "assignments": len(book.tags),
            "published_at": written(book.published_at),
        }
        if not book.tags:
            return Check(WARNING, _("The notebook is published, but without any assignment"), {}, evidence)
        values = {"count": len(book.tags)}
        return Check(OK, _("The notebook is published (assignments: %(count)s)"), values, evidence)
    if facts.seen and not facts.sent:
        newest = max(facts.seen, key=lambda one: one.last_at)
        evidence = {"notebook": newest.notebook, "events": sum(one.events for one in facts.seen)}
        evidence |= {"last_at": written(newest.last_at)}
        text = _("Events arrive from a notebook that is not published")
        return ends(text, "notebook-not-published", evidence, notebook=newest.notebook)
    return Check(OK, _("It is no notebook, but a package"))


def consent(facts: Facts) -> Check:
    """Does the learner want events to be collected?"""
    if not facts.collecting:
        return ends(_("The learner has turned the collection of events off"), "opted-out", reason="opted-out")
    return Check(OK, _("The learner's events are collected"))


def rejected(facts: Facts) -> Check:
    """Were events rejected, and is that the last that was heard?"""
    if not facts.rejected:
        return Check(OK, _("No event was rejected"))
    newest = max(facts.rejected, key=lambda one: one.last_at)
    count = sum(one.events for one in facts.rejected)
    values = {"count": count, "text": newest.detail, "last": when(newest.last_at)}
    evidence = {
        "rejected_id": newest.newest, "codes": {one.code: one.events for one in facts.rejected},
        "last_at": written(newest.last_at), "text": newest.detail,
    }  # fmt: skip
    text = _("Events were rejected (%(count)s, the last at %(last)s): %(text)s")
    last_arrival = facts.last_arrival
    if last_arrival is not None and last_arrival >= newest.last_at:
        return Check(WARNING, text, values, evidence)
    return ends(text, "events-rejected", evidence, reason=newest.code, **values)


def front_end(facts: Facts) -> Check:
    """Is the learner's front end sending anything at all?"""
    seen = facts.front_end
    if seen is None and facts.record is not None:
        return Check(WARNING, _("No event of the learner is kept, but there is a record"))
    if seen is None:
        return ends(_("No event of the learner is kept"), "front-end-silent")
    evidence = {"last_at": written(seen.at), "frontend": seen.name, "version": seen.version}
    values = {"last": when(seen.at), "frontend": f"{seen.name} {seen.version}".strip() or "?"}
    return Check(OK, _("The learner's front end, %(frontend)s, last sent at %(last)s"), values, evidence)


def arrived(facts: Facts) -> Check:
    """Did anything arrive from this notebook?"""
    if not facts.seen and facts.record is not None:
        return Check(WARNING, _("No event from this notebook is kept, but there is a record"))
    if not facts.seen:
        return ends(_("Events arrive from the learner, but none from this notebook"), "nothing-sent")
    count = sum(one.events for one in facts.seen)
    newest = max(facts.seen, key=lambda one: one.last_at)
    evidence: dict[str, Any] = {"events": count, "last_at": written(newest.last_at), "notebook": newest.notebook}
    evidence |= {"notebooks": sorted({one.notebook for one in facts.seen if one.notebook})}
    values = {"count": count, "last": when(newest.last_at)}
    return Check(OK, _("Events have arrived (%(count)s, the last at %(last)s)"), values, evidence)


def tags(facts: Facts) -> Check:
    """Do the cells carry tags, and are these the published ones?"""
    known = facts.book.tags if facts.book else frozenset()
    hits = [one for one in facts.seen if one.tag in known]
    malformed = [one for one in facts.seen if one.tag not in known and one.malformed]
    others = [one for one in facts.seen if one.tag and one.tag not in known and not one.malformed]
    bare = [one for one in facts.seen if not one.tag and one.executed]
    evidence: dict[str, Any] = {
        "published": _events(hits), "unpublished": _events(others), "malformed": _events(malformed),
        "untagged": _events(bare),
    }  # fmt: skip
    evidence |= {"unpublished_tags": sorted({one.tag for one in others})[:10]}
    evidence |= {"malformed_tags": sorted({one.tag for one in malformed})[:10]}
    if hits or not facts.seen:
        if malformed or others:
            return Check(WARNING, _("Events carry published tags, and others too"), {}, evidence)
        return Check(OK, _("Events carry published tags"), {}, evidence)
    if others:
        newest = max(others, key=lambda one: one.last_at)
        text = _("Events carry tags that are not published")
        return ends(text, "tags-not-published", evidence, tag=newest.tag, last=when(newest.last_at))
    if malformed or bare:
        last = when(max(one.last_at for one in (*malformed, *bare)))
        return ends(_("Events carry no tag that is well formed"), "cells-untagged", evidence, last=last)
    last = when(max(one.last_at for one in facts.seen))
    return ends(_("No cell was executed"), "nothing-executed", evidence, last=last)


def _events(found: list[Seen]) -> int:
    return sum(one.events for one in found)


def waiting(facts: Facts) -> Check:
    """Is the newest event taken into the measures, and the record made of it?"""
    taking = facts.taking
    if taking is None:
        return Check(OK, _("Nothing waits"))
    evidence = {"event_id": taking.event, "arrived_at": written(taking.arrived_at)}
    if taking.fault:
        text, last = _("The newest event could not be taken: %(text)s"), when(taking.arrived_at)
        return ends(text, "failed-other", evidence, reason="fault", text=taking.fault, last=last)
    if not taking.taken:
        return waits(facts, taking.arrived_at, evidence)
    if taking.stale_since is not None:
        return waits(facts, taking.stale_since, evidence | {"taken": True})
    return Check(OK, _("The newest event is taken"), {}, evidence)
