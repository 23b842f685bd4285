"""Telemetry records of what learners do in published notebooks: a queue's turn makes those anew that have changed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

import msgspec
from django.db import connection

from learntrace.assignments.completion import COMPLETE, Completion, apply_completion
from learntrace.assignments.documents import Document, store_documents
from learntrace.metrics.attempts import Activity, Failure
from learntrace.metrics.indicators import indicators
from learntrace.metrics.timestamps import interaction_order
from learntrace.notebooks.activities import SOURCE
from learntrace.notebooks.bridge import MOST_ATTEMPTS, Step, document
from learntrace.progress.models import Assignment
from learntrace.progress.turns import Pair, take_turn
from learntrace.registry.resolution import AssetFacts, load_registry

TOPIC: Final = "notebook-telemetry"
# Those who take events wait for a turn's end where they find that a learner's record is just being made.
CLAIM = 25

# A step's latest activities, attempts among them, are looked at: some times the attempts that a document tells.
MOST_ACTIVITIES = 4 * MOST_ATTEMPTS

# Of each learner and assignment the first activity and the latest ones: two short scans of one index, however much
# there is.
_ACTIVITIES = """
SELECT asked.learner, asked.asset, a.id::text, a.at, a.arrival, a.verb, a.assignment, a.outcome, a.failures::text,
       a.session_id
  FROM jsonb_to_recordset(%(asked)s::jsonb) AS asked(learner bigint, asset bigint)
  JOIN progress_assignment s ON s.asset_id = asked.asset
 CROSS JOIN LATERAL (
       (SELECT * FROM progress_activity f
         WHERE f.user_id = asked.learner AND f.assignment = s.key AND f.academy_id = s.academy_id
         ORDER BY f.at, f.arrival LIMIT 1)
       UNION
       (SELECT * FROM progress_activity l
         WHERE l.user_id = asked.learner AND l.assignment = s.key AND l.academy_id = s.academy_id
         ORDER BY l.at DESC, l.arrival DESC LIMIT %(most)s)
 ) AS a
"""
# The place of the records that exist, in the order of documents.
_PLACES = """
SELECT t.user_id, t.asset_slug, t.last_interaction_at, t.receipt
  FROM assignments_assignmenttelemetry t
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(user_id bigint, asset_slug text) USING (user_id, asset_slug)
"""


@dataclass(frozen=True)
class _Place:
    """Where a record stands in the order of documents (contract, 3.3)."""

    at: datetime | None
    receipt: int


@dataclass(frozen=True)
class _Found:
    """What the database says about a turn's learners."""

    groups: Mapping[str, tuple[AssetFacts, ...]]
    steps: Mapping[int, list[Step]]
    activities: Mapping[tuple[int, int], list[Activity]]
    places: Mapping[Pair, _Place]

    def notebook(self, learner: int, group: Sequence[AssetFacts]) -> AssetFacts:
        """Of a notebook's translations the one that the learner used last; where none was used, the first published."""
        used = [asset for asset in group if (learner, asset.id) in self.activities]
        if used:
            return max(used, key=lambda asset: max(one.order for one in self.activities[learner, asset.id]))
        return next((asset for asset in group if asset.id in self.steps), group[0])


def make_documents(limit: int = CLAIM, older_than: float = 0) -> int:
    """Make the telemetry anew of learners' notebooks that have changed; returns how many of them were taken.

    Raises OperationalError when the database is away: they are taken later.
    """
    return take_turn(SOURCE, _make, limit, older_than)


def _make(pairs: Sequence[Pair]) -> None:
    found = _find(pairs)
    documents, completions = [], {}
    for user_id, slug in pairs:
        group = found.groups.get(slug)
        made = _document(user_id, slug, group, found) if group else None
        if group is None or made is None:
            continue
        documents.append(made)
        if made.result is not None:
            complete = made.result["global"]["metrics"]["completion_rate"] >= COMPLETE
            completions[user_id, slug] = Completion(user_id, tuple(sorted(one.slug for one in group)), complete)
    stored = store_documents(documents)
    apply_completion([completion for key, completion in completions.items() if key in stored])


def _document(user_id: int, slug: str, group: Sequence[AssetFacts], found: _Found) -> Document | None:
    """The learner's record, scored when the canonical asset is graded; None where there is nothing to tell."""
    notebook = found.notebook(user_id, group)
    activities = found.activities.get((user_id, notebook.id), [])
    before = found.places.get((user_id, slug))
    if not activities and before is None:
        return None
    telemetry = document(slug, user_id, found.steps.get(notebook.id, []), activities)
    # Made from all there is, it is newer than what is stored also where the last activity was on an assignment that
    # is no longer published.
    moments = [interaction_order(telemetry["last_interaction_at"]), before.at if before else None]
    return Document(
        user_id=user_id,
        asset_slug=slug,
        telemetry=msgspec.json.encode(telemetry),
        result=indicators(telemetry) if group[0].graded else None,
        last_interaction_at=max((one for one in moments if one is not None), default=None),
        receipt=max([one.arrival for one in activities] + ([before.receipt] if before else [])),
    )


def _find(pairs: Sequence[Pair]) -> _Found:
    slugs = {slug for _user, slug in pairs}
    registry = load_registry(slugs=slugs)
    # By the slug itself: it is canonical, and an alias of that name is another asset's.
    groups = {asset.slug: registry.translations(asset) for asset in registry.by_id.values() if asset.slug in slugs}
    asked = {(user_id, asset.id) for user_id, slug in pairs for asset in groups.get(slug, ())}
    return _Found(groups, _steps({asset for _user, asset in asked}), _activities(asked), _places(pairs))


def _steps(assets: Collection[int]) -> Mapping[int, list[Step]]:
    rows = Assignment.objects.filter(asset__in=assets).order_by("asset", "position", "id")
    listed = rows.values_list("asset_id", "key", "title", "position")
    return {asset: [Step(*row[1:]) for row in rows] for asset, rows in groupby(listed, key=lambda row: row[0])}


def _activities(asked: Iterable[tuple[int, int]]) -> Mapping[tuple[int, int], list[Activity]]:
    rows = msgspec.json.encode([{"learner": learner, "asset": asset} for learner, asset in sorted(asked)])
    found: dict[tuple[int, int], list[Activity]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_ACTIVITIES, {"asked": rows.decode(), "most": MOST_ACTIVITIES})
        for learner, asset, *columns in cursor.fetchall():
            found.setdefault((learner, asset), []).append(_activity(*columns))
    return found


def _activity(
    identifier: str, at: datetime, arrival: int, verb: str, assignment: str, outcome: str | None, failures: str,
    session_id: str | None,
) -> Activity:  # fmt: skip
    told: list[Any] = msgspec.json.decode(failures)
    return Activity(
        id=identifier, at=at, arrival=arrival, verb=verb, assignment=assignment, outcome=outcome,
        failures=tuple(Failure(*one) for one in told), session_id=session_id,
    )  # fmt: skip


def _places(pairs: Sequence[Pair]) -> Mapping[Pair, _Place]:
    asked = msgspec.json.encode([{"user_id": user_id, "asset_slug": slug} for user_id, slug in pairs])
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, [asked.decode()])
        return {(row[0], row[1]): _Place(row[2], row[3] or 0) for row in cursor.fetchall()}
