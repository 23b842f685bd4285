"""SQL by hand, as workers run it: with plans that the database keeps, and without where a statement can't be prepared."""

from collections.abc import Iterator

import pytest
from django.db import ProgrammingError, connection, transaction

from learntrace.core import sql
from learntrace.core.sql import execute, fetch, fetch_one


@pytest.fixture(autouse=True)
def preparing(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sql, "_preparing", sql._Preparing(on=True))
    yield
    # Tests share a connection, and the other ones prepare nothing.
    fetch("SELECT set_config('plan_cache_mode', 'auto', false)")
    connection.connection.prepare_threshold = None


def prepared() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [statement for (statement,) in cursor.fetchall()]


def test_a_statement_is_planned_once_for_all_its_parameters() -> None:
    for number in range(3):
        assert fetch_one("SELECT %s::int + 1", [number]) == (number + 1,)
    assert prepared().count("SELECT $1::int + 1") == 1


def test_what_cannot_be_prepared_runs_all_the_same_and_has_effects_once() -> None:
    execute("CREATE TEMPORARY TABLE note (slug varchar(20), body text) ON COMMIT DROP")
    insert = (
        "INSERT INTO note SELECT %(x)s, 'b' FROM (SELECT 1) AS one WHERE 'a'::varchar(20) = %(x)s OR length(%(x)s) = 1"
    )
    with transaction.atomic():
        for _time in range(2):
            execute(insert, {"x": "a"})
    mixed = "SELECT %(x)s::int, %(x)s::text FROM note"
    assert fetch(mixed, {"x": "7"}) == [(7, "7"), (7, "7")]


def test_a_statement_that_is_wrong_fails_as_it_does_elsewhere_and_leaves_the_transaction_to_its_block() -> None:
    with transaction.atomic():
        with pytest.raises(ProgrammingError), transaction.atomic():
            fetch("SELECT nothing_of_this_name")
        assert fetch("SELECT 1") == [(1,)]


def test_plans_are_made_anew_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "_PLANS_SECONDS", 0.0)
    for number in range(3):
        assert fetch_one("SELECT %s::int + 2", [number]) == (number + 2,)
