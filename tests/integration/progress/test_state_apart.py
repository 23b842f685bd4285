"""The state that activities continue has a table of its own, which workers of the version before don't know."""

import uuid
from datetime import timedelta
from itertools import count, product
from typing import Any

import pytest
from django.db import transaction

from learntrace.accounts.models import Academy, User
from learntrace.core.sql import execute
from learntrace.measures.activity import ERROR, OK, Activity, Failure
from learntrace.progress.models import ErrorCount, Progress, ProgressState
from learntrace.progress.recording import fold, recording
from learntrace.progress.recording.activity_store import AssignmentKey, LearnerActivity
from learntrace.signals.evaluation.closures import closures_of_learners
from tests.support.builders import NOW, make_academy, make_user

pytestmark = pytest.mark.django_db
KEY = "assignment:lesson"
PARTS = ("xx", "x-", "-x", "x")
_numbers = count(1)

# The statements of the version before.
_EARLIER_LOAD = """
SELECT p.user_id, p.academy_id, p.assignment, p.last_seen_at, p.last_arrival, p.gap_seconds, p.state::text
  FROM progress_progress p
  JOIN jsonb_to_recordset(%s::jsonb) AS key(learner bigint, academy bigint, about text)
    ON p.user_id = key.learner AND p.assignment = key.about AND p.academy_id IS NOT DISTINCT FROM key.academy
"""
_EARLIER_STORE = """
INSERT INTO progress_progress AS kept
       (user_id, academy_id, assignment, attempts, errors, aborted, checks, failed_checks, last_outcome, done_at,
        done_because, done_by, failed_again_at, questions, asked_before, first_seen_at, last_seen_at, active_seconds,
        error_quotient, repeated_error_density, state, last_arrival, gap_seconds, updated_at)
SELECT user_id, academy_id, assignment, attempts, errors, aborted, checks, failed_checks, last_outcome, done_at,
       done_because, done_by, failed_again_at, questions, asked_before, first_seen_at, last_seen_at, active_seconds,
       error_quotient, repeated_error_density, state, last_arrival, gap_seconds, now()
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(user_id bigint, academy_id bigint, assignment text, attempts int, errors int, aborted int, checks int,
         failed_checks int, last_outcome text, done_at timestamptz, done_because text, done_by text,
         failed_again_at timestamptz, questions int, asked_before jsonb, first_seen_at timestamptz,
         last_seen_at timestamptz, active_seconds double precision,
         error_quotient double precision, repeated_error_density double precision, state jsonb, last_arrival bigint,
         gap_seconds double precision)
 ORDER BY user_id, academy_id, assignment
    ON CONFLICT (user_id, academy_id, assignment) DO UPDATE
   SET attempts = excluded.attempts, errors = excluded.errors, aborted = excluded.aborted,
       checks = excluded.checks, failed_checks = excluded.failed_checks, last_outcome = excluded.last_outcome,
       done_at = excluded.done_at, done_because = excluded.done_because, done_by = excluded.done_by,
       failed_again_at = excluded.failed_again_at, questions = excluded.questions, asked_before = excluded.asked_before,
       first_seen_at = excluded.first_seen_at,
       last_seen_at = excluded.last_seen_at, active_seconds = excluded.active_seconds,
       error_quotient = excluded.error_quotient, repeated_error_density = excluded.repeated_error_density,
       state = excluded.state, last_arrival = excluded.last_arrival, gap_seconds = excluded.gap_seconds, updated_at = now()
RETURNING id, user_id, academy_id, assignment
"""


@pytest.fixture
def academy() -> Academy:
    return make_academy("apart")


def learn(user: User, academy: Academy, part: int) -> None:
    activities = [
        Activity(
            id=str(uuid.uuid4()),
            at=NOW + timedelta(minutes=10 * part + place),
            arrival=next(_numbers),
            assignment=KEY,
            verb="executed",
            outcome=OK if letter == "-" else ERROR,
            session_id="session-1",
            object_id="cell-1",
            failures=() if letter == "-" else (Failure("NameError", "it broke"),),
            # A check closes the assignment.
            part="check" if part == 2 else None,
        )
        for place, letter in enumerate(PARTS[part])
    ]
    with transaction.atomic():
        recording.record("notebook", [LearnerActivity(user.pk, academy.pk, one) for one in activities])


def follows(user: User) -> tuple[Any, ...]:
    measures = Progress.objects.filter(user=user).values_list(
        "attempts", "errors", "active_seconds", "error_quotient", "done_because"
    )
    errors = ErrorCount.objects.filter(progress__user=user).values_list(
        "name", "count", "first_at", "last_at", "solved_at"
    )
    closures = [
        (closure.done and closure.done.at, closure.has_check) for closure in closures_of_learners([user.pk]).values()
    ]
    return list(measures), list(errors), closures


@pytest.mark.parametrize("turns", list(product(("earlier", "now"), repeat=len(PARTS))))
def test_workers_of_the_version_before_lose_nothing_beside_those_of_this_one(
    academy: Academy, monkeypatch: pytest.MonkeyPatch, turns: tuple[str, ...]
) -> None:
    """Whoever takes a part of what a learner does: the same follows."""
    ada, grace = (make_user(name, "student", academy) for name in ("ada", "grace"))
    for part, worker in enumerate(turns):
        learn(grace, academy, part)
        with monkeypatch.context() as patched:
            if worker == "earlier":
                patched.setattr(fold, "_LOAD", _EARLIER_LOAD)
                patched.setattr(fold, "_STORE", _EARLIER_STORE)
            learn(ada, academy, part)
        assert follows(ada) == follows(grace)
    own = Progress.objects.get(user=ada)
    assert ("version" in own.state) == (turns[-1] == "earlier")


def test_a_state_is_continued_and_goes_with_its_measures(academy: Academy) -> None:
    ada = make_user("ada", "student", academy)
    for part in range(len(PARTS)):
        learn(ada, academy, part)
    progress = Progress.objects.get(user=ada)
    continued = ProgressState.objects.get(progress=progress).state
    assert progress.state.keys() == {"checked", "checked_part"} & {name for name, value in continued.items() if value}
    fold.fold_anew([AssignmentKey(ada.pk, academy.pk, KEY)])
    assert ProgressState.objects.get(progress=progress).state == continued
    # As a worker of the version before deletes it.
    execute("DELETE FROM progress_errorcount WHERE progress_id = %s", [progress.pk])
    execute("DELETE FROM progress_progress WHERE id = %s", [progress.pk])
    assert not ProgressState.objects.exists()
