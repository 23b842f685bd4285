"""Taking a rule's notifications in hand, and writing down what became of them.

What is taken is marked and committed before anything is sent. So a worker that is killed in between leaves a mark, and
nobody sends again what may have gone out: one lost message is better than two of one signal.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, QuerySet

from learntrace.accounts.models import Academy, Membership
from learntrace.accounts.roles import roles_with
from learntrace.signals.models import Notification, NotificationRule, Signal
from learntrace.signals.notifications import failures
from learntrace.signals.notifications.failures import DeliveryFailure
from learntrace.signals.notifications.queueing import CAPABILITY
from learntrace.signals.notifications.quiet import Timing

State = Notification.State
# Far above the time-outs of one attempt.
LOST_AFTER = timedelta(minutes=5)
# A message with more is read by nobody; the rest comes in the next one.
MOST_SIGNALS = 500

# One at a time of a rule: a slow target holds one worker, never all of them.
_NEXT_RULE = """
SELECT rule.id
  FROM signals_notification waiting
  JOIN signals_notificationrule rule ON rule.id = waiting.rule_id
 WHERE waiting.state = 'waiting' AND waiting.due_at <= %(now)s
   AND (rule.postponed_until IS NULL OR rule.postponed_until <= %(now)s)
   AND NOT EXISTS (SELECT FROM signals_notification other WHERE other.rule_id = rule.id AND other.state = 'sending')
 ORDER BY waiting.due_at, waiting.id
 LIMIT 1
   FOR NO KEY UPDATE OF rule SKIP LOCKED
"""


@dataclass(frozen=True)
class Delivery:
    """A message on its way: its id, the same at every attempt, and its signals, the oldest first."""

    id: uuid.UUID
    rule: NotificationRule
    notifications: Sequence[Notification]

    @property
    def signals(self) -> list[Signal]:
        return [notification.signal for notification in self.notifications]


def give_up_lost(now: datetime) -> None:
    """Close what a killed worker has left, and what waits for a rule that no longer exists."""
    lost = Notification.objects.filter(state=State.SENDING, claimed_at__lt=now - LOST_AFTER)
    lost.update(state=State.FAILED, reason=failures.INTERRUPTED, detail="")
    Notification.objects.filter(state=State.WAITING, rule=None).update(
        state=State.DROPPED, reason=failures.RULE_GONE, detail=""
    )


def claim_next(now: datetime) -> Delivery | None:
    """Mark the next message's notifications as being sent, in a transaction of its own; None when none is due."""
    while True:
        with transaction.atomic():
            rule = _lock_next_rule(now)
            if rule is None:
                return None
            delivery = _take(rule, now)
        if delivery is not None:
            return delivery


def _lock_next_rule(now: datetime) -> NotificationRule | None:
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_RULE, {"now": now})
        found = cursor.fetchone()
    if found is None:
        return None
    return NotificationRule.objects.select_related("user", "academy").get(pk=found[0])


def _take(rule: NotificationRule, now: datetime) -> Delivery | None:
    rows = Notification.objects.filter(rule=rule)
    # With a snapshot from after the lock: another worker may have taken them before we got it.
    if rows.filter(state=State.SENDING).exists():
        rule_free_again = now + timedelta(seconds=1)
        rows.filter(state=State.WAITING, due_at__lte=now).update(due_at=rule_free_again)
        return None
    waiting = rows.filter(state=State.WAITING)
    if reason := _why_dropped(rule):
        waiting.update(state=State.DROPPED, reason=reason, detail="")
        return None
    quiet_until = timing_of(rule).after_quiet(now)
    if quiet_until > now:
        waiting.filter(due_at__lt=quiet_until).update(due_at=quiet_until)
        return None
    first = waiting.filter(due_at__lte=now).order_by("due_at", "id").first()
    if first is None:
        return None
    mine = waiting.filter(delivery=first.delivery)
    if first.delivery is None and not rule.digest_minutes:
        mine = mine.filter(due_at__lte=now)
    over = [Signal.State.RESOLVED, Signal.State.WITHDRAWN]
    mine.filter(signal__state__in=over).update(state=State.DROPPED, reason=failures.OVER, detail="")
    taken = list(mine.select_related("signal__user", "signal__acknowledged_by").order_by("signal_id")[:MOST_SIGNALS])
    if not taken:
        return None
    delivery = Delivery(first.delivery or uuid.uuid4(), rule, taken)
    begun_at = taken[0].begun_at or now
    for notification in taken:
        notification.begun_at, notification.attempts = begun_at, notification.attempts + 1
    Notification.objects.filter(pk__in=[one.pk for one in taken]).update(
        state=State.SENDING, delivery=delivery.id, claimed_at=now, begun_at=begun_at, attempts=F("attempts") + 1
    )
    return delivery


def timing_of(rule: NotificationRule) -> Timing:
    return Timing(rule.quiet_from, rule.quiet_until, rule.timezone, rule.digest_minutes)


def _why_dropped(rule: NotificationRule) -> str:
    """Why nothing goes out by this rule; empty if it does."""
    if not rule.active:
        return failures.RULE_GONE
    may_read = rule.user.is_active and rule.academy.status == Academy.Status.ACTIVE and Membership.objects.filter(
        user=rule.user, academy=rule.academy, status=Membership.Status.ACTIVE, role__in=roles_with(CAPABILITY)
    ).exists()  # fmt: skip
    return "" if may_read else failures.NO_RIGHT


def mark_sent(delivery: Delivery, now: datetime) -> None:
    with transaction.atomic():
        _of(delivery).update(state=State.SENT, sent_at=now, reason="", detail="")
        if delivery.rule.failures:
            NotificationRule.objects.filter(pk=delivery.rule.pk).update(failures=0, postponed_until=None)


def mark_failed(delivery: Delivery, failure: DeliveryFailure, now: datetime) -> None:
    """Have it tried again later, and all else by the rule after it; or close it."""
    told = {"reason": failure.reason, "detail": failure.detail}
    with transaction.atomic():
        if not failure.again:
            _of(delivery).update(state=State.FAILED, **told)
            return
        rule, first = delivery.rule, delivery.notifications[0]
        if failures.gives_up(first.attempts, first.begun_at or now, now):
            _of(delivery).update(state=State.FAILED, **told)
        else:
            again_at = timing_of(rule).after_quiet(now + failures.pause_after(first.attempts))
            _of(delivery).update(state=State.WAITING, due_at=again_at, **told)
        NotificationRule.objects.filter(pk=rule.pk).update(
            failures=F("failures") + 1, postponed_until=now + failures.pause_after(rule.failures + 1)
        )


def _of(delivery: Delivery) -> QuerySet[Notification]:
    # Only what is still ours: another worker may have given up on us meanwhile.
    return Notification.objects.filter(delivery=delivery.id, state=State.SENDING)
