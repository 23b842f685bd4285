"""Batches: the state of a learner on an asset, sent again and again; the newest is the record (contract, 3.3).

The runs in the others are recorded all the same (`unread_documents`).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from django.db import transaction

from learntrace.assignments.completion import COMPLETE, Completion, TaskKey, apply_completion, with_tasks
from learntrace.assignments.telemetry_documents import Document, Inbox, store_documents
from learntrace.core.sql import execute, fetch, json_rows
from learntrace.core.stopwatch import Stopwatch
from learntrace.core.wakeup import announce
from learntrace.learnpack.processing import outcomes
from learntrace.learnpack.processing.dispatch import Batch
from learntrace.learnpack.processing.outcomes import Outcome, done, failed, from_clock_ahead
from learntrace.learnpack.processing.streaming import SOURCE
from learntrace.learnpack.processing.unread_documents import TOPIC, keep_replaced, keep_unread
from learntrace.measures.indicators import IndicatorError, indicators_of
from learntrace.progress.stale_queue import mark_stale

# For how long a turn stores large batches, and the compressed size in bytes of a large one.
STORING_SECONDS = 0.3
LARGE = 16 * 1024

_INBOX = Inbox("learnpack_webhook", "payload")
_PAYLOADS = "SELECT id, payload::text FROM learnpack_webhook WHERE id = ANY(%s)"
_SET_PACKAGE_IDS = """
WITH sent AS (
    SELECT DISTINCT ON (id) id, package_id
      FROM jsonb_to_recordset(%s::jsonb) AS r(id bigint, package_id bigint) ORDER BY id
), asset AS (
    SELECT a.id, sent.package_id FROM registry_asset a JOIN sent USING (id)
     WHERE a.learnpack_id IS NULL ORDER BY a.id FOR NO KEY UPDATE OF a
)
UPDATE registry_asset a SET learnpack_id = asset.package_id, updated_at = now() FROM asset WHERE asset.id = a.id
"""


def process_batches(batches: Sequence[Batch]) -> dict[int, Outcome]:
    """Process batches in the open transaction; return each webhook's outcome by its id.

    Only the newest batch of each learner and canonical asset is read whole and becomes the record.
    """
    _set_package_ids(batches)
    with_task, refused = refuse_without_task(batches)
    newest, older = newest_of(with_task)
    stored = _in_time(newest, _store_part)
    return _with_flags(batches, refused | stored | _in_time(older, _supersede))


def _with_flags(batches: Sequence[Batch], results: Mapping[int, Outcome]) -> dict[int, Outcome]:
    """Note with the outcomes of batches from a clock that is ahead by how much it is."""
    ahead = {batch.webhook.id: batch.webhook.seconds_ahead for batch in batches}
    return {
        webhook_id: outcome if (seconds := ahead[webhook_id]) is None else from_clock_ahead(outcome, seconds)
        for webhook_id, outcome in results.items()
    }


def _set_package_ids(batches: Sequence[Batch]) -> None:
    """Store the package ids of assets that have none yet."""
    rows = [
        {"id": batch.asset.id, "package_id": batch.new_package_id}
        for batch in batches
        if batch.new_package_id is not None
    ]
    if rows:
        execute(_SET_PACKAGE_IDS, [json_rows(rows)])


def refuse_without_task(batches: Sequence[Batch]) -> tuple[list[Batch], dict[int, Outcome]]:
    """Part batches into those whose learner has a task on the asset, and the outcomes of the rest."""
    tasks = with_tasks({TaskKey(batch.student_id, slug, batch.closed) for batch in batches for slug in batch.slugs})
    kept, refused = [], {}
    for batch in batches:
        if any(TaskKey(batch.student_id, slug, batch.closed) in tasks for slug in batch.slugs):
            kept.append(batch)
        else:
            outcome = failed(outcomes.NO_TASKS, student=batch.student_id, slugs=str(list(batch.shown_slugs)))
            refused[batch.webhook.id] = outcome
    return kept, refused


def newest_of(batches: Sequence[Batch]) -> tuple[list[Batch], list[Batch]]:
    """Part batches into the newest of each learner and canonical asset, and the rest."""
    newest: dict[tuple[int, str], Batch] = {}
    for batch in batches:
        other = newest.get(batch.key)
        if other is None or batch.webhook.order > other.webhook.order:
            newest[batch.key] = batch
    ids = {batch.webhook.id for batch in newest.values()}
    return list(newest.values()), [batch for batch in batches if batch.webhook.id not in ids]


def _in_time(batches: Sequence[Batch], process: Callable[[Sequence[Batch]], dict[int, Outcome]]) -> dict[int, Outcome]:
    """Process batches and return their outcomes: all small ones, and large ones for as long as a turn may take, the oldest
    first. The rest has no outcome and stays pending."""
    results = process([batch for batch in batches if batch.webhook.size <= LARGE])
    stopwatch = Stopwatch(STORING_SECONDS)
    for batch in batches:
        if batch.webhook.size > LARGE and not stopwatch.is_over:
            results |= process([batch])
    return results


def _supersede(batches: Sequence[Batch]) -> dict[int, Outcome]:
    """Have the runs of batches recorded that are older than the record, or than another one of this turn."""
    keep_unread(batches)
    return {batch.webhook.id: done(outcomes.SUPERSEDED) for batch in batches}


def _store_part(batches: Sequence[Batch]) -> dict[int, Outcome]:
    if not batches:
        return {}
    payloads = _payloads([batch.webhook.id for batch in batches if _is_scored(batch)])
    results: dict[int, Outcome] = {}
    documents, completions = [], {}
    for batch in batches:
        document, results[batch.webhook.id] = _document(batch, payloads.get(batch.webhook.id))
        documents.append(document)
        if document.result is not None:
            complete = document.result["global"]["metrics"]["completion_rate"] >= COMPLETE
            completions[batch.key] = Completion(batch.student_id, batch.slugs, complete, batch.closed)
    keep_replaced(batches)
    stored = store_documents(documents, _INBOX)
    mark_stale(SOURCE, stored)
    transaction.on_commit(partial(announce, TOPIC))
    results |= _supersede([batch for batch in batches if batch.key not in stored])
    apply_completion([completion for key, completion in completions.items() if key in stored])
    return results


def _is_scored(batch: Batch) -> bool:
    """Whether indicators are computed: where the canonical asset is graded."""
    return batch.translations[0].graded


def _payloads(ids: Sequence[int]) -> Mapping[int, str]:
    return dict(fetch(_PAYLOADS, [list(ids)])) if ids else {}


def _document(batch: Batch, payload: str | None) -> tuple[Document, Outcome]:
    """Return the document of a batch, scored if it has a payload to be scored, and the webhook's outcome."""
    result, outcome = None, done()
    if payload is not None:
        try:
            result = indicators_of(payload)
        except IndicatorError as error:
            outcome = failed(outcomes.INVALID_SHAPE, place=error.place, expected=error.expected)
    student, slug = batch.key
    webhook = batch.webhook
    return Document(student, slug, None, result, webhook.last_interaction_at, webhook.id), outcome
