"""What this room holds about users: their events, those that were rejected, and their consent (`core.personal`)."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import User
from learntrace.core.deletion import delete_by
from learntrace.core.personal import Holding, Rows, hold
from learntrace.core.wakeup import announce
from learntrace.notebooks.activities import SOURCE
from learntrace.notebooks.checking import BEHIND
from learntrace.notebooks.models import Consent, Event, RejectedEvent
from learntrace.notebooks.rejections import TELEMETRY_OF_ANOTHER
from learntrace.progress import recomputation
from learntrace.progress.recording import lock_learners

# A turn that makes telemetry anew takes these in hand and no lock of learners: it is waited for, so that nothing that it
# has read is written after us. Under the lock no new one is noted.
_FORGET_STALE = "DELETE FROM progress_stale WHERE user_id = %s AND source = %s"
# One that a worker has in hand goes with its transaction; it reads its events under the lock, and finds none.
_FORGET_ARRIVALS = """
WITH mine AS (
    SELECT id FROM events WHERE user_id = %s
), held AS (
    SELECT a.id FROM notebooks_arrival a
     WHERE EXISTS (SELECT FROM unnest(a.events) AS e(id) JOIN mine USING (id)) FOR UPDATE SKIP LOCKED
)
UPDATE notebooks_arrival a
   SET events = ARRAY(SELECT e.id FROM unnest(a.events) WITH ORDINALITY AS e(id, place)
                       WHERE e.id NOT IN (SELECT id FROM mine) ORDER BY e.place)
  FROM held WHERE a.id = held.id
"""
_FORGET_EMPTY = """
DELETE FROM notebooks_arrival
 WHERE id IN (SELECT id FROM notebooks_arrival WHERE events = '{}' FOR UPDATE SKIP LOCKED)
"""


def _rejected_of(user_id: int) -> QuerySet[RejectedEvent]:
    """A user's, and those in whose name somebody sent what is not theirs to send."""
    name = User.objects.filter(pk=user_id).values_list("username", flat=True).first()
    claimed = Q(code=TELEMETRY_OF_ANOTHER, reason_values__actor=name or "")
    return RejectedEvent.objects.filter(Q(user=user_id) | Q(user__isnull=True, sender=user_id) | claimed)


def _events(user_id: int) -> Rows:
    return Event.objects.filter(user=user_id).order_by("created_at", "arrival").values(
        "id", "actor", "verb", "occurred_at", "created_at", "object", "result", "context", "session_id", "object_id",
        "code_hash", "flags", "academy_id",
    )  # fmt: skip


def _rejected(user_id: int) -> Rows:
    return _rejected_of(user_id).order_by("id").values(
        "event_id", "code", "detail", "times", "created_at", "updated_at", "cut", event=F("raw")
    )  # fmt: skip


def _consent(user_id: int) -> Rows:
    return Consent.objects.filter(user=user_id).values("collecting", "changed_at")


def _erase_events(user_id: int) -> int:
    lock_learners([user_id])
    delete_by(_FORGET_STALE, user_id, SOURCE)
    delete_by(_FORGET_ARRIVALS, user_id)
    delete_by(_FORGET_EMPTY)
    return Event.objects.filter(user=user_id).delete()[0]


def _sweep_events(user_id: int, erased_at: datetime) -> int:
    """What was read, or tried again by staff, before the erasure was seen: what follows from it goes by a recomputation."""
    with transaction.atomic():
        late = Event.objects.filter(user=user_id, occurred_at__lte=erased_at, occurred_at__gte=erased_at - BEHIND)
        count: int = late.delete()[0]
        if count:
            recomputation.enqueue([user_id])
    if count:
        announce(recomputation.TOPIC)
    return count


def _erase_rejected(user_id: int) -> int:
    return _rejected_of(user_id).delete()[0]


def register() -> None:
    hold(
        Holding(
            "consent", _("What you said about the collection of notebook events"), _consent, table=True,
            stays=_("Otherwise nobody would know what you have said."),
        ),
        Holding("rejected-events", _("Events of notebooks that couldn't be taken"), _rejected, _erase_rejected),
        Holding("notebook-events", _("Events of notebooks"), _events, _erase_events, sweep=_sweep_events),
    )  # fmt: skip
