"""Write findings as signals: open, correct and resolve them, and withdraw those that a late event disproves."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from django.utils import timezone

from learntrace.core.sql import execute, fetch, json_rows
from learntrace.progress.recording.activity_store import AssignmentKey
from learntrace.signals.detectors.base import Finding
from learntrace.signals.evaluation.detector_states import DetectorKey, groups_as_json
from learntrace.signals.models import Signal

OPENED, CORRECTED, RESOLVED, WITHDRAWN, SEEN_AGAIN = "opened", "corrected", "resolved", "withdrawn", "seen-again"
# Entries of a signal's history that are kept, the latest.
MOST_HISTORY = 50

_STORED = """
SELECT s.user_id, s.academy_id, s.kind, s."group", s.id, s.key, s.assignment, s.severity, s.state, s.count, s.opened_at,
       s.last_seen_at, s.resolved_at, s.resolved_by, s.evidence::text, s.facts::text
  FROM signals_signal s
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(learner bigint, academy bigint, place text)
    ON s.user_id = asked.learner AND s."group" = asked.place AND s.academy_id IS NOT DISTINCT FROM asked.academy
"""
_STORED_ORDER = " ORDER BY s.opened_at, s.id"
_STANDING = f"{_STORED} AND s.state IN ('open', 'acknowledged') {_STORED_ORDER}"
_ALL = f"{_STORED} {_STORED_ORDER}"
# A conflict is with a withdrawn signal, or with a resolved one that the caller, who read only standing signals, has not
# seen: the finding has been seen again.
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
# Keeps an acknowledgement that was committed since the signal was read.
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
    """What a batch has changed: the ids of new signals, of all signals that have changed, and of those among them that stand
    as they stood, and have only grown."""

    new: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    grown: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class StoredSignal:
    """What a writer has to know of a stored signal: the fields of `Signal` with these names.

    Models take several times as long to make, and each event of a run reads its signal.
    """

    pk: int
    key: str
    assignment: str | None
    severity: int
    state: str
    count: int
    opened_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None
    resolved_by: str
    evidence: list[str]
    facts: dict[str, Any]


AnySignal = Signal | StoredSignal


def stored_signals(keys: Collection[DetectorKey], *, standing_only: bool) -> dict[DetectorKey, list[AnySignal]]:
    """Return the signals of these keys, with `standing_only` the open and acknowledged ones alone."""
    if not keys:
        return {}
    decode = msgspec.json.decode
    wanted = frozenset(keys)
    signals: dict[DetectorKey, list[AnySignal]] = {}
    for user_id, academy_id, kind, group, *columns, evidence, facts in fetch(
        _STANDING if standing_only else _ALL, [groups_as_json(keys)]
    ):
        key = DetectorKey(user_id, academy_id, kind, group)
        if key in wanted:
            fields = [*columns, decode(evidence), decode(facts)]
            signals.setdefault(key, []).append(StoredSignal(*fields))
    return signals


def stored_on(assignments: Collection[AssignmentKey]) -> dict[DetectorKey, list[AnySignal]]:
    """Return the signals on learners' assignments, by the key of their detector."""
    rows = Signal.objects.filter(
        user__in={key.user_id for key in assignments}, assignment__in={key.assignment for key in assignments}
    )
    signals: dict[DetectorKey, list[AnySignal]] = {}
    for signal in rows.order_by("opened_at", "pk"):
        if AssignmentKey(signal.user_id, signal.academy_id, signal.assignment or "") in assignments:
            key = DetectorKey(signal.user_id, signal.academy_id, signal.kind, signal.group)
            signals.setdefault(key, []).append(signal)
    return signals


def finding_of(signal: AnySignal) -> Finding:
    """Return the finding that a signal stores."""
    return Finding(
        key=signal.key,
        opened_at=signal.opened_at,
        last_seen_at=signal.last_seen_at,
        count=signal.count,
        evidence=list(signal.evidence),
        severity=signal.severity,
        facts=dict(signal.facts),
        assignment=signal.assignment,
        resolved_at=signal.resolved_at,
        resolved_by=signal.resolved_by,
    )


