"""Migrations must not lock a table that is written to all the time, for as long as it takes to read or rewrite it.

Those up to BEFORE made the tables, or ran before anybody had many rows.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

# Tables that grow with every request, by the names of their models.
BIG = {
    "accounts": {"user"},
    "core": {"liveevent"},
    "intake": {"refusal"},
    "learnpack": {"webhook"},
    "notebooks": {"event", "arrival", "rejectedevent"},
    "progress": {"activity", "progress", "errorcount", "code", "codeuse", "stale"},
    "assignments": {"task", "assignmenttelemetry"},
    "signals": {"signal", "notification"},
}
BEFORE = {
    "accounts": "0004", "assignments": "0004", "core": "0002", "intake": "0002", "learnpack": "0010", "notebooks": "0005",
    "personal": "0001", "progress": "0011", "registry": "0002", "signals": "0005",
}  # fmt: skip

# Altered fields whose column isn't rewritten, and why.
CATALOGUE_ONLY = {
    ("notebooks.0006_plain_words", "rejectedevent.cut"): "changes its help text only",
    ("signals.0007_class_notifications", "notification.signal"): "drops NOT NULL",
}


def checked() -> Iterator[tuple[str, Any]]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if app in BEFORE and name[:4] > BEFORE[app]:
            yield f"{app}.{name}", migration


def faults(app: str, migration: Any) -> list[str]:
    """What a migration does to a big table that would stop its writers."""
    found = []
    for operation in migration.operations:
        table = getattr(operation, "model_name", "") or ""
        if table.lower() not in BIG.get(app, ()):
            continue
        name = type(operation).__name__
        if isinstance(operation, AddIndexConcurrently | RemoveIndexConcurrently):
            if migration.atomic:
                found.append(f"{name} on {table} needs atomic = False")
        elif isinstance(operation, migrations.AddIndex | migrations.RemoveIndex):
            found.append(f"{name} on {table} stops writers: use AddIndexConcurrently")
        elif isinstance(operation, migrations.AddConstraint) and not isinstance(operation, AddConstraintNotValid):
            found.append(f"{name} on {table} reads all rows under a lock: add it NOT VALID, and validate it apart")
        elif isinstance(operation, migrations.AlterField):
            if (f"{app}.{migration.name}", f"{table}.{operation.name}") not in CATALOGUE_ONLY:
                found.append(f"{name} on {table} may rewrite it: say in this test why it doesn't")
        elif isinstance(operation, migrations.AddField):
            found += _new_column(operation, table)
    return found


def _new_column(operation: migrations.AddField, table: str) -> list[str]:
    field = operation.field
    if isinstance(field, models.ManyToManyField):
        return []
    found = []
    if not field.null and not field.has_db_default():
        found.append(f"{operation.name} on {table} is written into all rows: give it a db_default, or let it be null")
    if field.unique or (isinstance(field, models.ForeignKey) and getattr(field, "db_index", False)):
        found.append(f"{operation.name} on {table} makes an index under a lock: add it concurrently, apart")
    return found


@pytest.mark.parametrize(("name", "migration"), [pytest.param(*one, id=one[0]) for one in checked()])
def test_no_migration_stops_the_writers_of_a_big_table(name: str, migration: Any) -> None:
    assert faults(name.partition(".")[0], migration) == []


def test_some_migrations_are_checked_and_the_models_exist() -> None:
    assert [name for name, _migration in checked()]
    from django.apps import apps

    for app, names in BIG.items():
        for name in names:
            apps.get_model(app, name)


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        (migrations.AddIndex("webhook", models.Index(fields=["event"], name="x")), "AddIndexConcurrently"),
        (migrations.AddField("webhook", "x", models.IntegerField(default=0)), "db_default"),
        (migrations.AddField("webhook", "x", models.IntegerField(null=True, unique=True)), "index under a lock"),
        (migrations.AlterField("webhook", "event", models.TextField()), "may rewrite"),
        (
            migrations.AddConstraint("webhook", models.CheckConstraint(condition=models.Q(id__gt=0), name="x")),
            "NOT VALID",
        ),
        (AddIndexConcurrently("webhook", models.Index(fields=["event"], name="x")), "atomic = False"),
    ],
)
def test_the_check_finds_what_would_stop_writers(operation: Any, fault: str) -> None:
    class Added(migrations.Migration):
        operations = [operation]

    migration = Added("0999_x", "learnpack")
    assert [text for text in faults("learnpack", migration) if fault in text]


def test_a_column_with_a_default_of_the_database_stops_nobody() -> None:
    class Added(migrations.Migration):
        operations = [migrations.AddField("webhook", "x", models.IntegerField(db_default=0))]

    assert faults("learnpack", Added("0999_x", "learnpack")) == []
