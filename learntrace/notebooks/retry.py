"""Taking a rejected event after all: as it was sent, or as staff has corrected it."""

from collections.abc import Callable
from typing import Any

import msgspec
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import NOTEBOOK, settings_of
from learntrace.accounts.identity import academies_served_by, permissions_of
from learntrace.accounts.models import User
from learntrace.accounts.roles import UPLOAD_ANY
from learntrace.core.errors import Problem
from learntrace.core.wakeup import announce
from learntrace.notebooks import storing
from learntrace.notebooks.admission import Known, Person, Sending
from learntrace.notebooks.checking import Row
from learntrace.notebooks.context import PEOPLE, people_from
from learntrace.notebooks.features import COLLECT_SOURCE, is_on
from learntrace.notebooks.inbox import TOPIC, complete
from learntrace.notebooks.log import RejectedNotFound
from learntrace.notebooks.models import Event, RejectedEvent
from learntrace.notebooks.reading import read_event
from learntrace.notebooks.rejections import ID_TAKEN, Rejection


class CutEvent(Problem):
    slug = "event-cut"
    text = _("The event was too large to be kept whole. Send the corrected event as `event`")


class NobodysEvent(Problem):
    slug = "learner-gone"
    text = _("The learner whose event this was no longer exists. Send the corrected event as `event`, with its `actor`")


class StillRejected(Problem):
    """The event can't be taken this time either; the row stays as it is."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.text(), slug=rejection.code)
        self.rejection = rejection

    def sentence(self) -> str:
        return self.rejection.sentence()


def retry(row: RejectedEvent) -> Event:
    """Store an event as it was sent, on the terms that its sender has today, and forget that it was rejected.

    Raises CutEvent, StillRejected, RejectedNotFound where another was quicker.
    """
    if row.cut:
        raise CutEvent
    return _take(row, row.raw, lambda _checked: _senders_terms(row))


def retry_corrected(row: RejectedEvent, event: Any) -> Event:
    """Store what staff has made of an event in its place. Staff answers for the academy's learners, and for no others.

    Raises NobodysEvent, StillRejected, RejectedNotFound where another was quicker.
    """
    return _take(row, msgspec.json.encode(event), lambda checked: _staffs_terms(row, checked))


def _take(row: RejectedEvent, event: str | bytes, terms: Callable[[Row], Sending]) -> Event:
    try:
        # A clock was odd against the time when the event came, not against the time when somebody looks at it.
        checked = read_event(event, row.created_at)
        sending = terms(checked)
        stored = complete(checked, sending, _known(row, checked))
        # The academy was found when it was sent, and its staff has just looked at it there.
        stored |= {"sender_id": row.sender_id, "academy_id": row.academy_id or stored["academy_id"]}
        with transaction.atomic():
            _insert(stored)
            # After the event, as in the inbox, so that neither waits for the other. Of several who correct it at once,
            # whoever deletes it has taken it.
            if not RejectedEvent.objects.filter(pk=row.pk).delete()[0]:
                raise RejectedNotFound
            transaction.on_commit(lambda: announce(TOPIC))
    except Rejection as rejection:
        raise StillRejected(rejection) from rejection
    return Event.objects.select_related("user").get(pk=stored["id"])


def _senders_terms(row: RejectedEvent) -> Sending:
    serves_others = UPLOAD_ANY in permissions_of(row.sender)
    return Sending(_person(row.sender), serves_others, academies_served_by(row.sender), row.academy_id)


def _staffs_terms(row: RejectedEvent, checked: Row) -> Sending:
    # Who sent it may have been a program: its events aren't the program's own.
    if row.user is None and not checked["actor"]:
        raise NobodysEvent
    served = frozenset({row.academy_id} if row.academy_id else ())
    return Sending(_person(row.user or row.sender), True, served, row.academy_id)


def _person(user: User) -> Person:
    return _people([user.pk], [])[0]


def _people(ids: list[int], names: list[str]) -> list[Person]:
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE, [ids, names])
        return people_from(cursor.fetchall())


def _known(row: RejectedEvent, checked: Row) -> Known:
    actor = checked["actor"]
    people = _people([], [actor] if isinstance(actor, str) else [])
    collects = row.academy is not None and is_on(getattr(settings_of(row.academy), NOTEBOOK), COLLECT_SOURCE)
    return Known(
        {person.id: person for person in people},
        {person.username: person for person in people},
        frozenset({row.academy_id} if collects and row.academy_id else ()),
    )


def _insert(event: Row) -> None:
    with connection.cursor() as cursor:
        cursor.execute(storing.INSERT, [storing.parameter([event])])
        if cursor.fetchall():
            return
        cursor.execute(storing.OWNERS, [[event["id"]]])
        if dict(cursor.fetchall()).get(event["id"], event["user_id"]) != event["user_id"]:
            raise Rejection(ID_TAKEN, id=event["id"])
