"""Undo an import: take back exactly what it has written, where nothing else has changed it since."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from django.apps import apps
from django.db import models

from learntrace.accounts.models import Academy, Membership, User
from learntrace.accounts.people.former_address import tell_former_address
from learntrace.accounts.people.reach import acts_beyond
from learntrace.accounts.roster.plan import Draft, Plan
from learntrace.accounts.roster.reasons import Reason as _
from learntrace.accounts.roster.reasons import stored
from learntrace.accounts.roster.references import chunks
from learntrace.core.progress_line import ProgressLine

# Columns that tell nothing about whether somebody has changed a row, or that are nobody's business.
_NOT_COMPARED: Final = frozenset({"id", "password", "created_at", "updated_at", "date_joined"})
_COHORTS: Final = "cohorts"


def written_by(plans: Sequence[Plan[Any]]) -> dict[str, Any]:
    """Return what an import has written, by table: the new rows, and the columns of others before and after, as JSON."""
    told: dict[str, Any] = {}
    for plan in plans:
        made, changed = [], []
        for draft in plan.drafts:
            if draft.is_new:
                made.append([draft.row.pk, str(draft.item.line), _about(draft), _columns(draft.row)])
            elif draft.changed or draft.touched:
                changed.append([draft.row.pk, str(draft.item.line), _about(draft), _before(draft), _after(draft)])
        if made or changed:
            told[plan.section.model._meta.label] = {"made": made, "changed": changed}
    return told


def undo(told: Mapping[str, Any], academy: Academy) -> list[dict[str, Any]]:
    """Take back what an academy's import has written, in the open transaction.

    Returns what stays as it is, each with its line and the reason.
    """
    taking = _Taking(academy)
    labels = list(told)
    for label in labels:
        taking.check(apps.get_model(label), told[label])
    taking.keep_what_is_referred_to()
    for label in reversed(labels):
        taking.carry_out(apps.get_model(label), told[label])
    return taking.left


@dataclass
class _Taking:
    """What can be taken back: rows to delete by table, each with its line, whom it is about and that user's id."""

    academy: Academy
    gone: dict[type[models.Model], dict[int, tuple[str, str, int | None]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    staying: set[int] = field(default_factory=set)
    left: list[dict[str, Any]] = field(default_factory=list)

    def check(self, model: type[models.Model], told: Mapping[str, Any]) -> None:
        """Note which of the new rows are as they were made."""
        stored = _rows(model, [row[0] for row in told["made"]])
        for pk, line, about, columns in told["made"]:
            row = stored.get(pk)
            if row is None:
                continue  # gone already
            if any(columns.get(name) != value for name, value in _columns(row).items()):
                self._stay(row, line, about, _("was changed since"))
            elif isinstance(row, User) and row.last_login is not None:
                self._stay(row, line, about, _("has signed in since"))
            else:
                self.gone[model][pk] = line, about, columns.get("user")

    def _stay(self, row: models.Model, line: str, about: str, reason: str) -> None:
        if isinstance(row, User):
            self.staying.add(row.pk)
        self._leave(line, about, reason)

    def keep_what_is_referred_to(self) -> None:
        """Keep the rows to which something refers that stays; whoever stays keeps the role and the cohorts too."""
        kept = True
        while kept:
            kept = False
            for model, rows in self.gone.items():
                for pk in [pk for pk, (_line, _about, user) in rows.items() if user in self.staying]:
                    del rows[pk]
                for pk in _referred_to(model, rows, self.gone):
                    line, about, _user = rows.pop(pk)
                    self._leave(line, about, _("is in use since: something was stored about it"))
                    if model is User:
                        self.staying.add(pk)
                    kept = True

    def carry_out(self, model: type[models.Model], told: Mapping[str, Any]) -> None:
        """Delete what was made, and give changed columns their former values."""
        pks = list(self.gone.get(model, ()))
        progress = ProgressLine(model._meta.label, len(pks) + len(told["changed"]), for_people=True)
        for chunk in chunks(pks):
            queryset = model._default_manager.filter(pk__in=chunk)
            if model is Membership:
                Membership.cohorts.through.objects.filter(membership__in=chunk).delete()
            # Nothing refers to them, which the database checks once more.
            queryset._raw_delete(queryset.db)
            progress.advance(len(chunk))
        stored = _rows(model, [row[0] for row in told["changed"]])
        for pk, line, about, before, after in told["changed"]:
            if pk in stored:
                self._give_back(stored[pk], line, about, before, after)
            progress.advance()

    def _give_back(
        self, row: models.Model, line: str, about: str, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> None:
        now = _columns(row)
        if isinstance(row, Membership):
            now[_COHORTS] = sorted(row.cohorts.values_list("pk", flat=True))
        if isinstance(row, User) and acts_beyond(row, self.academy):
            # An import could not change them any more; nor can what it has changed be taken back.
            self._leave(line, about, _("has had a role outside this academy since: only they can change this"))
            return
        changed_since = [name for name in after if name in now and now[name] != after[name]]
        if changed_since:
            text = _("was changed since: %(columns)s")
            self._leave(line, about, text % {"columns": ", ".join(changed_since)})
        back = {name: value for name, value in before.items() if name not in changed_since and name != _COHORTS}
        for name, value in back.items():
            column = row._meta.get_field(name)
            assert isinstance(column, models.Field)  # noqa: S101 (imports write columns only)
            setattr(row, column.attname, column.to_python(value) if value is not None else None)
        if back:
            row.save(update_fields=list(back))
        if isinstance(row, User) and "email" in back:
            tell_former_address(row, now["email"], self.academy)
        if isinstance(row, Membership) and _COHORTS in before and _COHORTS not in changed_since:
            row.cohorts.set(before[_COHORTS])

    def _leave(self, line: str, about: str, reason: str) -> None:
        self.left.append({"line": line, "about": about, "reason": stored(reason)})


def _referred_to(
    model: type[models.Model], rows: Mapping[int, object], gone: Mapping[type[models.Model], Mapping[int, object]]
) -> set[int]:
    """Return those of the rows to which a row refers that isn't deleted with them."""
    found: set[int] = set()
    for relation in model._meta.related_objects:
        other = relation.related_model
        if isinstance(other, str) or not other._meta.managed or not relation.field.concrete:
            continue
        name = relation.field.name
        if relation.many_to_many:
            # The rows of the table between the two refer to it.
            field: Any = relation.field
            name, other = field.m2m_reverse_field_name(), field.remote_field.through
        elif (relation.field.name, other._meta.label) in _NO_USE:
            continue
        for chunk in chunks(rows):
            pairs = other._default_manager.filter(**{f"{name}__in": chunk}).order_by()
            for pk, referred in pairs.values_list("pk", f"{name}_id"):
                if pk not in gone.get(other, ()):
                    found.add(referred)
    return found


# What refers to a row without anybody having used it.
_NO_USE: Final = frozenset({("user", "accounts.SignInSession")})


def _rows(model: type[models.Model], pks: Iterable[int]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for chunk in chunks(pks):
        found |= model._default_manager.in_bulk(chunk)
    return found


def _columns(row: models.Model) -> dict[str, Any]:
    return {
        column.name: _plain(getattr(row, column.attname))
        for column in row._meta.concrete_fields
        if column.name not in _NOT_COMPARED and column.name not in ("last_login",)
    }


def _before(draft: Draft[Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in draft.before.items() if name not in _NOT_COMPARED}


def _after(draft: Draft[Any]) -> dict[str, Any]:
    after = {name: _columns(draft.row)[name] for name in draft.changed if name not in _NOT_COMPARED}
    if draft.touched and _COHORTS in draft.extras:
        after[_COHORTS] = sorted(cohort.pk for cohort in draft.extras[_COHORTS])
    return after


def _about(draft: Draft[Any]) -> str:
    user = getattr(draft.row, "user", draft.row)
    return str(getattr(user, "username", "") or getattr(draft.row, "slug", "") or draft.row)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
