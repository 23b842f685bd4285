"""The work for a new event after a short history and after a million events: it has to stay the same.

Both histories are of 300 learners on 60 assignments, each in a database of its own on the benchmark's server.
"""

import json
import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from urllib.parse import urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks.figures import Benchmark, Row
from tests.faults.installation import Installation

LEARNERS, ASSIGNMENTS = 300, 60
SMALL, LARGE = 1_000, 1_000_000
BATCHES, BATCH = 20, 50

# A course: each learner goes from assignment to assignment in sessions of an hour with an attempt a minute. Two of three
# attempts fail, in no regular order, with errors of five names, and half of them run the same code once more.
FILL = """
INSERT INTO progress_activity (id, source, user_id, academy_id, assignment, verb, outcome, failures, session_id, object_id,
                               code_hash, at, arrival)
SELECT gen_random_uuid(), 'bench', learner, %(academy)s, 'assignment:lesson-' || about || '-exercise-1', 'executed',
       CASE WHEN chance %% 3 = 0 THEN 'ok' ELSE 'error' END,
       CASE WHEN chance %% 3 = 0 THEN '[]'::jsonb
            ELSE jsonb_build_array(jsonb_build_array('Error' || chance %% 5, 'name is not defined')) END,
       's' || learner || '-' || (step / 60), 'c' || about, md5((step / 2)::text) || md5((step / 2)::text),
       %(begin)s::timestamptz + make_interval(days => step / 60, mins => step %% 60, secs => learner %% 60), n
  FROM (SELECT n, n / %(learners)s AS step, n %% %(learners)s + %(first)s AS learner, abs(hashtext(n::text)) AS chance,
               (n / %(learners)s) * %(assignments)s / greatest(%(events)s / %(learners)s, 1) AS about
          FROM generate_series(0, %(events)s - 1) AS n) AS doing
"""


def _database(installation: Installation, name: str) -> str:
    with psycopg.connect(installation.database_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"postgresql://?{urlencode(conninfo_to_dict(installation.database_url, dbname=name))}"


def _in(url: str, *words: str) -> str:
    """Run this module on a database; return the last line that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.history", *words],
        env={**os.environ, "LEARNTRACE_DATABASE_URL": url},
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    done.check_returncode()  # stderr has been shown already
    return done.stdout.splitlines()[-1]


def fill(events: int) -> float:
    """Make the history and recompute what follows from it; return the events recomputed a second."""
    from learntrace.accounts.models import Academy, Membership, User
    from learntrace.config.upgrade import upgrade_database
    from learntrace.core.sql import execute
    from learntrace.progress.recording import recomputation, sources

    upgrade_database()
    academy = Academy.objects.create(slug="history", name="History")
    users = User.objects.bulk_create(User(username=f"learner-{number}") for number in range(LEARNERS))
    Membership.objects.bulk_create(Membership(user=user, academy=academy, role="student") for user in users)
    execute(
        FILL,
        {
            "academy": academy.pk,
            "learners": LEARNERS,
            "first": users[0].pk,
            "assignments": ASSIGNMENTS,
            "events": events,
            "begin": "2026-01-01",
        },
    )
    execute("ANALYZE")
    # The history comes from no source, so no activity is derived again.
    sources.SOURCES.clear()
    recomputation.enqueue([user.pk for user in users])
    start = time.perf_counter()
    while recomputation.take_recomputation():
        pass
    seconds = time.perf_counter() - start
    execute("VACUUM ANALYZE")
    return events / seconds


def measure(late: bool) -> float:
    """Record new events of a class, the next in order or each an hour late; return the milliseconds an event."""
    from django.db import transaction
    from django.db.models import Max

    from learntrace.accounts.models import Academy, User
    from learntrace.measures.activity import Activity, Failure
    from learntrace.progress.models import Activity as StoredActivity
    from learntrace.progress.recording import recording
    from learntrace.progress.recording.activity_store import LearnerActivity

    academy, learners = Academy.objects.get(), list(User.objects.order_by("pk").values_list("pk", flat=True))
    chance = random.Random(1)
    newest = StoredActivity.objects.aggregate(newest=Max("at"))["newest"]
    start_at = newest - timedelta(hours=1) if late else newest + timedelta(minutes=1)
    arrival = StoredActivity.objects.count() + 10**9

    def activity(number: int) -> Activity:
        return Activity(
            id=str(uuid.uuid4()),
            at=start_at + timedelta(milliseconds=20 * number),
            arrival=arrival + number,
            assignment=f"assignment:lesson-{chance.randrange(ASSIGNMENTS - 3, ASSIGNMENTS)}-exercise-1",
            outcome=chance.choice(("ok", "error", "error")),
            failures=(Failure("NameError", "name is not defined"),),
            session_id=f"now-{uuid.uuid4()}",
            object_id="c1",
            code_hash=chance.choice("abc") * 64,
        )

    def batch(number: int) -> list[LearnerActivity]:
        numbers = range(number * BATCH, (number + 1) * BATCH)
        return [LearnerActivity(chance.choice(learners), academy.pk, activity(each)) for each in numbers]

    def record(activities: list[LearnerActivity]) -> None:
        with transaction.atomic():
            recording.record("bench", activities)

    for number in range(3):
        record(batch(number))
    batches = [batch(number) for number in range(3, 3 + BATCHES)]
    start = time.perf_counter()
    for activities in batches:
        record(activities)
    return (time.perf_counter() - start) / (BATCHES * BATCH) * 1000


_filled: dict[int, tuple[str, float]] = {}


def filled(installation: Installation, events: int) -> str:
    """Return the URL of a database with such a history and its measures and signals; it is made once."""
    if events not in _filled:
        url = _database(installation, f"history-{events}")
        _filled[events] = url, float(json.loads(_in(url, "fill", str(events))))
    return _filled[events][0]


def benchmarks(installation: Installation) -> Iterator[Benchmark]:
    def measured(events: int, how: str) -> float:
        return float(json.loads(_in(filled(installation, events), "measure", how)))

    for how, what in (("in-order", "an event"), ("late", "an event that comes an hour late")):
        row = Row(
            f"measures and signals of {what}, {LARGE:,} events before it", "ms", f"the same, {SMALL:,} events before it"
        )
        yield Benchmark(row, partial(measured, LARGE, how), partial(measured, SMALL, how))
        if row.ours and how == "in-order":
            row.name += f" (recomputed at {_filled[LARGE][1]:,.0f} events/s)"


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(fill(int(sys.argv[2])) if sys.argv[1] == "fill" else measure(late=sys.argv[2] == "late")))
