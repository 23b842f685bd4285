"""What a learner does: raise a hand, and take it back."""

from datetime import timedelta
from typing import Final

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, Membership, User
from learntrace.accounts.roles import UPLOAD_OWN, roles_with
from learntrace.core.errors import FieldProblem, Forbidden, Problem
from learntrace.signals.help_requests.changes import announce
from learntrace.signals.help_requests.features import allowed_in, allows
from learntrace.signals.help_requests.models import LONGEST_TEXT, HelpRequest
from learntrace.signals.help_requests.place import place_of
from learntrace.signals.help_requests.queue import open_hand_of

# Who raises and takes back all the time rings a bell for the whole staff.
MOST_PER_HOUR: Final = 20
_HOUR: Final = timedelta(hours=1)
# Those who learn: staff sees the hands, and has none.
_LEARNERS: Final = tuple(sorted(set(roles_with(UPLOAD_OWN)) - set(roles_with("read_assignment"))))


class HandsAreOff(Forbidden):
    slug = "help-requests-off"
    text = _("Your academy has turned raised hands off")


class TooManyHands(Problem):
    status_code = 429
    slug = "too-many-help-requests"
    text = _("You have raised your hand very often. Try again in a while, or speak to a teacher")

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "300"}


def academies_of_learner(user: User, *, settings: bool = False) -> list[Academy]:
    """Return the active academies where the user learns, in the order of their ids; with `settings` these are read too."""
    rows = Academy.objects.filter(
        memberships__user=user,
        memberships__status=Membership.Status.ACTIVE,
        memberships__role__in=_LEARNERS,
        status=Academy.Status.ACTIVE,
    ).order_by("pk")
    return list(rows.select_related("settings") if settings else rows)


def academies_with_hands(user: User) -> list[Academy]:
    """Return those of `academies_of_learner` that let their learners raise a hand; one query."""
    mine = academies_of_learner(user, settings=True)
    return [academy for academy in mine if allows(_features_of(academy))]


def _features_of(academy: Academy) -> object:
    try:
        return academy.settings.signal_features
    except ObjectDoesNotExist:
        return None


def raise_hand(user: User, academy: Academy, text: str = "", assignment: str = "", asset: str = "") -> HelpRequest:
    """Raise a learner's hand; one that is up already stays as it is.

    The academy is one of `academies_of_learner`. Raises HandsAreOff, TooManyHands, FieldProblem.
    """
    text = " ".join(text.replace("\0", "").split())
    if len(text) > LONGEST_TEXT:
        raise FieldProblem("text", _("Write at most %(most)s characters"), most=LONGEST_TEXT)
    if not allowed_in(academy.pk):
        raise HandsAreOff
    with transaction.atomic():
        if (up := open_hand_of(user, academy)) is not None:
            return up
        since = timezone.now() - _HOUR
        if HelpRequest.objects.filter(user=user, academy=academy, raised_at__gt=since).count() >= MOST_PER_HOUR:
            raise TooManyHands
        place = place_of(academy, user, assignment, asset)
        hand = HelpRequest(
            user=user,
            academy=academy,
            cohort_id=place.cohort_id,
            assignment=place.assignment,
            asset_slug=place.asset_slug,
            text=text,
            raised_at=timezone.now(),
        )
        # Two requests at once: the one waits for the other's row, and then finds it.
        HelpRequest.objects.bulk_create([hand], ignore_conflicts=True)
        up = open_hand_of(user, academy)
        assert up is not None  # noqa: S101 (made here or by the other)
        if up.raised_at == hand.raised_at:
            announce(up)
        return up


def take_back(user: User, academy: Academy) -> HelpRequest | None:
    """Take a learner's hand down; None where none is up."""
    with transaction.atomic():
        rows = HelpRequest.objects.select_for_update(of=("self",)).filter(
            user=user, academy=academy, open__isnull=False
        )
        hand = rows.first()
        if hand is None:
            return None
        hand.taken_back_at, hand.open = timezone.now(), None
        hand.save(update_fields=["taken_back_at", "open"])
        announce(hand)
    return hand
