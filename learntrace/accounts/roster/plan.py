"""The import of a roster: compare the file's entries with the database, then write the differences in one transaction.

Each section handles one list of the file, all in the same way: read the entries, match them with stored rows, and plan the
changes without writing. Only if no section has found a problem are the plans written.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db import models

from learntrace.accounts.models import Academy
from learntrace.accounts.roster.items import Item, Problems, same_json
from learntrace.accounts.roster.passwords import PasswordBook
from learntrace.accounts.roster.reasons import Reason as _
from learntrace.accounts.roster.references import RowIndex, chunks
from learntrace.core.progress_line import ProgressLine
from learntrace.core.sql import fetch, fetch_one

M = TypeVar("M", bound=models.Model)
Row = models.Model
_FEW_NUMBERS = 10_000


@dataclass(eq=False)
class Draft(Generic[M]):
    """An entry with its row: the entry's values of the row's columns, and which columns they change."""

    item: Item
    row: M
    id: int | None = None
    values: dict[str, Any] = field(default_factory=dict)
    is_new: bool = True
    changed: set[str] = field(default_factory=set)
    # What a stored row held before, of the changed columns.
    before: dict[str, Any] = field(default_factory=dict)
    # What a section has read besides the columns, and whether the entry changes something besides the row.
    extras: dict[str, Any] = field(default_factory=dict)
    touched: bool = False


@dataclass
class Counts:
    created: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass
class Plan(Generic[M]):
    """What one section will write; `others`: rows without an entry, with their changed columns."""

    section: "Section[M]"
    drafts: list[Draft[M]]
    others: dict[int, tuple[M, set[str]]] = field(default_factory=dict)
    # Steps before and after the rows are written, for rows of other tables that they refer to.
    before: list[Callable[[], object]] = field(default_factory=list)
    after: list[Callable[[], object]] = field(default_factory=list)

    def counts(self) -> Counts:
        created = sum(draft.is_new for draft in self.drafts)
        updated = sum(bool(draft.changed or draft.touched) and not draft.is_new for draft in self.drafts)
        return Counts(created, updated, len(self.drafts) - created - updated)


@dataclass
class Roster:
    """What the sections share during the import of one file; `known`: the rows that the file names, by model."""

    now: datetime
    passwords: PasswordBook
    problems: Problems = field(default_factory=Problems)
    known: dict[type[Row], RowIndex[Any]] = field(default_factory=dict)


class Section(Generic[M]):
    """One list of a roster: the keys of its entries, the identity of its rows, and what a new row requires."""

    name: str
    model: type[M]
    columns: tuple[str, ...] = ()
    references: Mapping[str, type[Row]] = {}
    identity: tuple[str, ...]
    shared_identity = False  # several rows may have one identity; then only ids must be unique
    required: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    has_ids = True
    # The columns by which other entries may refer to a row; empty: no entry can.
    names: tuple[str, ...] = ()

    def keys(self) -> list[str]:
        """Return all keys that an entry may have."""
        return [*(["id"] if self.has_ids else []), *self.references, *self.columns, *self.extras]

    def wanted(self, item: Item, roster: Roster) -> None:
        """Note which rows the entry names, its own included, so that all are loaded together."""
        if self.names:
            for key in ("id", self.names[0]):
                roster.known[self.model].want(item.value(key))
        for key, model in self.references.items():
            roster.known[model].want(item.value(key))

    def read(self, draft: Draft[M], roster: Roster) -> None:
        """Read the keys that aren't columns."""

    def complete(self, draft: Draft[M], roster: Roster) -> None:
        """Add values that depend on the entry and on whether its row is new."""

    def refuse_others(self, drafts: Sequence[Draft[M]], academy: Academy) -> None:
        """Refuse entries of an academy's own import that would change what is another's.

        Whose person or cohort an entry names is checked for all sections; this is for what else makes a row an academy's.
        """

    def plan(self, items: Sequence[Item], roster: Roster) -> Plan[M]:
        """Compare the entries with the database; problems are added to the roster's."""
        drafts = [self._draft(item, roster) for item in items]
        stored = self._stored(drafts, roster)
        by_identity: dict[tuple[Any, ...], M] = {}
        for pk in sorted(stored):
            by_identity.setdefault(self._stored_identity(stored[pk]), stored[pk])
        self._refuse_doubles(drafts)
        claimed: dict[int, Draft[M]] = {}
        for draft in drafts:
            self._match(draft, stored, by_identity, claimed)
            self._refuse_missing(draft)
            self.complete(draft, roster)
            self._apply(draft)
        if self.names:
            failed = (draft.item.value(key) for draft in drafts if draft.item.refused for key in ("id", *self.names))
            roster.known[self.model].settle((draft.row for draft in drafts), filter(None, failed))
        return Plan(self, drafts)

    def write(self, plan: Plan[M], roster: Roster) -> None:
        """Write the plan, new rows first."""
        for step in plan.before:
            step()
        progress = ProgressLine(self.name, len(plan.drafts), for_people=True)
        new = [draft.row for draft in plan.drafts if draft.is_new]
        with_id, without_id = [row for row in new if row.pk], [row for row in new if not row.pk]
        self._insert(with_id, progress)
        if with_id:
            advance_sequence(self.model, max(row.pk for row in with_id))
        self._insert(without_id, progress)
        changed = [(draft.row, draft.changed) for draft in plan.drafts if draft.changed and not draft.is_new]
        self._update([*changed, *plan.others.values()], roster.now, progress)
        for step in plan.after:
            step()

    def _draft(self, item: Item, roster: Roster) -> Draft[M]:
        draft = Draft(item, self.model())
        draft.id = item.id() if self.has_ids else None
        for key, model in self.references.items():
            draft.values |= _reference(item, key, roster.known[model], self._field(key))
        for name in self.columns:
            draft.values |= item.column(self._field(name))
        self.read(draft, roster)
        return draft

    def _field(self, name: str) -> "models.Field[Any, Any]":
        column = self.model._meta.get_field(name)
        assert isinstance(column, models.Field)  # noqa: S101 (sections name columns only)
        return column

    def _identity(self, draft: Draft[M]) -> tuple[Any, ...] | None:
        values = [draft.values.get(name) for name in self.identity]
        if any(value is None for value in values):
            return None
        # A row that isn't stored yet has no id: a negative number, which no stored row has, stands for it.
        return tuple((value.pk or -id(value)) if isinstance(value, Row) else value for value in values)

    def _stored_identity(self, row: M) -> tuple[Any, ...]:
        return tuple(getattr(row, self._field(name).attname) for name in self.identity)

    def _stored(self, drafts: Sequence[Draft[M]], roster: Roster) -> dict[int, M]:
        """Return the stored rows that entries may mean, by id."""
        if self.names:
            return dict(roster.known[self.model].rows)
        rows: dict[int, M] = {}
        identities = {self._identity(draft) for draft in drafts}
        conditions: dict[str, Collection[Any]] = {
            "pk__in": {draft.id for draft in drafts if draft.id},
            f"{self.identity[0]}__in": {identity[0] for identity in identities if identity},
        }
        for name, values in conditions.items():
            for chunk in chunks(values):
                for row in self.model._default_manager.filter(**{name: chunk}):
                    rows.setdefault(row.pk, row)
        return rows

    def _refuse_doubles(self, drafts: Sequence[Draft[M]]) -> None:
        """Refuse an id, and unless `shared_identity` an identity, that is declared twice."""
        ids: dict[int, int] = {}
        identities: dict[tuple[Any, ...], int] = {}
        for draft in drafts:
            item = draft.item
            if draft.id in ids:
                item.refuse(
                    "id", _("the id %(id)s is already taken on line %(other)s"), id=draft.id, other=ids[draft.id]
                )
            elif draft.id:
                ids[draft.id] = item.line
            identity = self._identity(draft)
            if identity is None or (self.shared_identity and draft.id):
                continue
            if identity in identities:
                self.refuse_double(draft, identities[identity])
            identities.setdefault(identity, item.line)

    def refuse_double(self, draft: Draft[M], line: int) -> None:
        """Refuse an entry whose identity an entry on another line has."""
        text = _("%(what)s is already declared on line %(other)s")
        draft.item.refuse(self.identity[-1], text, what=self._describe(draft), other=line)

    def _match(
        self,
        draft: Draft[M],
        stored: Mapping[int, M],
        by_identity: Mapping[tuple[Any, ...], M],
        claimed: dict[int, Draft[M]],
    ) -> None:
        """Match the entry with its stored row, by its id or else by its identity."""
        identity = self._identity(draft)
        namesake = by_identity.get(identity) if identity else None
        row = stored.get(draft.id) if draft.id else namesake
        if draft.id and namesake is not None and namesake is not row and not self.shared_identity:
            draft.item.refuse(
                self.identity[-1],
                _("%(what)s already exists with the id %(other)s, not %(id)s"),
                what=self._describe(draft),
                other=namesake.pk,
                id=draft.id,
            )
        elif row is not None and claimed.setdefault(row.pk, draft) is not draft:
            draft.item.refuse(
                self.identity[-1],
                _("%(what)s is also meant on line %(other)s"),
                what=self._describe(draft),
                other=claimed[row.pk].item.line,
            )
        elif row is not None:
            draft.row, draft.is_new = row, False
        elif draft.id:
            draft.row.pk = draft.id

    def _describe(self, draft: Draft[M]) -> str:
        """Return the entry's identity as a text for messages."""
        return ", ".join(f"{name} {draft.values.get(name)}" for name in self.identity)

    def _refuse_missing(self, draft: Draft[M]) -> None:
        if not draft.is_new:
            return
        for name in (*self.identity, *self.required):
            if draft.values.get(name) is None and name not in draft.item.refused:
                self.refuse_missing(draft.item, name)

    def refuse_missing(self, item: Item, name: str) -> None:
        item.refuse(name, _("`%(key)s` is missing"))

    def _apply(self, draft: Draft[M]) -> None:
        for name, value in draft.values.items():
            if draft.is_new or not self._holds(draft.row, name, value):
                if not draft.is_new:
                    draft.before[name] = getattr(draft.row, self._field(name).attname)
                setattr(draft.row, name, value)
                draft.changed.add(name)

    def _holds(self, row: M, name: str, value: object) -> bool:
        column = self._field(name)
        stored = getattr(row, column.attname)
        if isinstance(value, Row):
            return value.pk is not None and stored == value.pk
        return same_json(stored, value) if isinstance(column, models.JSONField) else bool(stored == value)

    def _insert(self, rows: list[M], progress: ProgressLine) -> None:
        for chunk in chunks(rows):
            self.model._default_manager.bulk_create(chunk)
            progress.advance(len(chunk))

    def _update(self, changes: Iterable[tuple[M, set[str]]], now: datetime, progress: ProgressLine) -> None:
        """Write the changed columns only, so that concurrent changes of other columns are kept.

        As upserts on the id, which take a tenth of the time of bulk_update with its CASE for each row.
        """
        by_columns: dict[frozenset[str], list[M]] = defaultdict(list)
        stamped = any(column.name == "updated_at" for column in self.model._meta.get_fields())
        for row, changed in changes:
            if stamped:
                setattr(row, "updated_at", now)  # noqa: B010 (not every model has it)
            by_columns[frozenset({*changed, "updated_at"} if stamped else changed)].append(row)
        for columns, rows in by_columns.items():
            for chunk in chunks(sorted(rows, key=lambda row: row.pk)):
                self.model._default_manager.bulk_create(
                    chunk, update_conflicts=True, unique_fields=["id"], update_fields=sorted(columns)
                )
                progress.advance(len(chunk))


