"""The queue of notebooks' telemetry: a turn makes the records of learners' changed notebooks from their activities."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final

import msgspec

from learntrace.accounts.write_facts import read_people
from learntrace.accounts.write_scope import owners
from learntrace.assignments.completion import COMPLETE, Completion, apply_completion
from learntrace.assignments.telemetry_documents import NOTEBOOKS_AGENT, Document, delete_documents, store_documents
from learntrace.core.sql import fetch, json_rows
from learntrace.measures.activity import Activity, Failure
from learntrace.measures.indicators import indicators
from learntrace.measures.timestamps import interaction_order
from learntrace.notebooks.documents.activities import SOURCE
from learntrace.notebooks.documents.learnpack_document import MOST_ATTEMPTS, Step, document
from learntrace.progress.counting import counts
from learntrace.progress.models import Assignment
from learntrace.progress.stale_queue import Pair, take_turn
from learntrace.registry.resolution import AssetFacts, load_registry

TOPIC: Final = "notebook-telemetry"
# How many a turn claims: a worker that records a learner's events waits for the turn that makes the learner's record.
CLAIM = 25
# A document of more activities that took more seconds than these is not made again for so many times as long.
LONG = 2000
LONG_SECONDS = 0.1
REST = 20

# How many of a step's latest activities, attempts among them, are read: a multiple of the attempts in a document.
MOST_ACTIVITIES = 4 * MOST_ATTEMPTS

# The first and the latest activities of each learner and assignment: two short scans of one index, however many
# activities there are. The first may be one of the latest, and is then there twice. Only what notebooks told: LearnPack's
# clients send records of their own, of assets that may be a notebook's too.
_ACTIVITIES = f"""
SELECT asked.learner, asked.asset, a.id::text, a.at, a.arrival, a.verb, a.assignment, a.outcome, a.failures::text,
       a.session_id, a.part
  FROM jsonb_to_recordset(%(asked)s::jsonb) AS asked(learner bigint, asset bigint)
  JOIN progress_assignment s ON s.asset_id = asked.asset
 CROSS JOIN LATERAL (
       (SELECT * FROM progress_activity f
         WHERE f.user_id = asked.learner AND f.assignment = s.key AND f.academy_id = s.academy_id
           AND f.source = %(source)s AND {counts("f")}
         ORDER BY f.at, f.arrival LIMIT 1)
       UNION ALL
       (SELECT * FROM progress_activity l
         WHERE l.user_id = asked.learner AND l.assignment = s.key AND l.academy_id = s.academy_id
           AND l.source = %(source)s AND {counts("l")}
         ORDER BY l.at DESC, l.arrival DESC LIMIT %(most)s)
 ) AS a
"""  # noqa: S608 (no text from outside)
# When each of these assignments was done first.
_DONE = """
SELECT asked.learner, asked.asset, p.assignment, p.done_at
  FROM jsonb_to_recordset(%s::jsonb) AS asked(learner bigint, asset bigint)
  JOIN progress_assignment s ON s.asset_id = asked.asset
  JOIN progress_progress p ON p.user_id = asked.learner AND p.assignment = s.key AND p.academy_id = s.academy_id
 WHERE p.done_at IS NOT NULL
"""
# The learners and assets with activities that count for nothing.
_UNCOUNTED = f"""
SELECT asked.learner, asked.asset
  FROM jsonb_to_recordset(%(asked)s::jsonb) AS asked(learner bigint, asset bigint)
 WHERE EXISTS (SELECT FROM progress_assignment s
                 JOIN progress_activity a ON a.assignment = s.key AND a.academy_id = s.academy_id
                WHERE s.asset_id = asked.asset AND a.user_id = asked.learner AND a.source = %(source)s
                  AND NOT ({counts("a")}))
"""  # noqa: S608 (no text from outside)
# The positions of the existing records in the order of documents.
_POSITIONS = """
SELECT t.user_id, t.asset_slug, t.last_interaction_at, t.receipt, t.telemetry ->> 'agent' = %s AND NOT t.by_staff
  FROM assignments_assignmenttelemetry t
  JOIN jsonb_to_recordset(%s::jsonb) AS asked(user_id bigint, asset_slug text) USING (user_id, asset_slug)
"""


@dataclass(frozen=True)
class _RecordPosition:
    """A record's position in the order of documents (contract, 3.3), and whether it was made here."""

    at: datetime | None
    receipt: int
    made_here: bool


