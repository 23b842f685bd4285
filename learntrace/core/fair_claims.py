"""Claim a queue's rows in fair turns, so that neither a learner nor an academy with much work delays the others.

Each row belongs to a learner and an academy (0 where unknown). A turn takes rows of as many academies and learners as it has
room for: one learner of each academy, then the second of each, and so on; and of each learner as many rows as an equal
share, at least one. The next turn goes on with the learners after them. So a learner with work is served after a number of
turns that depends on how many learners of the same academy have work, never on how many rows anybody has.

The claim's cost doesn't depend on the number of rows either: each learner is found by one step in an index on (academy,
learner, when due).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import msgspec

from learntrace.core.sql import fetch

# The lock under which a learner's activities, measures and signals change.
LEARNER_LOCK = "learntrace learner "

# Learners whom another worker has locked are left to it: two workers never wait for each other's learners. Where a turn has
# more room than there are learners, each has a larger share.
_CLAIM = """
WITH RECURSIVE academy(id) AS (
    (SELECT q.{academy} FROM {table} q WHERE {waiting} ORDER BY q.{academy} LIMIT 1)
    UNION ALL
    SELECT (SELECT q.{academy} FROM {table} q WHERE {waiting} AND q.{academy} > academy.id ORDER BY q.{academy} LIMIT 1)
      FROM academy WHERE academy.id IS NOT NULL
), start AS MATERIALIZED (
    SELECT id, coalesce((%(after)s::jsonb ->> id::text)::bigint, -1) AS after,
           greatest(ceil(%(limit)s::numeric / count(*) OVER ()), 10) AS most
      FROM academy WHERE id IS NOT NULL
), chosen AS MATERIALIZED (
    SELECT start.id AS academy, found.learner,
           row_number() OVER (PARTITION BY start.id ORDER BY found.lap, found.learner) AS place
      FROM start CROSS JOIN LATERAL (
           SELECT 1 AS lap, later.learner FROM ({later}) AS later
           UNION ALL SELECT 2, earlier.learner FROM ({earlier}) AS earlier
      ) AS found
     ORDER BY place, academy LIMIT %(limit)s
), tried AS MATERIALIZED (
    SELECT *, pg_try_advisory_xact_lock(hashtextextended(%(lock)s || learner, 0)) AS free FROM chosen
), shared AS MATERIALIZED (
    SELECT *, ceil(%(limit)s::numeric / greatest(count(*) FILTER (WHERE free) OVER (), 1)) AS share FROM tried
)
SELECT shared.academy, shared.learner, held.id, held.weight
  FROM shared
  LEFT JOIN LATERAL (SELECT q.id, {weight} AS weight FROM {table} q
                      WHERE shared.free AND {waiting} AND q.{academy} = shared.academy AND q.{learner} = shared.learner
                        AND {due}
                      ORDER BY q.{since}, q.id LIMIT shared.share FOR UPDATE SKIP LOCKED) AS held ON true
 ORDER BY shared.place, shared.academy
"""
# The learners with due rows of an academy, each by one step in the index.
_LEARNERS = """
WITH RECURSIVE step(learner, n) AS (
    (SELECT q.{learner}, 1 FROM {table} q
      WHERE {waiting} AND q.{academy} = start.id AND q.{learner} > {after} AND {due} ORDER BY q.{learner} LIMIT 1)
    UNION ALL
    SELECT (SELECT q.{learner} FROM {table} q
             WHERE {waiting} AND q.{academy} = start.id AND q.{learner} > step.learner AND {due}
             ORDER BY q.{learner} LIMIT 1), n + 1
      FROM step WHERE step.learner IS NOT NULL AND n < start.most
)
SELECT learner FROM step WHERE learner IS NOT NULL AND learner <= {until}
"""
_MOST_LEARNER = 2**63 - 1


@dataclass(frozen=True)
class Table:
    """A queue's table: SQL for its columns and conditions, with `q` for a row.

    It needs an index on (academy, learner, since, id), or one in which what `waiting` compares comes first.
    """

    name: str
    waiting: str
    due: str
    since: str
    academy: str = "turn_academy"
    learner: str = "turn_learner"
    weight: str = "1"


@dataclass(frozen=True)
class Row:
    """A claimed row: its id, the number of rows of the same learner claimed before it, and its weight."""

    academy: int
    learner: int
    id: int
    number: int
    weight: int


@dataclass
class FairClaims:
    """The claims of one queue. How far the turns of this process have come in each academy is kept in `_after`."""

    table: Table
    lock: str = LEARNER_LOCK
    _after: dict[int, int] = field(default_factory=dict)

    def claim(self, limit: int, most_weight: int, **parameters: object) -> list[Row]:
        """Lock up to `limit` rows and their learners in the open transaction; return them in fair order.

        Rows beyond `most_weight` are left to a later turn; the row that reaches it is taken. `parameters` are those in the
        table's conditions.
        """
        given = {**parameters, "limit": limit, "lock": self.lock, "after": msgspec.json.encode(self._after).decode()}
        found = fetch(_statement(self.table), given, prepared=True)
        learners = [
            (key, _rows(*key, held)) for key, held in groupby(found, key=lambda row: (int(row[0]), int(row[1])))
        ]
        # Sorting is stable: the first rows of all learners in their fair order, then the second ones.
        rows = sorted((row for _key, own in learners for row in own), key=lambda row: row.number)
        kept = _within(rows[:limit], most_weight)
        self._go_on_after(learners, kept)
        return kept

    def _go_on_after(self, learners: Iterable[tuple[tuple[int, int], Sequence[Row]]], kept: Iterable[Row]) -> None:
        """Have the next turn begin after the last learner that got a turn, or could have had one."""
        served = {(row.academy, row.learner) for row in kept}
        stopped: set[int] = set()
        for (academy, learner), rows in learners:
            if rows and (academy, learner) not in served:
                stopped.add(academy)
            elif academy not in stopped:
                self._after[academy] = learner


def _statement(table: Table) -> str:
    columns = {
        "table": table.name, "waiting": table.waiting, "due": table.due, "since": table.since, "weight": table.weight,
        "academy": table.academy, "learner": table.learner,
    }  # fmt: skip
    later = _LEARNERS.format(**columns, after="start.after", until=_MOST_LEARNER)
    earlier = _LEARNERS.format(**columns, after=-1, until="start.after")
    return _CLAIM.format(**columns, later=later, earlier=earlier)


def _rows(academy: int, learner: int, held: Iterable[Sequence[int | None]]) -> list[Row]:
    """Return the rows of one learner; none where it is locked."""
    claimed = [(row_id, weight or 0) for *_learner, row_id, weight in held if row_id is not None]
    return [Row(academy, learner, row_id, number, weight) for number, (row_id, weight) in enumerate(claimed)]


def _within(rows: Sequence[Row], most_weight: int) -> list[Row]:
    kept: list[Row] = []
    weight = 0
    for row in rows:
        if weight >= most_weight:
            break
        kept.append(row)
        weight += row.weight
    return kept
