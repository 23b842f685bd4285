"""Read due dates: of a cohort, and of each learner with extensions."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from learntrace.accounts.cohort_limits.limit import cohorts_of
from learntrace.accounts.models import Academy
from learntrace.accounts.people.cohort_learners import COHORT_LEARNERS
from learntrace.assignments.due_dates.models import DueDate, Extension
from learntrace.assignments.due_dates.standing import Due
from learntrace.core.sql import fetch
from learntrace.registry.resolution import load_registry

_PLACES = f"SELECT DISTINCT cohort_id, user_id FROM {COHORT_LEARNERS} AS place WHERE cohort_id = ANY(%s)"  # noqa: S608
_PLACES_OF = f"SELECT DISTINCT cohort_id FROM {COHORT_LEARNERS} AS place WHERE user_id = %s"  # noqa: S608 (texts of ours)


@dataclass(frozen=True)
class Dues:
    """The due dates of learners, by learner and by the slug of the asset or of a translation.

    Of several cohorts of a learner the latest date counts.
    """

    by_cohort: Mapping[str, Mapping[int, DueDate]] = field(default_factory=dict)
    cohorts: Mapping[int, frozenset[int]] = field(default_factory=dict)
    extended: Mapping[tuple[int, int], datetime] = field(default_factory=dict)

    def of(self, user_id: int, slug: str) -> Due | None:
        """Return until when a learner is to have done an asset; None where nothing is due."""
        found: Due | None = None
        for cohort_id, row in self.by_cohort.get(slug, {}).items():
            if cohort_id in self.cohorts.get(user_id, ()):
                later = self.extended.get((row.pk, user_id))
                due = Due(row.due_at) if later is None else Due(later, extended=True)
                if found is None or due.at > found.at:
                    found = due
        return found

    def __bool__(self) -> bool:
        return bool(self.by_cohort)


def due_dates_of(academy: Academy) -> QuerySet[DueDate]:
    """Return the due dates of the cohorts that the member sees, the next first."""
    rows = DueDate.objects.filter(cohort__in=cohorts_of(academy)).select_related("cohort", "asset")
    return rows.prefetch_related("extensions__user").order_by("due_at", "pk")


def dues_in(academy: Academy) -> Dues:
    """Return the due dates of an academy's learners; one query where there are none."""
    rows = list(DueDate.objects.filter(cohort__in=cohorts_of(academy)).select_related("cohort"))
    if not rows:
        return Dues()
    cohorts: dict[int, set[int]] = {}
    for cohort_id, user_id in fetch(_PLACES, [sorted({row.cohort_id for row in rows})]):
        cohorts.setdefault(user_id, set()).add(cohort_id)
    return _dues(rows, cohorts)


def dues_of_learner(user_id: int) -> Dues:
    """Return the due dates of one learner, over all academies."""
    cohorts = frozenset(cohort_id for (cohort_id,) in fetch(_PLACES_OF, [user_id]))
    rows = list(DueDate.objects.filter(cohort__in=cohorts)) if cohorts else []
    return _dues(rows, {user_id: cohorts}, [user_id]) if rows else Dues()


def _dues(
    rows: Collection[DueDate], cohorts: Mapping[int, Iterable[int]], users: Collection[int] | None = None
) -> Dues:
    registry = load_registry(ids={row.asset_id for row in rows})
    by_cohort: dict[str, dict[int, DueDate]] = {}
    for row in rows:
        for asset in registry.translations(registry.by_id[row.asset_id]):
            by_cohort.setdefault(asset.slug, {})[row.cohort_id] = row
    extensions = Extension.objects.filter(due_date__in=[row.pk for row in rows])
    if users is not None:
        extensions = extensions.filter(user__in=users)
    extended = {(due, user): at for due, user, at in extensions.values_list("due_date_id", "user_id", "due_at")}
    return Dues(by_cohort, {user: frozenset(own) for user, own in cohorts.items()}, extended)
