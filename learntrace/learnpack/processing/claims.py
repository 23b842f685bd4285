"""Reading webhooks for processing: which rows, how much of each payload, and the assets that they name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from learntrace.accounts.people.merged import users_of_today
from learntrace.accounts.write_facts import read_people
from learntrace.accounts.write_scope import Learner, Sender
from learntrace.core.fair_claims import FairClaims, Row, Table
from learntrace.core.sql import fetch
from learntrace.core.stopwatch import Stopwatch
from learntrace.learnpack.payloads import bigint
from learntrace.learnpack.processing import outcomes
from learntrace.learnpack.webhook_refs import WebhookRefs, read_refs
from learntrace.measures.clock import counted_at, is_ahead
from learntrace.registry.resolution import Registry, load_registry

# The long lists are left in the database: most batches are superseded before anybody reads them.
_HEAD = """
SELECT w.id, w.event,
       (CASE WHEN jsonb_typeof(w.payload) = 'object' AND w.event = 'batch'
             THEN w.payload - ARRAY['steps', 'workout_session', 'global_metrics', 'global_indicators']
             WHEN jsonb_typeof(w.payload) = 'object' THEN w.payload END)::text,
       w.student_id, w.sender_id, w.created_at, pg_column_size(w.payload)
  FROM learnpack_webhook w
"""
TABLE = Table(
    "learnpack_webhook",
    waiting="q.status = 'PENDING'",
    due="q.retry_at <= statement_timestamp()"
    " AND q.created_at <= statement_timestamp() - make_interval(secs => %(older_than)s)",
    since="retry_at",
    weight="pg_column_size(q.payload)",
)
_claims = FairClaims(
    TABLE,
    # Not the learners' own lock: a batch is stored while its learner's activities are being recorded.
    lock="learntrace webhooks of ",
)
# Compressed bytes: those of a turn's webhooks, and those that are read before the clock is looked at.
_MOST_BYTES = 4 * 1024 * 1024
_READ_AT_ONCE = 512 * 1024
# For how long a turn reads webhooks.
_READING_SECONDS = 0.25
_BY_ID = f"{_HEAD} WHERE w.id = ANY(%(ids)s)"
_CLAIM_ONE = f"{_HEAD} WHERE w.id = %(id)s AND w.status = 'PENDING' FOR UPDATE SKIP LOCKED"
_CLAIM_THESE = f"{_BY_ID} AND w.status = 'PENDING' ORDER BY w.id FOR UPDATE SKIP LOCKED"
# The index on students finds these.
_STREAMED = f"{_HEAD} WHERE w.student_id = %(student)s AND w.reason = %(reason)s ORDER BY w.id"
_READ = f"{_HEAD} WHERE w.id > %(after)s AND w.status = 'PENDING' AND w.event = 'batch' ORDER BY w.id LIMIT %(limit)s"


class Order(NamedTuple):
    """The sort key of "newer" (contract, 3.3): last interaction, a missing one first; then receipt, by the id.

    The last interaction is `Claimed.last_interaction_at`.
    """

    dated: bool
    last_interaction_at: datetime | None
    id: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A webhook as processing sees it.

    `payload` lacks a batch's long lists. `sender` and `learner` are as they are now: a role may have been taken away
    since the webhook was received.
    """

    id: int
    refs: WebhookRefs
    payload: Mapping[str, Any]
    sender: Sender
    learner: Learner
    received_at: datetime
    size: int
    """The compressed size of the whole payload in bytes."""

    @property
    def event(self) -> str:
        return self.refs.event

    @property
    def student_id(self) -> int | None:
        """The user that the webhook is about (`WebhookRefs.student_id`), None where there is no such user."""
        return self.learner.user_id

    @property
    def seconds_ahead(self) -> int | None:
        """By how many seconds the last interaction lies after the receipt; None where it may be true."""
        moment = self.refs.last_interaction_at
        if moment is None or not is_ahead(moment, self.received_at):
            return None
        return int((moment - self.received_at).total_seconds())

    @property
    def last_interaction_at(self) -> datetime | None:
        """When the learner did something last: the time of receipt where the client's clock is too far ahead.

        With the time that the client gives, no later batch would ever be newer.
        """
        moment = self.refs.last_interaction_at
        return None if moment is None else counted_at(moment, self.received_at)

    @property
    def order(self) -> Order:
        moment = self.last_interaction_at
        return Order(moment is not None, moment, self.id)


