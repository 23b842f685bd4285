"""The work for new events when little came before, and when a million did: it has to stay the same.

Both histories lie in databases of their own on the benchmark's server, of 300 learners on 60 assignments.
"""

import json
import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from urllib.parse import urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks.figures import Row
from tests.faults.installation import Installation

LEARNERS, ASSIGNMENTS = 300, 60
SMALL, LARGE = 1_000, 1_000_000
BATCHES, BATCH = 20, 50

# A course: each learner goes from assignment to assignment in sessions of an hour, an attempt a minute; two of three fail,
# in no regular order, with errors of five names, and half of them run the same code once more.
_FILL = """
INSERT INTO progress_activity (id, source, user_id, academy_id, assignment, verb, outcome, failures, session_id, object_id,
                               code_hash, at, arrival)
SELECT gen_random_uuid(), 'bench', learner, %(academy)s, 'assignment:lesson-' || about || '-exercise-1', 'executed',
       CASE WHEN chance %% 3 = 0 THEN 'ok' ELSE 'error' END,
       CASE WHEN chance %% 3 = 0 THEN '[]'::jsonb
            ELSE jsonb_build_array(jsonb_build_array('Error' || chance %% 5, 'name is not defined')) END,
       's' || learner || '-' || (step / 60), 'c' || about, md5((step / 2)::text) || md5((step / 2)::text),
       timestamptz '2026-01-01' + make_interval(days => step / 60, mins => step %% 60, secs => learner %% 60), n
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
    """Run this module on a database; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.history", *words], env={**os.environ, "LEARNTRACE_DATABASE_URL": url},
        check=False, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    done.check_returncode()  # what it said on stderr stands above
    return done.stdout.splitlines()[-1]


def fill(events: int) -> float:
    """Make the history, and by a recomputation all that follows from it; how many events a second that took in."""
    from django.db import connection

    from learntrace.accounts.models import Academy, Membership, User
    from learntrace.config.upgrade import upgrade_database
    from learntrace.progress import recomputation, sources

    upgrade_database()
    academy = Academy.objects.create(slug="history", name="History")
    users = User.objects.bulk_create(User(username=f"learner-{number}") for number in range(LEARNERS))
    Membership.objects.bulk_create(Membership(user=user, academy=academy, role="student") for user in users)
    with connection.cursor() as cursor:
        cursor.execute(
            _FILL,
            {
                "academy": academy.pk,
                "learners": LEARNERS,
                "first": users[0].pk,
                "assignments": ASSIGNMENTS,
                "events": events,
            },
        )
        cursor.execute("ANALYZE")
    # The history is of no source, so that nothing is derived again.
    sources.SOURCES.clear()
    recomputation.enqueue([user.pk for user in users])
    start = time.perf_counter()
    while recomputation.take_recomputation():
        pass
    seconds = time.perf_counter() - start
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return events / seconds


def measure(late: bool) -> float:
    """Take new events of a class at work, next in order or each of them late by an hour; milliseconds an event."""
    from django.db import transaction
    from django.db.models import Max

    from learntrace.accounts.models import Academy, User
    from learntrace.metrics.attempts import Activity, Failure
    from learntrace.progress import recording
    from learntrace.progress.models import Activity as StoredActivity
    from learntrace.progress.recording import Done

    academy, learners = Academy.objects.get(), list(User.objects.order_by("pk").values_list("pk", flat=True))
    chance = random.Random(1)
    newest = StoredActivity.objects.aggregate(newest=Max("at"))["newest"]
    start_at = newest - timedelta(hours=1) if late else newest + timedelta(minutes=1)
    arrival = StoredActivity.objects.count() + 10**9

    def activity(number: int) -> Activity:
        return Activity(
            id=str(uuid.uuid4()), at=start_at + timedelta(milliseconds=20 * number), arrival=arrival + number,
            assignment=f"assignment:lesson-{chance.randrange(ASSIGNMENTS - 3, ASSIGNMENTS)}-exercise-1",
            outcome=chance.choice(("ok", "error", "error")), failures=(Failure("NameError", "name is not defined"),),
            session_id=f"now-{uuid.uuid4()}", object_id="c1", code_hash=chance.choice("abc") * 64,
        )  # fmt: skip

    def batch(number: int) -> list[Done]:
        return [Done(chance.choice(learners), academy.pk, activity(number * BATCH + place)) for place in range(BATCH)]

    def take(done: list[Done]) -> None:
        with transaction.atomic():
            recording.record("bench", done)

    for number in range(3):
        take(batch(number))
    batches = [batch(number) for number in range(3, 3 + BATCHES)]
    start = time.perf_counter()
    for done in batches:
        take(done)
    return (time.perf_counter() - start) / (BATCHES * BATCH) * 1000


_filled: dict[int, tuple[str, float]] = {}


def filled(installation: Installation, events: int) -> str:
    """The address of a database with such a history, which is made once; all its measures and signals are there."""
    if events not in _filled:
        url = _database(installation, f"history-{events}")
        _filled[events] = url, float(json.loads(_in(url, "fill", str(events))))
    return _filled[events][0]


def benchmarks(installation: Installation) -> Iterator[tuple[Row, Callable[[], float], Callable[[], float]]]:
    def measured(events: int, how: str) -> float:
        return float(json.loads(_in(filled(installation, events), "measure", how)))

    for how, what in (("in-order", "an event"), ("late", "an event that comes an hour late")):
        row = Row(
            f"measures and signals of {what}, {LARGE:,} events before it", "ms", f"the same, {SMALL:,} events before it"
        )
        yield row, partial(measured, LARGE, how), partial(measured, SMALL, how)
        if row.ours and how == "in-order":
            row.name += f" (recomputed at {_filled[LARGE][1]:,.0f} events/s)"


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(fill(int(sys.argv[2])) if sys.argv[1] == "fill" else measure(late=sys.argv[2] == "late")))
