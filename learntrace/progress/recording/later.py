"""Leave a learner to a recomputation, where a late activity would have a long history stepped over again.

A turn that records activities locks other learners too, and others wait for it; a recomputation has a thread of its own.
Until it has run, the learner's measures and signals lack what came late.
"""

import uuid
from collections.abc import Collection
from datetime import timedelta

from django.db import transaction

from learntrace.core.sql import execute, fetch
from learntrace.core.wakeup import announce
from learntrace.progress.recording.activity_store import AssignmentKey, key_rows

TOPIC = "recompute"
# Activities, which a turn steps over in a part of a second.
MOST_HISTORY = 2000
# What comes late seldom comes alone; and a client whose clock is wrong must not keep a worker busy.
PAUSE = timedelta(seconds=5)
SHORT_PAUSE = timedelta(seconds=1)
REST = timedelta(minutes=1)

_LONG_LEARNERS = """
SELECT learner FROM unnest(%s::bigint[]) AS learner
 WHERE (SELECT count(*) FROM (SELECT FROM progress_activity WHERE user_id = learner LIMIT %s) AS activity) > %s
"""
_LONG_ASSIGNMENTS = """
SELECT key.learner, key.academy, key.about
  FROM jsonb_to_recordset(%s::jsonb) AS key(learner bigint, academy bigint, about text)
 WHERE (SELECT count(*)
          FROM (SELECT FROM progress_activity WHERE user_id = key.learner AND assignment = key.about LIMIT %s) AS activity) > %s
"""
_ENQUEUE = """
INSERT INTO progress_recomputation (run, user_id, due_at, fault)
SELECT %(run)s, learner,
       greatest(statement_timestamp() + %(pause)s,
                (SELECT max(done_at) + %(rest)s FROM progress_recomputation WHERE user_id = learner)), ''
  FROM unnest(%(learners)s::bigint[]) AS learner
 WHERE NOT EXISTS (SELECT FROM progress_recomputation WHERE user_id = learner AND done_at IS NULL)
"""


# One that is not due yet has not begun: it will see what the open transaction changes.
_ENQUEUE_AGAIN = """
INSERT INTO progress_recomputation (run, user_id, due_at, fault)
SELECT %(run)s, learner, statement_timestamp() + %(pause)s, '' FROM unnest(%(learners)s::bigint[]) AS learner
 WHERE NOT EXISTS (SELECT FROM progress_recomputation
                    WHERE user_id = learner AND done_at IS NULL AND due_at > statement_timestamp())
"""


def learners_with_long_history(user_ids: Collection[int]) -> set[int]:
    """Return those of the learners who have more than MOST_HISTORY activities."""
    rows = fetch(_LONG_LEARNERS, [sorted(set(user_ids)), MOST_HISTORY + 1, MOST_HISTORY]) if user_ids else []
    return {user_id for (user_id,) in rows}


def with_long_history(keys: Collection[AssignmentKey]) -> set[AssignmentKey]:
    """Return those of the learners' assignments that have more than MOST_HISTORY activities."""
    rows = fetch(_LONG_ASSIGNMENTS, [key_rows(keys), MOST_HISTORY + 1, MOST_HISTORY]) if keys else []
    return {AssignmentKey(*row) for row in rows}


def recompute_later(user_ids: Collection[int]) -> None:
    """Queue learners, whose locks are held, in the open transaction; nothing changes for one who is queued already."""
    if not user_ids:
        return
    learners = sorted(set(user_ids))
    execute(_ENQUEUE, {"run": uuid.uuid4(), "learners": learners, "pause": PAUSE, "rest": REST})
    transaction.on_commit(lambda: announce(TOPIC))


def recompute_again(user_ids: Collection[int]) -> None:
    """Queue learners, locked or not, in the open transaction, also where a recomputation of them may be running."""
    parameters = {"run": uuid.uuid4(), "learners": sorted(set(user_ids)), "pause": SHORT_PAUSE}
    execute(_ENQUEUE_AGAIN, parameters)
    transaction.on_commit(lambda: announce(TOPIC))
