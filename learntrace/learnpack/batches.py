"""Batches: the whole state of a learner on an asset, sent again and again; the newest counts (contract, 3.3)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec
from django.db import connection, transaction

from learntrace.assignments.completion import COMPLETE, Completion, apply_completion, with_tasks
from learntrace.assignments.documents import Document, store_documents
from learntrace.core.wakeup import announce
from learntrace.learnpack import outcomes
from learntrace.learnpack.dispatch import Claimed, Resolved, resolve
from learntrace.learnpack.outcomes import Outcome, done, failed
from learntrace.learnpack.streaming import SOURCE
from learntrace.learnpack.telemetry import TOPIC
from learntrace.metrics.indicators import IndicatorError, indicators
from learntrace.metrics.timestamps import interaction_order
from learntrace.progress.stale import mark_stale
from learntrace.registry.resolution import AssetFacts, Registry

_PAYLOADS = "SELECT id, payload::text FROM learnpack_webhook WHERE id = ANY(%s)"
_LEARN = """
WITH told AS (
    SELECT DISTINCT ON (id) id, package_id
      FROM jsonb_to_recordset(%s::jsonb) AS r(id bigint, package_id bigint) ORDER BY id
), asset AS (
    SELECT a.id, told.package_id FROM registry_asset a JOIN told USING (id)
     WHERE a.learnpack_id IS NULL ORDER BY a.id FOR NO KEY UPDATE OF a
)
UPDATE registry_asset a SET learnpack_id = asset.package_id, updated_at = now() FROM asset WHERE asset.id = a.id
"""


@dataclass(frozen=True)
class _Batch:
    """A batch with what it is about: the learner, and the asset's translations, canonical one first."""

    webhook: Claimed
    student: int
    group: tuple[AssetFacts, ...]

    @property
    def key(self) -> tuple[int, str]:
        return self.student, self.group[0].slug

    @property
    def slugs(self) -> tuple[str, ...]:
        return tuple(sorted(asset.slug for asset in self.group))


def process_batches(
    webhooks: Sequence[Claimed], registry: Registry, known_users: Collection[int]
) -> dict[int, Outcome]:
    """Process batches in the open transaction; return each webhook's outcome by its id.

    Only the newest batch of each learner and canonical asset is read whole and stored.
    """
    results: dict[int, Outcome] = {}
    batches: list[_Batch] = []
    learned: list[tuple[AssetFacts, int]] = []
    for webhook in webhooks:
        told = _locate(webhook, registry, known_users)
        if isinstance(told, Outcome):
            results[webhook.id] = told
            continue
        resolved, student = told
        if resolved.learn is not None:
            learned.append((resolved.asset, resolved.learn))
        batches.append(_Batch(webhook, student, registry.translations(resolved.asset)))
    _learn_packages(learned)
    newest, older = _without_tasks_refused(batches, results)
    results |= {batch.webhook.id: done(outcomes.SUPERSEDED) for batch in older}
    results |= _store(newest)
    return results


def _locate(webhook: Claimed, registry: Registry, known_users: Collection[int]) -> tuple[Resolved, int] | Outcome:
    resolved = resolve(webhook, registry)
    if resolved is None:
        return failed(outcomes.ASSET_NOT_FOUND)
    student = webhook.student()
    if student is None or student not in known_users:
        return failed(outcomes.NO_STUDENT)
    return resolved, student


def newest_of(batches: Sequence[_Batch]) -> tuple[list[_Batch], list[_Batch]]:
    """Part batches into the newest of each learner and canonical asset, and the rest."""
    newest: dict[tuple[int, str], _Batch] = {}
    for batch in batches:
        held = newest.get(batch.key)
        if held is None or batch.webhook.order() > held.webhook.order():
            newest[batch.key] = batch
    chosen = {batch.webhook.id for batch in newest.values()}
    return list(newest.values()), [batch for batch in batches if batch.webhook.id not in chosen]


def _without_tasks_refused(batches: Sequence[_Batch], results: dict[int, Outcome]) -> tuple[list[_Batch], list[_Batch]]:
    tasked = with_tasks({(batch.student, slug) for batch in batches for slug in batch.slugs})
    kept = []
    for batch in batches:
        if any((batch.student, slug) in tasked for slug in batch.slugs):
            kept.append(batch)
        else:
            results[batch.webhook.id] = failed(outcomes.NO_TASKS, student=batch.student, slugs=str(list(batch.slugs)))
    return newest_of(kept)


def _learn_packages(learned: Sequence[tuple[AssetFacts, int]]) -> None:
    if learned:
        told = msgspec.json.encode([{"id": asset.id, "package_id": package} for asset, package in learned])
        with connection.cursor() as cursor:
            cursor.execute(_LEARN, [told.decode()])


def _payloads(ids: Sequence[int]) -> Mapping[int, bytes]:
    with connection.cursor() as cursor:
        cursor.execute(_PAYLOADS, [list(ids)])
        return {row[0]: row[1].encode() for row in cursor.fetchall()}


def _store(batches: Sequence[_Batch]) -> dict[int, Outcome]:
    if not batches:
        return {}
    payloads = _payloads([batch.webhook.id for batch in batches])
    results: dict[int, Outcome] = {}
    documents, completions = [], {}
    for batch in batches:
        document, results[batch.webhook.id] = _document(batch, payloads[batch.webhook.id])
        documents.append(document)
        if document.result is not None:
            complete = document.result["global"]["metrics"]["completion_rate"] >= COMPLETE
            completions[batch.key] = Completion(batch.student, batch.slugs, complete)
    stored = store_documents(documents)
    mark_stale(SOURCE, stored)
    transaction.on_commit(partial(announce, TOPIC))
    for batch in batches:
        if batch.key not in stored:
            results[batch.webhook.id] = done(outcomes.SUPERSEDED)
    apply_completion([completion for key, completion in completions.items() if key in stored])
    return results


def _document(batch: _Batch, payload: bytes) -> tuple[Document, Outcome]:
    """The document of a batch, scored when its canonical asset is graded, and how its webhook ends."""
    result, outcome = None, done()
    if batch.group[0].graded:
        try:
            result = indicators(msgspec.json.decode(payload))
        except IndicatorError as error:
            outcome = failed(outcomes.INVALID_SHAPE, place=error.place, expected=error.expected)
    student, slug = batch.key
    moment = interaction_order(batch.webhook.head.get("last_interaction_at"))
    return Document(student, slug, payload, result, moment, batch.webhook.id), outcome
