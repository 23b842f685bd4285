"""A roster: what should exist, compared with what the database holds, and made so in one transaction.

A section stands for one list of the file. All are of one shape: they read their items, find the stored rows that are
meant, and say what has to change, without writing. Only when nothing is wrong anywhere is all of it written.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db import connection, models
from django.utils.translation import gettext as _

from learntrace.accounts.roster_items import Item, Problems, same_json
from learntrace.accounts.roster_known import Known, chunks
from learntrace.accounts.roster_passwords import PasswordBook
from learntrace.core.progress import Progress

M = TypeVar("M", bound=models.Model)
Row = models.Model
_FEW_NUMBERS = 10_000


@dataclass(eq=False)
class Draft(Generic[M]):
    """An item with the row that it is about: what it says of the row's columns, and which of them that changes."""

    item: Item
    row: M
    id: int | None = None
    values: dict[str, Any] = field(default_factory=dict)
    is_new: bool = True
    changed: set[str] = field(default_factory=set)
    # What a section has read besides columns, and whether it changes something besides the row.
    extras: dict[str, Any] = field(default_factory=dict)
    touched: bool = False


@dataclass
class Counts:
    created: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass
class Plan(Generic[M]):
    """What one section is going to write; `others` are rows that no item is about, with their changed columns."""

    section: "Section[M]"
    drafts: list[Draft[M]]
    others: dict[int, tuple[M, set[str]]] = field(default_factory=dict)
    # Steps around the writing of the rows, which need or free what the rows refer to.
    before: list[Callable[[], object]] = field(default_factory=list)
    after: list[Callable[[], object]] = field(default_factory=list)

    def counts(self) -> Counts:
        created = sum(draft.is_new for draft in self.drafts)
        updated = sum(bool(draft.changed or draft.touched) and not draft.is_new for draft in self.drafts)
        return Counts(created, updated, len(self.drafts) - created - updated)


@dataclass
class Roster:
    """What the sections share while one file is compared and written."""

    now: datetime
    passwords: PasswordBook
    problems: Problems = field(default_factory=Problems)
    known: dict[type[Row], Known[Any]] = field(default_factory=dict)


