"""Load and store the detectors' states, the rows of `Watch`, for a whole batch at once."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from learntrace.core.sql import execute, fetch, json_rows
from learntrace.signals.detectors.base import State

_SELECT = """
SELECT w.user_id, w.academy_id, w.kind, w."group", w.state::text, w.last_at, w.last_arrival, w.due_at, w.thresholds::text,
       w.fault
  FROM signals_watch w
"""
# By groups, which several detectors share.
_LOAD = f"""{_SELECT}
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(learner bigint, academy bigint, place text)
    ON w.user_id = asked.learner AND w."group" = asked.place AND w.academy_id IS NOT DISTINCT FROM asked.academy
"""
_OF_LEARNER = f"{_SELECT} WHERE w.user_id = %s AND w.academy_id IS NOT DISTINCT FROM %s"
# A timer that comes earlier than it would have to is left as it is: it looks, finds nothing and is set anew (`timers`). So an
# index has to be written once in a timer's time, and not with each of a learner's activities.
_STORE = """
INSERT INTO signals_watch AS kept
       (user_id, academy_id, kind, "group", state, last_at, last_arrival, due_at, thresholds, fault)
SELECT user_id, academy_id, kind, "group", state, last_at, last_arrival, due_at, thresholds, fault
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(user_id bigint, academy_id bigint, kind text, "group" text, state jsonb, last_at timestamptz, last_arrival bigint,
         due_at timestamptz, thresholds jsonb, fault text)
 ORDER BY user_id, academy_id, kind, "group"
    ON CONFLICT (user_id, academy_id, kind, "group") DO UPDATE
   SET state = excluded.state, last_at = excluded.last_at, last_arrival = excluded.last_arrival,
       due_at = CASE WHEN kept.due_at > statement_timestamp() AND kept.due_at <= coalesce(excluded.due_at, 'infinity')
                     THEN kept.due_at ELSE excluded.due_at END,
       thresholds = excluded.thresholds, fault = excluded.fault
"""
_FORGET = """
DELETE FROM signals_watch w
 USING jsonb_to_recordset(%s::jsonb) AS gone(learner bigint, academy bigint, what text, place text)
 WHERE w.user_id = gone.learner AND w.kind = gone.what AND w."group" = gone.place
   AND w.academy_id IS NOT DISTINCT FROM gone.academy
"""


class DetectorKey(NamedTuple):
    """Which detector looks at which group of a learner's activities in an academy. A tuple, as an event has six of them."""

    user_id: int
    academy_id: int | None
    kind: str
    group: str


@dataclass(slots=True)
class DetectorState:
    """A detector's state in a group; `last` is the order (`Activity.order`) of the last activity that is in it."""

    state: State
    last: tuple[datetime, int]
    due_at: datetime | None = None
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""


@dataclass(slots=True)
class _Row:
    """A row of `Watch`, for _STORE."""

    user_id: int
    academy_id: int | None
    kind: str
    group: str
    state: State
    last_at: datetime
    last_arrival: int
    due_at: datetime | None
    thresholds: Mapping[str, Any]
    fault: str


def groups_as_json(keys: Iterable[DetectorKey]) -> str:
    """Return the groups of keys, each once, as the one parameter of a statement that joins them."""
    groups = {(user_id, academy_id, group) for user_id, academy_id, _kind, group in keys}
    return json_rows({"learner": learner, "academy": academy, "place": group} for learner, academy, group in groups)


def load(keys: Collection[DetectorKey]) -> dict[DetectorKey, DetectorState]:
    """Return the stored states of these keys."""
    if not keys:
        return {}
    wanted = frozenset(keys)
    return {key: state for key, state in _read(_LOAD, [groups_as_json(keys)]).items() if key in wanted}


def of_learner(user_id: int, academy_id: int | None) -> dict[DetectorKey, DetectorState]:
    """Return all stored states of a learner in an academy."""
    return _read(_OF_LEARNER, [user_id, academy_id])


def _read(statement: str, parameters: list[Any]) -> dict[DetectorKey, DetectorState]:
    decode = msgspec.json.decode
    # Nearly all rows have the same few thresholds.
    thresholds: dict[str, Mapping[str, Any]] = {}
    states: dict[DetectorKey, DetectorState] = {}
    for user_id, academy_id, kind, group, state, last_at, last_arrival, due_at, limits, fault in fetch(
        statement, parameters
    ):
        if limits not in thresholds:
            thresholds[limits] = decode(limits)
        states[DetectorKey(user_id, academy_id, kind, group)] = DetectorState(
            decode(state), (last_at, last_arrival), due_at, thresholds[limits], fault
        )
    return states


def store(states: Mapping[DetectorKey, DetectorState]) -> None:
    """Insert or replace states."""
    if states:
        execute(_STORE, [json_rows(_row(key, state) for key, state in states.items())])


def _row(key: DetectorKey, state: DetectorState) -> _Row:
    return _Row(
        user_id=key.user_id,
        academy_id=key.academy_id,
        kind=key.kind,
        group=key.group,
        state=state.state,
        last_at=state.last[0],
        last_arrival=state.last[1],
        due_at=state.due_at,
        thresholds=state.thresholds,
        fault=state.fault,
    )


def forget(keys: Collection[DetectorKey]) -> None:
    """Delete the states of these keys."""
    if keys:
        gone = (
            {"learner": key.user_id, "academy": key.academy_id, "what": key.kind, "place": key.group} for key in keys
        )
        execute(_FORGET, [json_rows(gone)])
