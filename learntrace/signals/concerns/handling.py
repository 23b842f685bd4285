"""How staff has handled a concern: the fold of its acts. Pure: reads nothing.

The last act counts that asks for attention or takes it away (acknowledged, snoozed, opened again); the last that assigns; and
every note. What was undone counts for nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from learntrace.signals.models import ConcernAct

State = Literal["open", "snoozed", "acknowledged", "over"]
STANDING: Final[tuple[State, ...]] = ("open", "snoozed", "acknowledged")
"""The states of a concern that is not over, in the order of lists."""

What = ConcernAct.What
ATTENTION, ASSIGNMENT, NOTE = "attention", "assignment", "note"
ASPECTS: Final[Mapping[str, str]] = {
    What.ACKNOWLEDGED: ATTENTION,
    What.REOPENED: ATTENTION,
    What.SNOOZED: ATTENTION,
    What.ASSIGNED: ASSIGNMENT,
    What.UNASSIGNED: ASSIGNMENT,
    What.NOTED: NOTE,
}
"""The part of the handling that each act changes; acts on different parts never contradict each other."""

# Trouble that comes back so soon is the same concern.
PAUSE: Final = timedelta(minutes=15)


@dataclass(frozen=True)
class Handling:
    """What counts of the acts on a concern, None where there was none."""

    attention: ConcernAct | None = None
    assigned: ConcernAct | None = None
    notes: Sequence[ConcernAct] = ()

    def without_what_is_over(self, *, unbroken: bool) -> "Handling":
        """Return what still counts: an acknowledgement or an assignment ends with the trouble that it was about."""
        return self if unbroken else Handling(self.attention if self._snoozed else None, None, self.notes)

    @property
    def _snoozed(self) -> bool:
        return self.attention is not None and self.attention.what == What.SNOOZED

    def snoozed_after(self, moment: datetime, now: datetime) -> bool:
        """Whether a snooze stands that was made after a moment; both by the server's clock."""
        act = self.attention
        return self._snoozed and act is not None and act.at >= moment and act.until is not None and act.until > now

    def before(self, moment: datetime) -> bool:
        """Whether some of it was done before a moment, by the server's clock."""
        return any(act is not None and act.at < moment for act in (self.attention, self.assigned))

    @property
    def earliest(self) -> datetime | None:
        """The learners' time of the earliest act that ends with the trouble that it was about; None without any."""
        acts = [act for act in (None if self._snoozed else self.attention, self.assigned) if act is not None]
        return min((act.clock for act in acts), default=None)


def handling_of(acts: Iterable[ConcernAct]) -> Handling:
    """Return what counts of a concern's acts, which come in their order."""
    last: dict[str, ConcernAct] = {}
    notes: list[ConcernAct] = []
    for act in acts:
        if act.undone_at is None:
            last[ASPECTS[act.what]] = act
            if act.what == What.NOTED:
                notes.append(act)
    return Handling(last.get(ATTENTION), last.get(ASSIGNMENT), notes)


def state_of(handling: Handling, now: datetime, *, open_severity: int | None) -> State:
    """Return the state of a concern that isn't over, by the server's clock.

    `open_severity` is the severity of the worst of its signals that nobody has acknowledged by itself, None where there is
    none. A concern that becomes worse than it was when it was acknowledged opens again.
    """
    act = handling.attention
    if act is not None and act.what == What.SNOOZED and act.until is not None and act.until > now:
        return "snoozed"
    if open_severity is None:
        return "acknowledged"
    if act is None or act.what != What.ACKNOWLEDGED:
        return "open"
    return "acknowledged" if open_severity <= (act.severity or 0) else "open"


def is_unbroken(since: datetime, until: datetime, troubles: Iterable[tuple[datetime, datetime]]) -> bool:
    """Whether there was trouble from one moment to a later one without a pause longer than PAUSE.

    `troubles` are the times from which to which each signal stood, in any order.
    """
    reached = since
    for opened, ended in sorted(troubles):
        if opened > reached + PAUSE:
            break
        reached = max(reached, ended)
    return until <= reached + PAUSE


def changed_since(acts: Iterable[ConcernAct], aspect: str, version: int) -> ConcernAct | None:
    """Return the last act on a part of the handling that was made or undone after a version; None without any."""
    later = [
        act
        for act in acts
        if ASPECTS[act.what] == aspect and (act.number > version or (act.undone_number or 0) > version)
    ]
    return max(later, key=lambda act: max(act.number, act.undone_number or 0), default=None)
