"""Whose an event is, and which academy's: decided on plain values, for a request and for a retry alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from learntrace.accounts.roles import UPLOAD_ANY
from learntrace.core.errors import Forbidden, Problem
from learntrace.core.filters import natural
from learntrace.intake.submissions import Caller
from learntrace.notebooks.checking import BEHIND, Row
from learntrace.notebooks.rejections import OPTED_OUT, TELEMETRY_OF_ANOTHER, UNKNOWN_ACTOR, Rejection, shown


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
    """A user, with the active academies that the user is an active member of, ascending."""

    id: int
    username: str
    academies: tuple[int, ...]
    collecting: bool = True
    erased_at: datetime | None = None

    def has_erased(self, occurred_at: datetime) -> bool:
        """Whether an event of that moment is among what the person had erased, though it comes after that.

        A clock that is far behind tells nothing about when something happened, and would lose all that is still to come.
        """
        return self.erased_at is not None and timedelta() <= self.erased_at - occurred_at <= BEHIND


@dataclass(frozen=True, slots=True)
class Known:
    """What the database says about a group of requests.

    `tags` and `paths`: the academies that have published an assignment's tag, or a notebook at a path.
    """

    by_id: Mapping[int, Person]
    by_name: Mapping[str, Person]
    collects_source: frozenset[int] = frozenset()
    tags: Mapping[str, frozenset[int]] = field(default_factory=dict)
    paths: Mapping[str, frozenset[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sending:
    """Who sends a request; `academy` is the one that all of its events are for, if that is given."""

    person: Person
    serves_others: bool = False
    # The academies for whose learners a service may send; None: everywhere.
    serves: frozenset[int] | None = frozenset()
    academy: int | None = None


def sending_of(caller: Caller, named_academy: str, known: Known) -> Sending:
    """The terms on which a caller sends; `named_academy` is the header.

    Raises InvalidAcademy, NotAMember, OptedOut.
    """
    person = known.by_id[caller.user_id]
    serves_others = UPLOAD_ANY in caller.permissions
    if not person.collecting and not serves_others:
        raise OptedOut
    hub_academy: int | None = caller.academy_id
    academy = hub_academy
    if named_academy:
        academy = natural(named_academy)
        if academy is None:
            raise InvalidAcademy(value=shown(named_academy))
        # A hub's word counts in the hub's academy; a service by grant serves all, and each learner is looked at.
        homes = person.academies if hub_academy is None else (hub_academy,)
        if academy not in homes and not (serves_others and caller.serves is None):
            raise NotAMember(user=person.id, academy=shown(named_academy))
    return Sending(person, serves_others, caller.serves, academy)


def learner_of(row: Row, sending: Sending, known: Known) -> Person:
    """Whose event it is.

    Raises Rejection: an actor that nobody is, that the sender may not speak for, or who doesn't want it.
    """
    named = row["actor"]
    person = sending.person
    if named not in (None, "", person.username):
        if not sending.serves_others:
            raise Rejection(TELEMETRY_OF_ANOTHER, user=person.id, actor=shown(named))
        found = known.by_name.get(named) if isinstance(named, str) else None
        if found is None:
            raise Rejection(UNKNOWN_ACTOR, actor=shown(named))
        if sending.serves is not None and sending.serves.isdisjoint(found.academies):
            raise Rejection(TELEMETRY_OF_ANOTHER, user=person.id, actor=shown(named))
        person = found
    if not person.collecting:
        raise Rejection(OPTED_OUT)
    return person


def academy_of(row: Row, learner: Person, sending: Sending, known: Known) -> int | None:
    """The academy that sees the event: the one that was named, else the one that published what it is about, among the
    learner's own; else the learner's first.

    Raises Rejection where the learner isn't a member of the one that was named, or a service doesn't serve it.
    """
    if sending.academy is not None:
        served = sending.serves is None or sending.academy in sending.serves
        if learner is not sending.person and not (served and sending.academy in learner.academies):
            raise Rejection(TELEMETRY_OF_ANOTHER, user=sending.person.id, actor=shown(learner.username))
        return sending.academy if sending.academy in learner.academies else None
    academies = learner.academies
    if learner is not sending.person and sending.serves is not None:
        academies = tuple(academy for academy in academies if academy in sending.serves)
    if len(academies) > 1:
        about = row["object"]
        for published in (known.tags.get(about.get("assignment") or ""), known.paths.get(about.get("notebook") or "")):
            for academy in academies:
                if published and academy in published:
                    return academy
    return academies[0] if academies else None
