"""The class as it is now: its assignments, its learners and each learner's state on each assignment.

The number of queries is fixed, however large the class is. Dashboards lay the result out; open signals are read above
(`signals/class_signals.py`).
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from learntrace.accounts.cohort_limits.limit import parameter, seen
from learntrace.accounts.models import Academy, Membership
from learntrace.core.sql import fetch
from learntrace.progress.catalogue import shown_keys
from learntrace.progress.class_cells.cells import Cell, LearnerCells
from learntrace.progress.class_cells.kept import ClassCells, cells_in
from learntrace.progress.last_seen import LastSeen, in_hand_in
from learntrace.progress.models import Assignment
from learntrace.progress.reports.class_filter import ClassFilter
from learntrace.progress.reports.class_members import classes_of
from learntrace.progress.reports.selection import Selection, learners_of_cohorts

# Nobody can read more columns at once: the assets that were worked on last are shown, until one is chosen.
MOST_ASSIGNMENTS = 80

_PEOPLE = "SELECT id, username, first_name, last_name FROM accounts_user WHERE id = ANY(%s)"
_STUDENTS = """
SELECT user_id FROM accounts_membership
 WHERE academy_id = %(academy)s AND role = 'student' AND status = 'ACTIVE'
   AND (%(seen)s::bigint[] IS NULL OR user_id = ANY(%(seen)s))
"""
_SEEN = """
SELECT DISTINCT user_id FROM progress_progress
 WHERE academy_id = %(academy)s AND (%(seen)s::bigint[] IS NULL OR user_id = ANY(%(seen)s))
"""
_LATEST = """
SELECT a.asset_id
  FROM progress_progress p JOIN progress_assignment a ON a.academy_id = p.academy_id AND a.key = p.assignment
 WHERE p.academy_id = %(academy)s
 GROUP BY a.asset_id
 ORDER BY max(p.last_seen_at) DESC
