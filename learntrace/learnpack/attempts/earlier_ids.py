"""Activities of the version before this one get ids of today's form, so that documents tell them again as the same.

Until then the id of a run was made from its step too (a UUID of version 5), so that a renamed step lost its history. A
learner's ids are changed under the learner's lock, before anything else is recorded, in parts that a turn has time for;
workers change those of all learners in the background, and `learntrace upgrade` at once. What has been changed is stored,
so that whoever is interrupted goes on from there.

Workers of that version may still run and record under ids of the earlier form. A run that is stored under both is kept
once, and the learner is recomputed.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from learntrace.core.sql import execute, fetch, fetch_one, json_rows
from learntrace.learnpack.attempts.kinds import ANSWERED
from learntrace.learnpack.attempts.run_identity import Subject, id_of, run_name
from learntrace.learnpack.events import AI_INTERACTION, COMPILE, QUIZ_SUBMISSION, TEST
from learntrace.measures.activity import ASKED, EXECUTED
from learntrace.progress.recording import activity_store
from learntrace.progress.recording.later import recompute_later
from learntrace.progress.recording.recording import lock_free_learners
from learntrace.signals.evaluation.renamed_activities import follow_renamed_activities

TOPIC = "learnpack-earlier-ids"

# Rows that a turn changes in a part of a second.
MOST_ROWS = 2000
# From how many learners a turn in the background takes one that is free.
_LEARNERS_ASKED = 10

# As the index `activity_earlier_id` has it, which is empty once all are changed.
EARLIER = "a.source = 'learnpack' AND get_byte(uuid_send(a.id), 6) >> 4 = 5"
# Runs of one moment stay together: they may be equals.
_READ = f"""
SELECT a.id::text, a.user_id, a.verb, a.object_id, a.at, a.outcome, a.code_hash, a.assignment
  FROM progress_activity a WHERE a.user_id = ANY(%s) AND {EARLIER}
 ORDER BY a.user_id, a.at FETCH FIRST %s ROWS WITH TIES
"""  # noqa: S608 (only texts of this module)
_STORED = """
SELECT a.id::text, a.assignment
  FROM progress_activity a WHERE a.id = ANY(%s::uuid[])
"""
_CHANGE = """
UPDATE progress_activity a SET id = r.new_id
  FROM jsonb_to_recordset(%s::jsonb) AS r(old_id uuid, new_id uuid) WHERE a.id = r.old_id
"""
CHANGE_EXCLUSIONS = """
UPDATE progress_exclusion e SET activity_id = r.new_id
  FROM jsonb_to_recordset(%s::jsonb) AS r(old_id uuid, new_id uuid) WHERE e.activity_id = r.old_id
