"""A learner's attempts at an assignment, one after the other, those that were aborted included."""

from collections.abc import Mapping

from django.db.models import QuerySet

from learntrace.accounts.models import Academy
from learntrace.progress.models import Activity

SORTABLE: Mapping[str, str] = {"at": "at", "outcome": "outcome", "session_id": "session_id", "object_id": "object_id"}


def attempts_of(academy: Academy, key: str, user_id: int) -> QuerySet[Activity]:
    """The attempts in the learner's order, the oldest first."""
    rows = Activity.objects.filter(academy=academy, assignment=key, user=user_id, outcome__isnull=False)
    return rows.order_by("at", "arrival")
