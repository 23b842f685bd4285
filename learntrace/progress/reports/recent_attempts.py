"""A learner's latest attempts at all assignments of an academy, those that staff has excluded left out."""

from collections.abc import Sequence

from learntrace.accounts.models import Academy, User
from learntrace.progress.counting import COUNTED
from learntrace.progress.models import Activity

MOST_ATTEMPTS = 1000


def recent_attempts(academy: Academy, user: User) -> Sequence[Activity]:
    """Return the latest attempts, the oldest first."""
    rows = Activity.objects.filter(academy=academy, user=user, outcome__isnull=False, assignment__isnull=False)
    rows = rows.filter(COUNTED)
    return list(rows.order_by("-at", "-arrival")[:MOST_ATTEMPTS])[::-1]