@dataclass(frozen=True)
class _TurnFacts:
    """What the database says about a turn's learners and notebooks."""

    groups: Mapping[str, tuple[AssetFacts, ...]]
    steps: Mapping[int, list[Step]]
    activities: Mapping[tuple[int, int], list[Activity]]
    done: Mapping[tuple[int, int], Mapping[str, datetime]]
    positions: Mapping[Pair, _RecordPosition]
    uncounted: frozenset[tuple[int, int]]

    def nothing_counts(self, learner: int, group: Sequence[AssetFacts]) -> bool:
        """Whether a learner has activities on a notebook, and all are excluded or of an earlier course run."""
        pairs = [(learner, asset.id) for asset in group]
        return any(pair in self.uncounted for pair in pairs) and not any(pair in self.activities for pair in pairs)

    def count_of(self, pair: Pair) -> int:
        """Return how many activities were read for a pair."""
        user_id, slug = pair
        return sum(len(self.activities.get((user_id, asset.id), ())) for asset in self.groups.get(slug, ()))

    def notebook(self, learner: int, group: Sequence[AssetFacts]) -> AssetFacts:
        """Return the translation of a notebook that the learner used last; if none was used, the first published one."""
        used = [asset for asset in group if (learner, asset.id) in self.activities]
        if used:
            return max(used, key=lambda asset: max(activity.order for activity in self.activities[learner, asset.id]))
        return next((asset for asset in group if asset.id in self.steps), group[0])


def make_documents(limit: int = CLAIM, older_than: float = 0) -> int:
    """Make the telemetry records of learners' changed notebooks; return how many were claimed.

    Raises OperationalError when the database is away: the rest is made later.
    """
    return take_turn(SOURCE, _make_and_store, limit, older_than)


@dataclass
class _Rests:
    """Until when this process leaves pairs alone whose document took long to make (`time.monotonic`).

    Each event of a learner changes the whole document: with 100,000 attempts it would take most of a worker's time.
    """

    _until: dict[Pair, float] = field(default_factory=dict)

    def left(self, pair: Pair) -> float:
        """Return the seconds for which the pair is still left alone, 0 for none."""
        return max(self._until.get(pair, 0.0) - time.monotonic(), 0.0)

    def begin(self, seconds_by_pair: Mapping[Pair, float]) -> None:
        """Leave pairs alone for a multiple of the seconds that each took, if that was long."""
        now = time.monotonic()
        long = {pair: now + REST * seconds for pair, seconds in seconds_by_pair.items() if seconds > LONG_SECONDS}
        self._until = {pair: until for pair, until in self._until.items() if until > now} | long


_rests = _Rests()


def _make_and_store(pairs: Sequence[Pair]) -> Mapping[Pair, float]:
    resting = {pair: seconds for pair in pairs if (seconds := _rests.left(pair))}
    began = time.monotonic()
    facts = _load_facts([pair for pair in pairs if pair not in resting])
    people = read_people(user_id for user_id, _slug in pairs)
    documents, completions = [], {}
    without: list[Pair] = []
    for user_id, slug in pairs:
        group = facts.groups.get(slug)
        if group is None or (user_id, slug) in resting:
            continue
        if facts.nothing_counts(user_id, group):
            without.append((user_id, slug))
            continue
        record = _record(user_id, slug, group, facts)
        if record is None:
            continue
        documents.append(record)
        if record.result is not None:
            complete = record.result["global"]["metrics"]["completion_rate"] >= COMPLETE
            academies = people.learner(user_id).academies
            # The events are those that the notebook's academy has: tasks of another one are not theirs to change.
            closed = academies - owners(academies, group[0].academy_id)
            slugs = tuple(sorted(asset.slug for asset in group))
            completions[user_id, slug] = Completion(user_id, slugs, complete, closed)
    # All that these learners did there was excluded, or is of an earlier course run.
    delete_documents(without, NOTEBOOKS_AGENT)
    stored = store_documents(documents)
    apply_completion([completion for key, completion in completions.items() if key in stored])
    _rests.begin(_shares(pairs, facts, time.monotonic() - began))
    return resting


def _shares(pairs: Sequence[Pair], facts: _TurnFacts, seconds: float) -> dict[Pair, float]:
    """Return the seconds of a turn that each long document took, by its share of the activities that were read."""
    counts = {pair: facts.count_of(pair) for pair in pairs}
    total = sum(counts.values())
    return {pair: seconds * count / total for pair, count in counts.items() if count > LONG}


