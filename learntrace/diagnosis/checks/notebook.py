"""Checks of a notebook's events: published, collected, accepted, tagged, taken."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from learntrace.core.time_zones import largest_unit
from learntrace.diagnosis.checks.queue import waits
from learntrace.diagnosis.facts import EventGroup, Facts
from learntrace.diagnosis.findings import NOT_ASKED, OK, WARNING, Check, ends, iso_time, time_text
from learntrace.notebooks.front_ends import front_end_name


def published(facts: Facts) -> Check:
    """Check whether the notebook is published; a package needs not be."""
    published = facts.published
    if published is not None:
        evidence = {
            "paths": list(published.paths),
            "assignments": len(published.tags),
            "published_at": iso_time(published.published_at),
        }
        if not published.tags:
            return Check(WARNING, _("The notebook is published, but without any assignment"), {}, evidence)
        values = {"count": len(published.tags)}
        return Check(OK, _("The notebook is published (assignments: %(count)s)"), values, evidence)
    if facts.seen and not facts.sent:
        newest = max(facts.seen, key=lambda group: group.last_at)
        evidence = {"notebook": newest.notebook, "events": sum(group.events for group in facts.seen)}
        evidence |= {"last_at": iso_time(newest.last_at)}
        text = _("Events arrive from a notebook that is not published")
        return ends(text, "notebook-not-published", evidence, notebook=newest.notebook)
    return Check(OK, _("A LearnPack package, not a notebook"))


def consent(facts: Facts) -> Check:
    """Check whether the learner lets events be collected."""
    if not facts.collecting:
        return ends(_("The learner has turned the collection of events off"), "opted-out", reason="opted-out")
    return Check(OK, _("The learner's events are collected"))


def rejected(facts: Facts) -> Check:
    """Check whether events were rejected, and none was accepted since."""
    if not facts.rejected:
        return Check(OK, _("No event was rejected"))
    newest = max(facts.rejected, key=lambda group: group.last_at)
    count = sum(group.events for group in facts.rejected)
    values = {"count": count, "text": newest.detail, "last": time_text(newest.last_at)}
    evidence = {
        "rejected_id": newest.newest,
        "codes": {group.code: group.events for group in facts.rejected},
        "last_at": iso_time(newest.last_at),
        "text": newest.detail,
    }
    text = _("Events were rejected (%(count)s, the last on %(last)s): %(text)s")
    last_arrival = facts.last_arrival
    if last_arrival is not None and last_arrival >= newest.last_at:
        return Check(WARNING, text, values, evidence)
    return ends(text, "events-rejected", evidence, reason=newest.code, **values)


def front_end(facts: Facts) -> Check:
    """Check whether the learner's front end sends events at all."""
    seen = facts.front_end
    if seen is None and facts.record is not None:
        return Check(WARNING, _("No event of the learner is kept, but there is a record"))
    if seen is None:
        return ends(_("No event of the learner is kept"), "front-end-silent")
    evidence = {"last_at": iso_time(seen.at), "frontend": seen.name, "version": seen.version}
    values = {"last": time_text(seen.at), "frontend": f"{front_end_name(seen.name)} {seen.version}".strip() or "?"}
    return Check(OK, _("The learner's front end, %(frontend)s, last sent on %(last)s"), values, evidence)


def clock(facts: Facts) -> Check:
    """Check whether the clock of the machine that sent last is right."""
    seen = facts.front_end
    if seen is None:
        return NOT_ASKED
    if seen.clock_ahead is None:
        return Check(OK, _("The machine's clock is right, according to its front end"))
    ahead = seen.clock_ahead > timedelta()
    values = {"span": largest_unit(abs(seen.clock_ahead))}
    evidence = {"clock_ahead_seconds": round(seen.clock_ahead.total_seconds()), "last_at": iso_time(seen.at)}
    if ahead:
        return Check(WARNING, _("This machine's clock is %(span)s ahead; times are corrected"), values, evidence)
    return Check(WARNING, _("This machine's clock is %(span)s behind; times are corrected"), values, evidence)


def arrived(facts: Facts) -> Check:
    """Check whether events of this notebook arrived."""
    if not facts.seen and facts.record is not None:
        return Check(WARNING, _("No event from this notebook is kept, but there is a record"))
    if not facts.seen:
        return ends(_("Events arrive from the learner, but none from this notebook"), "nothing-sent")
    count = sum(group.events for group in facts.seen)
    newest = max(facts.seen, key=lambda group: group.last_at)
    evidence: dict[str, Any] = {"events": count, "last_at": iso_time(newest.last_at), "notebook": newest.notebook}
    evidence |= {"notebooks": sorted({group.notebook for group in facts.seen if group.notebook})}
    values = {"count": count, "last": time_text(newest.last_at)}
    return Check(OK, _("Events have arrived (%(count)s, the last on %(last)s)"), values, evidence)


def tags(facts: Facts) -> Check:
    """Check whether the cells carry published tags."""
    known = facts.published.tags if facts.published else frozenset()
    hits = [group for group in facts.seen if group.tag in known]
    malformed = [group for group in facts.seen if group.tag not in known and group.malformed]
    others = [group for group in facts.seen if group.tag and group.tag not in known and not group.malformed]
    untagged = [group for group in facts.seen if not group.tag and group.executed]
    evidence: dict[str, Any] = {
        "published": _events(hits),
        "unpublished": _events(others),
        "malformed": _events(malformed),
        "untagged": _events(untagged),
        "unpublished_tags": sorted({group.tag for group in others})[:10],
        "malformed_tags": sorted({group.tag for group in malformed})[:10],
    }
    if hits or not facts.seen:
        if malformed or others:
            return Check(WARNING, _("Events carry published tags, and others too"), {}, evidence)
        return Check(OK, _("Events carry published tags"), {}, evidence)
    if others:
        newest = max(others, key=lambda group: group.last_at)
        text = _("Events carry tags that are not published")
        return ends(text, "tags-not-published", evidence, tag=newest.tag, last=_last_seen(facts))
    if malformed or untagged:
        return ends(_("Events carry no tag that is well formed"), "cells-untagged", evidence, last=_last_seen(facts))
    return ends(_("No cell was executed"), "nothing-executed", evidence, last=_last_seen(facts))


def _last_seen(facts: Facts) -> str:
    # What has just arrived may not have been taken yet.
    return time_text(facts.last_seen_at or max(group.last_at for group in facts.seen))


def _events(groups: list[EventGroup]) -> int:
    return sum(group.events for group in groups)


def waiting(facts: Facts) -> Check:
    """Check whether the newest event is taken into the measures and the record."""
    newest = facts.newest_event
    if newest is None:
        return Check(OK, _("Nothing is waiting"))
    evidence = {"event_id": newest.event, "arrived_at": iso_time(newest.arrived_at)}
    if newest.fault:
        text, last = _("The newest event could not be processed: %(text)s"), time_text(newest.arrived_at)
        return ends(text, "failed-other", evidence, reason="fault", text=newest.fault, last=last)
    if not newest.taken:
        return waits(facts, newest.arrived_at, evidence)
    if newest.stale_since is not None:
        return waits(facts, newest.stale_since, evidence | {"taken": True})
    return Check(OK, _("The newest event has been processed"), {}, evidence)
