"""Bringing what is stored in line with changes of assets: they mean something else than when the telemetry came.

An asset that is graded now, was renamed, or became a translation of others: learners who have finished send nothing more,
so nobody else would score their records or bring them under the canonical slug. Doing it again changes nothing.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
from django.db import OperationalError, transaction

from learntrace.accounts.write_facts import read_people
from learntrace.accounts.write_scope import owners
from learntrace.assignments.completion import COMPLETE, Completion, apply_completion
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.assignments.reconciliation import Moves, move_telemetry
from learntrace.assignments.telemetry_documents import Document
from learntrace.core.sql import execute, fetch, json_rows
from learntrace.core.wakeup import announce
from learntrace.measures.indicators import IndicatorError, indicators_of
from learntrace.registry.models import Asset, AssetAlias, AssetChange
from learntrace.registry.resolution import AssetFacts, load_registry
from learntrace.registry.sync import TOPIC as STATS_TOPIC

log = structlog.get_logger(__name__)

TOPIC: Final = "asset-changes"
# Documents may have some 100 KB each, and workers wait for the rows that are locked here.
_CHUNK: Final = 50

# In the order in which workers lock rows. What staff wrote stays, a document as well as single scores.
_UNSCORED = """
SELECT id, user_id, telemetry::text FROM assignments_assignmenttelemetry
 WHERE asset_slug = %s AND user_id > %s AND metrics IS NULL AND telemetry IS NOT NULL AND NOT by_staff
 ORDER BY user_id LIMIT %s FOR UPDATE
"""
# updated_at stays: the document is no newer than before.
_SCORE = """
UPDATE assignments_assignmenttelemetry t
   SET engagement_score = coalesce(t.engagement_score, r.engagement_score),
       frustration_score = coalesce(t.frustration_score, r.frustration_score),
       metrics_algo_version = r.metrics_algo_version, metrics = r.metrics,
       total_time = coalesce(t.total_time, make_interval(secs => r.total_time)),
       completion_rate = coalesce(t.completion_rate, r.completion_rate)
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(user_id bigint, asset_slug text, engagement_score double precision, frustration_score double precision,
         metrics_algo_version double precision, metrics jsonb, total_time double precision,
         completion_rate double precision)
 WHERE t.user_id = r.user_id AND t.asset_slug = r.asset_slug
