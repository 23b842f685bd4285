"""What staff does with a concern: acknowledge, open again, snooze, assign, note, and undo any of these.

Each act is written under the concern's lock, only if the concern is as the member of staff has seen it. An act changes what it
is about and nothing else, so that a note and a snooze at the same time are both kept.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import CONCERN_ACT_UNDONE, CONCERN_HANDLED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.cohort_limits.limit import as_a_whole, as_seen_by, is_limited, seen_learners
from learntrace.accounts.models import Academy, Membership, User
from learntrace.accounts.roles import roles_with
from learntrace.core import live_events
from learntrace.core.errors import FieldProblem, NotFound, Problem
from learntrace.progress.recording.recording import lock_learners
from learntrace.signals.acknowledgement import set_acknowledged
from learntrace.signals.concerns.changes import changes_of
from learntrace.signals.concerns.class_wide import class_concerns
from learntrace.signals.concerns.handling import ASPECTS, NOTE, What, changed_since, handling_of
from learntrace.signals.concerns.reading import AnyConcern, ConcernNotFound, current, row_of
from learntrace.signals.concerns.standing import StandingConcern
from learntrace.signals.documents import signal_document
from learntrace.signals.evaluation.clock import now_in
from learntrace.signals.models import Concern, ConcernAct, Signal
from learntrace.signals.named_steps import named_for_class

CAPABILITY: Final = "read_assignment"
LONGEST_NOTE: Final = 2000
ACKNOWLEDGE, REOPEN, SNOOZE, ASSIGN, WRITE_NOTE, UNDO = ACT_WORDS = (
    "acknowledge",
    "reopen",
    "snooze",
    "assign",
    "note",
    "undo",
)


class ConcernIsOver(Problem):
    status_code = 409
    slug = "concern-is-over"
    text = _("This concern is over: there is nothing left to handle")


class ConcernChanged(Problem):
    """Somebody else was first. Nothing has changed."""

    status_code = 409
    slug = "concern-changed"
    text = _("%(who)s changed this concern in the meantime. Nothing was changed; look at it again")


class HandIsUp(Problem):
    """Only helping takes a hand away: an acknowledgement would leave its learner waiting."""

    status_code = 409
    slug = "hand-is-up"
    text = _("A hand is raised here. Say that you are helping, or snooze it")


class ActNotFound(NotFound):
    slug = "act-not-found"
    text = _("This concern has no such action")


@dataclass(frozen=True)
class Wanted:
    """What a member of staff wants done: one of ACT_WORDS with its value.

    `version` is the concern's that the member has seen; without it what others did meanwhile is not looked at. `undo` is the
    id of an act.
    """

    act: str
    until: datetime | None = None
    assignee: int | None = None
    note: str = ""
    undo: int | None = None
    version: int | None = None


@dataclass(frozen=True)
class Handled:
    """A concern after an act; `act` is None where there was nothing to change."""

    row: Concern
    act: ConcernAct | None


def handle(academy: Academy, concern_id: int, wanted: Wanted, by: User) -> Handled:
    """Do what is wanted with a concern, and announce it; nothing happens where it is so already.

    Raises ConcernNotFound, ActNotFound, ConcernIsOver, ConcernChanged, HandIsUp, FieldProblem.
    """
    checked = _checked(academy, wanted)
    with transaction.atomic():
        row = _locked(academy, concern_id)
        stored = list(row.acts.select_related("by", "undone_by", "assignee").order_by("number"))
        # Its state is the same for everybody, and so is what is announced.
        whole = as_a_whole(academy)
        change = _Change(whole, row, stored, checked, by)
        act = change.undo() if wanted.act == UNDO else change.add()
        if act is not None:
            concern = current(whole, row)
            changes = changes_of(academy.pk, [concern] if concern else [], [] if concern else [row])
            live_events.say([*_signal_changes(academy, change.signals), *changes])
    return Handled(row, act)


def acts_on(row: Concern) -> list[ConcernAct]:
    """Return all acts on a concern, those that were undone too, in their order."""
    return list(row.acts.select_related("by", "undone_by", "assignee").order_by("number"))


def colleagues(academy: Academy) -> list[User]:
    """Return whom concerns can be assigned to: the academy's staff who may read about learners."""
    return [membership.user for membership in _staff(academy)]


def _staff(academy: Academy) -> list[Membership]:
    members = Membership.objects.select_related("user", "academy").filter(
        academy=academy, status=Membership.Status.ACTIVE, role__in=roles_with(CAPABILITY), user__is_active=True
    )
    return sorted(members, key=lambda member: (member.user.display_name.casefold(), member.user_id))


def assignable(academy: Academy, concerns: Iterable[AnyConcern]) -> dict[int, list[User]]:
    """Return for each concern, by its id, to whom it can be assigned: colleagues who see whom it is about.

    Colleagues who are limited to cohorts cost two queries each.
    """
    concerns = list(concerns)
    if not concerns:
        return {}
    staff = _staff(academy)
    seen_by = {member.pk: _seen_by(member, concerns) for member in staff if member.only_cohorts}
    return {
        concern.row.pk: [
            member.user for member in staff if member.pk not in seen_by or concern.row.pk in seen_by[member.pk]
        ]
        for concern in concerns
    }


