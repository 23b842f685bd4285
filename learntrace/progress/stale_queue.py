"""Queue of learners' assets whose telemetry has to be made again.

Whatever changes something marks them stale; a worker's turn takes several at once, and one that fails costs no other.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models.functions import Now

from learntrace.core.fair_claims import FairClaims, Table
from learntrace.core.queue import run_turn
from learntrace.core.sql import execute, fetch, json_rows
from learntrace.progress.models import Stale
from learntrace.progress.recording.activity_store import AssignmentKey, LearnerActivity, by_key, key_rows
from learntrace.progress.recording.recording import lock_learners

Pair = tuple[int, str]
Work = Callable[[Sequence[Pair]], Mapping[Pair, float]]
"""Does the work of pairs, whose learners are locked; returns those whose work goes on in another turn, each with the seconds
after which at least."""

# A row that is already there is not written again, but locked, which DO NOTHING doesn't do: a worker that claimed it before
# our commit would see the old state and delete the row.
_MARK = """
INSERT INTO progress_stale (user_id, asset_slug, source, turn_academy)
SELECT DISTINCT r.user_id, r.asset_slug, %s,
       coalesce((SELECT a.academy_id FROM registry_asset a WHERE a.slug = r.asset_slug), 0)
  FROM jsonb_to_recordset(%s::jsonb) AS r(user_id bigint, asset_slug text)
 ORDER BY 1, 2
ON CONFLICT (user_id, asset_slug, source) DO UPDATE SET since = progress_stale.since WHERE false
"""
TABLE = Table(
    "progress_stale",
    waiting="q.source = %(source)s",
    due="q.since <= statement_timestamp() - make_interval(secs => %(older_than)s)",
    since="since",
    learner="user_id",
)
# The row that is claimed is deleted, so there is no conflict but with one that was marked since by this transaction itself.
_MARK_AGAIN = """
INSERT INTO progress_stale (user_id, asset_slug, source, turn_academy, since)
SELECT r.user_id, r.asset_slug, %s,
       coalesce((SELECT a.academy_id FROM registry_asset a WHERE a.slug = r.asset_slug), 0),
       clock_timestamp() + make_interval(secs => r.pause)
  FROM jsonb_to_recordset(%s::jsonb) AS r(user_id bigint, asset_slug text, pause double precision)
 ORDER BY 1, 2
ON CONFLICT DO NOTHING
"""
# The longest waiting first: who begins with a part of the work on one of them has to get to each.
_TAKE = """
WITH taken AS (DELETE FROM progress_stale WHERE id = ANY(%s) RETURNING id, user_id, asset_slug, since)
SELECT user_id, asset_slug FROM taken ORDER BY since, id
"""

# A tag's asset has one canonical translation, under which the telemetry of all of them stands (contract, 3.1).
_MARK_PUBLISHED = """
INSERT INTO progress_stale (user_id, asset_slug, source, turn_academy)
SELECT DISTINCT r.learner, canonical.slug, %s, coalesce(canonical.academy_id, 0)
  FROM jsonb_to_recordset(%s::jsonb) AS r(learner bigint, academy bigint, about text)
  JOIN progress_assignment p ON p.academy_id = r.academy AND p.key = r.about
  JOIN registry_asset a ON a.id = p.asset_id
 CROSS JOIN LATERAL (SELECT t.slug, t.academy_id FROM registry_asset t
                      WHERE t.id = a.id OR t.translation_group_id = a.translation_group_id
                      ORDER BY t.id LIMIT 1) AS canonical
 ORDER BY 1, 2
ON CONFLICT (user_id, asset_slug, source) DO UPDATE SET since = progress_stale.since WHERE false
"""


_claims: dict[str, FairClaims] = {}


def mark_stale(source: str, pairs: Collection[tuple[int, str]]) -> None:
    """Mark (user id, canonical asset slug) in the open transaction; one that is marked already keeps its place."""
    if pairs:
        execute(_MARK, [source, json_rows({"user_id": user_id, "asset_slug": slug} for user_id, slug in pairs)])


def _mark_again(source: str, pairs: Mapping[Pair, float]) -> None:
    """Mark pairs that this transaction has claimed; their turn comes after all others', and after these seconds."""
    rows = json_rows(
        {"user_id": user_id, "asset_slug": slug, "pause": pause} for (user_id, slug), pause in pairs.items()
    )
    execute(_MARK_AGAIN, [source, rows])


def claim_stale(source: str, limit: int, older_than: float) -> list[tuple[int, str]]:
    """Claim pairs of a source that have waited that many seconds, and their learners, in fair turns.

    In the open transaction that works on them; the longest waiting first.
    """
    claims = _claims.setdefault(source, FairClaims(TABLE))
    rows = claims.claim(limit, limit, source=source, older_than=older_than)
    return [(user_id, slug) for user_id, slug in fetch(_TAKE, [[row.id for row in rows]])] if rows else []


def mark_published(source: str, activities: Collection[LearnerActivity]) -> None:
    """Mark the learners' assets whose published assignments these activities belong to, in the open transaction."""
    mark_assignments(source, by_key(activities))


def mark_assignments(source: str, keys: Collection[AssignmentKey]) -> None:
    """Mark the learners' assets that these assignments belong to, where they are published, in the open transaction."""
    if keys:
        execute(_MARK_PUBLISHED, [source, key_rows(keys)])


def take_turn(
    source: str, work: Work, limit: int, older_than: float, give_up: Callable[[Pair, Exception], None] | None = None
) -> int:
    """Claim up to `limit` (user id, asset slug) of a source and do the work, all in one transaction; return how many.

    A pair whose work fails by a fault of ours is dropped: it would fail again until something in it changes. `give_up` is
    told of it. Raises OperationalError when the database is away or a deadlock was found: all of them are taken later.
    """
    return run_turn(_StaleTurn(source, work, limit, older_than, give_up))


def oldest(source: str) -> datetime | None:
    """Return since when the oldest pair of a source that is due waits, None if none does."""
    due = Stale.objects.filter(source=source, since__lte=Now())
    return due.order_by("since").values_list("since", flat=True).first()


@dataclass(frozen=True)
class _StaleTurn:
    source: str
    process: Work
    limit: int
    older_than: float
    told: Callable[[Pair, Exception], None] | None = None
    name: str = "stale assets"

    def describe(self, item: Pair) -> Mapping[str, object]:
        return {"source": self.source, "user": item[0], "asset": item[1]}

    def claim(self) -> list[Pair]:
        return claim_stale(self.source, self.limit, self.older_than)

    def claim_again(self, item: Pair) -> list[Pair]:
        rows = Stale.objects.select_for_update(skip_locked=True)
        row = rows.filter(source=self.source, user=item[0], asset_slug=item[1]).first()
        if row is None:
            return []
        row.delete()
        lock_learners([item[0]])
        return [item]

    def work(self, items: Sequence[Pair]) -> None:
        if left := self.process(items):
            _mark_again(self.source, left)

    def postpone(self, items: Sequence[Pair]) -> None:
        """Do nothing: the rollback has put the rows back, and the next turn takes them."""

    def give_up(self, items: Sequence[Pair], error: Exception) -> None:
        """Tell of it; the claim has deleted the row."""
        if self.told is not None:
            for item in items:
                self.told(item, error)
