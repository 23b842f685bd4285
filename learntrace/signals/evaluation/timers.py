"""Queue of the detectors' timers: what they see because nothing has happened. Every worker looks once a second.

This is not the policy of `core.queue`. A timer is only read here, and claimed by the learner's lock; a fault of one
detector is already kept in its state (`evaluate`). Any other fault leaves the academy's timers as they are, and reports
no work done, so that they are tried in the next second and not in a loop.
"""

from dataclasses import dataclass

import structlog
from django.db import OperationalError, transaction

from learntrace.core import live_events
from learntrace.core.fair_claims import SHARE, in_share
from learntrace.core.sql import fetch
from learntrace.core.stopwatch import Stopwatch
from learntrace.progress.recording.recording import lock_free_learners
from learntrace.signals.detectors import DETECTORS
from learntrace.signals.evaluation import detector_states, evaluate
from learntrace.signals.evaluation.clock import now_in
from learntrace.signals.evaluation.detector_states import DetectorKey

TOPIC = "signals-due"
log = structlog.get_logger(__name__)

_ACADEMIES = """
SELECT DISTINCT academy_id FROM signals_watch WHERE due_at <= statement_timestamp()
"""
# One of each learner, then the second of each, among ten times as many as a turn takes: nobody's many timers make those of
# others wait long.
_DUE = f"""
SELECT user_id, academy_id, kind, "group"
  FROM (SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY due_at) AS number
          FROM (SELECT user_id, academy_id, kind, "group", due_at FROM signals_watch
                 WHERE academy_id IS NOT DISTINCT FROM %(academy)s AND due_at <= %(now)s AND kind = ANY(%(kinds)s)
                   AND {in_share("user_id")}
                 ORDER BY due_at LIMIT %(limit)s * 10) AS earliest) AS numbered
 ORDER BY number, due_at LIMIT %(limit)s
"""  # noqa: S608 (only texts of ours)
# For how long a turn begins with another academy.
TURN_SECONDS = 0.25


@dataclass
class _LastAcademy:
    """The place, in the order of their ids, of the academy whose timers this process has evaluated last."""

    id: int = -1


_last = _LastAcademy()


def evaluate_due_timers(limit: int = 200) -> int:
    """Evaluate timers that are due by now, some of each academy in turn; return how many there were.

    Two workers may find the same timer: under the learner's lock the second one sees that it is done.
    """
    stopwatch = Stopwatch(TURN_SECONDS)
    academies = sorted((academy for (academy,) in fetch(_ACADEMIES)), key=_turn)
    count = 0
    for academy in academies:
        count += _evaluate_alone(academy, limit)
        _last.id = academy or 0
        if stopwatch.is_over:
            break
    return count


def _turn(academy_id: int | None) -> tuple[bool, int]:
    """Return an academy's place in the next turn, which goes on after the one that was last."""
    number = academy_id or 0
    return number <= _last.id, number


def _evaluate_alone(academy_id: int | None, limit: int) -> int:
    """Evaluate an academy's timers, so that a fault of ours keeps no other academy waiting."""
    try:
        return _evaluate_academy(academy_id, limit)
    except OperationalError:
        raise
    except Exception:
        log.exception("evaluation of an academy's timers failed", academy=academy_id)
        return 0


def _evaluate_academy(academy_id: int | None, limit: int) -> int:
    now = now_in(academy_id)
    with transaction.atomic():
        asked = {
            "academy": academy_id,
            "now": now,
            "kinds": list(DETECTORS),
            "limit": limit,
            **SHARE.parameters(),
        }
        found = [DetectorKey(*row) for row in fetch(_DUE, asked)]
        # Whom another worker has locked is looked at in the next second.
        free = lock_free_learners({key.user_id for key in found})
        keys = [key for key in found if key.user_id in free]
        if not keys:
            return 0
        due = {
            key: state
            for key, state in detector_states.load(keys).items()
            if state.due_at is not None and state.due_at <= now
        }
        live_events.say(evaluate.evaluate_timers(due, now))
    return len(keys)