def _record(user_id: int, slug: str, group: Sequence[AssetFacts], facts: _TurnFacts) -> Document | None:
    """Return the learner's record, scored if the canonical asset is graded; None without activities and a record made here."""
    notebook = facts.notebook(user_id, group)
    activities = facts.activities.get((user_id, notebook.id), [])
    before = facts.positions.get((user_id, slug))
    if not activities and not (before is not None and before.made_here):
        return None
    telemetry = document(
        slug, user_id, facts.steps.get(notebook.id, []), activities, facts.done.get((user_id, notebook.id), {})
    )
    # Made from all activities, the record is newer than the stored one, even if the last activity was on an assignment
    # that is no longer published.
    moments = [interaction_order(telemetry["last_interaction_at"]), before.at if before else None]
    return Document(
        user_id=user_id,
        asset_slug=slug,
        telemetry=msgspec.json.encode(telemetry),
        result=indicators(telemetry) if group[0].graded else None,
        last_interaction_at=max((moment for moment in moments if moment is not None), default=None),
        receipt=max([activity.arrival for activity in activities] + ([before.receipt] if before else [])),
    )


def _load_facts(pairs: Sequence[Pair]) -> _TurnFacts:
    slugs = {slug for _user, slug in pairs}
    registry = load_registry(slugs=slugs)
    # Looked up by the slug itself: it is canonical, and an alias of that name belongs to another asset.
    groups = {asset.slug: registry.translations(asset) for asset in registry.by_id.values() if asset.slug in slugs}
    asked = {(user_id, asset.id) for user_id, slug in pairs for asset in groups.get(slug, ())}
    activities = _activities(asked)
    return _TurnFacts(
        groups,
        _steps({asset for _user, asset in asked}),
        activities,
        _done(asked),
        _positions(pairs),
        # Where something counts, nobody asks.
        _uncounted(asked - activities.keys()),
    )


def _steps(assets: Collection[int]) -> Mapping[int, list[Step]]:
    rows = Assignment.objects.filter(asset__in=assets).order_by("asset", "position", "id")
    listed = rows.values_list("asset_id", "key", "title", "position")
    return {asset: [Step(*row[1:]) for row in rows] for asset, rows in groupby(listed, key=lambda row: row[0])}


def _activities(asked: Iterable[tuple[int, int]]) -> Mapping[tuple[int, int], list[Activity]]:
    rows = json_rows({"learner": learner, "asset": asset} for learner, asset in sorted(asked))
    activities: dict[tuple[int, int], dict[str, Activity]] = {}
    for learner, asset, event_id, *columns in fetch(
        _ACTIVITIES, {"asked": rows, "most": MOST_ACTIVITIES, "source": SOURCE}
    ):
        own = activities.setdefault((learner, asset), {})
        if event_id not in own:
            own[event_id] = _activity_from_row(event_id, *columns)
    return {pair: list(own.values()) for pair, own in activities.items()}


def _activity_from_row(
    event_id: str,
    at: datetime,
    arrival: int,
    verb: str,
    assignment: str,
    outcome: str | None,
    failures_json: str,
    session_id: str | None,
    part: str | None,
) -> Activity:
    failures: list[Any] = msgspec.json.decode(failures_json)
    return Activity(
        id=event_id,
        at=at,
        arrival=arrival,
        verb=verb,
        assignment=assignment,
        outcome=outcome,
        failures=tuple(Failure(*failure) for failure in failures),
        session_id=session_id,
        part=part,
    )


def _done(asked: Iterable[tuple[int, int]]) -> Mapping[tuple[int, int], Mapping[str, datetime]]:
    rows = json_rows({"learner": learner, "asset": asset} for learner, asset in sorted(asked))
    done: dict[tuple[int, int], dict[str, datetime]] = {}
    for learner, asset, key, done_at in fetch(_DONE, [rows]):
        done.setdefault((learner, asset), {})[key] = done_at
    return done


def _uncounted(asked: Collection[tuple[int, int]]) -> frozenset[tuple[int, int]]:
    if not asked:
        return frozenset()
    rows = json_rows({"learner": learner, "asset": asset} for learner, asset in sorted(asked))
    return frozenset((learner, asset) for learner, asset in fetch(_UNCOUNTED, {"asked": rows, "source": SOURCE}))


def _positions(pairs: Sequence[Pair]) -> Mapping[Pair, _RecordPosition]:
    asked = json_rows({"user_id": user_id, "asset_slug": slug} for user_id, slug in pairs)
    return {
        (user_id, slug): _RecordPosition(at, receipt or 0, bool(made_here))
        for user_id, slug, at, receipt, made_here in fetch(_POSITIONS, [NOTEBOOKS_AGENT, asked])
    }