"""


@dataclass(frozen=True)
class Followed:
    """What changed with an asset: all of its translations' ids, names and package ids, and the former names by the canonical
    slug.

    `scored`: the learners whose records have scores now.
    """

    canonical: AssetFacts
    asset_ids: frozenset[int]
    slugs: frozenset[str]
    package_ids: frozenset[int]
    former: Mapping[str, str]
    moves: Moves = field(default_factory=Moves)
    scored: tuple[int, ...] = ()


# Callbacks of rooms above: what they keep under the asset's names follows too. They begin transactions of their own. A mover
# is called with a former slug, the canonical one and the learners, before their records are moved, so that it is called
# again if it was interrupted; a follower is called at the end.
Mover = Callable[[str, str, Collection[int]], None]
Follower = Callable[[Followed], None]
_movers: list[Mover] = []
_followers: list[Follower] = []


def register_follower(mover: Mover, follower: Follower) -> None:
    """Register the callbacks of a room."""
    if follower not in _followers:
        _movers.append(mover)
        _followers.append(follower)


def take_change() -> int:
    """Follow the changes of the asset that has waited longest; return 0 where none waits, else 1.

    A change that fails by a fault of ours is logged and dropped; the command does it again. Raises OperationalError when
    the database is away: it is followed later.
    """
    first = AssetChange.objects.order_by("id").first()
    if first is None:
        return 0
    rows = dict(AssetChange.objects.filter(asset_id=first.asset_id).values_list("id", "former_slug"))
    try:
        follow(first.asset_id, [slug for slug in rows.values() if slug])
    except OperationalError:
        raise
    except Exception:
        log.exception("telemetry could not follow a change of an asset", asset=first.asset_id)
    AssetChange.objects.filter(pk__in=rows).delete()
    return 1


def follow(asset_id: int, former_slugs: Sequence[str] = (), *, dry_run: bool = False) -> Followed | None:
    """Bring records of an asset under its canonical slug and score those that should be; None where there is no such asset.

    Learners' rows are changed in transactions of their own: stopped at any time, the rest is done by doing it again.
    """
    registry = load_registry(ids=[asset_id])
    if asset_id not in registry.by_id:
        return None
    asset = registry.by_id[asset_id]
    canonical, group = registry.canonical(asset), registry.translations(asset)
    ids = frozenset(translation.id for translation in group)
    aliases = frozenset(AssetAlias.objects.filter(asset__in=ids).values_list("slug", flat=True))
    slugs = {translation.slug for translation in group} | aliases | _free(former_slugs)
    former = {slug: canonical.slug for slug in slugs if slug != canonical.slug}
    if not dry_run:
        _move_what_is_above(former)
    moves = move_telemetry(former, dry_run=dry_run)
    scored = _score(canonical, group, dry_run=dry_run) if canonical.graded else ()
    packages = frozenset(asset.learnpack_id for asset in group if asset.learnpack_id is not None)
    followed = Followed(canonical, ids, frozenset(slugs), packages, former, moves, scored)
    if not dry_run:
        if scored or moves.renamed or moves.removed:
            Asset.objects.filter(pk__in=ids).update(sync_status=Asset.SyncStatus.PENDING)
            announce(STATS_TOPIC)
        for follower in _followers:
            follower(followed)
    return followed


def _move_what_is_above(former: Mapping[str, str]) -> None:
    learners: dict[str, list[int]] = {}
    rows = AssignmentTelemetry.objects.filter(asset_slug__in=list(former)).order_by("user_id")
    for user_id, slug in rows.values_list("user_id", "asset_slug"):
        learners.setdefault(slug, []).append(user_id)
    for slug, user_ids in learners.items():
        for mover in _movers:
            mover(slug, former[slug], user_ids)


def _free(slugs: Sequence[str]) -> frozenset[str]:
    """Return those of an asset's former slugs that no other asset has by now."""
    taken = Asset.objects.filter(slug__in=slugs).values_list("slug", flat=True)
    aliased = AssetAlias.objects.filter(slug__in=slugs).values_list("slug", flat=True)
    return frozenset(slugs) - {*taken, *aliased}


def _score(canonical: AssetFacts, group: Sequence[AssetFacts], *, dry_run: bool) -> tuple[int, ...]:
    """Score the records that have no scores, and bring tasks in line; return the learners."""
    scored: list[int] = []
    after = 0
    slugs = tuple(translation.slug for translation in group)
    while True:
        with transaction.atomic():
            rows = fetch(_UNSCORED, [canonical.slug, after, _CHUNK])
            if not rows:
                return tuple(scored)
            after = rows[-1][1]
            documents = [document for row in rows if (document := _scored(canonical.slug, *row)) is not None]
            scored += [document.user_id for document in documents]
            if dry_run or not documents:
                continue
            execute(_SCORE, [json_rows(document.row() for document in documents)])
            apply_completion(_completions(documents, slugs, canonical.academy_id))


def _scored(slug: str, _row_id: int, user_id: int, telemetry: str) -> Document | None:
    """Return a record's document with its scores; None where indicators can't be computed."""
    try:
        return Document(user_id, slug, None, indicators_of(telemetry), None, 0)
    except IndicatorError:
        return None


def _completions(documents: Sequence[Document], slugs: tuple[str, ...], home: int | None) -> list[Completion]:
    people = read_people(document.user_id for document in documents)
    found = []
    for document in documents:
        assert document.result is not None  # noqa: S101 (only scored documents come here)
        complete = document.result["global"]["metrics"]["completion_rate"] >= COMPLETE
        academies = people.learner(document.user_id).academies
        # Tasks of an academy that doesn't own the record stay as they are.
        found.append(Completion(document.user_id, slugs, complete, academies - owners(academies, home)))
    return found
