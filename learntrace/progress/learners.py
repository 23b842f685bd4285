"""How each learner does over all of their assignments, or over those of some assets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from learntrace.accounts.models import Membership, User
from learntrace.progress.assignments import percent
from learntrace.progress.classes import classes_of, tasks_on
from learntrace.progress.models import Assignment
from learntrace.progress.open_signals import open_signals
from learntrace.progress.selection import Selection
from learntrace.progress.shares import Share, published, shares_of
from learntrace.progress.standings import Standing, by_name, progress_on, standing_of, with_signals


@dataclass
class LearnerRow:
    """A learner's numbers: seconds, counts, rates 0 to 100, the Error Quotient 0 to 1 or None.

    `assignments` are the published ones of the assets that were asked for; else of those that the learner was seen on or
    has a task on. `done` counts among them.
    """

    learner: User
    assignments: int = 0
    done: int = 0
    completion_rate: float = 0.0
    attempts: int = 0
    errors: int = 0
    active_time: float = 0.0
    error_quotient: float | None = None
    repeated_error_density: float = 0.0
    open_signals: int = 0
    last_seen_at: datetime | None = None
    asset_ids: frozenset[int] = frozenset()
    with_quotient: int = 0
    by_assignment: list["LearnerAssignment"] = field(default_factory=list)
    explain: Mapping[str, Any] | None = None


@dataclass
class LearnerAssignment:
    """A learner's standing on one of several assignments."""

    title: str
    asset: Mapping[str, Any] | None
    standing: Standing


def learner_rows(selection: Selection) -> list[LearnerRow]:
    """The selection's learners by name: without one, the academy's students and whoever was seen."""
    shares = shares_of(selection)
    counts = published(selection)
    everywhere = frozenset(counts)
    who = _who(selection, shares, everywhere)
    their_assets = _assets_of(selection, who, shares, everywhere)
    by_learner: dict[int, list[Share]] = {user_id: [] for user_id in who}
    for share in shares:
        by_learner.setdefault(share.user_id, []).append(share)
    users = User.objects.in_bulk(by_learner)
    rows = [
        _row(users[user_id], mine, their_assets.get(user_id, frozenset()), counts)
        for user_id, mine in by_learner.items() if user_id in users
    ]  # fmt: skip
    _count_open(selection, rows)
    return sorted(rows, key=lambda row: by_name(row.learner))


def _who(selection: Selection, shares: list[Share], assets: frozenset[int]) -> frozenset[int]:
    if selection.learners is not None:
        return selection.learners
    if selection.assets is not None:
        return frozenset[int]().union(*classes_of(selection, assets).values())
    students = Membership.objects.filter(
        academy=selection.academy, role="student", status=Membership.Status.ACTIVE
    ).values_list("user_id", flat=True)
    return frozenset([*students, *(share.user_id for share in shares)])


def _assets_of(
    selection: Selection, who: frozenset[int], shares: list[Share], assets: frozenset[int]
) -> dict[int, frozenset[int]]:
    """Whose assignments each learner is measured by."""
    if selection.assets is not None:
        return dict.fromkeys(who, assets)
    found: dict[int, set[int]] = {}
    for share in shares:
        if share.asset_id is not None:
            found.setdefault(share.user_id, set()).add(share.asset_id)
    for user_id, asset_id in tasks_on(selection, assets):
        found.setdefault(user_id, set()).add(asset_id)
    return {user_id: frozenset(mine) for user_id, mine in found.items()}


def _row(user: User, shares: Iterable[Share], assets: frozenset[int], counts: Mapping[int, int]) -> LearnerRow:
    row = LearnerRow(user, assignments=sum(counts[asset_id] for asset_id in assets), asset_ids=assets)
    quotients = 0.0
    for share in shares:
        row.done += share.done
        row.attempts += share.attempts
        row.errors += share.errors
        row.active_time += share.active_time
        row.repeated_error_density += share.repeated_error_density
        row.with_quotient += share.with_quotient
        quotients += share.error_quotients or 0
        row.last_seen_at = max(row.last_seen_at or share.last_seen_at, share.last_seen_at)
    row.completion_rate = percent(row.done, row.assignments)
    row.error_quotient = quotients / row.with_quotient if row.with_quotient else None
    return row


def _count_open(selection: Selection, rows: list[LearnerRow]) -> None:
    """Count what is open of each; of some assets only what tells of their assignments."""
    found = open_signals(selection.academy.pk, {row.learner.pk for row in rows})
    if selection.assets is not None and found:
        keys = Assignment.objects.filter(academy=selection.academy, asset__in=selection.assets)
        wanted = set(keys.order_by().values_list("key", flat=True))
        found = [one for one in found if one.assignment in wanted]
    by_id = {row.learner.pk: row for row in rows}
    for one in found:
        by_id[one.user_id].open_signals += 1


def with_assignments(selection: Selection, row: LearnerRow) -> None:
    """Have a learner's row bring each of the assignments: those that are the learner's, and those only seen."""
    standings = {one.assignment: standing_of(one) for one in progress_on(selection, user=row.learner)}
    known = {
        one.key: one
        for one in Assignment.objects.filter(academy=selection.academy)
        .filter(asset__in=row.asset_ids)
        .select_related("asset")
        .order_by("asset__slug", "position", "pk")
    }
    for key, one in known.items():
        asset = {"id": one.asset_id, "slug": one.asset.slug}
        standing = standings.get(key) or Standing(row.learner, key)
        row.by_assignment.append(LearnerAssignment(one.title, asset, standing))
    if selection.assets is None:
        only_seen = sorted(standings.keys() - known.keys())
        row.by_assignment += [LearnerAssignment("", None, standings[key]) for key in only_seen]
    with_signals(selection.academy, [one.standing for one in row.by_assignment])
