"""Reading a class as it is now: its assignments, its learners, how each stands on each, and what is open of them.

A fixed number of set-based queries, however large the class is; what follows from them is decided in `class_grid`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from learntrace.accounts.models import Academy, Cohort, Membership
from learntrace.dashboard.class_grid import GRAVE, Cell, Column, Learner, columns_of
from learntrace.progress.classes import classes_of
from learntrace.progress.models import Assignment
from learntrace.progress.selection import Selection, learners_of_cohorts, slugs_of
from learntrace.registry.models import Asset
from learntrace.signals.models import Signal

# More can't be read at once: the assets that were worked on last are shown, until one chooses.
MOST_COLUMNS = 80
MOST_SIGNALS = 30

# Plain values instead of rows of the model: a class of 300 on 60 assignments is 18,000 of them. The states' words are left
# to Python, the two questions to concerns (JSON) are answered here.
_CELLS = """
SELECT p.user_id, p.assignment, p.attempts, p.errors, p.last_outcome, p.concerns <> '[]'::jsonb, p.concerns ?| %(grave)s
  FROM progress_progress p
 WHERE p.academy_id = %(academy)s AND (%(keys)s::text[] IS NULL OR p.assignment = ANY(%(keys)s))
   AND (%(learners)s::bigint[] IS NULL OR p.user_id = ANY(%(learners)s))
"""
# Seen anywhere in the academy: who works on another lesson is here as well.
_PEOPLE = """
SELECT u.id, u.username, u.first_name, u.last_name, seen.at
  FROM accounts_user u
  LEFT JOIN (SELECT user_id, max(last_seen_at) AS at FROM progress_progress
              WHERE academy_id = %(academy)s AND user_id = ANY(%(learners)s) GROUP BY user_id) AS seen ON seen.user_id = u.id
 WHERE u.id = ANY(%(learners)s)
"""
_STUDENTS = """
SELECT user_id FROM accounts_membership WHERE academy_id = %(academy)s AND role = 'student' AND status = 'ACTIVE'
 UNION
SELECT DISTINCT user_id FROM progress_progress WHERE academy_id = %(academy)s
"""
_TROUBLE = """
SELECT s.user_id, max(s.severity) FILTER (WHERE s.state = 'open'), count(*) FILTER (WHERE s.state = 'open')
  FROM signals_signal s
 WHERE s.academy_id = %(academy)s AND s.state IN ('open', 'acknowledged') AND s.user_id = ANY(%(learners)s)
 GROUP BY s.user_id
"""
_LATEST = """
SELECT a.asset_id, max(p.last_seen_at)
  FROM progress_progress p JOIN progress_assignment a ON a.academy_id = p.academy_id AND a.key = p.assignment
 WHERE p.academy_id = %(academy)s
 GROUP BY a.asset_id
"""


@dataclass(frozen=True)
class Choice:
    """What of an academy is looked at: a cohort, an asset, both or neither."""

    academy: Academy
    cohort: Cohort | None = None
    asset: Asset | None = None


@dataclass(frozen=True)
class Choices:
    """What can be chosen: the academy's cohorts, and its assets with assignments."""

    cohorts: list[Cohort]
    assets: list[Asset]


@dataclass(frozen=True)
class ClassNow:
    """A class: the assignments shown, in order, and its learners, in no order yet; `narrowed` if others aren't shown."""

    columns: list[Column]
    learners: list[Learner]
    narrowed: bool


def choices_of(academy: Academy) -> Choices:
    """What the filters offer."""
    cohorts = Cohort.objects.filter(academy=academy).order_by("name", "pk")
    held = Assignment.objects.filter(academy=academy).order_by().values("asset_id")
    return Choices(list(cohorts), list(Asset.objects.filter(pk__in=held).only("id", "slug", "title").order_by("slug")))


def choice_of(academy: Academy, choices: Choices, cohort: str, asset: str) -> Choice:
    """The choice that the address names by slugs; what there isn't is no filter."""
    return Choice(
        academy,
        next((one for one in choices.cohorts if one.slug == cohort), None),
        next((one for one in choices.assets if one.slug == asset), None),
    )


