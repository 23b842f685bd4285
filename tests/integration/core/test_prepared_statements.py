"""Statements whose plans a connection keeps."""

import contextlib

import pytest
from django.db import OperationalError, connection, transaction

from learntrace.core import sql
from learntrace.core.postgresql import base
from learntrace.core.sql import execute, fetch

pytestmark = pytest.mark.django_db
_COUNT = "SELECT count(*) FROM sql_trial WHERE number = ANY(%s)"
_ALL = "SELECT * FROM sql_trial"


class _RolledBackError(Exception):
    pass


@pytest.fixture(autouse=True)
def _table(db: None) -> None:
    execute("CREATE TEMPORARY TABLE sql_trial (number bigint) ON COMMIT DROP")


def kept(statement: str) -> int:
    # As psycopg sends it: parameters as numbers.
    rows = fetch("SELECT count(*) FROM pg_prepared_statements WHERE statement = %s", [statement.replace("%s", "$1")])
    return int(rows[0][0])


def test_a_statement_is_prepared_once_and_answers_the_same() -> None:
    for count in range(5):
        with sql.prepared():
            found = fetch(_COUNT, [[1, 2]])
            assert execute("INSERT INTO sql_trial SELECT unnest(%s::bigint[])", [[1, 2, 3]]) == 3
        assert found == [(2 * count,)]
        assert fetch(_COUNT, [[1, 2]]) == [(2 * (count + 1),)]
    assert kept(_COUNT) == 1


def test_plans_are_thrown_away_as_tables_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_PLAN_SECONDS", -1.0)
    with sql.prepared():
        for _ in range(5):
            assert fetch(_COUNT, [[1]]) == [(0,)]
    plans = fetch(
        "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement LIKE %s", ["%ANY($1)%"]
    )
    assert len(plans) == 1


def test_turns_look_rows_up_by_an_index_also_after_one_that_was_rolled_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_PLAN_SECONDS", -1.0)
    execute("INSERT INTO sql_trial SELECT generate_series(1, 15000)")
    execute("CREATE UNIQUE INDEX ON sql_trial (number)")
    execute("ANALYZE sql_trial")
    # As many rows as a turn changes, of a table that has several dozen pages.
    looks_up = (
        "EXPLAIN SELECT t.number FROM sql_trial t JOIN jsonb_to_recordset('[]') AS asked(number bigint) USING (number)"
    )
    for _ in range(2):
        with contextlib.suppress(_RolledBackError), sql.prepared(), transaction.atomic():
            assert "Seq Scan" not in str(fetch(looks_up))
            raise _RolledBackError


def test_what_an_altered_table_refuses_can_be_tried_again() -> None:
    with sql.prepared():
        for _ in range(5):
            fetch(_ALL)
    # As another process would: psycopg forgets its statements where it alters a table itself.
    execute("DO $$ BEGIN ALTER TABLE sql_trial ADD COLUMN name text; END $$")
    with sql.prepared(), pytest.raises(OperationalError), transaction.atomic():
        fetch(_ALL)
    try:
        with sql.prepared():
            assert fetch(_ALL) == []
    finally:
        connection.close()
