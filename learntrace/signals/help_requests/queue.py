"""The queue of raised hands: who waits, since when, and how many were before."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Academy, User
from learntrace.core.errors import NotFound
from learntrace.core.sql import fetch
from learntrace.progress.periods.period import ALL_TIMES, Period
from learntrace.signals.help_requests.models import HelpRequest

# One look at the few open hands, however many there were: how many of the same cohort have waited longer than this one.
_BEFORE = """
SELECT mine.id, count(other.id)
  FROM signals_helprequest mine
  LEFT JOIN signals_helprequest other
    ON other.academy_id = mine.academy_id AND other.open IS NOT NULL AND other.help_began_at IS NULL
   AND other.cohort_id IS NOT DISTINCT FROM mine.cohort_id
   AND (other.raised_at, other.id) < (mine.raised_at, mine.id)
 WHERE mine.id = ANY(%(hands)s) AND mine.open IS NOT NULL AND mine.help_began_at IS NULL
 GROUP BY mine.id
"""


class HelpRequestNotFound(NotFound):
    slug = "help-request-not-found"
    text = _("There is no such raised hand")


@dataclass(frozen=True)
class Queued:
    """A raised hand with how many wait before it, None where it doesn't wait."""

    hand: HelpRequest
    before: int | None


def open_hands(academy_id: int) -> QuerySet[HelpRequest]:
    """Return the academy's hands that are up, those that have waited longest first."""
    return HelpRequest.objects.filter(academy=academy_id, open__isnull=False).order_by("raised_at", "pk")


def open_hand_of(user: User, academy: Academy) -> HelpRequest | None:
    """Return the learner's hand that is up."""
    rows = HelpRequest.objects.select_related("helped_by", "academy")
    return rows.filter(user=user, academy=academy, open__isnull=False).first()


def latest_hands_of(user: User) -> dict[int, HelpRequest]:
    """Return the learner's last hand, open or not, by the id of its academy; one query."""
    rows = HelpRequest.objects.select_related("helped_by").filter(user=user)
    return {hand.academy_id: hand for hand in rows.order_by("academy", "-raised_at", "-pk").distinct("academy")}


def hands_of(academy: Academy) -> QuerySet[HelpRequest]:
    """Return the academy's hands, former ones too, of the learners whom the member sees."""
    rows = HelpRequest.objects.filter(seen(academy), academy=academy)
    return rows.select_related("user", "helped_by", "cohort").order_by("-raised_at", "-pk")


def hands_of_learner(academy: Academy, user: User, most: int, period: Period = ALL_TIMES) -> list[HelpRequest]:
    """Return a learner's last hands, over a period those raised in it; the one that is up is always among them."""
    raised = Q()
    if period.since is not None:
        raised &= Q(raised_at__gte=period.since)
    if period.until is not None:
        raised &= Q(raised_at__lt=period.until)
    return list(hands_of(academy).filter(raised | Q(open__isnull=False) if period else Q(), user=user)[:most])


def hand_of(academy: Academy, number: int) -> HelpRequest:
    """Return one of the academy's hands, if the member sees its learner.

    Raises HelpRequestNotFound.
    """
    hand = hands_of(academy).filter(pk=min(number, 2**63 - 1)).first()
    if hand is None:
        raise HelpRequestNotFound
    return hand


def queued(hands: Collection[HelpRequest]) -> list[Queued]:
    """Return hands with how many wait before each; one query."""
    waiting = [hand.pk for hand in hands if hand.open]
    before = dict(fetch(_BEFORE, {"hands": waiting})) if waiting else {}
    return [Queued(hand, before.get(hand.pk)) for hand in hands]
