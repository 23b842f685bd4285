"""A new database gets its tables at once: the same as its migrations would make, or none at all."""

import re
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.db.utils import DataError

from learntrace.config import new_database
from learntrace.config.reference_docs.tables import empty_database, tables_after_migrations
from learntrace.config.upgrade import pending_migrations, upgrade_database

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_tables_are_those_that_the_migrations_make() -> None:
    assert tables_after_migrations() == new_database.TABLES.read_text(), "after a new migration: `make tables`"


def test_a_new_database_gets_all_tables_and_what_django_keeps_of_them() -> None:
    with empty_database():
        assert new_database.is_empty()
        assert upgrade_database()
        assert pending_migrations() == []
        assert upgrade_database() == []
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM auth_permission WHERE codename = 'view_progress'")
            assert cursor.fetchone() == (1,)
        # What the next migrations begin with.
        assert not new_database.is_empty()


def test_a_creation_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "tables.sql"
    broken.write_text(f"{new_database.TABLES.read_text()}\nSELECT 1 / 0;")
    with empty_database():
        with monkeypatch.context() as patched:
            patched.setattr(new_database, "TABLES", broken)
            with pytest.raises(DataError):
                upgrade_database()
        assert new_database.is_empty()
        upgrade_database()
        assert pending_migrations() == []


def test_migrations_that_the_tables_do_not_know_yet_run_after_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in a checkout in which somebody has just written one."""
    newest = re.compile(r"    \('assignments', '0006_[a-z_]+', now\(\)\),\n")
    older = tmp_path / "tables.sql"
    text, removed = newest.subn("", new_database.TABLES.read_text())
    assert removed == 1
    older.write_text(text)
    with empty_database():
        monkeypatch.setattr(new_database, "TABLES", older)
        new_database.create_tables()
        assert [name.partition("_")[0] for name in pending_migrations()] == ["assignments.0006"]


def test_where_somebody_has_made_something_the_migrations_run() -> None:
    with empty_database(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE somebodys (id int)")
        assert not new_database.is_empty()


def test_the_tables_are_made_in_the_schema_that_comes_first() -> None:
    with empty_database() as url, psycopg.connect(url, autocommit=True) as other:
        other.execute("CREATE SCHEMA school")
        other.execute("SET search_path = school")
        with other.transaction():
            other.execute(new_database.TABLES.read_bytes())
        found = other.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'accounts_user'").fetchall()
    assert found == [("school",)]
