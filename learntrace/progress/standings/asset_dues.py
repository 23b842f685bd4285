"""How the learners of cohorts stand towards the due dates of an asset."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.utils import timezone

from learntrace.accounts.cohort_limits.limit import cohorts_of, seen
from learntrace.accounts.models import Academy, CohortLearner, Membership
from learntrace.assignments.due_dates.models import DueDate
from learntrace.assignments.due_dates.reading import Dues, dues_in
from learntrace.assignments.due_dates.standing import timeliness
from learntrace.assignments.models import Task
from learntrace.measures.learner_state import Standing
from learntrace.progress.evidence import standing_of
from learntrace.progress.models import Assignment, Progress

# Assignments by the asset that has them, and learners' standings on them.
_Keys = Sequence[frozenset[str]]
_Standings = Mapping[int, Mapping[str, Standing]]


@dataclass(frozen=True)
class CohortDue:
    """A cohort's due date with the number of its learners: done in time or late, late now, with an extension that runs.

    `told` says whether the asset has assignments by which that is known.
    """

    row: DueDate
    learners: int
    done: int
    done_late: int
    late: int
    extended: int
    told: bool


def asset_dues(academy: Academy, asset_ids: Collection[int]) -> list[CohortDue]:
    """Return the due dates of an asset and its translations, the next first; one query where nothing is due."""
    of_asset = DueDate.objects.filter(cohort__in=cohorts_of(academy), asset__in=asset_ids)
    rows = list(of_asset.select_related("cohort", "asset").order_by("due_at", "pk"))
    if not rows:
        return []
    learners = _learners(academy, {row.cohort_id for row in rows})
    published = Assignment.objects.filter(academy=academy, asset__in=asset_ids).order_by("asset_id")
    keys = [
        frozenset(key for _asset, key in group)
        for _asset_id, group in groupby(published.values_list("asset_id", "key"), key=lambda pair: pair[0])
    ]
    standings = _standings(academy, {pk for people in learners.values() for pk in people}, keys)
    dues = dues_in(academy)
    return [_cohort_due(row, learners.get(row.cohort_id, set()), dues, keys, standings) for row in rows]


def _learners(academy: Academy, cohort_ids: Collection[int]) -> dict[int, set[int]]:
    """Return the active learners of cohorts whom the member sees."""
    active = Membership.objects.filter(
        seen(academy), academy=academy, role="student", status=Membership.Status.ACTIVE
    ).values("user")
    found: dict[int, set[int]] = {}
    for rows in (Task.objects, CohortLearner.objects):
        pairs = rows.filter(cohort__in=cohort_ids, user__in=active).values_list("cohort_id", "user_id").distinct()
        for cohort_id, user_id in pairs:
            found.setdefault(cohort_id, set()).add(user_id)
    return found


def _standings(academy: Academy, learners: Collection[int], keys: Iterable[Collection[str]]) -> _Standings:
    rows = Progress.objects.filter(
        academy=academy, user__in=learners, assignment__in=[key for own in keys for key in own]
    )
    found: dict[int, dict[str, Standing]] = {}
    for row in rows.defer("state"):
        found.setdefault(row.user_id, {})[row.assignment] = standing_of(row)
    return found


def _cohort_due(row: DueDate, learners: Collection[int], dues: Dues, keys: _Keys, standings: _Standings) -> CohortDue:
    now = timezone.now()
    counts = dict.fromkeys(("done", "done_late", "late", "extended"), 0)
    for user_id in learners:
        done_at, is_done = _done(standings.get(user_id, {}), keys)
        word = timeliness(dues.of(user_id, row.asset.slug), done_at, now, done=is_done)
        name = "done" if is_done and not word else word
        if name in counts:
            counts[name] += 1
    return CohortDue(row, len(learners), **counts, told=bool(keys))


def _done(standings: Mapping[str, Standing], keys: _Keys) -> tuple[datetime | None, bool]:
    """Return when the learner had done all assignments of the asset or of a translation, None if unknown; and whether."""
    for own in keys:
        if all(key in standings and standings[key].state == "done" for key in own):
            times = [at for key in own if (at := standings[key].done_at) is not None]
            return max(times, default=None), True
    return None, False
