"""The p95 response time of the pages of an academy with 300 learners, 60 assignments and 1,000,000 events.

The reference is the sign-in page of the same server, which reads no data of the academy.
"""

import http.cookiejar
import json
import re
import statistics
import subprocess
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from functools import partial

import psycopg
from psycopg.sql import SQL, Literal

from benchmarks import history
from benchmarks.figures import Benchmark, Row
from learntrace.dashboard.layout import page
from tests.faults.installation import HOST, Installation, free_port, port_is_free
from tests.support.waiting import wait_until

REQUESTS = 40
LESSONS = 6
WEBHOOKS = 200_000
NOBODY = ""
# After a path: load only the moving parts of a page that is already open.
PARTS = " parts:"
PASSWORD = uuid.uuid4().hex

# The data that the history of activities lacks: their events, webhooks, lessons, telemetry and tasks.
_REST = (
    """
INSERT INTO registry_asset (slug, title, lang, asset_type, status, visibility, graded, interactive, external, technologies,
                            learnpack_id, academy_id, created_at, updated_at)
SELECT 'lesson-' || n, 'Lesson ' || n, 'us', 'EXERCISE', 'PUBLISHED', 'PUBLIC', true, true, false, '[]', n, {academy}, now(),
       now()
  FROM generate_series(0, {lessons} - 1) AS n
""",
    """
INSERT INTO progress_assignment (academy_id, key, asset_id, title, position)
SELECT {academy}, 'assignment:lesson-' || n || '-exercise-1', a.id, 'Exercise ' || n, n
  FROM generate_series(0, {assignments} - 1) AS n
  JOIN registry_asset a ON a.slug = 'lesson-' || (n * {lessons} / {assignments})
""",
    """
INSERT INTO assignments_assignmenttelemetry (user_id, asset_slug, telemetry, engagement_score, frustration_score,
       metrics_algo_version, metrics, total_time, completion_rate, last_interaction_at, created_at, updated_at)
SELECT u.id, a.slug, jsonb_build_object('slug', a.slug, 'steps', steps.list), random() * 100, random() * 100, 1.0,
       jsonb_build_object('algo_version', 1.0, 'steps', steps.list), make_interval(secs => random() * 36000),
       random() * 100, now(), now(), now()
  FROM accounts_user u CROSS JOIN registry_asset a
 CROSS JOIN LATERAL (
       SELECT jsonb_agg(jsonb_build_object(
                'slug', 'step-' || n, 'indicators', '{{}}'::jsonb,
                'metrics', jsonb_build_object(
                  'status', (ARRAY['completed', 'attempted', 'skipped', 'unread'])[1 + (u.id * 7 + n) %% 4],
                  'time_spent', n * 60, 'comp_struggles', n %% 5, 'test_struggles', n %% 3))) AS list
         FROM generate_series(1, 10) AS n) AS steps
 WHERE u.username LIKE 'learner-%%'
""",
    """
INSERT INTO assignments_task (user_id, title, associated_slug, task_type, task_status, revision_status, description,
                              created_at, updated_at)
SELECT u.id, a.title, a.slug, 'EXERCISE', 'PENDING', 'PENDING', '', now(), now()
  FROM accounts_user u CROSS JOIN registry_asset a WHERE u.username LIKE 'learner-%%'
""",
    """
INSERT INTO events (id, actor, user_id, academy_id, sender_id, verb, object, result, context, session_id, object_id,
                    code_hash, occurred_at, created_at)
SELECT a.id, u.username, a.user_id, a.academy_id, a.user_id, a.verb,
       jsonb_build_object('type', 'cell', 'id', a.object_id, 'notebook', 'lesson.ipynb', 'assignment', a.assignment),
       jsonb_build_object('outcome', a.outcome), jsonb_build_object('frontend', 'lab', 'version', '4.6.6'), a.session_id,
       a.object_id, a.code_hash, a.at, a.at
  FROM progress_activity a JOIN accounts_user u ON u.id = a.user_id
""",
    """
INSERT INTO learnpack_webhook (is_streaming, event, payload, package_slug, asset_id, learnpack_package_id, student_id,
                               sender_id, status, status_text, reason, created_at, updated_at)
SELECT false, CASE WHEN n %% 10 = 0 THEN 'open_step' ELSE 'batch' END,
       jsonb_build_object('event', 'batch', 'slug', a.slug, 'user_id', u.id, 'filler', repeat('x', 500)), a.slug, a.id,
       a.learnpack_id, u.id, u.id, kind.status, CASE WHEN kind.status = 'ERROR'
         THEN 'Learnpack telemetry event `open_step` is not implemented' ELSE 'OK' END, '',
       now() - make_interval(secs => n * 4), now()
  FROM generate_series(0, {webhooks} - 1) AS n
  JOIN accounts_user u ON u.username = 'learner-' || (n %% {learners})
  JOIN registry_asset a ON a.slug = 'lesson-' || (n %% {lessons})
 CROSS JOIN LATERAL (SELECT (ARRAY['ERROR', 'IGNORED', 'DONE', 'DONE', 'DONE'])[1 + n %% 5] AS status) AS kind
""",
)


