"""The database that is read: 1,000,000 events of an academy of 300 learners and of one of 3,000 learners in 20 cohorts.

Both work on 60 assignments. It is filled once and kept in `bench-reading` in LEARNTRACE_HOME (else in a cache folder).
"""

import json
import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Literal

from benchmarks.history import ASSIGNMENTS, FILL
from tests.faults.installation import Installation

# Of what is filled in: a kept database of another one is filled anew.
VERSION = "1"
LESSONS = 6
WATCHERS = 15
FRESH = 1200
FRESH_MINUTES = 25


class Filled(NamedTuple):
    """An academy of the database; `prefix` begins the names of its people and assets."""

    prefix: str
    learners: int
    events: int
    cohorts: int
    webhooks: int


LARGE = Filled("large", 300, 460_000, 2, 150_000)
MANY = Filled("many", 3_000, 540_000, 20, 50_000)
ACADEMIES = (LARGE, MANY)


class People(NamedTuple):
    """Who reads an academy: the names of a teacher, an administrator and a learner, their password, a key of the teacher's, and
    those of others who teach there: a user may have 20 streams open."""

    academy: int
    teacher: str
    admin: str
    learner: str
    learner_id: int
    password: str
    key: str
    watchers: list[str]


# What the activities lack: their lessons, telemetry, tasks, events and webhooks.
_REST = (
    """
INSERT INTO registry_asset (slug, title, lang, asset_type, status, visibility, graded, interactive, external, technologies,
                            learnpack_id, academy_id, stats_times, created_at, updated_at)
SELECT {prefix} || '-lesson-' || n, 'Lesson ' || n, 'us', 'EXERCISE', 'PUBLISHED', 'PUBLIC', true, true, false, '[]',
       {academy} * 1000 + n, {academy}, '{{}}', now(), now()
  FROM generate_series(0, {lessons} - 1) AS n
""",
    """
INSERT INTO progress_assignment (academy_id, key, asset_id, title, position)
SELECT {academy}, 'assignment:lesson-' || n || '-exercise-1', a.id, 'Exercise ' || n, n
  FROM generate_series(0, {assignments} - 1) AS n
  JOIN registry_asset a ON a.slug = {prefix} || '-lesson-' || (n * {lessons} / {assignments})
""",
    """
INSERT INTO accounts_cohort (slug, name, academy_id)
SELECT {prefix} || '-cohort-' || n, 'Cohort ' || n, {academy} FROM generate_series(0, {cohorts} - 1) AS n
""",
    """
INSERT INTO assignments_assignmenttelemetry (user_id, asset_slug, telemetry, engagement_score, frustration_score,
       metrics_algo_version, metrics, total_time, completion_rate, last_interaction_at, created_at, updated_at)
SELECT u.id, a.slug, jsonb_build_object('slug', a.slug, 'steps', steps.list), random() * 100, random() * 100, 1.0,
       jsonb_build_object('algo_version', 1.0, 'steps', steps.list), make_interval(secs => random() * 36000),
       random() * 100, now(), now(), now()
  FROM accounts_user u JOIN registry_asset a ON a.academy_id = {academy}
 CROSS JOIN LATERAL (
       SELECT jsonb_agg(jsonb_build_object(
                'slug', 'step-' || n, 'indicators', '{{}}'::jsonb,
                'metrics', jsonb_build_object(
                  'status', (ARRAY['completed', 'attempted', 'skipped', 'unread'])[1 + (u.id * 7 + n) % 4],
                  'time_spent', n * 60, 'comp_struggles', n % 5, 'test_struggles', n % 3))) AS list
         FROM generate_series(1, 10) AS n) AS steps
 WHERE u.username LIKE {prefix} || '-learner-%'
""",
    """
INSERT INTO assignments_task (user_id, title, associated_slug, task_type, task_status, revision_status, description,
                              cohort_id, created_at, updated_at)
SELECT u.id, a.title, a.slug, 'EXERCISE', 'PENDING', 'PENDING', '', c.id, now(), now()
  FROM accounts_user u
  JOIN accounts_cohort c ON c.slug = {prefix} || '-cohort-' || (split_part(u.username, '-', 3)::int % {cohorts})
  JOIN registry_asset a ON a.academy_id = {academy}
 WHERE u.username LIKE {prefix} || '-learner-%'
""",
    """
INSERT INTO events (id, actor, user_id, academy_id, sender_id, verb, object, result, context, session_id, object_id,
                    code_hash, occurred_at, created_at)
SELECT a.id, u.username, a.user_id, a.academy_id, a.user_id, a.verb,
       jsonb_build_object('type', 'cell', 'id', a.object_id, 'notebook', 'lesson.ipynb', 'assignment', a.assignment),
       jsonb_build_object('outcome', a.outcome), jsonb_build_object('frontend', 'lab', 'version', '4.6.6'), a.session_id,
       a.object_id, a.code_hash, a.at, a.at
  FROM progress_activity a JOIN accounts_user u ON u.id = a.user_id
 WHERE a.academy_id = {academy}
""",
    """
INSERT INTO learnpack_webhook (is_streaming, event, payload, package_slug, asset_id, learnpack_package_id, student_id,
                               sender_id, status, status_text, reason, created_at, updated_at)
SELECT false, CASE WHEN n % 10 = 0 THEN 'open_step' ELSE 'batch' END,
       jsonb_build_object('event', 'batch', 'slug', a.slug, 'user_id', u.id, 'filler', repeat('x', 500)), a.slug, a.id,
       a.learnpack_id, u.id, u.id, kind.status, CASE WHEN kind.status = 'ERROR'
         THEN 'Learnpack telemetry event `open_step` is not implemented' ELSE 'OK' END, '',
       now() - make_interval(secs => n * 4), now()
  FROM generate_series(0, {webhooks} - 1) AS n
  JOIN accounts_user u ON u.username = {prefix} || '-learner-' || (n % {learners})
  JOIN registry_asset a ON a.slug = {prefix} || '-lesson-' || (n % {lessons})
 CROSS JOIN LATERAL (SELECT (ARRAY['ERROR', 'IGNORED', 'DONE', 'DONE', 'DONE'])[1 + n % 5] AS status) AS kind
""",
)


