"""What an import would change, told line by line. Values only; nothing is read or written."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db.models import Model

from learntrace.accounts.roster.plan import Draft, Plan

NEW, CHANGED, SAME = "new", "changed", "same"
# Columns that are secret, or that say only whose an entry is.
_UNTOLD: Final = frozenset({"password", "user", "academy"})
_MASK: Final = "•••"


@dataclass(frozen=True)
class Field:
    """A column that would change; empty texts where there is no value."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """An entry of the file: what it is about, and what becomes of it (NEW, CHANGED or SAME)."""

    line: str
    order: int
    section: str
    about: str
    what: str
    fields: tuple[Field, ...]

    def stored(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Change":
        fields = tuple(Field(**told) for told in stored["fields"])
        return cls(**{**stored, "fields": fields})


def changes_of(plans: Sequence[Plan[Any]]) -> list[Change]:
    """Return what becomes of each entry, in the order of the file."""
    changes = [_change(plan, draft) for plan in plans for draft in plan.drafts]
    return sorted(changes, key=lambda change: (_file(change.line), change.order))


def fingerprint(changes: Iterable[Change]) -> str:
    """Return a digest of what would change: an import whose digest is another does something else than was shown."""
    told = [change.stored() for change in changes if change.what != SAME]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def counts_of(changes: Iterable[Change]) -> dict[str, dict[str, int]]:
    """Return how many entries of each section are new, changed and the same."""
    counts: dict[str, dict[str, int]] = {}
    for change in changes:
        section = counts.setdefault(change.section, {NEW: 0, CHANGED: 0, SAME: 0})
        section[change.what] += 1
    return counts


def _file(line: str) -> str:
    return line.rpartition(":")[0]


def _change(plan: Plan[Any], draft: Draft[Any]) -> Change:
    what = NEW if draft.is_new else CHANGED if draft.changed or draft.touched else SAME
    return Change(
        line=str(draft.item.line),
        order=int(draft.item.line),
        section=plan.section.name,
        about=_about(draft),
        what=what,
        fields=tuple(_fields(draft)) if what != SAME else (),
    )


def _about(draft: Draft[Any]) -> str:
    """Return whom or what an entry is about: as the file names it where that was refused, empty where it names nobody."""
    row, values = draft.row, draft.values
    for name in ("user", "cohort"):
        if isinstance(values.get(name), Model):
            user = values[name]
            return str(getattr(user, "username", user))
        given = draft.item.value(name)
        if given is not None and given.written:
            return given.written[:150]
    return str(getattr(row, "username", "") or getattr(row, "slug", "") or ("" if row.pk is None else row))


def _fields(draft: Draft[Any]) -> Iterable[Field]:
    if draft.extras.get("password"):
        # Its hash is another each time.
        yield Field("password", "", _MASK)
    for name in sorted(draft.changed - _UNTOLD):
        after = draft.values.get(name)
        if not (draft.is_new and after in (None, "")):
            yield Field(name, "" if draft.is_new else _text(draft.before.get(name)), _text(after))
    if draft.touched and "cohorts" in draft.extras:
        after = ", ".join(sorted(cohort.slug for cohort in draft.extras["cohorts"]))
        yield Field("cohorts", ", ".join(map(str, draft.before.get("cohorts", ()))), after)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Model):
        return str(value)
    return str(value)
