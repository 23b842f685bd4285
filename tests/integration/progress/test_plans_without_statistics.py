"""Statements of turns on tables of which PostgreSQL has no statistics yet, as in a new installation."""

import re

import pytest
from django.db import connection
from django.utils import timezone

from learntrace.core.sql import fetch
from learntrace.progress.models import Progress
from learntrace.progress.recording import live_changes
from learntrace.progress.recording.activity_store import AssignmentKey, key_rows
from tests.support.builders import make_academy, make_user

pytestmark = pytest.mark.django_db

LEARNERS, ASSIGNMENTS = 200, 30


_TABLE = "progress_progress"
_FORGET = f"""
SELECT pg_clear_relation_stats('public', relname) FROM pg_class
 WHERE oid IN (SELECT '{_TABLE}'::regclass UNION SELECT indexrelid FROM pg_index WHERE indrelid = '{_TABLE}'::regclass)
UNION ALL
SELECT pg_clear_attribute_stats('public', '{_TABLE}', attname, false) FROM pg_attribute
 WHERE attrelid = '{_TABLE}'::regclass AND attnum > 0 AND NOT attisdropped
"""


@pytest.fixture(autouse=True)
def _no_statistics() -> None:
    """Autovacuum may have looked at what other tests have left, of which it doesn't see that it is gone."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)


def test_live_changes_read_a_learners_row_and_not_those_of_the_class() -> None:
    academy = make_academy("downtown")
    users = [make_user("", "student", academy) for _ in range(LEARNERS)]
    tags = [f"assignment:loops-{number}" for number in range(ASSIGNMENTS)]
    seen = {"first_seen_at": timezone.now(), "last_seen_at": timezone.now(), "last_arrival": 1, "gap_seconds": 600}
    Progress.objects.bulk_create(
        Progress(user=user, academy=academy, assignment=tag, **seen) for user in users for tag in tags
    )
    keys = [AssignmentKey(user.pk, academy.pk, tags[0]) for user in users]
    plan = "\n".join(line for (line,) in fetch(f"EXPLAIN (ANALYZE) {live_changes._READ}", [key_rows(keys)]))
    passed_over = [int(rows) for rows in re.findall(r"Rows Removed by (?:Join )?Filter: (\d+)", plan)]
    # The mean of the searches, of which each finds its row.
    assert max(passed_over, default=0) <= 1, plan
    assert len(live_changes.progress_changes(keys)) == LEARNERS
    assert live_changes.progress_changes([AssignmentKey(users[0].pk, None, tags[0])]) == []