"""
_NO_CELLS = LearnerCells()


@dataclass(frozen=True, slots=True)
class PublishedAssignment:
    """An assignment and the asset that it belongs to."""

    key: str
    title: str
    asset_id: int
    asset_slug: str
    asset_title: str


@dataclass(frozen=True)
class ClassLearner:
    """A learner of the class, with the cells of the assignments that the learner was seen on.

    `in_hand` is the assignment that the learner worked on last, whichever are shown, and `worked_at` when that was.
    """

    id: int
    username: str
    first_name: str
    last_name: str
    last_seen_at: datetime | None
    cells: Mapping[str, Cell]
    in_hand: str | None = None
    worked_at: datetime | None = None


@dataclass(frozen=True)
class ClassNow:
    """A class, its learners in no order.

    `assignments` are the published ones in the order of their assets, `unpublished` the tags of others that somebody
    was seen on. `narrowed` says whether more assets have assignments than are shown.
    """

    assignments: Sequence[PublishedAssignment]
    unpublished: Sequence[str]
    learners: Sequence[ClassLearner]
    narrowed: bool


def read_class(chosen: ClassFilter) -> ClassNow:
    """Read the class that the filter names; at most eleven queries."""
    assignments, narrowed = _published(chosen)
    published = [assignment.key for assignment in assignments]
    limited = chosen.asset is not None or narrowed
    found = cells_in(chosen.academy.pk, published if limited else None)
    learner_ids = _class_of(chosen, None if limited else found.by_learner.keys())
    cells, keys = _cells(chosen.academy.pk, learner_ids, found, limited=limited)
    others = keys.difference(published)
    worked_on = {key for row in cells.values() for key in others.intersection(row)} if others else set()
    return ClassNow(
        assignments,
        sorted(worked_on)[: max(MOST_ASSIGNMENTS - len(published), 0)],
        _learners(chosen.academy.pk, cells),
        narrowed,
    )


def has_students(academy: Academy) -> bool:
    """Whether the academy has a student, active or not."""
    return Membership.objects.filter(seen(academy), academy=academy, role="student").exists()


def _published(chosen: ClassFilter) -> tuple[list[PublishedAssignment], bool]:
    """Return the assignments to show, and whether others were left out."""
    rows = Assignment.objects.filter(academy=chosen.academy)
    if chosen.asset is not None:
        rows = rows.filter(asset=chosen.asset)
    values = rows.order_by("asset__slug", "position", "pk").values_list(
        "key", "title", "asset_id", "asset__slug", "asset__title"
    )
    assignments = [PublishedAssignment(*row) for row in values]
    if chosen.asset is not None or len(assignments) <= MOST_ASSIGNMENTS:
        return assignments, False
    return _worked_on_last(chosen.academy.pk, assignments), True


def _worked_on_last(academy_id: int, assignments: Sequence[PublishedAssignment]) -> list[PublishedAssignment]:
    """Return the assignments of as many assets as fit, those that were worked on last; of one asset in any case."""
    shown: set[int] = set()
    for (asset_id,) in fetch(_LATEST, {"academy": academy_id}):
        if shown and len(_of_assets(assignments, {*shown, asset_id})) > MOST_ASSIGNMENTS:
            break
        shown.add(asset_id)
    return _of_assets(assignments, shown) or list(assignments[:MOST_ASSIGNMENTS])


def _of_assets(assignments: Sequence[PublishedAssignment], asset_ids: set[int]) -> list[PublishedAssignment]:
    return [assignment for assignment in assignments if assignment.asset_id in asset_ids]


def _class_of(chosen: ClassFilter, everybody_seen: Set[int] | None) -> list[int]:
    """Return the ids of the class; `everybody_seen` are those who were seen in the academy, where that is known.

    The learners of the cohort; else those who were seen on the asset or have a task on it; else all students and everybody
    who was seen in the academy.
    """
    if chosen.cohort is not None:
        return sorted(learners_of_cohorts(chosen.academy, frozenset({chosen.cohort.pk})))
    if chosen.asset is not None:
        of_asset = classes_of(Selection(chosen.academy), frozenset({chosen.asset.pk}))[chosen.asset.pk]
        if of_asset:
            return sorted(of_asset)
    visible = parameter(chosen.academy)
    asked = {"academy": chosen.academy.pk, "seen": visible}
    learners = {user_id for (user_id,) in fetch(_STUDENTS, asked)}
    if everybody_seen is None:
        return sorted(learners.union(user_id for (user_id,) in fetch(_SEEN, asked)))
    return sorted(learners.union(everybody_seen if visible is None else everybody_seen & set(visible)))


def _cells(
    academy_id: int, learner_ids: Sequence[int], found: ClassCells, *, limited: bool
) -> tuple[dict[int, LearnerCells], frozenset[str]]:
    """Return each learner's cells of what pages of a class may name, and the assignments that anybody's are of."""
    cells = {user_id: found.by_learner.get(user_id, _NO_CELLS) for user_id in learner_ids}
    shown = found.keys if limited else frozenset(shown_keys(academy_id, found.keys))
    if hidden := found.keys - shown:
        for user_id, row in cells.items():
            if not hidden.isdisjoint(row):
                cells[user_id] = LearnerCells({key: cell for key, cell in row.items() if key in shown})
    return cells, shown


def _learners(academy_id: int, cells: Mapping[int, Mapping[str, Cell]]) -> list[ClassLearner]:
    # In the whole academy: a learner who works on another lesson is present as well.
    seen_in = in_hand_in(academy_id, list(cells))
    return [
        ClassLearner(user_id, username, first_name, last_name, seen.at, cells[user_id], seen.assignment, seen.worked_at)
        for user_id, username, first_name, last_name in fetch(_PEOPLE, [list(cells)])
        for seen in [seen_in.get(user_id, LastSeen())]
    ]
