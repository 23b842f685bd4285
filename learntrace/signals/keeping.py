"""Findings as signals: stored, corrected, resolved and, where a late event shows that there was nothing, withdrawn."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.db import connection
from django.utils import timezone

from learntrace.signals.detection import Finding
from learntrace.signals.models import Signal
from learntrace.signals.states import Spot, asked_for

OPENED, CORRECTED, RESOLVED, WITHDRAWN, SEEN_AGAIN = "opened", "corrected", "resolved", "withdrawn", "seen-again"
# How much of a signal's history is kept: its latest.
MOST_HISTORY = 50

_IDS = """
SELECT s.id FROM signals_signal s
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(learner bigint, academy bigint, what text, place text)
    ON s.user_id = asked.learner AND s.kind = asked.what AND s."group" = asked.place
   AND s.academy_id IS NOT DISTINCT FROM asked.academy
"""
# What was withdrawn, or is found by somebody who read only what stands, is the same finding again.
_INSERT = """
INSERT INTO signals_signal AS s
       (user_id, academy_id, kind, "group", key, assignment, asset_slug, severity, state, count, opened_at, last_seen_at,
        resolved_at, resolved_by, evidence, facts, history, created_at, updated_at)
SELECT r.user_id, r.academy_id, r.kind, r."group", r.key, r.assignment,
       coalesce(r.asset_slug, (SELECT a.slug FROM progress_assignment p JOIN registry_asset a ON a.id = p.asset_id
                                WHERE p.academy_id = r.academy_id AND p.key = r.assignment)),
       r.severity, r.state, r.count, r.opened_at, r.last_seen_at, r.resolved_at, r.resolved_by, r.evidence, r.facts,
       r.history, statement_timestamp(), statement_timestamp()
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(user_id bigint, academy_id bigint, kind text, "group" text, key text, assignment text, asset_slug text,
         severity int, state text, count int, opened_at timestamptz, last_seen_at timestamptz, resolved_at timestamptz,
         resolved_by text, evidence jsonb, facts jsonb, history jsonb)
 ORDER BY r.opened_at, r.user_id
    ON CONFLICT (user_id, "group", kind, key, academy_id) DO UPDATE
   SET assignment = excluded.assignment, severity = excluded.severity, count = excluded.count,
       opened_at = excluded.opened_at, last_seen_at = excluded.last_seen_at, resolved_at = excluded.resolved_at,
       resolved_by = excluded.resolved_by, evidence = excluded.evidence, facts = excluded.facts,
       updated_at = statement_timestamp(),
       state = CASE WHEN excluded.state = 'open' AND s.acknowledged_at IS NOT NULL THEN 'acknowledged'
                    ELSE excluded.state END,
       history = CASE WHEN jsonb_array_length(s.history) < %s THEN s.history ELSE s.history - 0 END
                 || jsonb_build_array(jsonb_build_object('at', %s::text, 'what', %s::text, 'by', ''))
RETURNING id, xmax = 0
"""
# Whoever has acknowledged a signal in this very moment has acknowledged it.
_UPDATE = """
UPDATE signals_signal s
   SET key = r.key, assignment = r.assignment, severity = r.severity, count = r.count, opened_at = r.opened_at,
       last_seen_at = r.last_seen_at, resolved_at = r.resolved_at, resolved_by = r.resolved_by, evidence = r.evidence,
       facts = r.facts, updated_at = statement_timestamp(),
       state = CASE WHEN r.state = 'open' AND s.acknowledged_at IS NOT NULL THEN 'acknowledged' ELSE r.state END,
       history = CASE WHEN jsonb_array_length(s.history) + jsonb_array_length(r.history) <= %s THEN s.history || r.history
                      ELSE (s.history - 0) || r.history END
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(id bigint, key text, assignment text, severity int, state text, count int, opened_at timestamptz,
         last_seen_at timestamptz, resolved_at timestamptz, resolved_by text, evidence jsonb, facts jsonb, history jsonb)
 WHERE s.id = r.id
