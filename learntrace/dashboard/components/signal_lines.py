"""Signals as lines of a page: each with its sentence, its age and the URL of its evidence."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from learntrace.dashboard.concerns.cards import evidence_url
from learntrace.dashboard.layout.page import AcademyPage
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.catalogue import titles_of
from learntrace.signals.detectors import GRAVE_KINDS
from learntrace.signals.documents import SEVERITIES, kind_name, sentence_of
from learntrace.signals.models import Signal


@dataclass(frozen=True)
class SignalLine:
    """A signal on a page; `about` names its assignment or asset, `age` is in seconds."""

    id: int
    kind: str
    name: str
    severity: str
    shape: str
    learner: str
    about: str
    sentence: str
    age: float
    opened_at: datetime
    last_seen_at: datetime
    state: str
    learner_url: str = ""
    evidence_url: str = ""
    acknowledged_by: str = ""

    @property
    def explain(self) -> str:
        """The name of the explanation of its kind."""
        return f"signal:{self.kind}"


def lines_of(page: AcademyPage, signals: Iterable[Signal], now: datetime) -> list[SignalLine]:
    """Return signals as staff sees them; `now` is the academy's clock."""
    signals = list(signals)
    titles = (
        titles_of(page.academy.pk, [signal.assignment for signal in signals if signal.assignment]) if signals else {}
    )
    return [
        replace(
            _line(signal, now, titles.get(signal.assignment or "", "")),
            learner_url=page.address("learners-one", signal.user_id),
            evidence_url=evidence_url(page, signal),
            acknowledged_by=signal.acknowledged_by.display_name if signal.acknowledged_by else "",
        )
        for signal in signals
    ]


def shape_of(signal: Signal) -> str:
    """Return the shape of the state that the signal stands for, as the learner's cells have it; severity is told in words."""
    if signal.kind in GRAVE_KINDS:
        return "stuck"
    return "open" if signal.severity == Signal.Severity.LOW else "struggling"


def _line(signal: Signal, now: datetime, title: str) -> SignalLine:
    return SignalLine(
        id=signal.pk,
        kind=signal.kind,
        name=kind_name(signal.kind),
        severity=SEVERITIES.get(signal.severity, "medium"),
        shape=shape_of(signal),
        learner=signal.user.display_name,
        about=title or (signal.assignment or signal.asset_slug or "").removeprefix(PREFIX),
        sentence=sentence_of(signal, signal.user, title),
        # Since it was opened: for so long help has been needed.
        age=max((now - signal.opened_at).total_seconds(), 0.0),
        opened_at=signal.opened_at,
        last_seen_at=signal.last_seen_at,
        state=signal.state,
    )
