"""Retry a rejected event: as it was sent, or as staff has corrected it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import NOTEBOOK, settings_of
from learntrace.accounts.audit.actions import REJECTED_EVENT_RETRIED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.cohort_limits.limit import within
from learntrace.accounts.models import Academy, User
from learntrace.accounts.permissions import academies_served_by, permissions_of
from learntrace.accounts.roles import UPLOAD_ANY
from learntrace.core.errors import Problem
from learntrace.core.sql import fetch, json_rows
from learntrace.core.wakeup import announce
from learntrace.notebooks.event_queries import RejectedNotFound
from learntrace.notebooks.features import COLLECT_SOURCE, is_on
from learntrace.notebooks.inbox.admission import AdmissionFacts, Person, Sender, complete_row
from learntrace.notebooks.inbox.admission_queries import PEOPLE, by_name, people_from
from learntrace.notebooks.inbox.batch_parser import parse_event
from learntrace.notebooks.inbox.event_store import INSERT_EVENTS, OWNERS
from learntrace.notebooks.inbox.source import TOPIC
from learntrace.notebooks.models import Event, RejectedEvent
from learntrace.notebooks.validation.event import Clock, Row
from learntrace.notebooks.validation.rejections import ID_TAKEN, TELEMETRY_OF_ANOTHER, Rejection, excerpt


class CutEvent(Problem):
    slug = "event-cut"
    text = _("The event was too large to be kept whole. Send the corrected event as `event`")


class NobodysEvent(Problem):
    slug = "learner-gone"
    text = _("The learner whose event this was no longer exists. Send the corrected event as `event`, with its `actor`")


class StillRejected(Problem):
    """The event is rejected again; its row stays as it is."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.text(), slug=rejection.code)
        self.rejection = rejection

    def sentence(self) -> str:
        return self.rejection.sentence()


def retry(row: RejectedEvent) -> Event:
    """Store an event as it was sent, with the rights that its sender has now, and delete the rejected one.

    Raises CutEvent, StillRejected; RejectedNotFound where somebody else was faster.
    """
    if row.cut:
        raise CutEvent
    return _store(row, row.raw, lambda _checked: _sender(row))


def retry_corrected(academy: Academy, row: RejectedEvent, event: Any) -> Event:
    """Store an event as staff has corrected it. Staff may send for the academy's learners whom it sees, and for no others.

    Raises NobodysEvent, StillRejected; RejectedNotFound where somebody else was faster.
    """
    return _store(row, msgspec.json.encode(event), lambda checked: _staff_as_sender(row, checked), academy)


def _store(
    row: RejectedEvent, event: str | bytes, sender_of: Callable[[Row], Sender], academy: Academy | None = None
) -> Event:
    try:
        # The event's clock is compared with the time when it was received, not with now.
        ahead = None if row.clock_offset_ms is None else timedelta(milliseconds=row.clock_offset_ms)
        checked = parse_event(event, row.created_at, Clock(ahead))
        sender = sender_of(checked)
        stored = complete_row(checked, sender, _facts(row, checked))
        if academy is not None and stored["user_id"] not in (within(academy, [stored["user_id"]]) or ()):
            raise Rejection(TELEMETRY_OF_ANOTHER, user=sender.person.id, actor=excerpt(checked["actor"]))
        # The academy was decided when the event was sent, and its staff sees the rejected event there.
        stored |= {"sender_id": row.sender_id, "academy_id": row.academy_id or stored["academy_id"]}
        with transaction.atomic():
            _insert(stored)
            # After the event, as in the inbox, so that the two can't deadlock. Of several who correct it at the same time,
            # the one who deletes the row has stored the event.
            if not RejectedEvent.objects.filter(pk=row.pk).delete()[0]:
                raise RejectedNotFound
            record(
                REJECTED_EVENT_RETRIED,
                academy_id=row.academy_id,
                object_id=row.pk,
                subject_id=stored["user_id"],
                before={"rejected": row.code},
                after={"event": stored["id"]},
            )
            transaction.on_commit(lambda: announce(TOPIC))
    except Rejection as rejection:
        raise StillRejected(rejection) from rejection
    return Event.objects.select_related("user").get(pk=stored["id"])


def _sender(row: RejectedEvent) -> Sender:
    serves_others = UPLOAD_ANY in permissions_of(row.sender)
    return Sender(_person(row.sender), serves_others, academies_served_by(row.sender), row.academy_id)


def _staff_as_sender(row: RejectedEvent, checked: Row) -> Sender:
    # The sender may have been a program, whose events are never its own.
    if row.user is None and not checked["actor"]:
        raise NobodysEvent
    served = frozenset({row.academy_id} if row.academy_id else ())
    return Sender(_person(row.user or row.sender), True, served, row.academy_id)


def _person(user: User) -> Person:
    return _people([user.pk], [])[0]


def _people(ids: list[int], names: list[str]) -> list[Person]:
    return people_from(fetch(PEOPLE, {"ids": ids, "names": names}))


def _facts(row: RejectedEvent, checked: Row) -> AdmissionFacts:
    actor = checked["actor"]
    people = _people([], [actor] if isinstance(actor, str) else [])
    collects = row.academy is not None and is_on(getattr(settings_of(row.academy), NOTEBOOK), COLLECT_SOURCE)
    return AdmissionFacts(
        {person.id: person for person in people},
        by_name(people),
        frozenset({row.academy_id} if collects and row.academy_id else ()),
    )


def _insert(event: Row) -> None:
    if fetch(INSERT_EVENTS, [json_rows([event])]):
        return
    owners: dict[str, int | None] = dict(fetch(OWNERS, [[event["id"]]]))
    if owners.get(event["id"], event["user_id"]) != event["user_id"]:
        raise Rejection(ID_TAKEN, id=event["id"])
