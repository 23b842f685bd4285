"""Concerns as cards of a page: each with its life in words, its reasons and what staff did with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils.translation import gettext as _

from learntrace.accounts.models import User
from learntrace.dashboard.concerns.hands import CardHand, card_hand
from learntrace.dashboard.layout.page import AcademyPage
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.catalogue import titles_of
from learntrace.signals.concerns.acts import assignable
from learntrace.signals.concerns.class_wide import ClassConcern
from learntrace.signals.concerns.figures import NO_FIGURES
from learntrace.signals.concerns.handling import What
from learntrace.signals.concerns.reading import ToldConcern
from learntrace.signals.concerns.summary import life_of, met_by_many
from learntrace.signals.detectors import GRAVE_KINDS
from learntrace.signals.documents import SEVERITIES, kind_name, sentence_of
from learntrace.signals.models import ConcernAct, Signal

# What a snooze is chosen from, in minutes.
SNOOZES = (10, 30, 60, 24 * 60)


@dataclass(frozen=True)
class Reason:
    """A signal within a card: the name of its kind, its sentence, when it opened and the URL of its evidence."""

    name: str
    sentence: str
    explain: str
    url: str
    at: datetime | None = None


@dataclass(frozen=True)
class ConcernCard:
    """A concern on a page; `about` is the title or the name of its assignment or asset, `life` tells it in words.

    `colleagues` are those to whom it can be assigned.
    URLs are empty, and so are names of staff, where the card must not lead to a learner: there nothing can be done with it.
    """

    id: int
    version: int
    state: str
    severity: str
    shape: str
    learner: str
    about: str
    about_url: str
    life: str
    since: datetime
    of_class: bool
    reasons: Sequence[Reason] = ()
    learner_url: str = ""
    evidence_url: str = ""
    may_act: bool = False
    acknowledged_by: str = ""
    snoozed_by: str = ""
    snoozed_until: datetime | None = None
    assignee: str = ""
    assignee_id: int | None = None
    colleagues: Sequence[User] = ()
    notes: Sequence[ConcernAct] = ()
    hand: CardHand | None = None

    @property
    def open(self) -> bool:
        return self.state == "open"

    @property
    def name(self) -> str:
        """What tells it apart from other cards for somebody who only hears the names of its buttons."""
        return ", ".join(part for part in (self.learner, self.about) if part)


@dataclass(frozen=True)
class Cards:
    """The cards of a page: open ones, and those that somebody handles; `titles` are those of their assignments, by key."""

    open: Sequence[ConcernCard] = ()
    snoozed: Sequence[ConcernCard] = ()
    acknowledged: Sequence[ConcernCard] = ()
    snoozes: Sequence[int] = field(default=SNOOZES)


def cards_of(page: AcademyPage, entries: Iterable[ToldConcern]) -> Cards:
    """Return concerns as staff sees them."""
    entries = list(entries)
    titles = _titles(page, entries)
    staff = assignable(page.academy, [entry.concern for entry in entries])
    return _by_state([_card(page, entry, titles, staff[entry.concern.row.pk]) for entry in entries])


def masked_cards(page: AcademyPage, entries: Sequence[ToldConcern], names: Mapping[int, str]) -> Cards:
    """Return concerns as the whole class may see them, under the pseudonyms in `names`.

    Nothing quotes a learner's code, and no URL leads to a learner. Concerns of the class quote an error: who calls this leaves
    out those that name somebody.
    """
    titles = _titles(page, entries)
    return _by_state(
        [_masked(entry, names, titles) for entry in entries if entry.learner is None or entry.learner.pk in names]
    )


def _titles(page: AcademyPage, entries: Iterable[ToldConcern]) -> dict[str, str]:
    """Return what the assignments of concerns are called, by key."""
    keys = {entry.assignment for entry in entries if entry.assignment}
    return titles_of(page.academy.pk, keys) if keys else {}


def _by_state(cards: Sequence[ConcernCard]) -> Cards:
    def of(state: str) -> list[ConcernCard]:
        return [card for card in cards if card.state == state]

    return Cards(of("open"), of("snoozed"), of("acknowledged"))


def _masked(entry: ToldConcern, names: Mapping[int, str], titles: Mapping[str, str]) -> ConcernCard:
    concern = entry.concern
    about = titles.get(entry.assignment or "", entry.about)
    return ConcernCard(
        id=concern.row.pk,
        version=concern.row.version,
        state=concern.state,
        severity=SEVERITIES[concern.severity],
        shape=shape_of(entry),
        learner=names[entry.learner.pk] if entry.learner else "",
        about=about,
        about_url="",
        life=_masked_life(entry, about),
        since=concern.since,
        of_class=isinstance(concern, ClassConcern),
        reasons=[Reason(name, "", "", "") for name in names_of_reasons(entry)],
    )


def _masked_life(entry: ToldConcern, about: str) -> str:
    if isinstance(entry.concern, ClassConcern):
        return met_by_many(len(entry.concern.met.learners), entry.concern.met.text, about)
    return life_of(entry.concern.since, entry.now, NO_FIGURES)


def _card(page: AcademyPage, entry: ToldConcern, titles: Mapping[str, str], staff: Sequence[User]) -> ConcernCard:
    concern, handling = entry.concern, entry.concern.handling
    act, assigned = handling.attention, handling.assigned
    acknowledged = act if act is not None and act.what == What.ACKNOWLEDGED else None
    snoozed = act if act is not None and concern.state == "snoozed" else None
    learner_id = entry.learner.pk if entry.learner else None
    about = titles.get(entry.assignment or "", entry.about)
    reasons = [_reason(page, signal, about if entry.assignment else "") for signal in entry.reasons]
    return ConcernCard(
        id=concern.row.pk,
        version=concern.row.version,
        state=concern.state,
        severity=SEVERITIES[concern.severity],
        shape=shape_of(entry),
        learner=entry.learner.display_name if entry.learner else "",
        about=about,
        about_url=page.address("assignments-one", entry.about) if entry.assignment else "",
        life=_life(entry, reasons, about),
        since=concern.since,
        of_class=isinstance(concern, ClassConcern),
        reasons=reasons,
        learner_url=page.address("learners-one", learner_id) if learner_id else "",
        evidence_url=evidence_url(page, entry.reasons[0]) if entry.reasons else "",
        may_act=True,
        acknowledged_by=_name(acknowledged.by) if acknowledged and concern.state == "acknowledged" else "",
        snoozed_by=_name(snoozed.by) if snoozed else "",
        snoozed_until=snoozed.until if snoozed else None,
        assignee=_name(assigned.assignee) if assigned else "",
        assignee_id=assigned.assignee_id if assigned else None,
        colleagues=staff,
        notes=handling.notes,
        hand=card_hand(entry.hand),
    )


def _life(entry: ToldConcern, reasons: Sequence[Reason], about: str) -> str:
    """Return the concern's life in words, without an error that its first reason tells already."""
    if entry.hand is not None and not reasons:
        return ""  # the hand says it
    error = entry.figures.last_error
    if isinstance(entry.concern, ClassConcern):
        return met_by_many(len(entry.concern.met.learners), entry.concern.met.text, about)
    if not (reasons and error and error in reasons[0].sentence):
        return entry.summary
    return life_of(entry.concern.since, entry.now, replace(entry.figures, name=None))