def _seen_by(membership: Membership, concerns: Sequence[AnyConcern]) -> set[int]:
    """Return the ids of those of the concerns that a member sees who is limited to cohorts."""
    theirs = as_seen_by(membership)
    learners = seen_learners(theirs) or frozenset()
    about = {concern.row.pk for concern in concerns if concern.row.user_id in learners}
    keys = {concern.row.assignment for concern in concerns if concern.row.user_id is None and concern.row.assignment}
    if keys and is_limited(theirs):
        about |= {concern.row.pk for concern in class_concerns(theirs, now_in(theirs.pk), keys=keys)}
    return about


def _checked(academy: Academy, wanted: Wanted) -> Wanted:
    """Return what is wanted if its value can be used at all.

    Raises FieldProblem.
    """
    if wanted.act not in ACT_WORDS:
        raise FieldProblem("act", _("Must be one of %(known)s"), known=", ".join(ACT_WORDS))
    if wanted.act == SNOOZE:
        if wanted.until is None:
            raise FieldProblem("until", _("Say until when"))
        if wanted.until <= timezone.now():
            raise FieldProblem("until", _("This time has passed: choose a later one"))
    if wanted.act == ASSIGN and wanted.assignee not in (None, *(user.pk for user in colleagues(academy))):
        raise FieldProblem("assignee", _("Choose somebody who teaches at %(academy)s"), academy=academy.name)
    if wanted.act == WRITE_NOTE:
        note = wanted.note.replace("\0", "").strip()
        if not note or len(note) > LONGEST_NOTE:
            raise FieldProblem("note", _("Write a note of 1 to %(most)s characters"), most=LONGEST_NOTE)
    if wanted.act == UNDO and wanted.undo is None:
        raise FieldProblem("undo", _("Give the id of the action to undo"))
    return wanted


def _locked(academy: Academy, concern_id: int) -> Concern:
    """Return a concern's row that the member sees, locked until the end of the open transaction.

    The learner is locked before, as whoever writes signals does, so that neither waits for the other in a circle.
    """
    row = row_of(academy, concern_id)
    if row.user_id is not None:
        lock_learners([row.user_id])
    # Without joins, which would be from before the wait for the lock.
    locked = Concern.objects.select_for_update().filter(pk=row.pk).first()
    if locked is None:
        raise ConcernNotFound
    return locked


