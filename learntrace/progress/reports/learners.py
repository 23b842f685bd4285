"""How each learner does on all assignments, or on those of some assets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from learntrace.accounts.cohort_limits.limit import seen
from learntrace.accounts.models import Membership, User
from learntrace.progress.last_seen import last_seen_in
from learntrace.progress.models import Assignment, EarlierRun, Progress
from learntrace.progress.open_signals import open_signals
from learntrace.progress.periods.period import ALL_TIMES, Period
from learntrace.progress.reports.assignments import percent
from learntrace.progress.reports.class_members import classes_of, tasks_on
from learntrace.progress.reports.learner_assets import LearnerAssetRow, learner_assets_of, published
from learntrace.progress.reports.learner_assignments import (
    LearnerAssignmentRow,
    by_name,
    count_progress,
    learner_assignment_of,
    progress_on,
    with_due_dates,
    with_period,
    with_signals,
)
from learntrace.progress.reports.selection import Selection

# Of the assignments without an asset that a learner was seen on: a client may name any number of them.
MOST_ONLY_SEEN = 300


@dataclass
class LearnerRow:
    """A learner's numbers: seconds, counts, rates 0 to 100, the Error Quotient 0 to 1 or None.

    `assignments` counts the published assignments of the selected assets; without any, of the assets that the learner was
    seen on or has a task on. `done` counts those of them that are done. `last_seen_at` is about the whole academy.

    Over a period `done`, attempts, errors and times are the period's; the Error Quotient and the Repeated Error Density are
    None. All else is as of now.
    """

    learner: User
    assignments: int = 0
    done: int = 0
    completion_rate: float = 0.0
    attempts: int = 0
    errors: int = 0
    active_time: float = 0.0
    error_quotient: float | None = None
    repeated_error_density: float | None = 0.0
    open_signals: int = 0
    # On how many assignments, or assets, signals are open.
    concerns: int = 0
    last_seen_at: datetime | None = None
    asset_ids: frozenset[int] = frozenset()
    with_quotient: int = 0
    by_assignment: list["TitledAssignmentRow"] = field(default_factory=list)
    more_assignments: int = 0
    earlier_runs: Sequence[EarlierRun] = ()
    explain: Mapping[str, Any] | None = None


@dataclass
class TitledAssignmentRow:
    """A learner's measures on one of several assignments, with the assignment's title and asset."""

    title: str
    asset: Mapping[str, Any] | None
    row: LearnerAssignmentRow


def learner_rows(selection: Selection) -> list[LearnerRow]:
    """Return the selection's learners by name; without any, the academy's students and everybody who was seen."""
    asset_rows = learner_assets_of(selection)
    counts = published(selection)
    all_assets = frozenset(counts)
    # Who is listed, and of how many assignments, doesn't depend on a period.
    seen_ever = learner_assets_of(replace(selection, period=ALL_TIMES)) if selection.period else asset_rows
    members = _members(selection, seen_ever, all_assets)
    assets = _assets_of(selection, members, seen_ever, all_assets)
    by_learner: dict[int, list[LearnerAssetRow]] = {user_id: [] for user_id in members}
    for asset_row in asset_rows:
        by_learner.setdefault(asset_row.user_id, []).append(asset_row)
    users = User.objects.in_bulk(by_learner)
    rows = [
        _row(users[user_id], own, assets.get(user_id, frozenset()), counts, selection.period)
        for user_id, own in by_learner.items()
        if user_id in users
    ]
    last_seen = last_seen_in(selection.academy.pk, by_learner)
    for row in rows:
        row.last_seen_at = last_seen.get(row.learner.pk)
    _count_open_signals(selection, rows)
    return sorted(rows, key=lambda row: by_name(row.learner))


def _members(selection: Selection, asset_rows: list[LearnerAssetRow], assets: frozenset[int]) -> frozenset[int]:
    if selection.learners is not None:
        return selection.learners
    if selection.assets is not None:
        return frozenset[int]().union(*classes_of(selection, assets).values())
    students = Membership.objects.filter(
        seen(selection.academy), academy=selection.academy, role="student", status=Membership.Status.ACTIVE
    )
    return frozenset([*students.values_list("user_id", flat=True), *(row.user_id for row in asset_rows)])


def _assets_of(
    selection: Selection, members: frozenset[int], asset_rows: list[LearnerAssetRow], assets: frozenset[int]
) -> dict[int, frozenset[int]]:
    """Return for each learner the assets whose assignments count."""
    if selection.assets is not None:
        return dict.fromkeys(members, assets)
    by_learner: dict[int, set[int]] = {}
    for row in asset_rows:
        if row.asset_id is not None:
            by_learner.setdefault(row.user_id, set()).add(row.asset_id)
    for user_id, asset_id in tasks_on(selection, assets):
        by_learner.setdefault(user_id, set()).add(asset_id)
    return {user_id: frozenset(asset_ids) for user_id, asset_ids in by_learner.items()}


def _row(
    user: User,
    asset_rows: Iterable[LearnerAssetRow],
    assets: frozenset[int],
    counts: Mapping[int, int],
    period: Period,
) -> LearnerRow:
    row = LearnerRow(user, assignments=sum(counts[asset_id] for asset_id in assets), asset_ids=assets)
    quotients = densities = 0.0
    for part in asset_rows:
        row.done += part.done
        row.attempts += part.attempts
        row.errors += part.errors
        row.active_time += part.active_time
        densities += part.repeated_error_density or 0.0
        row.with_quotient += part.with_quotient
        quotients += part.error_quotients or 0
    row.completion_rate = percent(row.done, row.assignments)
    row.error_quotient = quotients / row.with_quotient if row.with_quotient else None
    row.repeated_error_density = None if period else densities
    return row


def _count_open_signals(selection: Selection, rows: list[LearnerRow]) -> None:
    """Count each learner's open signals; with selected assets only those on their assignments."""
    signals = open_signals(selection.academy.pk, {row.learner.pk for row in rows})
    if selection.assets is not None and signals:
        assignments = Assignment.objects.filter(academy=selection.academy, asset__in=selection.assets)
        keys = set(assignments.order_by().values_list("key", flat=True))
        signals = [signal for signal in signals if signal.assignment in keys]
    by_id = {row.learner.pk: row for row in rows}
    about: dict[int, set[str | None]] = {user_id: set() for user_id in by_id}
    for signal in signals:
        by_id[signal.user_id].open_signals += 1
        about[signal.user_id].add(signal.assignment)
    for user_id, subjects in about.items():
        by_id[user_id].concerns = len(subjects)


