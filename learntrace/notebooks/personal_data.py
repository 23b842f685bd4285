"""Personal datasets of this room: events, rejected events, and consent (`core.personal_data`)."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import User
from learntrace.core.deletion import delete_by
from learntrace.core.personal_data import PersonalDataset, Rows, register_datasets
from learntrace.core.wakeup import announce
from learntrace.measures.clock import BEHIND
from learntrace.notebooks.documents.activities import SOURCE
from learntrace.notebooks.models import HAPPENED_AT, Consent, Event, RejectedEvent
from learntrace.notebooks.validation.rejections import TELEMETRY_OF_ANOTHER
from learntrace.progress.recording import activity_store, recomputation
from learntrace.progress.recording.recording import lock_learners

# A turn that makes telemetry locks these rows but not the learner: the delete waits for it, so that it writes nothing after
# us that it has read before. Under the learner's lock no new row is inserted.
_DELETE_STALE = "DELETE FROM progress_stale WHERE user_id = %s AND source = %s"
# An arrival that a worker has locked is deleted by its transaction; it reads its events under the lock, and finds none.
_STRIP_ARRIVALS = """
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
_DELETE_EMPTY_ARRIVALS = """
DELETE FROM notebooks_arrival
 WHERE id IN (SELECT id FROM notebooks_arrival WHERE events = '{}' FOR UPDATE SKIP LOCKED)
"""


_EVENT_COLUMNS = (
    "id",
    "actor",
    "verb",
    "occurred_at",
    "clock_offset_ms",
    "created_at",
    "object",
    "result",
    "context",
    "session_id",
    "object_id",
    "code_hash",
    "flags",
    "academy_id",
)


def _rejected_of(user_id: int) -> QuerySet[RejectedEvent]:
    """Return the user's rejected events, and those that others sent in the user's name without the right to."""
    name = User.objects.filter(pk=user_id).values_list("username", flat=True).first()
    claimed = Q(code=TELEMETRY_OF_ANOTHER, reason_values__actor=name or "")
    return RejectedEvent.objects.filter(Q(user=user_id) | Q(user__isnull=True, sender=user_id) | claimed)


def _events(user_id: int) -> Rows:
    rows: Rows = Event.objects.filter(user=user_id).order_by("created_at", "arrival").values(*_EVENT_COLUMNS)
    return rows


def _rejected(user_id: int) -> Rows:
    rows = _rejected_of(user_id).order_by("id")
    return rows.values("event_id", "code", "detail", "times", "created_at", "updated_at", "cut", event=F("raw"))


def _consent(user_id: int) -> Rows:
    return Consent.objects.filter(user=user_id).values("collecting", "changed_at")


def _erase_events(user_id: int) -> int:
    lock_learners([user_id])
    delete_by(_DELETE_STALE, user_id, SOURCE)
    delete_by(_STRIP_ARRIVALS, user_id)
    delete_by(_DELETE_EMPTY_ARRIVALS)
    return Event.objects.filter(user=user_id).delete()[0]


def _sweep_events(user_id: int, erased_at: datetime) -> int:
    """Delete events that a request or a retry stored without seeing the erasure, and their activities; recompute what
    follows from these."""
    with transaction.atomic():
        lock_learners([user_id])
        late = Event.objects.filter(user=user_id).alias(happened_at=HAPPENED_AT)
        late = late.filter(happened_at__lte=erased_at, happened_at__gte=erased_at - BEHIND)
        ids = [str(pk) for pk in late.values_list("pk", flat=True)]
        count: int = late.filter(pk__in=ids).delete()[0]
        activity_store.delete(ids)
        if count:
            recomputation.enqueue([user_id])
    if count:
        announce(recomputation.TOPIC)
    return count


def _erase_rejected(user_id: int) -> int:
    return _rejected_of(user_id).delete()[0]


def register() -> None:
    register_datasets(
        PersonalDataset(
            "consent",
            _("What you said about the collection of notebook events"),
            _consent,
            table=True,
            stays=_("Otherwise your choice would be lost."),
        ),
        PersonalDataset("rejected-events", _("Events of notebooks that were rejected"), _rejected, _erase_rejected),
        PersonalDataset("notebook-events", _("Events of notebooks"), _events, _erase_events, sweep=_sweep_events),
    )
