"""A learner's attempts at an assignment, one by one, aborted and excluded ones included."""

from collections.abc import Mapping

from django.db.models import QuerySet

from learntrace.accounts.models import Academy
from learntrace.progress.models import Activity

SORTABLE: Mapping[str, str] = {"at": "at", "outcome": "outcome", "session_id": "session_id", "object_id": "object_id"}


def attempts_of(academy: Academy, key: str, user_id: int) -> QuerySet[Activity]:
    """Return the attempts in the learner's order, oldest first."""
    rows = Activity.objects.filter(academy=academy, assignment=key, user=user_id, outcome__isnull=False)
    return rows.order_by("at", "arrival")


def has_excluded_attempts(academy: Academy, user_id: int) -> bool:
    """Whether staff has excluded any of a learner's attempts; one query."""
    rows = Activity.objects.filter(academy=academy, user=user_id, outcome__isnull=False)
    return rows.filter(exclusion_id__isnull=False).exists()