def with_assignments(selection: Selection, row: LearnerRow, most: int | None = None) -> None:
    """Add to a learner's row the published assignments, and those on which the learner was only seen.

    `most`: of those on which the learner was only seen, these many that were seen last; the row counts the others.
    """
    assignments = (
        Assignment.objects.filter(academy=selection.academy, asset__in=row.asset_ids)
        .select_related("asset")
        .order_by("asset__slug", "position", "pk")
    )
    by_key = {assignment.key: assignment for assignment in assignments}
    done_on = _measures(progress_on(selection, user=row.learner, assignment__in=list(by_key)))
    for key, assignment in by_key.items():
        asset = {"id": assignment.asset_id, "slug": assignment.asset.slug, "title": assignment.asset.title}
        measures = done_on.get(key) or LearnerAssignmentRow(row.learner, key)
        row.by_assignment.append(TitledAssignmentRow(assignment.title, asset, measures))
    if selection.assets is None:
        # A client may name any assignment, so nothing but `most` bounds how many these are.
        only_seen = _measures(progress_on(selection, most, user=row.learner, not_on=list(by_key)))
        row.by_assignment += [TitledAssignmentRow("", None, only_seen[key]) for key in sorted(only_seen)]
        if most is not None and len(only_seen) == most:
            row.more_assignments = count_progress(selection, row.learner) - len(done_on) - most
    shown = [titled.row for titled in row.by_assignment]
    with_period(selection, shown)
    with_signals(selection.academy, shown)
    with_due_dates(selection.academy, shown)


def _measures(progress: Iterable[Progress]) -> dict[str, LearnerAssignmentRow]:
    return {row.assignment: learner_assignment_of(row) for row in progress}
