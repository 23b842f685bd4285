"""The rows that a roster names, loaded at once and found by id or by name, whatever the order of the file."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Generic, TypeVar

from django.db import models
from django.db.models.functions import Lower

from learntrace.accounts.roster_file import Value

M = TypeVar("M", bound=models.Model)
CHUNK = 2_000  # rows a statement


def chunks(values: Iterable[Any], size: int = CHUNK) -> Iterator[list[Any]]:
    """Cut into lists of at most `size`."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


class Known(Generic[M]):
    """The rows of one model that a file declares or refers to, found by id or by name."""

    def __init__(self, model: type[M], names: tuple[str, ...]) -> None:
        self.rows: dict[int, M] = {}
        self.told = str(model._meta.verbose_name)
        self._model = model
        self._names = names
        self._wanted_ids: set[int] = set()
        self._wanted: set[str] = set()
        self._by_name: dict[str, dict[str, list[M]]] = {}
        self._by_id: dict[int, M] = {}
        self._rows: list[M] = []
        self._failed: set[str] = set()

    def want(self, value: Value | None) -> None:
        """Note that the file names this row."""
        if value is None or value.written is None:
            return
        self._wanted.add(value.written)
        if value.written.isascii() and value.written.isdigit() and len(value.written) < 19:
            self._wanted_ids.add(int(value.written))

    def load(self) -> None:
        """Read the wanted rows from the database."""
        for ids in chunks(self._wanted_ids):
            self._read(pk__in=ids)
        for texts in chunks(self._wanted):
            for name in self._names:
                if name == "email":
                    self._read(lower_email__in=[text.lower() for text in texts])
                else:
                    self._read(**{f"{name}__in": texts})

    def _read(self, **condition: Any) -> None:
        rows: models.QuerySet[Any] = self._model._default_manager.all()
        if "lower_email__in" in condition:  # the form that has an index
            rows = rows.alias(lower_email=Lower("email"))
        for row in rows.filter(**condition):
            self.rows.setdefault(row.pk, row)

    def settle(self, declared: Iterable[M], failed: Iterable[Value]) -> None:
        """From now on find what the file makes of the rows, new ones among them; `failed` are the ids and names that
        entries have with which something is wrong.
        """
        self._failed = {value.written for value in failed if value.written is not None}
        self._rows = rows = list({id(row): row for row in (*self.rows.values(), *declared)}.values())
        self._by_id = {row.pk: row for row in rows if row.pk is not None}
        self._by_name = {name: defaultdict(list) for name in self._names}
        for row in rows:
            for name, found in self._by_name.items():
                if text := getattr(row, name):
                    found[_folded(name, text)].append(row)

    def find(self, value: Value) -> list[M]:
        """The rows that are meant: a number is an id before it is a name, a text the other way round."""
        assert value.written is not None  # noqa: S101 (the caller has refused what is no scalar)
        written = value.written
        numbers = [self._by_id[int(written)]] if self._is_id(written) else []
        if numbers and isinstance(value.content, int):
            return numbers
        for name, found in self._by_name.items():
            if rows := found.get(_folded(name, written)):
                return rows
        return numbers

    def has_failed(self, value: Value) -> bool:
        """Whether the file declares what is meant, but not rightly: that has been told already."""
        return value.written in self._failed

    def named(self, text: str) -> M | None:
        """The row with this as its first name."""
        return next(iter(self._by_name[self._names[0]].get(text, [])), None)

    def loaded(self) -> Iterable[M]:
        """All rows: the stored ones that the file names and the new ones."""
        return self._rows

    def _is_id(self, written: str) -> bool:
        return written.isascii() and written.isdigit() and len(written) < 19 and int(written) in self._by_id


def _folded(name: str, text: str) -> str:
    return text.lower() if name == "email" else text
