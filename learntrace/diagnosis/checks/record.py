"""The record that is shown: whether there is one, who made it, and what it brings."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from learntrace.diagnosis.facts import Facts
from learntrace.diagnosis.findings import OK, WARNING, Check, ends, when, written

# Statistics are computed once a night.
_STATS_AGE = timedelta(hours=25)


def record(facts: Facts) -> Check:
    """Is there a record, where it is looked for, and did the client make it?"""
    found, stray = facts.record, facts.stray
    if found is None and stray is not None:
        evidence = {"record_id": stray.id, "asset_slug": stray.slug}
        canonical = facts.target.canonical if facts.target else ""
        text = _("The record stands under %(slug)s, not under the canonical slug %(canonical)s")
        return ends(text, "record-under-another-slug", evidence, slug=stray.slug, canonical=canonical)
    if found is None:
        return ends(_("There is no record"), "record-missing", last=when(facts.last_arrival))
    evidence = {
        "record_id": found.id, "asset_slug": found.slug, "updated_at": written(found.updated_at),
        "last_interaction_at": written(found.last_interaction_at), "completion_rate": found.completion,
        "received_at": written(found.received_at),
    }  # fmt: skip
    if not found.from_source:
        return ends(_("The record was written by staff"), "staff-written", evidence, last=when(found.updated_at))
    # A batch and its record are written in one transaction, so with one time.
    if found.made_at is not None and found.updated_at > found.made_at:
        text = _("The record was changed by staff after the last batch")
        return ends(text, "staff-written", evidence, last=when(found.updated_at))
    values = {"last": when(found.updated_at)}
    return Check(OK, _("There is a record, last changed at %(last)s"), values, evidence)


def scores(facts: Facts) -> Check:
    """Is the asset graded, and are there scores?"""
    graded = facts.target is not None and facts.target.graded
    canonical = facts.target.canonical if facts.target else ""
    if not graded:
        return ends(_("The canonical asset is not graded"), "not-graded", {"asset": canonical}, canonical=canonical)
    if facts.record is None or not facts.record.scored:
        return ends(_("The asset is graded, but the record has no scores yet"), "not-scored", {"asset": canonical})
    return Check(OK, _("The asset is graded, and there are scores"), {}, {"asset": canonical})


def statistics(facts: Facts) -> Check:
    """Are the asset's statistics newer than the record?"""
    synced_at = facts.target.stats_at if facts.target else None
    failed = facts.target is not None and facts.target.stats_failed
    updated_at = facts.record.updated_at if facts.record else None
    evidence = {"stats_at": written(synced_at), "record_updated_at": written(updated_at), "failed": failed}
    behind = updated_at is not None and (synced_at is None or synced_at < updated_at)
    if failed or (behind and updated_at is not None and facts.now - updated_at > _STATS_AGE):
        return ends(_("The statistics are older than the record"), "stats-stale", evidence, last=when(synced_at))
    if behind:
        return Check(WARNING, _("The record is not yet in the statistics, which are made at night"), {}, evidence)
    return Check(OK, _("The statistics are up to date"), {}, evidence)