class SignalWriter:
    """Collects a batch's changes of signals and writes them in two statements."""

    def __init__(self) -> None:
        self._inserts: list[dict[str, Any]] = []
        self._updates: list[dict[str, Any]] = []
        self._grown: set[int] = set()
        self._at = timezone.now().isoformat()

    def save(self, key: DetectorKey, signals: Iterable[AnySignal], findings: Iterable[Finding]) -> None:
        """Store findings that have changed: in the key's signal with the same finding, else in a new one."""
        by_key = {signal.key: signal for signal in signals}
        for finding in findings:
            signal = by_key.get(finding.key)
            if signal is None:
                self._insert(key, finding)
            else:
                self._update(signal, finding)

    def reconcile(self, key: DetectorKey, signals: Sequence[AnySignal], findings: Mapping[str, Finding]) -> None:
        """Make the key's signals match these findings exactly.

        A finding is matched with a signal by its key, else by the evidence that they share; a signal that matches none
        is withdrawn.
        """
        unmatched = {signal.key: signal for signal in signals}
        new = [finding for finding in findings.values() if finding.key not in unmatched]
        for finding in findings.values():
            if signal := unmatched.pop(finding.key, None):
                self._update(signal, finding)
        for finding in new:
            signal = _nearest(finding, unmatched.values())
            if signal is None:
                self._insert(key, finding)
            else:
                del unmatched[signal.key]
                self._update(signal, finding)
        for signal in unmatched.values():
            if signal.state != Signal.State.WITHDRAWN:
                self._withdraw(signal)

    def write(self) -> Outcome:
        """Write all changes in the open transaction."""
        outcome = Outcome(changed=[row["id"] for row in self._updates], grown=self._grown)
        if self._updates:
            execute(_UPDATE, [MOST_HISTORY, json_rows(self._updates)])
        if self._inserts:
            rows = fetch(_INSERT, [json_rows(self._inserts), MOST_HISTORY, self._at, SEEN_AGAIN])
            outcome.changed += [signal_id for signal_id, _is_new in rows]
            outcome.new += [signal_id for signal_id, is_new in rows if is_new]
        return outcome

    def _insert(self, key: DetectorKey, finding: Finding) -> None:
        history = [self._entry(OPENED, finding.evidence[-1] if finding.evidence else "")]
        if finding.resolved_at is not None:
            history.append(self._entry(RESOLVED, finding.resolved_by))
        self._inserts.append(
            {
                **_columns(finding),
                "user_id": key.user_id,
                "academy_id": key.academy_id,
                "kind": key.kind,
                "group": key.group,
                "history": history,
                "asset_slug": finding.facts.get("asset"),
                "state": _state(finding),
            }
        )

    def _update(self, signal: AnySignal, finding: Finding) -> None:
        if finding_of(signal) == finding and signal.state != Signal.State.WITHDRAWN:
            return
        what = _what_happened(signal, finding)
        stands = signal.resolved_at is None and finding.resolved_at is None
        if stands and not what and signal.assignment == finding.assignment:
            self._grown.add(signal.pk)
        self._append_update(signal, finding, _state(finding), [self._entry(what, finding.resolved_by)] if what else [])

    def _withdraw(self, signal: AnySignal) -> None:
        self._append_update(signal, finding_of(signal), Signal.State.WITHDRAWN, [self._entry(WITHDRAWN, "")])

    def _append_update(self, signal: AnySignal, finding: Finding, state: str, history: list[dict[str, str]]) -> None:
        self._updates.append({**_columns(finding), "id": signal.pk, "state": state, "history": history})

    def _entry(self, what: str, by: str) -> dict[str, str]:
        return {"at": self._at, "what": what, "by": by}


def _what_happened(signal: AnySignal, finding: Finding) -> str:
    """Return the entry for the signal's history; empty where it has only grown, which its count says."""
    if signal.state == Signal.State.WITHDRAWN:
        return SEEN_AGAIN
    if finding.resolved_at is not None and signal.resolved_at is None:
        return RESOLVED
    has_grown = finding.key == signal.key and finding.opened_at == signal.opened_at and finding.count >= signal.count
    return "" if has_grown else CORRECTED


def _state(finding: Finding) -> str:
    return Signal.State.OPEN if finding.resolved_at is None else Signal.State.RESOLVED


def _columns(finding: Finding) -> dict[str, Any]:
    """Return the columns that a finding fills, in an insert and in an update."""
    return {
        "key": finding.key,
        "assignment": finding.assignment,
        "severity": finding.severity,
        "count": finding.count,
        "opened_at": finding.opened_at,
        "last_seen_at": finding.last_seen_at,
        "resolved_at": finding.resolved_at,
        "resolved_by": finding.resolved_by,
        "evidence": finding.evidence,
        "facts": finding.facts,
    }


def _nearest(finding: Finding, signals: Iterable[AnySignal]) -> AnySignal | None:
    """Return the signal that shares the most evidence, the oldest of several; None where none shares any."""
    evidence = set(finding.evidence)
    shared = [(len(evidence.intersection(signal.evidence)), -signal.pk, signal) for signal in signals]
    best = max(shared, default=None, key=lambda match: match[:2])
    return best[2] if best and best[0] else None
