"""Checks of what was made of the telemetry: the assignment that is asked about, the record, scores and statistics."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from learntrace.diagnosis.facts import Facts
from learntrace.diagnosis.findings import NOT_ASKED, OK, WARNING, Check, ends, iso_time, time_text

# Statistics are computed once a night.
_STATS_AGE = timedelta(hours=25)


def assignment(facts: Facts) -> Check:
    """Check whether anything was seen of the learner on the assignment that is asked about."""
    asked = facts.assignment
    if asked is None:
        return NOT_ASKED
    if asked.last_seen_at is None:
        values = {"assignment": asked.title, "last": time_text(facts.last_arrival)}
        return ends(_("The learner hasn't started %(assignment)s"), "assignment-not-started", **values)
    evidence: dict[str, Any] = {"attempts": asked.attempts, "last_seen_at": iso_time(asked.last_seen_at)}
    told: dict[str, Any] = {"assignment": asked.title, "count": asked.attempts, "last": time_text(asked.last_seen_at)}
    text = _("The learner has worked on %(assignment)s (attempts: %(count)s, last seen on %(last)s)")
    return Check(OK, text, told, evidence)


def record(facts: Facts) -> Check:
    """Check whether there is a record under the canonical slug, made from the client's data."""
    stored, stray = facts.record, facts.stray
    if stored is None and stray is not None:
        evidence = {"record_id": stray.id, "asset_slug": stray.slug}
        canonical = facts.target.canonical if facts.target else ""
        text = _("The record is stored under %(slug)s, not under the canonical slug %(canonical)s")
        return ends(text, "record-under-another-slug", evidence, slug=stray.slug, canonical=canonical)
    if stored is None:
        return ends(_("There is no record"), "record-missing", last=time_text(facts.last_arrival))
    evidence = {
        "record_id": stored.id,
        "asset_slug": stored.slug,
        "updated_at": iso_time(stored.updated_at),
        "last_interaction_at": iso_time(stored.last_interaction_at),
        "completion_rate": stored.completion,
        "received_at": iso_time(stored.received_at),
    }
    if not stored.from_source:
        return ends(_("The record was written by staff"), "staff-written", evidence, last=time_text(stored.updated_at))
    # A batch and its record are written in one transaction and have the same time.
    if stored.made_at is not None and stored.updated_at > stored.made_at:
        text = _("The record was changed by staff after the last batch")
        return ends(text, "staff-written", evidence, last=time_text(stored.updated_at))
    values: dict[str, Any] = {"last": time_text(stored.updated_at)}
    if stored.untold_attempts:
        values["count"] = stored.untold_attempts
        text = _(
            "There is a record, last changed on %(last)s. The latest message reports fewer attempts or completed steps than "
            "earlier ones did (%(count)s fewer); all of them count"
        )
        return Check(OK, text, values, evidence | {"untold_attempts": stored.untold_attempts})
    return Check(OK, _("There is a record, last changed on %(last)s"), values, evidence)


def scores(facts: Facts) -> Check:
    """Check whether the asset is graded, and the record has scores."""
    graded = facts.target is not None and facts.target.graded
    canonical = facts.target.canonical if facts.target else ""
    if not graded:
        return ends(_("The canonical asset is not graded"), "not-graded", {"asset": canonical}, canonical=canonical)
    if facts.record is None or not facts.record.scored:
        return ends(_("The asset is graded, but the record has no scores yet"), "not-scored", {"asset": canonical})
    return Check(OK, _("The asset is graded, and there are scores"), {}, {"asset": canonical})


def statistics(facts: Facts) -> Check:
    """Check whether the asset's statistics are newer than the record."""
    synced_at = facts.target.stats_at if facts.target else None
    failed = facts.target is not None and facts.target.stats_failed
    updated_at = facts.record.updated_at if facts.record else None
    evidence = {"stats_at": iso_time(synced_at), "record_updated_at": iso_time(updated_at), "failed": failed}
    behind = updated_at is not None and (synced_at is None or synced_at < updated_at)
    if failed or (behind and updated_at is not None and facts.now - updated_at > _STATS_AGE):
        return ends(_("The statistics are older than the record"), "stats-stale", evidence, last=time_text(synced_at))
    if behind:
        return Check(WARNING, _("The record is not yet in the statistics, which are computed at night"), {}, evidence)
    return Check(OK, _("The statistics are up to date"), {}, evidence)
