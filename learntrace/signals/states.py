"""Where each detector goes on in each group of activities: the rows of `Watch`, loaded and stored for a whole batch."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection

from learntrace.signals.detection import State

_SELECT = """
SELECT w.user_id, w.academy_id, w.kind, w."group", w.state::text, w.last_at, w.last_arrival, w.due_at, w.thresholds::text,
       w.fault
  FROM signals_watch w
"""
_LOAD = f"""{_SELECT}
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(learner bigint, academy bigint, what text, place text)
    ON w.user_id = asked.learner AND w.kind = asked.what AND w."group" = asked.place
   AND w.academy_id IS NOT DISTINCT FROM asked.academy
"""
_OF_LEARNER = f"{_SELECT} WHERE w.user_id = %s AND w.academy_id IS NOT DISTINCT FROM %s"
_STORE = """
INSERT INTO signals_watch AS kept
       (user_id, academy_id, kind, "group", state, last_at, last_arrival, due_at, thresholds, fault)
SELECT user_id, academy_id, kind, "group", state, last_at, last_arrival, due_at, thresholds, fault
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(user_id bigint, academy_id bigint, kind text, "group" text, state jsonb, last_at timestamptz, last_arrival bigint,
         due_at timestamptz, thresholds jsonb, fault text)
 ORDER BY user_id, academy_id, kind, "group"
    ON CONFLICT (user_id, academy_id, kind, "group") DO UPDATE
   SET state = excluded.state, last_at = excluded.last_at, last_arrival = excluded.last_arrival, due_at = excluded.due_at,
       thresholds = excluded.thresholds, fault = excluded.fault
"""
_FORGET = """
DELETE FROM signals_watch w
 USING jsonb_to_recordset(%s::jsonb) AS gone(learner bigint, academy bigint, what text, place text)
 WHERE w.user_id = gone.learner AND w.kind = gone.what AND w."group" = gone.place
   AND w.academy_id IS NOT DISTINCT FROM gone.academy
"""


@dataclass(frozen=True, slots=True)
class Spot:
    """What one detector looks at together: one of a learner's groups in an academy."""

    user_id: int
    academy_id: int | None
    kind: str
    group: str


@dataclass
class Watched:
    """A detector's state at a spot; `last` is the place of the last activity that is in it."""

    state: State
    last: tuple[datetime, int]
    due_at: datetime | None = None
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""


def asked_for(spots: Iterable[Spot]) -> str:
    """Spots as the one parameter of a statement that joins them."""
    rows = [{"learner": one.user_id, "academy": one.academy_id, "what": one.kind, "place": one.group} for one in spots]
    return msgspec.json.encode(rows).decode()


def load(spots: Collection[Spot]) -> dict[Spot, Watched]:
    """The states that are kept of these spots."""
    return _read(_LOAD, [asked_for(spots)]) if spots else {}


def of_learner(user_id: int, academy_id: int | None) -> dict[Spot, Watched]:
    """All states that are kept of a learner in an academy."""
    return _read(_OF_LEARNER, [user_id, academy_id])


def _read(statement: str, parameters: list[Any]) -> dict[Spot, Watched]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return {
            Spot(*row[:4]): Watched(
                state=msgspec.json.decode(row[4]), last=(row[5], row[6]), due_at=row[7],
                thresholds=msgspec.json.decode(row[8]), fault=row[9],
            )
            for row in cursor.fetchall()
        }  # fmt: skip


def store(watched: Mapping[Spot, Watched]) -> None:
    if not watched:
        return
    rows = [
        {
            "user_id": spot.user_id, "academy_id": spot.academy_id, "kind": spot.kind, "group": spot.group,
            "state": one.state, "last_at": one.last[0], "last_arrival": one.last[1], "due_at": one.due_at,
            "thresholds": one.thresholds, "fault": one.fault,
        }
        for spot, one in watched.items()
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [msgspec.json.encode(rows).decode()])


def forget(spots: Collection[Spot]) -> None:
    if spots:
        with connection.cursor() as cursor:
            cursor.execute(_FORGET, [asked_for(spots)])
