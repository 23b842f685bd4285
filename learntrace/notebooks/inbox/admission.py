"""Decide which learner and which academy an event belongs to: pure functions, for a request and for a retry alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from learntrace.accounts.roles import UPLOAD_ANY
from learntrace.core.errors import Forbidden, Problem
from learntrace.core.http.filters import natural
from learntrace.intake.protocol import Caller
from learntrace.measures.clock import BEHIND, correction
from learntrace.notebooks.validation.event import CLOCK_CORRECTED, Row
from learntrace.notebooks.validation.rejections import (
    ERASED,
    OPTED_OUT,
    TELEMETRY_OF_ANOTHER,
    UNKNOWN_ACTOR,
    Rejection,
    excerpt,
)


class OptedOut(Forbidden):
    slug = "opted-out"
    text = _("Your events are not collected, as you have asked for")


class NotAMember(Forbidden):
    slug = "not-a-member"
    text = _("You (user: %(user)s) are not a member of academy %(academy)s")


class InvalidAcademy(Problem):
    slug = "invalid-academy-id"
    text = _("Academy ID needs to be an integer: %(value)s")


@dataclass(frozen=True, slots=True)
class Person:
    """A user, with the active academies in which the user is an active member, ascending."""

    id: int
    username: str
    academies: tuple[int, ...]
    collecting: bool = True
    erased_at: datetime | None = None
    former_names: tuple[str, ...] = ()

    def has_erased(self, occurred_at: datetime) -> bool:
        """Whether an event of that time arrives late from before the person's erasure.

        Times more than BEHIND before it don't count: they come from a clock that is far behind, whose events to come
        would all be lost.
        """
        return self.erased_at is not None and timedelta() <= self.erased_at - occurred_at <= BEHIND


@dataclass(frozen=True, slots=True)
class AdmissionFacts:
    """What the database says about the callers and learners of a group of requests.

    `collects_source`: the academies that collect source code. `tags` and `paths`: the academies that have published an
    assignment's tag, or a notebook at a path, who did it first first. `clocks`: the known errors of learners' clocks; those
    that events of the group show are added.
    """

    by_id: Mapping[int, Person]
    by_name: Mapping[str, Person]
    collects_source: frozenset[int] = frozenset()
    tags: Mapping[str, Sequence[int]] = field(default_factory=dict)
    paths: Mapping[str, Sequence[int]] = field(default_factory=dict)
    clocks: dict[int, list[timedelta]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender of a request; `academy`: the one that all of its events are for, if the request names one."""

    person: Person
    serves_others: bool = False
    # The academies for whose learners a service may send; None: all.
    serves: frozenset[int] | None = frozenset()
    academy: int | None = None


def sender_of(caller: Caller, named_academy: str, facts: AdmissionFacts) -> Sender:
    """Return the caller as a sender; `named_academy` is the header.

    Raises InvalidAcademy, NotAMember, OptedOut.
    """
    person = facts.by_id[caller.user_id]
    serves_others = UPLOAD_ANY in caller.permissions
    if not person.collecting and not serves_others:
        raise OptedOut
    hub_academy: int | None = caller.academy_id
    academy = hub_academy
    if named_academy:
        academy = natural(named_academy)
        if academy is None:
            raise InvalidAcademy(value=excerpt(named_academy))
        # A hub vouches for its own academy only; a service by grant serves all academies, and each learner is checked.
        homes = person.academies if hub_academy is None else (hub_academy,)
        if academy not in homes and not (serves_others and caller.serves is None):
            raise NotAMember(user=person.id, academy=excerpt(named_academy))
    return Sender(person, serves_others, caller.serves, academy)


def learner_of(row: Row, sender: Sender, facts: AdmissionFacts) -> Person:
    """Return the learner whose event it is.

    Raises Rejection: the actor doesn't exist, the sender may not send for the actor, or the learner has opted out. To a
    service of some academies, an actor that doesn't exist is as one of another academy, as in `write_scope.may_write`.
    """
    named = row["actor"]
    person = sender.person
    if named not in (None, "", person.username):
        if not sender.serves_others:
            raise Rejection(TELEMETRY_OF_ANOTHER, user=person.id, actor=excerpt(named))
        actor = facts.by_name.get(named) if isinstance(named, str) else None
        if sender.serves is not None and (actor is None or sender.serves.isdisjoint(actor.academies)):
            raise Rejection(TELEMETRY_OF_ANOTHER, user=person.id, actor=excerpt(named))
        if actor is None:
            raise Rejection(UNKNOWN_ACTOR, actor=excerpt(named))
        person = actor
    if not person.collecting:
        raise Rejection(OPTED_OUT)
    return person


def academy_of(row: Row, learner: Person, sender: Sender, facts: AdmissionFacts) -> int | None:
    """Return the academy that sees the event: the one that the request names; else, among the learner's own, the one
    that published the assignment or notebook first; else the learner's first.

    Raises Rejection where a service sends for a learner who isn't a member of the named academy, or doesn't serve it.
    """
    if sender.academy is not None:
        served = sender.serves is None or sender.academy in sender.serves
        if learner is not sender.person and not (served and sender.academy in learner.academies):
            raise Rejection(TELEMETRY_OF_ANOTHER, user=sender.person.id, actor=excerpt(learner.username))
        return sender.academy if sender.academy in learner.academies else None
    academies = learner.academies
    if learner is not sender.person and sender.serves is not None:
        academies = tuple(academy for academy in academies if academy in sender.serves)
    if len(academies) > 1:
        about = row["object"]
        for publishers in (facts.tags.get(about.get("assignment") or ""), facts.paths.get(about.get("notebook") or "")):
            for academy in publishers or ():
                if academy in academies:
                    return academy
    return academies[0] if academies else None


def complete_row(row: Row, sender: Sender, facts: AdmissionFacts) -> Row:
    """Return the row of a checked event, completed with its learner, academy and sender.

    Raises Rejection.
    """
    learner = learner_of(row, sender, facts)
    row, happened_at = _with_clock(row, learner, facts)
    if learner.has_erased(happened_at):
        raise Rejection(ERASED)
    academy = academy_of(row, learner, sender, facts)
    about = row["object"]
    if "code" in about and academy not in facts.collects_source:
        about = {name: value for name, value in about.items() if name != "code"}
    return {
        **row,
        "actor": learner.username,
        "user_id": learner.id,
        "academy_id": academy,
        "sender_id": sender.person.id,
        "object": about,
    }


def _with_clock(row: Row, learner: Person, facts: AdmissionFacts) -> tuple[Row, datetime]:
    """Return the row with the error of its clock, where that is to be corrected, and when it happened."""
    occurred_at = datetime.fromisoformat(row["occurred_at"])
    if "clock" not in row:
        return row, occurred_at
    measured, received_at = row["clock"]
    row = {name: value for name, value in row.items() if name != "clock"}
    known = facts.clocks.setdefault(learner.id, [])
    offset = correction(occurred_at, received_at, measured, known)
    if offset is None:
        return row, occurred_at
    # As the table keeps it.
    offset = timedelta(milliseconds=milliseconds(offset))
    if offset not in known:
        known.append(offset)
    corrected = {"clock_offset_ms": milliseconds(offset), "flags": [*row["flags"], CLOCK_CORRECTED]}
    return row | corrected, occurred_at - offset


def milliseconds(offset: timedelta) -> int:
    """Return the error of a clock as the tables keep it."""
    return offset // timedelta(milliseconds=1)
