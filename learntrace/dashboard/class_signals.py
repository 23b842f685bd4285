"""The open signals of a class as lines of a page: each with its sentence, its age and the way to its evidence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from learntrace.dashboard.shell import AcademyPage
from learntrace.dashboard.status import name_of
from learntrace.progress.keys import PREFIX
from learntrace.signals.documents import SEVERITIES, kind_name, sentence_of
from learntrace.signals.log import STANDING
from learntrace.signals.models import Signal

_SHAPES: Mapping[int, str] = {
    Signal.Severity.HIGH: "stuck", Signal.Severity.MEDIUM: "struggling", Signal.Severity.LOW: "open",
}  # fmt: skip


@dataclass(frozen=True)
class SignalLine:
    """A signal on a page; `evidence` is the address of the attempts that it is about, `age` in seconds."""

    id: int
    kind: str
    name: str
    severity: str
    shape: str
    learner: str
    learner_address: str
    about: str
    sentence: str
    age: float
    opened_at: datetime
    last_seen_at: datetime
    state: str
    evidence: str
    acknowledged_by: str = ""
    acknowledge: str = ""

    @property
    def explain(self) -> str:
        """The name of the explanation of its kind."""
        return f"signal:{self.kind}"

    @property
    def open(self) -> bool:
        return self.state == Signal.State.OPEN

    @property
    def standing(self) -> bool:
        """Whether it isn't over."""
        return self.state in STANDING


def lines_of(page: AcademyPage, signals: Iterable[Signal], now: datetime) -> list[SignalLine]:
    """Signals as teachers see them; `now` is the class's clock."""
    return [_line(page, signal, now) for signal in signals]


def masked_lines(signals: Iterable[Signal], names: Mapping[int, str], now: datetime) -> list[SignalLine]:
    """The same when all of a class looks on: under pseudonyms, with the kind of signal instead of its sentence, which may
    quote what a learner wrote, and without ways to the learner."""
    return [
        SignalLine(
            id=signal.pk, kind=signal.kind, name=kind_name(signal.kind), severity=_severity(signal),
            shape=shape_of(signal), learner=names[signal.user_id], learner_address="", about=_about(signal),
            sentence=kind_name(signal.kind), age=_age(signal, now), opened_at=signal.opened_at,
            last_seen_at=signal.last_seen_at, state=signal.state, evidence="",
        )
        for signal in signals if signal.user_id in names
    ]  # fmt: skip


def evidence_address(page: AcademyPage, signal: Signal) -> str:
    """Where what a signal tells of can be seen: the attempts at its assignment, else the learner's page."""
    if signal.assignment:
        name = signal.assignment.removeprefix(PREFIX)
        return f"{page.address('assignments-attempts', name, signal.user_id, signal=signal.pk)}#evidence"
    return page.address("learners-one", signal.user_id)


def _line(page: AcademyPage, signal: Signal, now: datetime) -> SignalLine:
    return SignalLine(
        id=signal.pk, kind=signal.kind, name=kind_name(signal.kind), severity=_severity(signal), shape=shape_of(signal),
        learner=name_of(signal.user), learner_address=page.address("learners-one", signal.user_id),
        about=_about(signal), sentence=sentence_of(signal, signal.user), age=_age(signal, now),
        opened_at=signal.opened_at, last_seen_at=signal.last_seen_at, state=signal.state,
        evidence=evidence_address(page, signal),
        acknowledged_by=name_of(signal.acknowledged_by) if signal.acknowledged_by else "",
        acknowledge=page.address("signal-state", signal.pk),
    )  # fmt: skip


def _severity(signal: Signal) -> str:
    return SEVERITIES.get(signal.severity, "medium")


def shape_of(signal: Signal) -> str:
    """The shape that stands for its severity."""
    return _SHAPES.get(signal.severity, "struggling")


def _about(signal: Signal) -> str:
    return (signal.assignment or signal.asset_slug or "").removeprefix(PREFIX)


def _age(signal: Signal, now: datetime) -> float:
    """Since it was opened: how long help has been wanted."""
    return max((now - signal.opened_at).total_seconds(), 0.0)