@dataclass
class _Change:
    """One change of a locked concern; `signals` are those whose state it has changed."""

    academy: Academy
    row: Concern
    acts: Sequence[ConcernAct]
    wanted: Wanted
    by: User

    def __post_init__(self) -> None:
        self.signals: list[Signal] = []

    def add(self) -> ConcernAct | None:
        """Add the wanted act; return None where the concern is as wanted already."""
        what = self._what()
        concern = current(self.academy, self.row)
        if what != What.NOTED:
            if concern is None:
                raise ConcernIsOver
            if what == What.ACKNOWLEDGED and isinstance(concern, StandingConcern) and concern.hand:
                raise HandIsUp
            if self._is_so(what, concern):
                return None
            self._check_unchanged(ASPECTS[what])
        if what == What.ASSIGNED:
            self._check_assignee()
        act = ConcernAct(
            concern=self.row,
            what=what,
            by=self.by,
            clock=now_in(self.row.academy_id),
            severity=concern.severity if concern else None,
            until=self.wanted.until if what == What.SNOOZED else None,
            assignee_id=self.wanted.assignee if what == What.ASSIGNED else None,
            note=self.wanted.note.replace("\0", "").strip() if what == What.NOTED else "",
        )
        if isinstance(concern, StandingConcern) and what in _SIGNAL_STATES:
            acknowledged = what == What.ACKNOWLEDGED
            act.signals = self._set_signals([signal.id for signal in concern.signals], acknowledged, self.by)
        self._write(act)
        return act

    def undo(self) -> ConcernAct | None:
        """Undo an act that nobody has built on; return None where it was undone already."""
        act = next((act for act in self.acts if act.pk == self.wanted.undo), None)
        if act is None:
            raise ActNotFound
        if act.undone_at is not None:
            return None
        aspect = ASPECTS[act.what]
        if aspect != NOTE and (later := changed_since(_counting(self.acts), aspect, act.number)) is not None:
            raise _changed_by(later)
        act.undone_at, act.undone_by = timezone.now(), self.by
        if act.what in _SIGNAL_STATES and act.signals:
            before = handling_of(_counting(self.acts)).attention
            by = (before.by if before else None) or act.by or self.by
            self._set_signals(act.signals, act.what != What.ACKNOWLEDGED, by)
        self._write(act)
        return act

    def _what(self) -> str:
        if self.wanted.act == ASSIGN:
            return What.UNASSIGNED if self.wanted.assignee is None else What.ASSIGNED
        return _WHAT[self.wanted.act]

    def _is_so(self, what: str, concern: AnyConcern) -> bool:
        """Whether the concern is already as the act would make it."""
        assigned = concern.handling.assigned
        assignee = assigned.assignee_id if assigned else None
        match what:
            case What.ACKNOWLEDGED:
                return concern.state == "acknowledged"
            case What.REOPENED:
                return concern.state == "open"
            case What.ASSIGNED | What.UNASSIGNED:
                return assignee == self.wanted.assignee
        return False

    def _check_unchanged(self, aspect: str) -> None:
        """Raise ConcernChanged where somebody has changed the same since the version that was seen."""
        if self.wanted.version is None:
            return
        if (later := changed_since(self.acts, aspect, self.wanted.version)) is not None:
            raise _changed_by(later)

    def _check_assignee(self) -> None:
        """Raise FieldProblem where the assignee is limited to cohorts that the concern isn't about."""
        membership = Membership.objects.select_related("academy").get(academy=self.academy, user=self.wanted.assignee)
        try:
            row_of(as_seen_by(membership), self.row.pk)
        except ConcernNotFound as error:
            text = _("This colleague is limited to other cohorts. Choose somebody else")
            raise FieldProblem("assignee", text) from error

    def _set_signals(self, ids: Collection[int], acknowledged: bool, by: User) -> list[int]:
        """Acknowledge the concern's open signals or open acknowledged ones again; return the ids of those changed."""
        state = Signal.State.OPEN if acknowledged else Signal.State.ACKNOWLEDGED
        signals = list(Signal.objects.select_for_update().filter(pk__in=ids, state=state).order_by("pk"))
        for signal in signals:
            set_acknowledged(signal, acknowledged, by)
        self.signals += signals
        return [signal.pk for signal in signals]

    def _write(self, act: ConcernAct) -> None:
        """Store a new act, or one that was undone, as the concern's next version: the one place through which all acts go."""
        self.row.version += 1
        if act.undone_at is None:
            act.number = self.row.version
        else:
            act.undone_number = self.row.version
        act.save()
        self.row.save(update_fields=["version"])
        self._record(act)

    def _record(self, act: ConcernAct) -> None:
        """Record the act, or its undoing, in the audit log. A note is read with the concern, and goes with it."""
        told = {"act": act.what, "number": act.number, "until": act.until, "assignee": act.assignee_id}
        told = {name: value for name, value in told.items() if value is not None}
        undone = act.undone_at is not None
        record(
            CONCERN_ACT_UNDONE if undone else CONCERN_HANDLED,
            academy_id=self.row.academy_id,
            object_id=self.row.pk,
            subject_id=self.row.user_id,
            before=told if undone else {},
            after={} if undone else told,
        )


_WHAT: Final[Mapping[str, str]] = {
    ACKNOWLEDGE: What.ACKNOWLEDGED,
    REOPEN: What.REOPENED,
    SNOOZE: What.SNOOZED,
    WRITE_NOTE: What.NOTED,
}
# Acts that set the state of the concern's signals too, which other clients of the signals see.
_SIGNAL_STATES: Final = frozenset({What.ACKNOWLEDGED, What.REOPENED, What.SNOOZED})


def _counting(acts: Iterable[ConcernAct]) -> list[ConcernAct]:
    return [act for act in acts if act.undone_at is None]


def _changed_by(act: ConcernAct) -> ConcernChanged:
    who = act.undone_by if act.undone_at else act.by
    return ConcernChanged(who=who.display_name if who else gettext("Somebody"))


def _signal_changes(academy: Academy, signals: Sequence[Signal]) -> list[live_events.Change]:
    return [
        live_events.Change(academy.pk, live_events.SIGNAL, signal_document(signal, signal.user))
        for signal in named_for_class(signals)
    ]


def handle_all(
    academy: Academy, concern_ids: Collection[int], wanted: Wanted, by: User
) -> dict[int, Handled | Problem]:
    """Do the same with several concerns, each by itself; return what became of each, or why it could not be done.

    Raises FieldProblem, before anything is done, for a value that can't be used at all.
    """
    _checked(academy, wanted)
    outcomes: dict[int, Handled | Problem] = {}
    for concern_id in dict.fromkeys(concern_ids):
        try:
            outcomes[concern_id] = handle(academy, concern_id, wanted, by)
        except Problem as problem:
            outcomes[concern_id] = problem
    return outcomes


def told_outcome(outcome: Handled | Problem) -> dict[str, Any]:
    """Return what became of one concern as plain JSON."""
    if isinstance(outcome, Problem):
        return {"act": None, "changed": False, "version": None, "error": outcome.sentence()}
    act = outcome.act
    return {"act": act.pk if act else None, "changed": act is not None, "version": outcome.row.version, "error": None}
