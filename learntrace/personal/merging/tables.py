"""The tables that name users, read from the models, and the statements that hand their rows over."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.apps import apps
from django.db import connection, models

from learntrace.accounts.models import User
from learntrace.core.sql import execute, fetch
from learntrace.personal.merging.policies import POLICIES, Policy, Rule

# Of two records of an asset, by the order of batches (contract, 3.3).
_NEWER = "(coalesce({row}.last_interaction_at, '-infinity'), coalesce({row}.receipt, 0), {row}.updated_at)"


@dataclass(frozen=True)
class _Unique:
    """The other columns of a unique constraint with a user; none where a user has one row."""

    columns: tuple[str, ...]
    nulls_alike: bool = False


@dataclass(frozen=True)
class UserColumn:
    """A column that names users, with what a merge does about it."""

    model: type[models.Model]
    field: "models.ForeignKey[Any, Any]"
    policy: Policy

    @property
    def label(self) -> str:
        return f"{self.model._meta.label}.{self.field.name}"

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def column(self) -> str:
        return self.field.column

    @property
    def key(self) -> str:
        """The column of the primary key."""
        column = self.model._meta.pk.column
        assert column is not None  # noqa: S101 (a concrete field)
        return column

    @cached_property
    def unique(self) -> list[_Unique]:
        """The unique constraints with this column."""
        meta = self.model._meta
        columns = {field.name: str(field.column) for field in meta.concrete_fields}
        found = [
            _Unique(
                tuple(columns[name] for name in constraint.fields if name != self.field.name),
                nulls_alike=constraint.nulls_distinct is False,
            )
            for constraint in meta.constraints
            if isinstance(constraint, models.UniqueConstraint) and self.field.name in constraint.fields
        ]
        return [*found, _Unique(())] if self.field.unique else found

    def count(self, user_id: int, without: Sequence[str] = ()) -> int:
        """Count the rows of a user, without those of some keys."""
        statement = "SELECT count(*) FROM {table} WHERE {column} = %s AND {key}::text <> ALL(%s::text[])"
        return int(fetch(self._sql(statement), [user_id, list(without)])[0][0])

    def keys_of(self, user_id: int) -> list[str]:
        """Return the keys of a user's rows, as text."""
        statement = "SELECT {key}::text FROM {table} WHERE {column} = %s ORDER BY {key}"
        return [key for (key,) in fetch(self._sql(statement), [user_id])]

    def conflicts(self, gone: int, stays: int) -> list[str]:
        """Return the keys of the rows to drop so that all others can go over, as text: of the one or of the other user."""
        dropped: dict[str, None] = {}
        for unique in self.unique:
            for mine, other, mine_is_newer in fetch(self._pairs(unique), {"gone": gone, "stays": stays}):
                dropped[other if mine_is_newer else mine] = None
        return list(dropped)

    def _pairs(self, unique: _Unique) -> str:
        names = [connection.ops.quote_name(name) for name in unique.columns]
        equals = "IS NOT DISTINCT FROM" if unique.nulls_alike else "="
        same = " AND ".join(["true", *(f"b.{name} {equals} a.{name}" for name in names)])
        newer = "false"
        if self.policy.rule is Rule.NEWER:
            newer = f"{_NEWER.format(row='a')} > {_NEWER.format(row='b')}"
        elif self.policy.rule is Rule.STRICTER:
            newer = "b.collecting AND NOT a.collecting"
        return self._sql(
            "SELECT a.{key}::text, b.{key}::text, {newer} FROM {table} a JOIN {table} b ON {same}"
            " WHERE a.{column} = %(gone)s AND b.{column} = %(stays)s ORDER BY 1",
            same=same,
            newer=newer,
        )

    def take_out(self, keys: Sequence[str]) -> list[str]:
        """Delete rows, with those that depend on them, and return them as JSON texts."""
        if not keys:
            return []
        statement = "SELECT to_jsonb(t)::text FROM {table} t WHERE t.{key}::text = ANY(%s)"
        texts = [text for (text,) in fetch(self._sql(statement), [list(keys)])]
        self.model._base_manager.filter(pk__in=keys).delete()
        return texts

    def put_back(self, rows: Sequence[str]) -> None:
        """Insert rows that were taken out, where nothing stands in their place."""
        statement = (
            "INSERT INTO {table} SELECT r.* FROM jsonb_populate_record(NULL::{table}, %s::jsonb) AS r"
            " ON CONFLICT DO NOTHING"
        )
        for row in rows:
            execute(self._sql(statement), [row])

    def hand_over(self, gone: int, stays: int, name: str) -> list[str]:
        """Have all rows of a user name another one; return their keys."""
        statement = "UPDATE {table} SET {changes} WHERE {column} = %(gone)s RETURNING {key}::text"
        parameters = {"gone": gone, "stays": stays, "name": name}
        return [key for (key,) in fetch(self._sql(statement, changes=self._changes()), parameters)]

    def hand_back(self, keys: Sequence[str], gone: int, name: str) -> int:
        """Have these rows name the user again from whom they came."""
        statement = "UPDATE {table} SET {changes} WHERE {key}::text = ANY(%(keys)s)"
        parameters = {"keys": list(keys), "stays": gone, "name": name}
        return execute(self._sql(statement, changes=self._changes()), parameters) if keys else 0

    def _changes(self) -> str:
        values = {self.column: "stays", self.policy.turn: "stays", self.policy.name: "name"}
        return ", ".join(
            f"{connection.ops.quote_name(column)} = %({value})s" for column, value in values.items() if column
        )

    def delete(self, user_id: int) -> None:
        self.model._base_manager.filter(**{self.field.name: user_id}).delete()

    def _sql(self, template: str, **parts: str) -> str:
        names = {"table": self.table, "column": self.column, "key": self.key}
        return template.format(**{name: connection.ops.quote_name(text) for name, text in names.items()}, **parts)


def user_columns() -> Iterator[UserColumn]:
    """Yield every column of our tables that names users, in an order in which rows can be put back: what is named first."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.ForeignKey) and field.related_model is User and field.model is model:
                label = f"{model._meta.label}.{field.name}"
                if label in POLICIES:
                    yield UserColumn(model, field, POLICIES[label])


def unlisted() -> list[str]:
    """Return the columns that name users and have no policy."""
    return [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey)
        and field.related_model is User
        and f"{model._meta.label}.{field.name}" not in POLICIES
    ]
