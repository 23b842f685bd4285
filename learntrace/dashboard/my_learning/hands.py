"""A learner's raised hand on My learning: raise it, see the place in the queue, take it back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from learntrace.accounts.models import Academy, User
from learntrace.core.http.filters import natural
from learntrace.dashboard.concerns.hands import HandLine, about_of, hand_lines
from learntrace.dashboard.layout.page import Page, signed_in_page
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.reports.own_progress import OwnAssignment, OwnProgress
from learntrace.signals.help_requests.models import LONGEST_TEXT, HelpRequest
from learntrace.signals.help_requests.place import RECENT
from learntrace.signals.help_requests.queue import Queued, latest_hands_of, queued
from learntrace.signals.help_requests.raising import academies_of_learner, academies_with_hands, raise_hand, take_back

# What one has worked on last is what one asks about.
MOST_CHOICES = 8


@dataclass(frozen=True)
class OwnHand:
    """The learner's hand at an academy: the one that is up, with the place in words, else the last one."""

    academy: Academy
    up: bool = False
    place: str = ""
    about: str = ""
    text: str = ""
    raised_at: datetime | None = None
    last: Sequence[HandLine] = ()


@dataclass(frozen=True)
class OwnHands:
    """The hands of a learner's academies, and what one may ask about: names with titles.

    `chosen` is what was worked on just now.
    """

    hands: Sequence[OwnHand] = ()
    choices: Sequence[tuple[str, str]] = field(default=())
    chosen: str = ""
    longest: int = LONGEST_TEXT


def own_hands(user: User, progress: OwnProgress, titles_by_key: Mapping[str, str]) -> OwnHands:
    """Return the learner's hands, of the academies that let their learners raise one."""
    academies = academies_with_hands(user)
    latest = latest_hands_of(user) if academies else {}
    titles = {key.removeprefix(PREFIX): title for key, title in titles_by_key.items()}
    hands = [_own_hand(academy, latest.get(academy.pk), titles) for academy in academies]
    choices = _latest(assignment for asset in progress.assets for assignment in asset.assignments)
    recent = [one for one in choices if one.last_seen_at and one.last_seen_at > timezone.now() - RECENT]
    named = [(one.name, titles.get(one.name, one.name)) for one in choices]
    return OwnHands(hands, named, recent[0].name if recent else "")


def _latest(assignments: Iterable[OwnAssignment]) -> list[OwnAssignment]:
    seen = [(one.last_seen_at, one) for one in assignments if one.last_seen_at]
    return [one for _at, one in sorted(seen, key=lambda pair: pair[0], reverse=True)[:MOST_CHOICES]]


def _own_hand(academy: Academy, hand: HelpRequest | None, titles: Mapping[str, str]) -> OwnHand:
    if hand is None or not hand.open:
        lines = hand_lines([hand] if hand else [])
        return OwnHand(academy, last=[replace(line, about=titles.get(line.about, line.about)) for line in lines])
    (entry,) = queued([hand])
    about = about_of(hand)
    return OwnHand(academy, True, place_words(entry), titles.get(about, about), hand.text, hand.raised_at)


def place_words(entry: Queued) -> str:
    """Return the learner's place in the queue in words."""
    helper = entry.hand.helped_by
    if entry.before is None:
        return _("%(who)s is helping you") % {"who": helper.display_name if helper else _("Somebody")}
    if entry.before == 0:
        return _("You are next")
    return ngettext("%(count)s person ahead of you", "%(count)s people ahead of you", entry.before) % {
        "count": entry.before
    }


@require_POST
@signed_in_page
def change_hand(request: HttpRequest, page: Page) -> HttpResponse:
    """Raise the learner's hand, or take it back."""
    wanted = natural(request.POST.get("academy", ""))
    academy = next((academy for academy in academies_of_learner(page.user) if academy.pk == wanted), None)
    if academy is not None and request.POST.get("do") == "take_back":
        take_back(page.user, academy)
    elif academy is not None:
        raise_hand(page.user, academy, request.POST.get("note", ""), request.POST.get("about", ""))
    return redirect("my-learning")
