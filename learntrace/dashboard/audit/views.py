"""The audit log of an academy, for its admins: who did what, when, from where, with the values before and after."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from rest_framework.request import Request

from learntrace.accounts.audit.actions import ROLE_CHANGED
from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.audit.queries import Told, action_choices, entries_of, told
from learntrace.core.errors import Problem
from learntrace.dashboard.audit.values import Names, field_words, names_in, value_words
from learntrace.dashboard.components.date_range import ANY_TIME, DateRange, date_range_of, with_times
from learntrace.dashboard.components.table import Columns, Paging, csv_answer, paged_rows, table_of, timed, wants_csv
from learntrace.dashboard.layout.page import AcademyPage, academy_page

MOST_IN_CSV: Final = 100_000
# Fields that only tie rows together; the CSV file and the API have them.
_NOT_SHOWN: Final = frozenset(("made_together",))
# The kinds of things that actions are about; rows of the administration have the names of their tables.
_OBJECTS: Final[Mapping[str, Promise]] = {
    "academy": _("academy"),
    "asset": _("asset"),
    "cohort": _("cohort"),
    "concern": _("concern"),
    "due date": _("due date"),
    "exclusion": _("exclusion"),
    "import of a roster": _("import of a roster"),
    "membership": _("membership"),
    "merge of users": _("merge of users"),
    "notification rule": _("notification rule"),
    "raised hand": _("raised hand"),
    "rejected event": _("rejected event"),
    "rename of a step": _("rename of a step"),
    "signal": _("signal"),
    "telemetry record": _("telemetry record"),
    "token": _("key"),
    "invitation": _("invitation"),
    "user": _("user"),
    "webhook": _("webhook"),
}


@dataclass(frozen=True)
class ChangeLine:
    """A field with its values as text; an empty text is no value. `is_new`: of an entry that has no values from before."""

    field: str
    before: str
    after: str
    is_new: bool


@dataclass(frozen=True)
class EntryLine:
    """An entry of the page; `learner_url` is the page of the person it is about, `erased` are the fields whose values were."""

    told: Told
    door: str | Promise
    object: str | Promise
    changes: Sequence[ChangeLine]
    learner_url: str
    erased: Sequence[str]


@dataclass(frozen=True)
class AuditLogContext:
    """The context of `audit/audit_log.html`."""

    lines: Sequence[EntryLine]
    actions: Sequence[tuple[str, str | Promise]]
    doors: Sequence[tuple[str, str | Promise]]
    filtered: bool
    problem: str = ""
    paging: Paging[AuditEntry] | None = None
    dates: DateRange = ANY_TIME


_COLUMNS: Columns[Told] = (
    (timed(_("Time")), lambda one: one.entry.at),
    (_("Action"), lambda one: one.entry.action),
    (_("What was done"), lambda one: one.title),
    (_("Who"), lambda one: one.actor.name),
    (_("Who: user id"), lambda one: one.entry.actor_id),
    (_("Through"), lambda one: one.entry.door),
    (_("Network address"), lambda one: one.address),
    (_("About"), lambda one: one.subject.name if one.subject else ""),
    (_("About: user id"), lambda one: one.entry.subject_id),
    (_("Object"), lambda one: one.entry.object_type),
    (_("Object id"), lambda one: one.entry.object_id),
    (_("Before"), lambda one: _document({change.field: change.before for change in one.changes})),
    (_("After"), lambda one: _document({change.field: change.after for change in one.changes})),
)


@require_safe
@academy_page("read_audit_log")
def audit_log(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show who did what at the academy, the newest first, filtered by the query string."""
    names = ("actor", "subject", "action", "door", "range", "since", "until")
    filtered = any(request.GET.get(name, "").strip() for name in names)
    choices = action_choices()
    try:
        dates = date_range_of(request)
        with_times(request, dates)
        rows = entries_of(page.academy, Request(request))
    except Problem as problem:
        refused = AuditLogContext((), choices, AuditEntry.Door.choices, filtered, problem.told())
        return page.show("audit/audit_log.html", refused, problem.status_code)
    if wants_csv(request):
        return csv_answer("audit-log", *table_of(_COLUMNS, told(rows[:MOST_IN_CSV])))
    paging = paged_rows(rows, request)
    entries = told(paging.rows)
    named = names_in(page.academy, entries)
    context = AuditLogContext(
        lines=[_line(page, one, named) for one in entries],
        actions=choices,
        doors=AuditEntry.Door.choices,
        filtered=filtered,
        paging=paging,
        dates=dates,
    )
    return page.show("audit/audit_log.html", context)


def _line(page: AcademyPage, one: Told, names: Names) -> EntryLine:
    subject = one.subject
    return EntryLine(
        one,
        door=AuditEntry.Door(one.entry.door).label,
        object=_OBJECTS.get(one.entry.object_type, one.entry.object_type),
        changes=_changes(one, names),
        learner_url=page.address("learners-one", subject.id) if subject is not None and subject.name else "",
        erased=[field_words(name, names) for name in one.entry.fields] if one.intact is None else (),
    )


def _changes(one: Told, names: Names) -> list[ChangeLine]:
    """Return the fields whose values differ in words."""
    is_new = all(change.before is None for change in one.changes)
    lines = []
    for change in one.changes:
        before, after = (_value(one, change.field, value, names) for value in (change.before, change.after))
        # Values may differ behind what a line has room for.
        differs = before != after or (before and change.before != change.after)
        if differs and change.field not in _NOT_SHOWN:
            lines.append(ChangeLine(field_words(change.field, names), before, after, is_new=is_new))
    return lines


def _value(one: Told, name: str, value: object, names: Names) -> str:
    # A role without a list of cohorts isn't limited to any; one with an empty list sees nobody.
    if one.entry.action == ROLE_CHANGED.slug and name == "cohorts" and not value:
        return gettext("the whole academy") if value is None else gettext("nobody")
    return value_words(name, value, names)


def _document(values: dict[str, object]) -> str:
    told_values = {name: value for name, value in values.items() if value is not None}
    return json.dumps(told_values, ensure_ascii=False) if told_values else ""
