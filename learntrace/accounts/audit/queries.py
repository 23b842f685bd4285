"""What an academy's admins read of the audit log: filtered by person, action, object and time, with the names of today."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from rest_framework.request import Request

from learntrace.accounts.audit.actions import ACTIONS, OF_MEMBERS
from learntrace.accounts.audit.models import AuditEntry, AuditValues
from learntrace.accounts.audit.recording import digest_of
from learntrace.accounts.filters import learners, moment, one_of
from learntrace.accounts.models import Academy, Membership, User
from learntrace.core.http.filters import ids, words

FILTERS: Final[Mapping[str, str]] = {
    "actor": "who did it: one or more ids or names of users, comma-separated",
    "subject": "whom it is about: one or more ids or names of users, comma-separated",
    "action": "one or more actions, comma-separated",
    "door": "one or more of page, api, command, administration, comma-separated",
    "object_type": "the kind of thing, such as signal",
    "object_id": "one or more ids of things, comma-separated",
    "since": "from this time on, ISO 8601",
    "until": "up to this time, ISO 8601",
}
_OF_MEMBERS: Final = tuple(action.slug for action in OF_MEMBERS)
_SLUGS: Final = tuple(action.slug for action in ACTIONS)
_TITLES: Final = {action.slug: action.title for action in ACTIONS}


@dataclass(frozen=True)
class Person:
    """Somebody whom an entry names; the name is empty where nobody knows it any more."""

    id: int | None
    name: str


@dataclass(frozen=True)
class Change:
    """A field with its values before and after, None where there is none or where it was erased."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Told:
    """An entry as it is shown. `intact`: whether its digest fits; None where values were erased."""

    entry: AuditEntry
    title: str | Promise
    actor: Person
    subject: Person | None
    address: str
    changes: Sequence[Change]
    intact: bool | None


def entries_of(academy: Academy, request: Request) -> QuerySet[AuditEntry]:
    """Return the academy's entries that the query string leaves, the newest first.

    Raises Problem (400, invalid-filter).
    """
    members = Membership.objects.filter(academy=academy).values("user")
    rows = AuditEntry.objects.filter(
        Q(academy_id=academy.pk) | Q(academy_id=None, action__in=_OF_MEMBERS, subject_id__in=members)
    )
    for name in ("actor", "subject"):
        if words(request, name):
            rows = rows.filter(**{f"{name}_id__in": learners(request, academy, name)})
    if actions := one_of(request, "action", _SLUGS):
        rows = rows.filter(action__in=actions)
    if doors := one_of(request, "door", tuple(AuditEntry.Door.values)):
        rows = rows.filter(door__in=doors)
    if kind := request.query_params.get("object_type", "").strip():
        rows = rows.filter(object_type=kind)
    if numbers := ids(request, "object_id"):
        rows = rows.filter(object_id__in=numbers)
    if since := moment(request, "since"):
        rows = rows.filter(at__gte=since)
    if until := moment(request, "until"):
        rows = rows.filter(at__lte=until)
    return rows.select_related("values").order_by("-id")


def told(entries: Iterable[AuditEntry]) -> list[Told]:
    """Return entries as they are shown; one query for the names."""
    rows = list(entries)
    wanted = {pk for entry in rows for pk in (entry.actor_id, entry.subject_id) if pk is not None}
    people = {user.pk: user for user in User.objects.filter(pk__in=wanted)}
    return [_told(entry, people) for entry in rows]


def _told(entry: AuditEntry, people: Mapping[int, User]) -> Told:
    values = getattr(entry, "values", None) or AuditValues(entry=entry)
    before, after = values.before or {}, values.after or {}
    return Told(
        entry=entry,
        title=_TITLES.get(entry.action, entry.action),
        actor=_person(entry.actor_id, people, values.actor_name or ""),
        subject=None if entry.subject_id is None else _person(entry.subject_id, people, ""),
        address=values.address or "",
        changes=[Change(name, before.get(name), after.get(name)) for name in entry.fields],
        intact=None if values.salt is None else digest_of(entry, values) == entry.digest,
    )


def _person(pk: int | None, people: Mapping[int, User], otherwise: str) -> Person:
    known = None if pk is None else people.get(pk)
    return Person(pk, known.display_name if known else otherwise)


def action_choices() -> list[tuple[str, str | Promise]]:
    """Return the actions with their titles, in the order of the list."""
    return [(action.slug, action.title) for action in ACTIONS]