def claim(limit: int, older_than: float = 0) -> list[Claimed]:
    """Lock webhooks that are due, in fair turns (`core.fair_claims`), in the open transaction; return them by their ids.

    Where reading them takes long, the rest is left to another turn.
    """
    stopwatch = Stopwatch(_READING_SECONDS)
    claimed: list[Claimed] = []
    for part in _parts(_claims.claim(limit, _MOST_BYTES, older_than=older_than)):
        if claimed and stopwatch.is_over:
            break
        claimed += _read(_BY_ID, {"ids": part})
    return sorted(claimed, key=attrgetter("id"))


def _parts(rows: Iterable[Row]) -> list[list[int]]:
    """Part rows into those that one query reads; return their ids."""
    parts: list[list[int]] = []
    room = 0
    for row in rows:
        if row.weight > room or not parts:
            parts.append([])
            room = _READ_AT_ONCE
        parts[-1].append(row.id)
        room -= row.weight
    return parts


def claim_one(webhook_id: int) -> list[Claimed]:
    """Lock one webhook if it is still pending and free."""
    return _read(_CLAIM_ONE, {"id": webhook_id})


def claim_these(ids: Sequence[int]) -> list[Claimed]:
    """Lock those of these webhooks that are still pending and free; return them by their ids."""
    return _read(_CLAIM_THESE, {"ids": list(ids)})


def read_pending_batches(after: int, limit: int) -> list[Claimed]:
    """Read pending batches with a higher id, without locking them."""
    return _read(_READ, {"after": after, "limit": limit})


def read_streamed(student_id: int) -> list[Claimed]:
    """Read the streaming events of a learner that became activity and are still kept."""
    return _read(_STREAMED, {"student": student_id, "reason": outcomes.TAKEN})


class _Row(NamedTuple):
    """A row of _HEAD; `head` is JSON text."""

    id: int
    event: str
    head: str | None
    student_id: int | None
    sender_id: int | None
    received_at: datetime
    size: int


def _read(statement: str, parameters: Mapping[str, int | float | str | list[int]]) -> list[Claimed]:
    """Return webhooks, each with what it refers to and with its sender and learner; two queries."""
    read = []
    for row in map(_Row._make, fetch(statement, parameters)):
        payload = msgspec.json.decode(row.head) if row.head else {}
        refs = read_refs(row.event, payload)
        read.append((row, payload, refs, refs.student_id(row.student_id)))
    # A payload may name a user who was merged into another since it came.
    now = users_of_today(student for row, _payload, _refs, student in read if student != row.student_id)
    read = [(row, payload, refs, now.get(student, student)) for row, payload, refs, student in read]
    people = read_people(user_id for row, _payload, _refs, student in read for user_id in (student, row.sender_id))
    return [
        Claimed(
            row.id,
            refs,
            payload,
            people.sender(row.sender_id, student),
            people.learner(student),
            row.received_at,
            row.size,
        )
        for row, payload, refs, student in read
    ]


def registry_for(webhooks: Sequence[Claimed]) -> Registry:
    """Load the assets that webhooks name in any way."""
    refs = [webhook.refs for webhook in webhooks]
    packages = {bigint(ref.package_value) for ref in refs}
    return load_registry(
        ids={asset_id for ref in refs for asset_id in ref.asset_ids},
        slugs={slug for ref in refs for slug in ref.asset_slugs},
        package_ids={package for package in packages if package is not None},
    )