class Section(Generic[M]):
    """One list of a roster: how an entry is read, which row it means, what a new one needs."""

    name: str
    model: type[M]
    columns: tuple[str, ...] = ()
    references: Mapping[str, type[Row]] = {}
    identity: tuple[str, ...]
    shared_identity = False  # several rows may have one identity; then only ids must be unique
    required: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    has_ids = True
    # The columns by which other entries may refer to a row; empty: nothing refers to it.
    names: tuple[str, ...] = ()

    def keys(self) -> list[str]:
        """All keys that an entry may have."""
        return [*(["id"] if self.has_ids else []), *self.references, *self.columns, *self.extras]

    def wanted(self, item: Item, roster: Roster) -> None:
        """Note which rows the entry names, its own among them, so that all are loaded at once."""
        if self.names:
            for key in ("id", self.names[0]):
                roster.known[self.model].want(item.value(key))
        for key, model in self.references.items():
            roster.known[model].want(item.value(key))

    def read(self, draft: Draft[M], roster: Roster) -> None:
        """Read the keys that are no columns."""

    def complete(self, draft: Draft[M], roster: Roster) -> None:
        """Add what follows from the entry and from whether its row is new."""

    def plan(self, items: Sequence[Item], roster: Roster) -> Plan[M]:
        """Compare the entries with the database; what is wrong is added to the roster's problems."""
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
        """Write what was planned, new rows first."""
        for step in plan.before:
            step()
        progress = Progress(self.name, len(plan.drafts), for_people=True)
        new = [draft.row for draft in plan.drafts if draft.is_new]
        given, other = [row for row in new if row.pk], [row for row in new if not row.pk]
        self._insert(given, progress)
        if given:
            advance_sequence(self.model, max(row.pk for row in given))
        self._insert(other, progress)
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
        # A row that isn't stored yet can't be a stored row's: a number that is no id stands for it.
        return tuple((value.pk or -id(value)) if isinstance(value, Row) else value for value in values)

    def _stored_identity(self, row: M) -> tuple[Any, ...]:
        return tuple(getattr(row, self._field(name).attname) for name in self.identity)

    def _stored(self, drafts: Sequence[Draft[M]], roster: Roster) -> dict[int, M]:
        """The stored rows that entries may mean, by id."""
        if self.names:
            return dict(roster.known[self.model].rows)
        rows: dict[int, M] = {}
        first = {self._identity(draft) for draft in drafts}
        conditions: dict[str, Collection[Any]] = {
            "pk__in": {draft.id for draft in drafts if draft.id},
            f"{self.identity[0]}__in": {identity[0] for identity in first if identity},
        }
        for name, values in conditions.items():
            for chunk in chunks(values):
                for row in self.model._default_manager.filter(**{name: chunk}):
                    rows.setdefault(row.pk, row)
        return rows

    def _refuse_doubles(self, drafts: Sequence[Draft[M]]) -> None:
        """One id, and but for `shared_identity` one identity, may be declared once."""
        ids: dict[int, int] = {}
        identities: dict[tuple[Any, ...], int] = {}
        for draft in drafts:
            item = draft.item
            if draft.id in ids:
                item.refuse(
                    "id", _("the id %(id)s is taken on line %(other)s already"), id=draft.id, other=ids[draft.id]
                )
            elif draft.id:
                ids[draft.id] = item.line
            identity = self._identity(draft)
            if identity is None or (self.shared_identity and draft.id):
                continue
            if identity in identities:
                item.refuse(
                    self.identity[-1], _("%(what)s is declared on line %(other)s already"),
                    what=self._told(draft), other=identities[identity],
                )  # fmt: skip
            identities.setdefault(identity, item.line)

    def _match(
        self,
        draft: Draft[M],
        stored: Mapping[int, M],
        by_identity: Mapping[tuple[Any, ...], M],
        claimed: dict[int, Draft[M]],
    ) -> None:
        """Find the stored row that the entry means, by its id or else by its identity."""
        identity = self._identity(draft)
        namesake = by_identity.get(identity) if identity else None
        row = stored.get(draft.id) if draft.id else namesake
        if draft.id and namesake is not None and namesake is not row and not self.shared_identity:
            draft.item.refuse(
                self.identity[-1], _("%(what)s exists already with the id %(other)s, not %(id)s"),
                what=self._told(draft), other=namesake.pk, id=draft.id,
            )  # fmt: skip
        elif row is not None and claimed.setdefault(row.pk, draft) is not draft:
            draft.item.refuse(
                self.identity[-1], _("%(what)s is also meant on line %(other)s"),
                what=self._told(draft), other=claimed[row.pk].item.line,
            )  # fmt: skip
        elif row is not None:
            draft.row, draft.is_new = row, False
        elif draft.id:
            draft.row.pk = draft.id

    def _told(self, draft: Draft[M]) -> str:
        """The entry's identity for people."""
        return ", ".join(f"{name} {draft.values.get(name)}" for name in self.identity)

    def _refuse_missing(self, draft: Draft[M]) -> None:
        if not draft.is_new:
            return
        for name in (*self.identity, *self.required):
            if draft.values.get(name) is None and name not in draft.item.refused:
                draft.item.refuse(name, _("`%(key)s` is missing"))

    def _apply(self, draft: Draft[M]) -> None:
        for name, value in draft.values.items():
            if draft.is_new or not self._holds(draft.row, name, value):
                setattr(draft.row, name, value)
                draft.changed.add(name)

    def _holds(self, row: M, name: str, value: object) -> bool:
        column = self._field(name)
        stored = getattr(row, column.attname)
        if isinstance(value, Row):
            return value.pk is not None and stored == value.pk
        return same_json(stored, value) if isinstance(column, models.JSONField) else bool(stored == value)

    def _insert(self, rows: list[M], progress: Progress) -> None:
        for chunk in chunks(rows):
            self.model._default_manager.bulk_create(chunk)
            progress.advance(len(chunk))

    def _update(self, changes: Iterable[tuple[M, set[str]]], now: datetime, progress: Progress) -> None:
        """Write the changed columns and no others: what somebody else writes meanwhile into the rest stays.

        As upserts on the id: they take a tenth of the time of bulk_update's CASE for each row.
        """
        alike: dict[frozenset[str], list[M]] = defaultdict(list)
        stamped = any(column.name == "updated_at" for column in self.model._meta.get_fields())
        for row, changed in changes:
            if stamped:
                setattr(row, "updated_at", now)  # noqa: B010 (not every model has it)
            alike[frozenset({*changed, "updated_at"} if stamped else changed)].append(row)
        for columns, rows in alike.items():
            for chunk in chunks(sorted(rows, key=lambda row: row.pk)):
                self.model._default_manager.bulk_create(
                    chunk, update_conflicts=True, unique_fields=["id"], update_fields=sorted(columns)
                )
                progress.advance(len(chunk))


def _reference(item: Item, key: str, known: Known[Any], column: "models.Field[Any, Any]") -> dict[str, Any]:
    """The row that a key names; {} if it is absent or names none."""
    value = item.value(key)
    if value is None:
        return {key: None} if item.given(key) and column.null else {}
    if value.written is None:
        item.refuse(key, _("`%(key)s` must be an id or a name"))
        return {}
    rows = known.find(value)
    if len(rows) == 1:
        return {key: rows[0]}
    if rows:
        item.refuse(key, _("`%(key)s`: several have the name %(name)s; give the id"), name=value.written[:80])
    elif known.has_failed(value):
        item.refused.add(key)
    else:
        item.refuse(
            key, _("`%(key)s`: there is no %(what)s %(name)s, neither in the file nor in the database"),
            what=known.told, name=value.written[:80],
        )  # fmt: skip
    return {}


def advance_sequence(model: type[Row], biggest: int) -> None:
    """See to it that the ids that the database makes itself lie above `biggest`, an id that was given.

    Numbers are drawn, not set, where there are few to draw: a set value could fall behind what others drew meanwhile.
    """
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        sequence = cursor.fetchone()[0]
        cursor.execute(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}")  # noqa: S608 (quoted)
        behind = biggest - cursor.fetchone()[0]
        if 0 < behind <= _FEW_NUMBERS:
            cursor.execute("SELECT count(nextval(%s)) FROM generate_series(1, %s)", [sequence, behind])
        elif behind > 0:
            cursor.execute("SELECT setval(%s, %s)", [sequence, biggest])
