"""A column whose text is encrypted, and the rewriting of all of them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models

from learntrace.core.encryption.secrets import Unreadable, decrypt, encrypt, with_newest_key
from learntrace.core.sql import execute, fetch

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class EncryptedTextField(_TextField):
    """A text that is encrypted in the database. It can't be searched for: the same text is stored in another form each time."""

    def get_prep_value(self, value: Any) -> Any:
        return value if value is None else encrypt(value if isinstance(value, str) else str(value))

    def from_db_value(self, value: str | None, *_context: object) -> str | None:
        return None if value is None else decrypt(value)

    def to_python(self, value: Any) -> Any:
        return value if isinstance(value, Unreadable) else super().to_python(value)


def _columns() -> Iterator[tuple[str, str]]:
    """Yield the table and the name of each encrypted column."""
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, EncryptedTextField):
                yield model._meta.db_table, str(field.column)


def rewrite_all() -> tuple[int, int]:
    """Encrypt every secret with the first key, those that are plain too; return how many there are, and how many can't be read.

    What can't be read stays as it is. A row that is changed meanwhile keeps its change.
    """
    total = unreadable = 0
    for table, column in _columns():
        for pk, stored in fetch(f"SELECT id, {column} FROM {table} WHERE {column} <> '' ORDER BY id"):  # noqa: S608 (our names)
            total += 1
            if isinstance(decrypt(stored), Unreadable):
                unreadable += 1
                continue
            statement = f"UPDATE {table} SET {column} = %s WHERE id = %s AND {column} = %s"  # noqa: S608 (our names)
            execute(statement, [with_newest_key(stored), pk, stored])
    return total, unreadable


def count() -> tuple[int, int]:
    """Return how many secrets are stored, and how many of them can't be read."""
    stored = [
        text
        for table, column in _columns()
        for (text,) in fetch(f"SELECT {column} FROM {table} WHERE {column} <> ''")  # noqa: S608 (our names)
    ]
    return len(stored), sum(isinstance(decrypt(text), Unreadable) for text in stored)