def _reason(page: AcademyPage, signal: Signal, about: str) -> Reason:
    sentence = sentence_of(signal, signal.user, about)
    return Reason(
        kind_name(signal.kind), sentence, f"signal:{signal.kind}", evidence_url(page, signal), signal.opened_at
    )


def _name(user: User | None) -> str:
    return user.display_name if user else ""


def names_of_reasons(entry: ToldConcern) -> list[str]:
    """Return the names of what makes a concern, each once."""
    hand = [_("Hand raised")] if entry.hand is not None else []
    return [*hand, *dict.fromkeys(kind_name(signal.kind) for signal in entry.reasons)]


def shape_of(entry: ToldConcern) -> str:
    """Return the shape of the state that a concern stands for, as the learner's cells have it; severity is told in words."""
    if entry.hand is not None:
        return "hand"
    if isinstance(entry.concern, ClassConcern) or any(signal.kind in GRAVE_KINDS for signal in entry.reasons):
        return "stuck"
    return "open" if entry.concern.severity == Signal.Severity.LOW else "struggling"


def evidence_url(page: AcademyPage, signal: Signal) -> str:
    """Return the URL of the attempts at the signal's assignment, else of the learner's page."""
    if signal.assignment:
        name = signal.assignment.removeprefix(PREFIX)
        return f"{page.address('assignments-attempts', name, signal.user_id, signal=signal.pk)}#evidence"
    return page.address("learners-one", signal.user_id)
