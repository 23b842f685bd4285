"""The register of personal fields is complete, and export and erasure do what it says."""

from itertools import chain

from django.apps import apps
from django.db import connection

from learntrace.core.personal_data import registered_datasets
from learntrace.personal.register import Kept, register
from tests.support.builders import Cast

# Columns by which a row names a person.
NAMES = {"user_id", "student_id", "sender_id", "actor_id", "subject_id", "actor"}


def columns() -> dict[str, set[str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
        found: dict[str, set[str]] = {}
        for table, column in cursor.fetchall():
            found.setdefault(table, set()).add(column)
    return found


def test_every_column_of_every_table_is_entered_as_personal_or_not(db: None) -> None:
    entered = {table.name: {*table.personal, *table.others} for table in register().values()}
    stored = columns()
    missing = {f"{name}.{column}" for name in stored for column in stored[name] - entered.get(name, set())}
    assert not missing, "enter them in personal/register_tables.py, with what they are for"
    gone = {f"{name}.{column}" for name in entered for column in entered[name] - stored.get(name, set())}
    assert not gone
    assert {model._meta.db_table for model in apps.get_models(include_auto_created=True)} <= set(entered)


def test_no_column_is_entered_twice() -> None:
    for table in register().values():
        both = [*table.personal, *table.others]
        assert len(both) == len(set(both)), table.name


def test_a_column_that_names_a_person_is_personal(db: None) -> None:
    for table in register().values():
        assert not NAMES & set(table.others), table.name
        foreign_keys = {
            field.column
            for model in apps.get_models(include_auto_created=True)
            if model._meta.db_table == table.name
            for field in model._meta.local_concrete_fields
            if field.related_model is not None and field.related_model._meta.label == "accounts.User"
        }
        assert foreign_keys <= set(table.personal), table.name


def test_whatever_is_personal_says_what_for_how_long_and_for_whose_eyes() -> None:
    for table in register().values():
        complete = bool(table.purpose) and table.kept is not None and table.seen_by is not None
        assert complete is bool(table.personal), table.name
        assert bool(table.datasets) is not bool(table.why) or not table.personal, table.name


def test_export_and_erasure_hold_what_the_register_says(cast: Cast) -> None:
    datasets = {one.name: one for one in registered_datasets()}
    named = set(chain.from_iterable(table.datasets for table in register().values()))
    assert named == set(datasets), "each dataset is of a table, and each table's dataset exists"
    for table in register().values():
        for name in table.datasets:
            erased = datasets[name].erase is not None
            stays = (
                table.kept in {Kept.ACCOUNT, Kept.ACADEMY, Kept.FOR_GOOD, Kept.SESSION, Kept.DAY}
                or table.name == "accounts_auditentry"
            )
            assert erased is not stays, f"{table.name}: {table.kept}, {name}"
    tables = {one.find(cast.owner.pk).model._meta.db_table for one in datasets.values()}
    assert tables <= {table.name for table in register().values() if table.datasets}


def test_the_export_gives_each_personal_column_or_a_reason(cast: Cast) -> None:
    """A dataset's query reads the table that the register says."""
    datasets = {one.name: one for one in registered_datasets()}
    for table in register().values():
        if table.datasets and table.name != "progress_code":
            found = {datasets[name].find(cast.owner.pk).model._meta.db_table for name in table.datasets}
            assert table.name in found, table.name
