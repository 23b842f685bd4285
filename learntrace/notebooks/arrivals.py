"""Taking what has come into measures and signals: a queue's turn, which workers share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import OperationalError, connection, transaction

from learntrace.notebooks import activities
from learntrace.notebooks.models import Arrival
from learntrace.notebooks.unknown import flag_unknown
from learntrace.progress import recording
from learntrace.progress.stale import mark_published

log = structlog.get_logger(__name__)

# A turn's transaction is as long as its work, so there is a limit to it; one arrival has at most 500 events.
MOST_ARRIVALS = 100
MOST_EVENTS = 500

_CLAIM = """
SELECT id, events::text[] FROM notebooks_arrival
 WHERE retry_at <= statement_timestamp() AND created_at <= statement_timestamp() - make_interval(secs => %s)
 ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_CLAIM_ONE = "SELECT id, events::text[] FROM notebooks_arrival WHERE id = %s FOR UPDATE SKIP LOCKED"
_FORGET = "DELETE FROM notebooks_arrival WHERE id = ANY(%s)"
_POSTPONE = """
UPDATE notebooks_arrival
   SET attempts = attempts + 1, retry_at = now() + make_interval(secs => least(power(2, attempts), %s)), fault = %s
 WHERE id = ANY(%s)
"""
# Seconds at most between two attempts: while the database recovers, and after a fault of ours.
_AGAIN, _AFTER_FAULT = 300, 3600


@dataclass(frozen=True)
class _Claimed:
    id: int
    events: list[str]


def take_arrivals(older_than: float = 0) -> int:
    """Take the oldest arrivals that nobody else has in hand; returns how many there were.

    Raises OperationalError when the database is away or a deadlock was found: they are taken later.
    """
    claimed: list[_Claimed] = []
    try:
        with transaction.atomic():
            claimed = _claim(older_than)
            _take(claimed)
    except OperationalError:
        _postpone([one.id for one in claimed], _AGAIN)
        raise
    except Exception:
        log.exception("arrivals failed together; trying one by one", count=len(claimed))
        for one in claimed:
            _take_one(one.id)
    return len(claimed)


def _claim(older_than: float) -> list[_Claimed]:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [older_than, MOST_ARRIVALS])
        found = [_Claimed(*row) for row in cursor.fetchall()]
    total, count = 0, 0
    for count, one in enumerate(found, 1):  # noqa: B007 (how far it came)
        total += len(one.events)
        if total >= MOST_EVENTS:
            break
    return found[:count]


def _take(claimed: Sequence[_Claimed]) -> None:
    if not claimed:
        return
    ids = [event for one in claimed for event in one.events]
    # Before they are read: what a learner has erased until then is not there any more, and stays so.
    recording.lock_learners(activities.learners_of(ids))
    done = activities.read(ids)
    recording.record(activities.SOURCE, done)
    mark_published(activities.SOURCE, activities.assigned(done))
    flag_unknown(ids)
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [[one.id for one in claimed]])


def _take_one(arrival_id: int) -> None:
    """Take one arrival by itself; a fault of ours costs no other, and nothing: it is tried again later."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_CLAIM_ONE, [arrival_id])
            _take([_Claimed(*row) for row in cursor.fetchall()])
    except OperationalError:
        _postpone([arrival_id], _AGAIN)
        raise
    except Exception as error:
        log.exception("an arrival failed", arrival=arrival_id)
        _postpone([arrival_id], _AFTER_FAULT, f"{type(error).__name__}: {error}"[:1000])


def _postpone(ids: Sequence[int], longest: int, fault: str = "") -> None:
    if not ids:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(_POSTPONE, [longest, fault, list(ids)])
    except OperationalError:
        # The database is away: they are still there, and nobody has lost anything.
        connection.close()


def oldest_arrival() -> datetime | None:
    """Since when the oldest arrival waits that no fault of ours holds up."""
    return Arrival.objects.filter(fault="").order_by("id").values_list("created_at", flat=True).first()
