"""The history of a cohort in sentences: who changed it, when, and what it was before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from learntrace.accounts.audit.actions import (
    COHORT_LEARNERS_CHANGED,
    COHORT_LIMIT_CHANGED,
    DUE_DATE_CHANGED,
    EXTENSION_CHANGED,
    ROLE_CHANGED,
)
from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.audit.queries import Told, told
from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Academy, Cohort, User
from learntrace.assignments.due_dates.models import DueDate
from learntrace.dashboard.templatetags.pages import day_year
from learntrace.registry.models import Asset

_FIELDS: Final[Mapping[str, str | Promise]] = {
    "name": gettext_lazy("Name"),
    "slug": gettext_lazy("Short name"),
    "starts_on": gettext_lazy("First day"),
    "ends_on": gettext_lazy("Last day"),
    "archived": pgettext_lazy("cohort", "Archived"),
    "due_at": gettext_lazy("Due"),
    "reason": gettext_lazy("Reason"),
}
_PUT_IN, _TAKEN_OUT = "put in", "taken out"
_MOST_NAMES: Final = 10


@dataclass(frozen=True)
class HistoryLine:
    """A change: when, by whom (empty: nobody knows), what was done and to what, and the values before and after."""

    at: datetime
    who: str
    title: str | Promise
    about: str
    changes: Sequence[tuple[str | Promise, str, str]]


@dataclass(frozen=True)
class _Names:
    """What ids in entries stand for today."""

    people: Mapping[int, str]
    assets: Mapping[int, str]
    asset_of_due_date: Mapping[int, int]


def lines_of(academy: Academy, cohort: Cohort, entries: Iterable[AuditEntry]) -> list[HistoryLine]:
    """Return entries about a cohort as lines; five queries. Names are told of people whom the member of the academy sees."""
    rows = told(entries)
    names = _names(academy, rows)
    return [_line(cohort, row, names) for row in rows]


def _names(academy: Academy, rows: Sequence[Told]) -> _Names:
    people = {
        pk for row in rows for change in row.changes for pk in _learners(change.field, change.before, change.after)
    }
    of_due_dates = {
        row.entry.object_id
        for row in rows
        if row.entry.action in (DUE_DATE_CHANGED.slug, EXTENSION_CHANGED.slug) and row.entry.object_id is not None
    }
    asset_of = dict(DueDate.objects.filter(pk__in=of_due_dates).values_list("pk", "asset_id"))
    # An ended due date names its asset in the audit log only.
    ended = AuditEntry.objects.filter(action=DUE_DATE_CHANGED.slug, object_id__in=of_due_dates - asset_of.keys())
    for before, after, number in ended.values_list("values__before__asset", "values__after__asset", "object_id"):
        if isinstance(asset := before or after, int) and number is not None:
            asset_of[number] = asset
    return _Names(
        {user.pk: user.display_name for user in User.objects.filter(seen(academy, "pk"), pk__in=people)},
        {row.pk: row.title or row.slug for row in Asset.objects.filter(pk__in=asset_of.values())},
        asset_of,
    )


def _learners(field: str, *values: object) -> list[int]:
    if field not in (_PUT_IN, _TAKEN_OUT):
        return []
    return [pk for value in values if isinstance(value, list) for pk in value if isinstance(pk, int)]


def _line(cohort: Cohort, row: Told, names: _Names) -> HistoryLine:
    title, about = row.title, ""
    by_field = {change.field: change for change in row.changes}
    changes = [
        (title, _value(field, by_field[field].before), _value(field, by_field[field].after))
        for field, title in _FIELDS.items()
        if field in by_field
    ]
    match row.entry.action:
        case COHORT_LEARNERS_CHANGED.slug:
            about = _people(row, names)
        case COHORT_LIMIT_CHANGED.slug | ROLE_CHANGED.slug:
            title, about, changes = _limit(cohort, row), row.subject.name if row.subject else "", []
        case DUE_DATE_CHANGED.slug | EXTENSION_CHANGED.slug:
            asset = names.assets.get(names.asset_of_due_date.get(row.entry.object_id or 0, 0), "")
            about = ", ".join(text for text in (asset, row.subject.name if row.subject else "") if text)
    return HistoryLine(row.entry.at, row.actor.name, title, about, changes)


def _people(row: Told, names: _Names) -> str:
    """Return who was put in or taken out; of many the first ones."""
    parts = []
    for change in row.changes:
        ids = _learners(change.field, change.before, change.after)
        shown = ", ".join(names.people.get(pk, _("somebody else")) for pk in ids[:_MOST_NAMES])
        if len(ids) > _MOST_NAMES:
            shown = _("%(names)s and %(count)s more") % {"names": shown, "count": len(ids) - _MOST_NAMES}
        if ids:
            text = _("added: %(names)s") if change.field == _PUT_IN else _("removed: %(names)s")
            parts.append(text % {"names": shown})
    return "; ".join(parts)


def _limit(cohort: Cohort, row: Told) -> str:
    after = next((change.after for change in row.changes if change.field == "cohorts"), None)
    if isinstance(after, list) and cohort.pk in after:
        return _("Limited to this cohort")
    return _("No longer limited to this cohort")


def _value(field: str, value: Any) -> str:
    if field == "archived":
        return _("yes") if value else _("no")
    if not isinstance(value, str) or not value:
        return ""
    if field == "due_at" and (moment := parse_datetime(value)) is not None:
        return f"{day_year(moment)}, {timezone.localtime(moment):%H:%M}"
    if field in ("starts_on", "ends_on") and (day := parse_date(value)) is not None:
        return day_year(day)
    return value
