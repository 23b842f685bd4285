"""An installation of the version before this one is upgraded with its data: `learntrace upgrade` as a process."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings

from tests.support.paths import DATA
from tests.support.waiting import slowness

# How `tests/data/earlier_version.py` made it.
DUMP = DATA / "earlier_version.sql.gz"
NAME = f"learntrace_earlier_{os.getpid()}"
GRACE = 1235
NOTHING = {"activities": 0, "measures": 0, "signals": 0}

# What workers of that version say: with all ids that are stored and that the newest document lacks.
_EARLIER_REMOVE = "DELETE FROM progress_activity WHERE id = ANY(%s::uuid[])"
_EARLIER_REMOVE_OTHERS = """
WITH gone AS (
    DELETE FROM progress_activity
     WHERE user_id = %s AND source = %s AND starts_with(assignment, %s) AND id <> ALL(%s::uuid[])
    RETURNING academy_id, assignment
)
SELECT DISTINCT academy_id, assignment FROM gone
"""


class Earlier:
    """A database of the earlier version, and commands of this one that run on it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def fetch(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def learntrace(self, *argv: str) -> str:
        return self._python("-m", "learntrace.config", *argv)

    def run(self, code: str) -> str:
        return self._python("-c", f"import django\ndjango.setup()\n{code}")

    def _python(self, *argv: str) -> str:
        env = {
            **os.environ,
            "LEARNTRACE_DATABASE_URL": self.url,
            "DJANGO_SETTINGS_MODULE": "learntrace.config.settings",
        }
        done = subprocess.run(
            [sys.executable, *argv], env=env, capture_output=True, text=True, check=False, timeout=120 * slowness()
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def recompute(self) -> Any:
        return json.loads(self.learntrace("recompute", "--json"))["changed"]

    def facts(self) -> list[Any]:
        """All that was counted, without ids: activities, measures, signals with the times of their evidence.

        Without the signals that open by the server's clock, which has gone on since the database was made; and without what
        follows on loops/step-3, whose runs of one moment the earlier version counted in any order. When something was done
        is told otherwise since: it was when the last attempt succeeded. Of the kinds of signals, repeated_error opens by
        versions of the code since, and wheel_spinning is off.
        """
        return [
            self.fetch("""SELECT user_id, academy_id, at, arrival, assignment, verb, object_id, outcome, failures::text,
                                 session_id, code_hash FROM progress_activity ORDER BY user_id, at, arrival, assignment,
                                 code_hash, outcome, id"""),
            self.fetch(
                "SELECT user_id, assignment, attempts, errors FROM progress_progress"
                " WHERE assignment <> 'loops/step-3' ORDER BY 1, 2"
            ),
            self.fetch("""SELECT s.user_id, s.kind, s.state, s.count, s.opened_at,
                                 (SELECT array_agg(a.at ORDER BY e.place) FROM progress_activity a
                                    JOIN jsonb_array_elements_text(s.evidence) WITH ORDINALITY AS e(id, place)
                                      ON a.id::text = e.id),
                                 (SELECT count(*) FROM progress_activity a WHERE a.id::text = s.key)
                            FROM signals_signal s WHERE s.state <> 'withdrawn'
                             AND s.kind NOT IN ('inactive_after_error', 'repeated_error', 'wheel_spinning')
                             AND s.assignment IS DISTINCT FROM 'loops/step-3'
                            ORDER BY 1, 2, 5, s.id"""),
        ]

    def earlier_ids(self) -> int:
        ((count,),) = self.fetch(
            "SELECT count(*) FROM progress_activity WHERE source = 'learnpack' AND substr(id::text, 15, 1) = '5'"
        )
        return int(count)


@contextmanager
def database(name: str, template: str = "template0") -> Iterator[Earlier]:
    """Make a database for a while, as a copy of another one."""
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        # A copy of files costs less here than the log of a copy.
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY".encode())
        given = urlsplit(settings.DATABASE_URL)
        yield Earlier(f"{given.scheme}://{given.netloc}/{name}?{given.query}")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="module")
def dumped() -> Iterator[str]:
    """The name of a database with the earlier version's tables and rows."""
    name = f"{NAME}_dumped"
    with database(name) as made:
        with psycopg.connect(made.url, autocommit=True) as connection:
            connection.execute(gzip.decompress(DUMP.read_bytes()))
        yield name


@pytest.fixture(scope="module")
def new_tables(dumped: str) -> Iterator[str]:
    """The name of a database with the earlier version's rows in this version's tables."""
    name = f"{NAME}_new_tables"
    with database(name, dumped) as made:
        made.learntrace("migrate")
        yield name


@pytest.fixture
def earlier(dumped: str) -> Iterator[Earlier]:
    with database(NAME, dumped) as made:
        yield made


@pytest.fixture
def migrated(new_tables: str) -> Iterator[Earlier]:
    with database(NAME, new_tables) as made:
        yield made


def test_a_dry_run_says_what_will_happen_and_changes_nothing(earlier: Earlier) -> None:
    before = earlier.facts()
    told = earlier.learntrace("upgrade", "--dry-run")
    ((learnpack,),) = earlier.fetch("SELECT count(*) FROM progress_activity WHERE source = 'learnpack'")
    assert f"{learnpack} activities of 3 learners get ids that don't depend on the step" in told
    assert "updates of the tables: " in told
    assert "This takes about" in told
    assert told.endswith("Nothing was changed.\n")
    assert earlier.facts() == before
    assert earlier.earlier_ids() == learnpack
    assert not earlier.fetch("SELECT FROM django_migrations WHERE name ~ 'history_only_grows'")


def test_nothing_is_lost_and_a_recomputation_changes_nothing(earlier: Earlier) -> None:
    before = earlier.facts()
    assert len(before[0]) > 350
    assert len(before[2]) > 3
    earlier.learntrace("upgrade")
    assert earlier.earlier_ids() == 0
    assert earlier.facts() == before
    assert earlier.recompute() == NOTHING
    assert not earlier.fetch(
        "SELECT FROM signals_signal WHERE kind = 'wheel_spinning' AND state IN ('open', 'acknowledged')"
    )
    assert not earlier.fetch(
        "SELECT FROM progress_progress p LEFT JOIN progress_progressstate s ON s.progress_id = p.id"
        " WHERE p.state ? 'version' OR s.state ->> 'version' IS NULL"
    )
    assert not earlier.fetch("SELECT FROM progress_errorcount WHERE kind || pattern = '' OR length(group_digest) <> 32")
    # The code of the recorded session, whose documents are still there, is kept.
    ((codes,),) = earlier.fetch("SELECT count(*) FROM progress_codeuse WHERE user_id = 1234")
    assert codes > 1
    assert earlier.learntrace("upgrade") == "Everything is up to date.\n"


def test_an_upgrade_that_was_interrupted_goes_on(migrated: Earlier) -> None:
    earlier, before = migrated, migrated.facts()
    earlier.run(f"""
from django.db import transaction
from learntrace.learnpack.attempts.earlier_ids import change_earlier_ids
with transaction.atomic():
    assert change_earlier_ids([{GRACE}], most=100) == set()
""")
    ((learnpack,),) = earlier.fetch("SELECT count(*) FROM progress_activity WHERE source = 'learnpack'")
    assert 0 < learnpack - earlier.earlier_ids() < 200
    earlier.learntrace("upgrade")
    assert earlier.earlier_ids() == 0
    assert earlier.facts() == before
    assert earlier.recompute() == NOTHING


def test_who_is_recomputed_before_the_upgrade_has_nothing_twice(migrated: Earlier) -> None:
    earlier, before = migrated, migrated.facts()
    assert earlier.recompute()["activities"] == 0
    assert earlier.recompute() == NOTHING
    assert earlier.earlier_ids() == 0
    assert earlier.facts() == before


def test_workers_of_the_earlier_version_take_nothing_away(migrated: Earlier) -> None:
    earlier, before = migrated, migrated.facts()
    rows = earlier.fetch("SELECT id::text FROM progress_activity WHERE user_id = %s", GRACE)
    earlier.fetch("CREATE TABLE earlier_rows AS SELECT * FROM progress_activity WHERE user_id = %s", GRACE)
    earlier.learntrace("upgrade")
    stored = earlier.fetch("SELECT id::text FROM progress_activity WHERE user_id = %s", GRACE)
    assert set(stored).isdisjoint(rows)
    # One of them reads the learner's document, and finds none of the stored ids in it.
    earlier.fetch(_EARLIER_REMOVE, [identifier for (identifier,) in stored])
    earlier.fetch(_EARLIER_REMOVE_OTHERS, GRACE, "learnpack", "loops/", [])
    earlier.fetch("INSERT INTO progress_activity SELECT * FROM earlier_rows")
    earlier.run("""
from learntrace.learnpack.attempts.earlier_ids import take_earlier_ids
while take_earlier_ids():
    pass
""")
    assert earlier.earlier_ids() == 0
    assert earlier.facts()[0] == before[0]
    earlier.recompute()
    assert earlier.recompute() == NOTHING
    assert earlier.facts() == before
    # An erasure is none of their statements.
    earlier.fetch('DELETE FROM "progress_activity" WHERE "progress_activity"."user_id" = %s', GRACE)
    assert not earlier.fetch("SELECT FROM progress_activity WHERE user_id = %s", GRACE)


def test_without_an_installation_the_tables_are_made(earlier: Earlier) -> None:
    earlier.fetch("DROP SCHEMA public CASCADE")
    earlier.fetch("CREATE SCHEMA public")
    assert "updates of the tables" in earlier.learntrace("upgrade")
    assert earlier.learntrace("upgrade") == "Everything is up to date.\n"


def test_processes_that_start_at_once_wait_for_each_other(earlier: Earlier) -> None:
    code = "from learntrace.config.upgrade import upgrade_database\nupgrade_database()"
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda _number: earlier.run(code), range(3)))
    assert "updates of the tables" not in earlier.learntrace("upgrade", "--dry-run")
