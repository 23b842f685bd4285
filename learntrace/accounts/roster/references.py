"""An index of the rows that a roster names: loaded together and found by id or name, whatever the order of the file."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Generic, TypeVar

from django.db import models
from django.db.models.functions import Lower

from learntrace.accounts.roster.file import Value
from learntrace.accounts.roster.reasons import Reason

M = TypeVar("M", bound=models.Model)
CHUNK = 2_000  # rows per statement


def chunks(values: Iterable[Any], size: int = CHUNK) -> Iterator[list[Any]]:
    """Split into lists of at most `size` values."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


class RowIndex(Generic[M]):
    """The rows of one model that a file declares or refers to, found by id or name.

    First all references are collected (`want`) and the stored rows loaded (`load`); once the model's section is planned,
    its new rows are added (`settle`) and references can be resolved (`find`).
    """

    def __init__(self, model: type[M], names: tuple[str, ...]) -> None:
        self.rows: dict[int, M] = {}
        self.label = Reason(model._meta.verbose_name_raw)
        self._model = model
        self._names = names
        self._wanted_ids: set[int] = set()
        self._wanted: set[str] = set()
        self._by_name: dict[str, dict[str, list[M]]] = {}
        self._by_id: dict[int, M] = {}
        self._rows: list[M] = []
        self._failed: set[str] = set()

    def want(self, value: Value | None) -> None:
        """Note that the file refers to this row."""
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
        if "lower_email__in" in condition:  # the expression that has an index
            rows = rows.alias(lower_email=Lower("email"))
        for row in rows.filter(**condition):
            self.rows.setdefault(row.pk, row)

    def settle(self, declared: Iterable[M], failed: Iterable[Value]) -> None:
        """Index the loaded rows, with the file's changes, and the declared new ones; `failed`: the ids and names of entries
        that were refused.
        """
        self._failed = {value.written.lower() for value in failed if value.written is not None}
        self._rows = rows = list({id(row): row for row in (*self.rows.values(), *declared)}.values())
        self._by_id = {row.pk: row for row in rows if row.pk is not None}
        self._by_name = {name: defaultdict(list) for name in self._names}
        for row in rows:
            for name, namesakes in self._by_name.items():
                if text := getattr(row, name):
                    namesakes[_folded(name, text)].append(row)

    def find(self, value: Value) -> list[M]:
        """Return the rows that a reference may mean: a number is looked up as id first, a text as name first."""
        assert value.written is not None  # noqa: S101 (the caller has refused values that aren't scalars)
        written = value.written
        by_id = [self._by_id[int(written)]] if self._is_id(written) else []
        if by_id and isinstance(value.content, int):
            return by_id
        for name, namesakes in self._by_name.items():
            if rows := namesakes.get(_folded(name, written)):
                return rows
        return by_id

    def has_failed(self, value: Value) -> bool:
        """Whether the file declares the row in an entry that was refused: that problem is reported already."""
        # Addresses differ in case. A user name that does hides its own problem until the other one is corrected.
        return value.written is not None and value.written.lower() in self._failed

    def named(self, text: str) -> M | None:
        """Return the row whose main name (the first of `names`) is the text."""
        return next(iter(self._by_name[self._names[0]].get(text, [])), None)

    def loaded(self) -> Iterable[M]:
        """Return all rows: the stored ones that the file refers to, and the new ones."""
        return self._rows

    def _is_id(self, written: str) -> bool:
        return written.isascii() and written.isdigit() and len(written) < 19 and int(written) in self._by_id


def _folded(name: str, text: str) -> str:
    return text.lower() if name == "email" else text
