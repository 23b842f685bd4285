"""Who changed a cohort, its learners, its due dates and who is limited to it: read from the audit log.

An import of a roster tells counts and no cohorts: it isn't here.
"""

from django.db.models import Q, QuerySet

from learntrace.accounts.audit.actions import (
    COHORT_CHANGED,
    COHORT_LEARNERS_CHANGED,
    COHORT_LIMIT_CHANGED,
    COHORT_MADE,
    DUE_DATE_CHANGED,
    EXTENSION_CHANGED,
    ROLE_CHANGED,
)
from learntrace.accounts.audit.models import AuditEntry
from learntrace.accounts.cohort_limits.limit import is_limited, seen
from learntrace.accounts.models import Academy, Cohort
from learntrace.assignments.due_dates.models import DueDate

_OF_COHORT = tuple(action.slug for action in (COHORT_MADE, COHORT_CHANGED, COHORT_LEARNERS_CHANGED))
_OF_DUE_DATE = tuple(action.slug for action in (DUE_DATE_CHANGED, EXTENSION_CHANGED))
_OF_LIMIT = tuple(action.slug for action in (COHORT_LIMIT_CHANGED, ROLE_CHANGED))


def history_of(academy: Academy, cohort: Cohort) -> QuerySet[AuditEntry]:
    """Return the entries about a cohort of the academy, the newest first."""
    entries = AuditEntry.objects.filter(academy_id=academy.pk)
    told = Q(values__after__cohort=cohort.pk) | Q(values__before__cohort=cohort.pk)
    # An entry of a due date names its cohort where it is made or ends; between these it has its id only.
    ended = entries.filter(told, action=DUE_DATE_CHANGED.slug).values("object_id")
    due_dates = Q(object_id__in=ended) | Q(object_id__in=DueDate.objects.filter(cohort=cohort).values("pk"))
    gained, lost = (Q(**{f"values__{name}__cohorts__contains": cohort.pk}) for name in ("after", "before"))
    rows = entries.filter(
        Q(action__in=_OF_COHORT, object_id=cohort.pk)
        | Q(due_dates, action__in=_OF_DUE_DATE)
        | Q((gained & ~lost) | (lost & ~gained), action__in=_OF_LIMIT)
        | Q(object_type=Cohort._meta.label_lower, object_id=cohort.pk)
        | Q(due_dates, object_type=DueDate._meta.label_lower)
    )
    if is_limited(academy):
        # An extension tells its reason: of learners whom the member sees only.
        rows = rows.filter(~Q(action=EXTENSION_CHANGED.slug) | seen(academy, "subject_id"))
    return rows.select_related("values").order_by("-id")
