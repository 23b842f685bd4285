"""Frustration, which is seen in the scores of a learner's telemetry on an asset, batch after batch.

A batch is identified by its receipt, and evaluated once, with the thresholds of that time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from django.utils import timezone

from learntrace.assignments.telemetry_documents import from_client
from learntrace.core import live_events
from learntrace.core.sql import fetch, json_rows
from learntrace.signals import thresholds
from learntrace.signals.detectors import FRUSTRATION
from learntrace.signals.detectors.base import Finding, with_evidence
from learntrace.signals.evaluation.announce import announce_outcome
from learntrace.signals.evaluation.detector_states import DetectorKey
from learntrace.signals.evaluation.group_keys import asset_key
from learntrace.signals.evaluation.signal_writer import SignalWriter, StoredSignal, finding_of
from learntrace.signals.models import Signal
from learntrace.signals.queries import UNRESOLVED
from learntrace.signals.thresholds import ENABLED

Pair = tuple[int, str]
"""A learner's id and the canonical slug of an asset."""

# What staff or a command has written belongs to no batch, and notebooks give no scores.
_READ = f"""
SELECT t.user_id, t.asset_slug, t.receipt, t.last_interaction_at, t.frustration_score, t.engagement_score,
       coalesce(nullif(a.title, ''), t.asset_slug)
  FROM assignments_assignmenttelemetry t
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(user_id bigint, asset_slug text) USING (user_id, asset_slug)
  LEFT JOIN registry_asset a ON a.slug = t.asset_slug
 WHERE {from_client("t")}
"""  # noqa: S608 (only texts of ours)
_SIGNALS = """
SELECT s.user_id, s."group", s.academy_id, s.id, s.key, s.assignment, s.severity, s.state, s.count, s.opened_at,
       s.last_seen_at, s.resolved_at, s.resolved_by, s.evidence::text, s.facts::text
  FROM jsonb_to_recordset(%(asked)s::jsonb) AS asked(learner bigint, place text)
  JOIN signals_signal s ON s.user_id = asked.learner AND s."group" = asked.place
 WHERE s.kind = %(kind)s AND (s.state = ANY(%(unresolved)s) OR s.key = ANY(%(receipts)s))
 ORDER BY s.opened_at, s.id
"""


@dataclass(frozen=True)
class _Batch:
    """What a learner's newest batch reports on an asset; scores are 0 to 100."""

    user_id: int
    asset_slug: str
    receipt: int
    last_interaction_at: datetime | None
    frustration: float | None
    engagement: float | None
    title: str

    @property
    def name(self) -> str:
        """Its id in a signal's evidence."""
        return f"webhook:{self.receipt}"

    def facts(self) -> dict[str, Any]:
        return {
            "frustration": _rounded(self.frustration),
            "engagement": _rounded(self.engagement),
            "asset": self.asset_slug,
            "title": self.title,
        }


def evaluate_scores(seen_by: Mapping[Pair, int | None]) -> list[live_events.Change]:
    """Evaluate the telemetry of learners, whose locks are held, in the open transaction that has written it.

    `seen_by` gives the academy that sees it, for each (user id, canonical asset slug). Returns the changes for live
    clients.
    """
    if not seen_by:
        return []
    limits = thresholds.load(set(seen_by.values()))
    batches = _batches(seen_by)
    signals = _signals(seen_by, batches.values())
    writer = SignalWriter()
    for (user_id, slug), academy_id in seen_by.items():
        key = DetectorKey(user_id, academy_id, FRUSTRATION.kind, asset_key(slug))
        of_asset = signals.get((user_id, key.group), [])
        # An academy that the learner has left no longer sees this telemetry.
        for academy, signal in of_asset:
            if academy != academy_id and signal.state in UNRESOLVED:
                writer.reconcile(key._replace(academy_id=academy), [signal], {})
        here = [signal for academy, signal in of_asset if academy == academy_id]
        _evaluate(writer, key, here, batches.get((user_id, slug)), limits[academy_id][key.kind])
    return announce_outcome(writer.write())


def _evaluate(
    writer: SignalWriter,
    key: DetectorKey,
    signals: Sequence[StoredSignal],
    batch: _Batch | None,
    limits: Mapping[str, Any],
) -> None:
    standing = [signal for signal in signals if signal.state in UNRESOLVED]
    if batch is None or not limits[ENABLED]:
        writer.reconcile(key, standing, {})
        return
    holds = FRUSTRATION.holds(batch.frustration, batch.engagement, limits)
    if standing:
        finding = finding_of(standing[0])
        if batch.name not in finding.evidence[-1:]:
            writer.save(key, standing, [_grown(finding, batch) if holds else _resolved(finding, batch)])
        return
    # A signal with this key was opened by this batch: since then resolved, or withdrawn while the kind was turned off.
    earlier = [signal for signal in signals if signal.key == str(batch.receipt)]
    if holds and all(signal.state == Signal.State.WITHDRAWN for signal in earlier):
        writer.save(key, earlier, [_opened(batch)])


def _opened(batch: _Batch) -> Finding:
    at = batch.last_interaction_at or timezone.now()
    return Finding(str(batch.receipt), at, at, 1, [batch.name], FRUSTRATION.severity, batch.facts())


def _grown(finding: Finding, batch: _Batch) -> Finding:
    return replace(
        finding,
        last_seen_at=_time_of(batch, finding),
        count=finding.count + 1,
        facts=batch.facts(),
        evidence=with_evidence(finding.evidence, batch.name),
    )


def _resolved(finding: Finding, batch: _Batch) -> Finding:
    return replace(finding, resolved_at=_time_of(batch, finding), resolved_by=batch.name)


def _time_of(batch: _Batch, finding: Finding) -> datetime:
    """Return the batch's time, but none before the finding's: a batch without a time gets the server's."""
    return max(finding.last_seen_at, batch.last_interaction_at or timezone.now())


def _rounded(score: float | None) -> float | None:
    """Return a score as a sentence shows it: 72.5, and 60 without decimals."""
    if score is None:
        return None
    return int(score) if score.is_integer() else round(score, 1)


def _batches(pairs: Iterable[Pair]) -> dict[Pair, _Batch]:
    asked = json_rows({"user_id": user_id, "asset_slug": slug} for user_id, slug in pairs)
    batches = [_Batch(*row) for row in fetch(_READ, [asked])]
    return {(batch.user_id, batch.asset_slug): batch for batch in batches}


_OfAcademy = tuple[int | None, StoredSignal]
"""A signal, with the academy that sees it."""


def _signals(pairs: Iterable[Pair], batches: Iterable[_Batch]) -> dict[tuple[int, str], list[_OfAcademy]]:
    """Return the standing signals of these learners' assets in any academy, and those that these batches opened.

    By learner and group.
    """
    asked = {
        "asked": json_rows({"learner": user_id, "place": asset_key(slug)} for user_id, slug in pairs),
        "kind": FRUSTRATION.kind,
        "unresolved": [str(state) for state in UNRESOLVED],
        "receipts": [str(batch.receipt) for batch in batches],
    }
    decode = msgspec.json.decode
    signals: dict[tuple[int, str], list[_OfAcademy]] = {}
    for user_id, group, academy_id, *columns, evidence, facts in fetch(_SIGNALS, asked):
        fields = [*columns, decode(evidence), decode(facts)]
        signals.setdefault((user_id, group), []).append((academy_id, StoredSignal(*fields)))
    return signals
