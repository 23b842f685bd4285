"""The audit log of an academy, for its admins: who did what, when, from where, with the values before and after."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from rest_framework.request import Request

from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.audit.queries import Told, action_choices, entries_of, told
from learntrace.accounts.models import Membership, Token
from learntrace.accounts.tokens.scopes import TokenScope
from learntrace.core.errors import Problem
from learntrace.core.labels import LABELS
from learntrace.dashboard.components.date_range import ANY_TIME, DateRange, date_range_of, with_times
from learntrace.dashboard.components.labels import language_name
from learntrace.dashboard.components.table import Columns, Paging, csv_answer, paged_rows, table_of, timed, wants_csv
from learntrace.dashboard.layout.page import AcademyPage, academy_page
from learntrace.dashboard.people.words import ROLES
from learntrace.dashboard.settings.catalogue import SETTINGS

MOST_IN_CSV: Final = 100_000
# Characters of a value on the page; the CSV file and the API have all of it.
_MOST_SHOWN: Final = 300
# The kinds of things that actions are about; rows of the administration have the names of their tables.
_OBJECTS: Final[Mapping[str, Promise]] = {
    "academy": _("academy"),
    "asset": _("asset"),
    "concern": _("concern"),
    "exclusion": _("exclusion"),
    "membership": _("membership"),
    "merge of users": _("merge of users"),
    "notification rule": _("notification rule"),
    "rejected event": _("rejected event"),
    "rename of a step": _("rename of a step"),
    "signal": _("signal"),
    "telemetry record": _("telemetry record"),
    "token": _("key"),
    "invitation": _("invitation"),
    "user": _("user"),
    "webhook": _("webhook"),
}
# What fields are called that are no column of a table, and those of which the column's name says too little.
_FIELDS: Final[Mapping[str, Promise]] = {
    "academies": _("academies"),
    "assignments": _("assignments"),
    "cohort_learners": _("learners of cohorts"),
    "created": pgettext_lazy("rows", "created"),
    "memberships": _("members"),
    "of": _("what was read"),
    "rules": _("rules"),
    "scope": _("allows"),
    "tasks": _("tasks"),
    "tokens": _("keys"),
    "unchanged": pgettext_lazy("rows", "unchanged"),
    "updated": pgettext_lazy("rows", "changed"),
}
# Settings are called as on their page.
_SETTINGS: Final = {f"{setting.group}.{setting.feature}": setting.title for setting in SETTINGS.values()}
# What an import of a roster calls the role and the cohorts of a member (`accounts.roster.recording`).
_OF_ROLE: Final = re.compile(r"role of user (?P<id>\d+)")
_OF_COHORTS: Final = re.compile(r"cohorts of user (?P<id>\d+)")
# The values that have words, by field.
_VALUES: Final[Mapping[str, Mapping[str, str | Promise]]] = {
    "kind": dict(Token.Kind.choices),
    "role": ROLES,
    "scope": dict(TokenScope.choices),
    "status": dict(Membership.Status.choices),
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
    """An entry of the page; `learner_url` is the page of the person it is about, `erased` says that values were."""

    told: Told
    door: str | Promise
    object: str | Promise
    changes: Sequence[ChangeLine]
    learner_url: str
    erased: bool


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
    (_("User id"), lambda one: one.entry.actor_id),
    (_("Through"), lambda one: one.entry.door),
    (_("Network address"), lambda one: one.address),
    (_("About"), lambda one: one.subject.name if one.subject else ""),
    (_("User id"), lambda one: one.entry.subject_id),
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
        refused = AuditLogContext((), choices, AuditEntry.Door.choices, filtered, problem.sentence())
        return page.show("audit/audit_log.html", refused, problem.status_code)
    if wants_csv(request):
        return csv_answer("audit-log", *table_of(_COLUMNS, told(rows[:MOST_IN_CSV])))
    paging = paged_rows(rows, request)
    context = AuditLogContext(
        lines=[_line(page, one) for one in told(paging.rows)],
        actions=choices,
        doors=AuditEntry.Door.choices,
        filtered=filtered,
        paging=paging,
        dates=dates,
    )
    return page.show("audit/audit_log.html", context)


def _line(page: AcademyPage, one: Told) -> EntryLine:
    subject = one.subject
    return EntryLine(
        one,
        door=AuditEntry.Door(one.entry.door).label,
        object=_OBJECTS.get(one.entry.object_type, one.entry.object_type),
        changes=_changes(one),
        learner_url=page.address("learners-one", subject.id) if subject is not None and subject.name else "",
        erased=one.intact is None,
    )


def _changes(one: Told) -> list[ChangeLine]:
    is_new = all(change.before is None for change in one.changes)
    return [
        ChangeLine(
            _field(change.field), _short(change.field, change.before), _short(change.field, change.after), is_new=is_new
        )
        for change in one.changes
    ]


def _field(name: str) -> str:
    """Return what a field is called where that has a word, else its name."""
    if name in _FIELDS:
        return str(_FIELDS[name])
    if of_role := _OF_ROLE.fullmatch(name):
        return gettext("role of user %(id)s") % {"id": of_role["id"]}
    if of_cohorts := _OF_COHORTS.fullmatch(name):
        return gettext("cohorts of user %(id)s") % {"id": of_cohorts["id"]}
    if name in _SETTINGS:
        return str(_SETTINGS[name])
    words = name.replace("_", " ")
    return gettext(words) if words in LABELS else name


def _short(field: str, value: object) -> str:
    if field == "lang" and isinstance(value, str):
        text = language_name(value)
    elif _OF_ROLE.fullmatch(field) and isinstance(value, str):
        text = _role_words(value)
    else:
        text = str(_VALUES.get(field, {}).get(str(value), "")) or _words(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _role_words(value: str) -> str:
    """Return a role with its status as an import records it, such as `admin (ACTIVE)`, in words."""
    role, _blank, status = value.partition(" ")
    return f"{ROLES.get(role, role)} ({_VALUES['status'].get(status.strip('()'), status)})"


def _words(value: object) -> str:
    """Return a value of a document as people write it: a list with commas, fields with colons, truth in words."""
    match value:
        case None:
            return ""
        case bool():
            return gettext("yes") if value else gettext("no")
        case list():
            return ("; " if any(isinstance(one, list | dict) for one in value) else ", ").join(map(_words, value))
        case dict():
            return "; ".join(f"{_field(str(name))}: {_words(one)}" for name, one in value.items())
        case _:
            return str(value)


def _document(values: dict[str, object]) -> str:
    told_values = {name: value for name, value in values.items() if value is not None}
    return json.dumps(told_values, ensure_ascii=False) if told_values else ""
