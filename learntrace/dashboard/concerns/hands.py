"""Raised hands on pages: what a card, a learner's page and My learning tell of them, and what staff does with them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from learntrace.accounts.models import Academy
from learntrace.core.errors import Problem
from learntrace.core.http.filters import natural
from learntrace.core.words.counted import duration_words
from learntrace.dashboard.concerns.answers import answer
from learntrace.dashboard.layout.page import AcademyPage, academy_page
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.catalogue import shown_keys, titles_of
from learntrace.signals.concerns.reading import ToldConcern
from learntrace.signals.concerns.summary import hand_up
from learntrace.signals.help_requests.helping import DONE, HELP, handle_hand
from learntrace.signals.help_requests.models import HELPED, HELPING, TAKEN_BACK, HelpRequest

# In the pairs that undo what was done last: what tells a hand from a concern.
UNDO_PREFIX = "hand."
MOST_OF_LEARNER = 10


@dataclass(frozen=True)
class CardHand:
    """The hand within a card; `act` is what staff can do with it next."""

    id: int
    told: str
    text: str
    helping: bool

    @property
    def act(self) -> str:
        return DONE if self.helping else HELP


@dataclass(frozen=True)
class WaitingHand:
    """A hand that nobody helps yet: its concern, the learner's name, and for how long it has been up."""

    concern: int
    name: str
    waits: str


@dataclass(frozen=True)
class HandLine:
    """A hand of a learner: when it was raised, on what, and in words what became of it."""

    raised_at: datetime
    about: str
    text: str
    told: str


def card_hand(hand: HelpRequest | None) -> CardHand | None:
    """Return a hand as its card shows it."""
    return None if hand is None else CardHand(hand.pk, hand_up(hand), hand.text, hand.state == HELPING)


def waiting_hands(entries: Iterable[ToldConcern], *, named: bool) -> list[WaitingHand]:
    """Return the hands among concerns that wait, the longest first; on a projector nobody is named."""
    raised = [(entry.hand, entry) for entry in entries if entry.hand is not None and entry.hand.is_waiting]
    raised.sort(key=lambda pair: (pair[0].raised_at, pair[0].pk))
    return [
        WaitingHand(
            entry.concern.row.pk,
            hand.user.display_name if named else "",
            duration_words(timezone.now() - hand.raised_at),
        )
        for hand, entry in raised
    ]


def staff_lines(academy: Academy, hands: Sequence[HelpRequest]) -> list[HandLine]:
    """Return hands as lines for staff, with the titles of assignments; queries only where one is about an assignment."""
    shown = shown_keys(academy.pk, {hand.assignment for hand in hands if hand.assignment})
    titles = titles_of(academy.pk, shown) if shown else {}
    return [
        HandLine(
            hand.raised_at, titles.get(hand.assignment or "") or about_of(hand, shown), hand.text, what_became_of(hand)
        )
        for hand in hands
    ]


def hand_lines(hands: Iterable[HelpRequest]) -> list[HandLine]:
    """Return one's own hands as lines."""
    return [HandLine(hand.raised_at, about_of(hand), hand.text, what_became_of(hand)) for hand in hands]


def about_of(hand: HelpRequest, shown: set[str] | None = None) -> str:
    """Return the name of a hand's assignment, else of its asset, else nothing."""
    key = hand.assignment if shown is None or hand.assignment in shown else None
    return (key or hand.asset_slug).removeprefix(PREFIX)


def what_became_of(hand: HelpRequest) -> str:
    """Return in words who helped, after which time and for how long."""
    waited = duration_words(hand.waited) if hand.waited is not None else ""
    if hand.state == TAKEN_BACK:
        return _("Lowered after %(waited)s") % {"waited": waited}
    if hand.state != HELPED:
        return hand_up(hand)
    who = hand.helped_by.display_name if hand.helped_by else _("Somebody")
    if hand.took is None:
        return _("%(who)s helped after %(waited)s") % {"who": who, "waited": waited}
    return _("%(who)s helped after %(waited)s, for %(took)s") % {
        "who": who,
        "waited": waited,
        "took": duration_words(hand.took),
    }


@require_POST
@academy_page("read_assignment")
def handle_raised(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Help where a hand is raised, or say that it is done; and say how that is undone."""
    act = request.POST.get("act", "")
    number = natural(request.POST.get("hand", "")) or 0
    try:
        handle_hand(page.academy, number, act, page.user)
    except Problem as problem:
        return answer(request, problem.told(), [], failed=True)
    told = _("You are helping") if act == HELP else _("Helped")
    return answer(request, told, [f"{UNDO_PREFIX}{number}:{act}"] if act in (HELP, DONE) else [])