def _complete(url: str) -> None:
    """Add the rest of the academy's data to its activities, unless it is there."""
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM registry_asset LIMIT 1").fetchone():
            return
        (academy,) = connection.execute("SELECT id FROM accounts_academy").fetchone() or (0,)
        numbers = {
            "academy": academy,
            "lessons": LESSONS,
            "assignments": history.ASSIGNMENTS,
            "learners": history.LEARNERS,
            "webhooks": WEBHOOKS,
        }
        literals = {name: Literal(number) for name, number in numbers.items()}
        for statement in _REST:
            connection.execute(SQL(statement.replace("%%", "%")).format(**literals))
        connection.execute("VACUUM ANALYZE")


class _Visitor:
    """A browser session, signed in if the visitor has a name."""

    def __init__(self, port: int, name: str) -> None:
        self._base = f"http://{HOST}:{port}"
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        if not name:
            return
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.open("/sign-in"))
        assert token is not None
        form = {"csrfmiddlewaretoken": token[1], "name": name, "password": PASSWORD, "next": "/favicon.ico"}
        self.open("/sign-in", urllib.parse.urlencode(form).encode())

    def open(self, path: str, form: bytes | None = None) -> str:
        path, _, parts = path.partition(PARTS)
        headers = {page.PARTS_HEADER: "1"} if parts else {}
        with self._opener.open(urllib.request.Request(self._base + path, form, headers), timeout=60) as answer:
            text: str = answer.read().decode()
        return text

    def p95(self, path: str) -> float:
        """Return the p95 of the response time in milliseconds."""
        times = []
        for _ in range(REQUESTS):
            start = time.perf_counter()
            self.open(path)
            times.append((time.perf_counter() - start) * 1000)
        return statistics.quantiles(times, n=20, method="inclusive")[-1]


class _Site:
    """A web server on the history's database with the sessions of a teacher and a learner, started when first used."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._web: subprocess.Popen[bytes] | None = None
        self._visitors: dict[str, _Visitor] = {}
        self._learner = 0

    def p95(self, name: str, path: str) -> float:
        if self._web is None:
            self._web, self._visitors = self._open()
        return self._visitors[name].p95(path.replace("LEARNER", str(self._learner)))

    def _open(self) -> tuple["subprocess.Popen[bytes]", dict[str, _Visitor]]:
        url = history.filled(self._installation, history.LARGE)
        _complete(url)
        self._import_people(url)
        port = free_port()
        web = self._installation.command("web", "--port", str(port), LEARNTRACE_DATABASE_URL=url)
        wait_until(lambda: not port_is_free(port), "the web server")
        return web, {name: _Visitor(port, name) for name in (NOBODY, "teacher", "learner-7")}

    def _import_people(self, url: str) -> None:
        with psycopg.connect(url) as connection:
            ((academy,),) = connection.execute("SELECT id FROM accounts_academy").fetchall()
            ((learner,),) = connection.execute("SELECT id FROM accounts_user WHERE username = 'learner-7'").fetchall()
        self._learner = learner
        roster = {
            "users": [
                {"id": 900_000, "username": "teacher", "password": PASSWORD},
                {"id": learner, "username": "learner-7", "password": PASSWORD},
            ],
            "memberships": [{"user": 900_000, "academy": academy, "role": "teacher"}],
        }
        file = self._installation.home.parent / "roster.json"
        file.write_text(json.dumps(roster))
        done = self._installation.command("roster", "import", str(file), LEARNTRACE_DATABASE_URL=url)
        if done.wait(60):
            raise RuntimeError(self._installation.output.read_text())

    def close(self) -> None:
        if self._web is not None:
            self._web.terminate()
            self._web.wait(30)


PAGES = {
    "Class now": "/class",
    "Class now's moving parts": f"/class{PARTS}live",
    "Assignments": "/assignments",
    "an assignment": "/assignment/lesson-7-exercise-1",
    "a learner's attempts": "/assignment/lesson-7-exercise-1/learner/LEARNER",
    "Learners": "/learners",
    "a learner": "/learner/LEARNER",
    "Assets": "/assets",
    "an asset": "/asset/lesson-3",
    "Telemetry health": "/telemetry",
    "the webhook log": "/telemetry/webhooks",
    "the ignore rules": "/telemetry/ignore",
    "Diagnosis": "/diagnosis?user=learner-7&asset=lesson-3",
    "a search": "/search?q=lesson-7",
}
OWN_PAGES = {"My learning": "/me"}


def benchmarks(installation: Installation) -> Iterator[Benchmark]:
    site = _Site(installation)
    try:
        for name, pages in (("teacher", PAGES), ("learner-7", OWN_PAGES)):
            for title, path in pages.items():
                row = Row(f"page {title}, p95", "ms", "the sign-in page, p95")
                yield Benchmark(row, partial(site.p95, name, path), partial(site.p95, NOBODY, "/sign-in"))
    finally:
        site.close()