"""


@dataclass
class Outcome:
    """What a batch has made of signals: ids of those that are new, and of all that have changed."""

    new: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)


def stored(spots: Collection[Spot], *, standing_only: bool) -> dict[Spot, list[Signal]]:
    """The signals of these spots; `standing_only` those that are open or acknowledged."""
    if not spots:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_IDS + (" AND s.state IN ('open', 'acknowledged')" if standing_only else ""), [asked_for(spots)])
        ids = [row[0] for row in cursor.fetchall()]
    found: dict[Spot, list[Signal]] = {}
    for signal in Signal.objects.filter(pk__in=ids).order_by("opened_at", "pk"):
        found.setdefault(Spot(signal.user_id, signal.academy_id, signal.kind, signal.group), []).append(signal)
    return found


def finding_of(signal: Signal) -> Finding:
    """The finding that a signal stands for."""
    return Finding(
        key=signal.key, opened_at=signal.opened_at, last_seen_at=signal.last_seen_at, count=signal.count,
        evidence=list(signal.evidence), severity=signal.severity, facts=dict(signal.facts), assignment=signal.assignment,
        resolved_at=signal.resolved_at, resolved_by=signal.resolved_by,
    )  # fmt: skip


class Keeping:
    """Collects what is to be written of a batch, and writes it in two statements."""

    def __init__(self) -> None:
        self._inserts: list[dict[str, Any]] = []
        self._updates: list[dict[str, Any]] = []
        self._at = timezone.now().isoformat()

    def keep(self, spot: Spot, signals: Iterable[Signal], findings: Iterable[Finding]) -> None:
        """Have the spot's standing signals follow the findings that have changed."""
        by_key = {signal.key: signal for signal in signals}
        for finding in findings:
            signal = by_key.get(finding.key)
            if signal is None:
                self._insert(spot, finding)
            else:
                self._update(signal, finding)

    def reconcile(self, spot: Spot, signals: Sequence[Signal], findings: Mapping[str, Finding]) -> None:
        """Have all of the spot's signals be just these findings: each is found again by its key, else by what it shares
        of its evidence; what is found no more is withdrawn."""
        left = {signal.key: signal for signal in signals}
        new = [finding for finding in findings.values() if finding.key not in left]
        for finding in findings.values():
            if signal := left.pop(finding.key, None):
                self._update(signal, finding)
        for finding in new:
            signal = _nearest(finding, left.values())
            if signal is None:
                self._insert(spot, finding)
            else:
                del left[signal.key]
                self._update(signal, finding)
        for signal in left.values():
            if signal.state != Signal.State.WITHDRAWN:
                self._write(signal.pk, finding_of(signal), Signal.State.WITHDRAWN, WITHDRAWN, "")

    def write(self) -> Outcome:
        """Write all of it in the open transaction."""
        outcome = Outcome([], [row["id"] for row in self._updates])
        with connection.cursor() as cursor:
            if self._updates:
                cursor.execute(_UPDATE, [MOST_HISTORY, msgspec.json.encode(self._updates).decode()])
            if self._inserts:
                rows = msgspec.json.encode(self._inserts).decode()
                cursor.execute(_INSERT, [rows, MOST_HISTORY, self._at, SEEN_AGAIN])
                for signal_id, is_new in cursor.fetchall():
                    outcome.changed.append(signal_id)
                    if is_new:
                        outcome.new.append(signal_id)
        return outcome

    def _insert(self, spot: Spot, finding: Finding) -> None:
        history = [{"at": self._at, "what": OPENED, "by": finding.evidence[-1] if finding.evidence else ""}]
        if finding.resolved_at is not None:
            history.append({"at": self._at, "what": RESOLVED, "by": finding.resolved_by})
        self._inserts.append(
            {
                **_columns(finding), "user_id": spot.user_id, "academy_id": spot.academy_id, "kind": spot.kind,
                "group": spot.group, "history": history, "asset_slug": finding.facts.get("asset"),
                "state": _state(finding),
            }
        )  # fmt: skip

    def _update(self, signal: Signal, finding: Finding) -> None:
        if finding_of(signal) == finding and signal.state != Signal.State.WITHDRAWN:
            return
        what = CORRECTED
        if signal.state == Signal.State.WITHDRAWN:
            what = SEEN_AGAIN
        elif finding.resolved_at is not None and signal.resolved_at is None:
            what = RESOLVED
        elif finding.key == signal.key and finding.opened_at == signal.opened_at and finding.count >= signal.count:
            what = ""  # it has grown, which its count tells
        self._write(signal.pk, finding, _state(finding), what, finding.resolved_by)

    def _write(self, signal_id: int, finding: Finding, state: str, what: str, by: str) -> None:
        history = [{"at": self._at, "what": what, "by": by}] if what else []
        self._updates.append({**_columns(finding), "id": signal_id, "state": state, "history": history})


def _state(finding: Finding) -> str:
    return Signal.State.OPEN if finding.resolved_at is None else Signal.State.RESOLVED


def _columns(finding: Finding) -> dict[str, Any]:
    return {
        "key": finding.key, "assignment": finding.assignment, "severity": finding.severity, "count": finding.count,
        "opened_at": finding.opened_at, "last_seen_at": finding.last_seen_at, "resolved_at": finding.resolved_at,
        "resolved_by": finding.resolved_by, "evidence": finding.evidence, "facts": finding.facts,
    }  # fmt: skip


def _nearest(finding: Finding, signals: Iterable[Signal]) -> Signal | None:
    """The signal that shares the most evidence; None if none shares any."""
    evidence = set(finding.evidence)
    shared = [(len(evidence.intersection(signal.evidence)), -signal.pk, signal) for signal in signals]
    best = max(shared, default=None, key=lambda one: one[:2])
    return best[2] if best and best[0] else None