def _reference(item: Item, key: str, known: RowIndex[Any], column: "models.Field[Any, Any]") -> dict[str, Any]:
    """Return the row that a key refers to, under the key; {} if the key is absent or refers to none."""
    value = item.value(key)
    if value is None:
        return {key: None} if item.given(key) and column.null else {}
    if value.written is None:
        item.refuse(key, _("`%(key)s` must be an id or a name"))
        return {}
    rows = known.find(value)
    if len(rows) == 1:
        return {key: rows[0]}
    if rows and not known.has_failed(value):
        item.refuse(key, _("`%(key)s`: several have the name %(name)s; give the id"), name=value.written[:80])
    elif rows or known.has_failed(value):
        # That two entries have the name is told where they are declared.
        item.refused.add(key)
    else:
        item.refuse(
            key,
            _("`%(key)s`: there is no %(what)s %(name)s, neither in the file nor in the database"),
            what=known.label,
            name=value.written[:80],
        )
    return {}


def refuse_id(draft: Draft[Any]) -> None:
    """Refuse an entry's id, in the same words whether it is another academy's or nobody's."""
    text = _("`id`: nothing at your academy has the id %(id)s; the server gives ids itself")
    draft.item.refuse("id", text, id=draft.id)


def advance_sequence(model: type[Row], biggest: int) -> None:
    """Advance a table's sequence so that generated ids are greater than `biggest`, the greatest given id.

    A small gap is closed by drawing numbers: setting the value could undo what other transactions draw at the same time.
    """
    sequence = _scalar("SELECT pg_get_serial_sequence(%s, 'id')", [model._meta.db_table])
    last = _scalar(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}")  # noqa: S608 (quoted)
    behind = biggest - last
    if 0 < behind <= _FEW_NUMBERS:
        fetch("SELECT count(nextval(%s)) FROM generate_series(1, %s)", [sequence, behind])
    elif behind > 0:
        fetch("SELECT setval(%s, %s)", [sequence, biggest])


def _scalar(statement: str, parameters: Sequence[Any] = ()) -> Any:
    row = fetch_one(statement, parameters)
    assert row is not None  # noqa: S101 (a sequence has one row)
    return row[0]