def home() -> Path:
    """Return the home of the installation with the database; it stays."""
    base = os.environ.get("LEARNTRACE_HOME") or Path.home() / ".cache" / "learntrace"
    return Path(base) / "bench-reading"


# Where it was when the program began: `benchmarks.server` gives the home of its own to what it starts.
KEPT = home()


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Installation, str, list[People]]]:
    """Start the installation; fill the database unless that was done. Yields it, the database's URL and who reads it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    installation = Installation(folder)
    installation.start()
    try:
        name = f"reading_{VERSION}"
        url = f"postgresql://?{urlencode(conninfo_to_dict(installation.database_url, dbname=name))}"
        kept = folder / f"filled-{VERSION}"
        if not kept.exists():
            with psycopg.connect(installation.database_url, autocommit=True) as connection:
                connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
                connection.execute(f'CREATE DATABASE "{name}"')
            _fill(url)
            kept.touch()
        yield installation, url, [People(**each) for each in json.loads(_run(url, "open"))]
    finally:
        installation.stop()


def _run(url: str, *words: str) -> str:
    """Run this module on the database; return what it prints."""
    process = _start(url, *words)
    printed = process.communicate()[0]
    if process.returncode:
        raise RuntimeError(f"`{' '.join(words)}` failed")
    return printed


def _start(url: str, *words: str) -> "subprocess.Popen[str]":
    environment = {
        **os.environ,
        "LEARNTRACE_DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "learntrace.config.settings",
        "LEARNTRACE_LOG_LEVEL": "warning",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.reading.database", *words],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def _fill(url: str) -> None:
    began = time.perf_counter()
    _run(url, "make")
    # What a worker does, by two.
    recomputing = [_start(url, "recompute") for _ in range(2)]
    codes = [process.wait() for process in recomputing]
    if any(codes):
        raise RuntimeError("the recomputation failed")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    print(f"database filled in {time.perf_counter() - began:.0f} s", file=sys.stderr)


def _make() -> None:
    """Make the academies with their activities, and what belongs to them."""
    from learntrace.accounts.models import Academy, Membership, User
    from learntrace.config.upgrade import upgrade_database
    from learntrace.core.sql import execute
    from learntrace.progress.recording import recomputation

    upgrade_database()
    for filled in ACADEMIES:
        academy = Academy.objects.create(slug=filled.prefix, name=filled.prefix.title())
        users = User.objects.bulk_create(
            User(username=f"{filled.prefix}-learner-{number}", first_name="Learner", last_name=f"Of {number}")
            for number in range(filled.learners)
        )
        Membership.objects.bulk_create(Membership(user=user, academy=academy, role="student") for user in users)
        days = filled.events // filled.learners // 60 + 1
        values = {
            "academy": academy.pk,
            "learners": filled.learners,
            "first": users[0].pk,
            "assignments": ASSIGNMENTS,
            "events": filled.events,
        }
        execute("SET TIME ZONE 'UTC'")
        execute("SELECT setseed(0.5)")
        begin = execute_now(days)
        execute(FILL, {**values, "begin": begin})
        literals = {name: Literal(value) for name, value in values.items()}
        more = {"prefix": filled.prefix, "lessons": LESSONS, "cohorts": filled.cohorts, "webhooks": filled.webhooks}
        literals |= {name: Literal(value) for name, value in more.items()}
        _execute_all(literals)
        recomputation.enqueue([user.pk for user in users])
    execute("ANALYZE")


def execute_now(days: int) -> str:
    """Return the beginning of a history of so many days that ended yesterday."""
    from django.utils import timezone

    return (timezone.now() - timedelta(days=days + 1)).isoformat()


def _execute_all(literals: dict[str, Literal]) -> None:
    from django.conf import settings

    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
        for statement in _REST:
            connection.execute(SQL(statement).format(**literals))


def _recompute() -> None:
    from learntrace.progress.recording import recomputation, sources

    # The history comes from no source, so no activity is derived again.
    sources.SOURCES.clear()
    while recomputation.take_recomputation():
        pass


def _open() -> None:
    """Bring a kept database up to date: the tables, and attempts of the last half hour. Prints who reads it."""
    from learntrace.config.upgrade import upgrade_database
    from learntrace.core.sql import execute

    upgrade_database()
    for filled in ACADEMIES:
        _record_fresh(filled)
    execute("ANALYZE progress_activity")
    print(json.dumps([_people(filled)._asdict() for filled in ACADEMIES]))


def _people(filled: Filled) -> People:
    from learntrace.accounts.models import Academy, Membership, Token, User

    academy = Academy.objects.get(slug=filled.prefix)
    learner = User.objects.get(username=f"{filled.prefix}-learner-7")
    teacher, _created = User.objects.get_or_create(username=f"{filled.prefix}-teacher")
    Membership.objects.get_or_create(user=teacher, academy=academy, defaults={"role": "teacher"})
    admin, _created = User.objects.get_or_create(username=f"{filled.prefix}-admin")
    Membership.objects.get_or_create(user=admin, academy=academy, defaults={"role": "admin"})
    password = uuid.uuid4().hex
    for user in (teacher, admin, learner):
        user.set_password(password)
        user.save()
    watchers = []
    for number in range(WATCHERS):
        watcher, _created = User.objects.get_or_create(username=f"{filled.prefix}-watcher-{number}")
        Membership.objects.get_or_create(user=watcher, academy=academy, defaults={"role": "teacher"})
        watchers.append(Token.issue(watcher)[1])
    key = Token.issue(teacher)[1]
    return People(academy.pk, teacher.username, admin.username, learner.username, learner.pk, password, key, watchers)


def _record_fresh(filled: Filled) -> None:
    from django.db import transaction
    from django.utils import timezone

    from learntrace.accounts.models import Academy, User
    from learntrace.measures.activity import Activity, Failure
    from learntrace.progress.recording import recording
    from learntrace.progress.recording.activity_store import LearnerActivity

    academy = Academy.objects.get(slug=filled.prefix)
    learners = list(User.objects.filter(username__startswith=f"{filled.prefix}-learner-").values_list("pk", flat=True))
    chance = random.Random(1)
    chosen = chance.sample(learners, min(len(learners), 300))
    now = timezone.now()
    step = timedelta(minutes=FRESH_MINUTES) / FRESH
    activities = []
    for number in range(FRESH):
        outcome = chance.choice(("ok", "error", "error", "error"))
        activities.append(
            LearnerActivity(
                chance.choice(chosen),
                academy.pk,
                Activity(
                    id=str(uuid.uuid4()),
                    at=now - timedelta(minutes=FRESH_MINUTES) + step * number,
                    arrival=int(now.timestamp() * 1000) + number,
                    assignment=f"assignment:lesson-{chance.randrange(ASSIGNMENTS - 4, ASSIGNMENTS)}-exercise-1",
                    outcome=outcome,
                    failures=() if outcome == "ok" else (Failure("NameError", f"name 'v{number % 7}' is not defined"),),
                    session_id=f"fresh-{now:%Y%m%d%H}",
                    object_id="c1",
                    code_hash=chance.choice("abcdef") * 64,
                ),
            )
        )
    for start in range(0, FRESH, 100):
        with transaction.atomic():
            recording.record("bench", activities[start : start + 100])


if __name__ == "__main__":
    import django

    django.setup()
    {"make": _make, "recompute": _recompute, "open": _open}[sys.argv[1]]()
