"""Frustration, which is seen in the scores of a learner's telemetry on an asset, batch after batch.

A batch is told from others by its receipt, and judged once, by the thresholds of its time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from learntrace.core import live
from learntrace.signals import thresholds
from learntrace.signals.detection import Finding, with_evidence
from learntrace.signals.detectors import FRUSTRATION
from learntrace.signals.groups import asset_key
from learntrace.signals.keeping import Keeping, finding_of
from learntrace.signals.log import STANDING
from learntrace.signals.models import Signal
from learntrace.signals.states import Spot
from learntrace.signals.telling import tell_outcome
from learntrace.signals.thresholds import ENABLED

Pair = tuple[int, str]
"""A learner's id and the canonical slug of an asset."""

# What staff has written, or a command, has no receipt: nobody knows which batch it tells of.
_READ = """
SELECT t.user_id, t.asset_slug, t.receipt, t.last_interaction_at, t.frustration_score, t.engagement_score,
       coalesce(nullif(a.title, ''), t.asset_slug)
  FROM assignments_assignmenttelemetry t
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(user_id bigint, asset_slug text) USING (user_id, asset_slug)
  LEFT JOIN registry_asset a ON a.slug = t.asset_slug
 WHERE t.receipt IS NOT NULL
"""


@dataclass(frozen=True)
class _Batch:
    """What a learner's newest batch says of an asset; scores are 0 to 100."""

    user_id: int
    asset_slug: str
    receipt: int
    last_interaction_at: datetime | None
    frustration: float | None
    engagement: float | None
    title: str

    @property
    def name(self) -> str:
        """What stands for it in a signal's evidence."""
        return f"webhook:{self.receipt}"

    def facts(self) -> dict[str, Any]:
        return {
            "frustration": _plain(self.frustration), "engagement": _plain(self.engagement), "asset": self.asset_slug,
            "title": self.title,
        }  # fmt: skip


def look_at_scores(seen_by: Mapping[Pair, int | None]) -> list[live.Change]:
    """Look at the telemetry of learners, whose locks are held, in the open transaction that has taken it.

    `seen_by` gives the academy that sees it, for each (user id, canonical asset slug). Returns what to tell those who
    watch.
    """
    if not seen_by:
        return []
    limits = thresholds.load(set(seen_by.values()))
    batches = _batches(seen_by)
    signals = _signals(seen_by, batches.values())
    keeping = Keeping()
    for (user_id, slug), academy_id in seen_by.items():
        spot = Spot(user_id, academy_id, FRUSTRATION.kind, asset_key(slug))
        found = signals.get((user_id, spot.group), [])
        # Whoever went to another academy is no longer looked at in the one before.
        for signal in found:
            if signal.academy_id != academy_id and signal.state in STANDING:
                keeping.reconcile(replace(spot, academy_id=signal.academy_id), [signal], {})
        here = [signal for signal in found if signal.academy_id == academy_id]
        _look(keeping, spot, here, batches.get((user_id, slug)), limits[academy_id][spot.kind])
    return tell_outcome(keeping.write())


def _look(
    keeping: Keeping, spot: Spot, signals: Sequence[Signal], batch: _Batch | None, limits: Mapping[str, Any]
) -> None:
    standing = [signal for signal in signals if signal.state in STANDING]
    if batch is None or not limits[ENABLED]:
        keeping.reconcile(spot, standing, {})
        return
    holds = FRUSTRATION.holds(batch.frustration, batch.engagement, limits)
    if standing:
        finding = finding_of(standing[0])
        if batch.name not in finding.evidence[-1:]:
            keeping.keep(spot, standing, [_grown(finding, batch) if holds else _over(finding, batch)])
        return
    # One with this key is what this batch opened: over since, or withdrawn when nobody wanted to see it.
    before = [signal for signal in signals if signal.key == str(batch.receipt)]
    if holds and all(signal.state == Signal.State.WITHDRAWN for signal in before):
        keeping.keep(spot, before, [_opened(batch)])


def _opened(batch: _Batch) -> Finding:
    at = batch.last_interaction_at or timezone.now()
    return Finding(str(batch.receipt), at, at, 1, [batch.name], FRUSTRATION.severity, batch.facts())


def _grown(finding: Finding, batch: _Batch) -> Finding:
    return replace(
        finding, last_seen_at=_at(finding, batch), count=finding.count + 1, facts=batch.facts(),
        evidence=with_evidence(finding.evidence, batch.name),
    )  # fmt: skip


def _over(finding: Finding, batch: _Batch) -> Finding:
    return replace(finding, resolved_at=_at(finding, batch), resolved_by=batch.name)


def _at(finding: Finding, batch: _Batch) -> datetime:
    """When the batch was; one that doesn't say may have followed one that did, or the other way round."""
    return max(finding.last_seen_at, batch.last_interaction_at or timezone.now())


def _plain(score: float | None) -> float | None:
    """A score as a sentence tells it: 72.5, and 60 without its decimals."""
    if score is None:
        return None
    return int(score) if score.is_integer() else round(score, 1)


def _batches(pairs: Iterable[Pair]) -> dict[Pair, _Batch]:
    asked = [{"user_id": user_id, "asset_slug": slug} for user_id, slug in pairs]
    with connection.cursor() as cursor:
        cursor.execute(_READ, [msgspec.json.encode(asked).decode()])
        found = [_Batch(*row) for row in cursor.fetchall()]
    return {(batch.user_id, batch.asset_slug): batch for batch in found}


def _signals(pairs: Iterable[Pair], batches: Iterable[_Batch]) -> dict[tuple[int, str], list[Signal]]:
    """What stands of these learners' assets, in whatever academy, and what these batches opened; by learner and group."""
    asked = {(user_id, asset_key(slug)) for user_id, slug in pairs}
    rows = Signal.objects.filter(
        Q(state__in=STANDING) | Q(key__in=[str(batch.receipt) for batch in batches]),
        user__in={user_id for user_id, _group in asked}, group__in={group for _user, group in asked},
        kind=FRUSTRATION.kind,
    )  # fmt: skip
    found: dict[tuple[int, str], list[Signal]] = {}
    for signal in rows.order_by("opened_at", "pk"):
        if (signal.user_id, signal.group) in asked:
            found.setdefault((signal.user_id, signal.group), []).append(signal)
    return found