def read_class(choice: Choice) -> ClassNow:
    """Read how each learner of the class stands; at most nine queries."""
    academy = choice.academy
    published, narrowed = _published(choice)
    learners = class_of(choice)
    keys = [key for key, *_rest in published] if choice.asset or narrowed else None
    cells, seen_only = _cells(academy.pk, learners, keys, {key for key, *_rest in published})
    columns = columns_of(published, sorted(seen_only)[: MOST_COLUMNS - min(len(published), MOST_COLUMNS)])
    return ClassNow(columns, _people(academy.pk, learners, cells), narrowed)


def class_of(choice: Choice) -> list[int]:
    """Whose class it is: the cohort's learners; of an asset, who was seen on it or has a task on it; else all students,
    and whoever was seen."""
    if choice.cohort is not None:
        return sorted(learners_of_cohorts(choice.academy, frozenset({choice.cohort.pk})))
    if choice.asset is not None:
        of_asset = classes_of(Selection(choice.academy), frozenset({choice.asset.pk}))[choice.asset.pk]
        if of_asset:
            return sorted(of_asset)
    with connection.cursor() as cursor:
        cursor.execute(_STUDENTS, {"academy": choice.academy.pk})
        return sorted(row[0] for row in cursor.fetchall())


def signals_of(choice: Choice, learners: Collection[int]) -> QuerySet[Signal]:
    """What is open of the class, acknowledged or not, worst first."""
    rows = Signal.objects.filter(academy=choice.academy, state__in=["open", "acknowledged"], user__in=learners)
    if choice.asset is not None:
        keys = Assignment.objects.filter(academy=choice.academy, asset=choice.asset).order_by().values("key")
        rows = rows.filter(Q(assignment__in=keys) | Q(asset_slug__in=list(slugs_of(frozenset({choice.asset.pk})))))
    return rows.select_related("user", "acknowledged_by").order_by("-state", "-severity", "-last_seen_at", "-id")


def has_students(academy: Academy) -> bool:
    return Membership.objects.filter(academy=academy, role="student").exists()


def _published(choice: Choice) -> tuple[list[tuple[str, str, int, str, str]], bool]:
    """(key, title, asset id, asset's slug, asset's title) in order; whether some were left out."""
    rows = Assignment.objects.filter(academy=choice.academy)
    if choice.asset is not None:
        rows = rows.filter(asset=choice.asset)
    found = list(
        rows.order_by("asset__slug", "position", "pk").values_list(
            "key", "title", "asset_id", "asset__slug", "asset__title"
        )
    )
    if choice.asset is not None or len(found) <= MOST_COLUMNS:
        return found, False
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, {"academy": choice.academy.pk})
        latest: dict[int, datetime] = dict(cursor.fetchall())
    shown: set[int] = set()
    for asset_id in sorted(latest, key=lambda one: latest[one], reverse=True):
        if sum(row[2] in shown or row[2] == asset_id for row in found) > MOST_COLUMNS and shown:
            break
        shown.add(asset_id)
    return [row for row in found if row[2] in shown] or found[:MOST_COLUMNS], True


def _cells(
    academy_id: int, learners: list[int], keys: list[str] | None, published: set[str]
) -> tuple[dict[int, dict[str, Cell]], set[str]]:
    """Each learner's cells by assignment; and the assignments that nobody published."""
    cells: dict[int, dict[str, Cell]] = {user_id: {} for user_id in learners}
    seen_only: set[str] = set()
    with connection.cursor() as cursor:
        cursor.execute(_CELLS, {"academy": academy_id, "learners": learners, "keys": keys, "grave": list(GRAVE)})
        for user_id, key, attempts, errors, outcome, troubled, stuck in cursor.fetchall():
            if key not in published:
                seen_only.add(key)
            cells[user_id][key] = Cell.of(outcome, attempts, errors, troubled, stuck)
    return cells, seen_only


def _people(academy_id: int, learners: list[int], cells: dict[int, dict[str, Cell]]) -> list[Learner]:
    asked: dict[str, Any] = {"academy": academy_id, "learners": learners}
    with connection.cursor() as cursor:
        cursor.execute(_TROUBLE, asked)
        trouble = {user_id: (severity or 0, count) for user_id, severity, count in cursor.fetchall()}
        cursor.execute(_PEOPLE, asked)
        return [
            Learner(
                id=user_id, username=username, first_name=first, last_name=last, last_seen_at=seen_at,
                cells=cells[user_id], severity=trouble.get(user_id, (0, 0))[0], open_signals=trouble.get(user_id, (0, 0))[1],
            )
            for user_id, username, first, last, seen_at in cursor.fetchall()
        ]  # fmt: skip
