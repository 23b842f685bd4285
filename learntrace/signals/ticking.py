"""Looking at what is due because nothing has happened: a queue's turn, in every worker's second."""

import structlog
from django.db import OperationalError, connection, transaction

from learntrace.core import live
from learntrace.progress.recording import lock_learners
from learntrace.signals import states, watching
from learntrace.signals.clock import now_in
from learntrace.signals.detectors import DETECTORS
from learntrace.signals.states import Spot

TOPIC = "signals-due"
log = structlog.get_logger(__name__)

_ACADEMIES = """
SELECT DISTINCT academy_id FROM signals_watch WHERE due_at <= statement_timestamp()
"""
_DUE = """
SELECT user_id, academy_id, kind, "group" FROM signals_watch
 WHERE academy_id IS NOT DISTINCT FROM %s AND due_at <= %s AND kind = ANY(%s)
 ORDER BY due_at LIMIT %s
"""


def tick_due(limit: int = 200) -> int:
    """Have the detectors see what is due by now in each academy; returns how many states were looked at.

    Two workers may look at the same: whoever comes second finds it seen under the learner's lock.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ACADEMIES)
        academies = [row[0] for row in cursor.fetchall()]
    return sum(_tick_alone(academy, limit) for academy in academies)


def _tick_alone(academy_id: int | None, limit: int) -> int:
    """A fault of ours in one academy is reported, and keeps no other from being looked at."""
    try:
        return _tick_academy(academy_id, limit)
    except OperationalError:
        raise
    except Exception:
        log.exception("what is due in an academy was not looked at", academy=academy_id)
        return 0


def _tick_academy(academy_id: int | None, limit: int) -> int:
    now = now_in(academy_id)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_DUE, [academy_id, now, list(DETECTORS), limit])
            spots = [Spot(*row) for row in cursor.fetchall()]
        if not spots:
            return 0
        lock_learners([spot.user_id for spot in spots])
        due = {
            spot: watched
            for spot, watched in states.load(spots).items()
            if watched.due_at is not None and watched.due_at <= now
        }
        live.say(watching.tick(due, now))
    return len(spots)