"""
_LEARNERS = f"SELECT DISTINCT user_id FROM (SELECT a.user_id FROM progress_activity a WHERE {EARLIER} LIMIT %s) AS few"  # noqa: S608
_LEFT = f"SELECT count(*), count(DISTINCT a.user_id) FROM progress_activity a WHERE {EARLIER}"  # noqa: S608

_EVENTS: Mapping[tuple[str, str | None], str] = {
    (EXECUTED, "compile"): COMPILE,
    (EXECUTED, "test"): TEST,
    (ASKED, None): AI_INTERACTION,
    (ANSWERED, None): QUIZ_SUBMISSION,
}


@dataclass(frozen=True)
class Stored:
    """An activity of LearnPack as it is stored: what makes its id."""

    id: str
    user_id: int
    verb: str
    object_id: str | None
    at: datetime
    outcome: str | None
    code_hash: str | None
    assignment: str | None

    @property
    def name(self) -> str:
        """What makes it the run that it is, as documents tell it (`document.run_name`)."""
        subject = Subject(self.user_id, (self.assignment or "").partition("/")[0])
        event = _EVENTS.get((self.verb, self.object_id), self.verb)
        return run_name(subject, event, self.at, self.outcome if self.verb == EXECUTED else None, self.code_hash)


def change_earlier_ids(user_ids: Collection[int], most: int = MOST_ROWS) -> set[int]:
    """Change ids of learners, whose locks are held, in the open transaction; return the learners of whom all are changed.

    About `most` rows are changed.
    """
    rows = [Stored(*row) for row in fetch(_READ, [sorted(set(user_ids)), most])] if user_ids else []
    if not rows:
        return set(user_ids)
    ids, twice = new_ids(rows)
    changed = json_rows({"old_id": old, "new_id": new} for old, new in ids.items())
    for statement in (_CHANGE, CHANGE_EXCLUSIONS):
        execute(statement, [changed])
    activity_store.delete([row.id for row in twice])
    for user_id in sorted({row.user_id for row in rows}):
        follow_renamed_activities(user_id, {row.id: ids[row.id] for row in rows if row.id in ids})
    recompute_later({row.user_id for row in twice})
    # Rows come learner by learner: who comes after the last one has yet to be read, and the last may have more.
    left = {user_id for user_id in user_ids if user_id >= rows[-1].user_id} if len(rows) >= most else set()
    return set(user_ids) - left


def new_ids(rows: Sequence[Stored]) -> tuple[dict[str, str], list[Stored]]:
    """Return the new id of each row by its id, and the rows whose run is stored with a new id already."""
    groups: dict[str, list[Stored]] = {}
    for row in rows:
        groups.setdefault(row.name, []).append(row)
    stored = _stored_equals(groups)
    new_ids: dict[str, str] = {}
    twice: list[Stored] = []
    for name, group in groups.items():
        held = Counter(stored[name])
        others = []
        for row in sorted(group, key=lambda row: row.id):
            if held[row.assignment] > 0:
                held[row.assignment] -= 1
                twice.append(row)
            else:
                others.append(row)
        renamed = sum(held.values())
        twice += others[:renamed]
        first = len(stored[name]) + 1
        new_ids |= {row.id: id_of(name, number) for number, row in enumerate(others[renamed:], first)}
    return new_ids, twice


def _stored_equals(groups: Mapping[str, Sequence[Stored]]) -> dict[str, list[str | None]]:
    """Return the assignments of the activities that are stored with new ids, by their names.

    Of each name as many are looked for as there are rows; where all of these are stored, more are, one by one.
    """
    found: dict[str, list[str | None]] = {name: [] for name in groups}
    asked = {id_of(name, number): name for name, group in groups.items() for number in range(1, len(group) + 1)}
    while asked:
        stored = fetch(_STORED, [list(asked)])
        for identifier, assignment in stored:
            found[asked[identifier]].append(assignment)
        names = {asked[identifier] for identifier, _assignment in stored}
        asked = {id_of(name, len(found[name]) + 1): name for name in names if len(found[name]) >= len(groups[name])}
    return found


def waiting_learner() -> int | None:
    """Lock a learner with ids of the earlier form whom nobody has locked, in the open transaction; None without one."""
    learners: list[int] = sorted(user_id for (user_id,) in fetch(_LEARNERS, [_LEARNERS_ASKED]))
    return next((user_id for user_id in learners if lock_free_learners([user_id])), None)


def take_earlier_ids() -> int:
    """Change a part of the ids of one learner whom nobody has locked; return 0 if there is none, else 1.

    A recomputation stores what its documents have and isn't kept yet: the code behind the attempts.
    """
    with transaction.atomic():
        user_id = waiting_learner()
        if user_id is None:
            return 0
        if change_earlier_ids([user_id]):
            recompute_later([user_id])
        return 1


@dataclass(frozen=True)
class Left:
    """How many activities have ids of the earlier form, and of how many learners."""

    activities: int
    learners: int


def earlier_ids_left() -> Left:
    """Return how much is left to change."""
    row = fetch_one(_LEFT)
    return Left(*row) if row else Left(0, 0)
