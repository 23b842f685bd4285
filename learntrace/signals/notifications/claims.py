"""Claim a rule's notifications for sending, and store the outcome.

This is not the policy of `core.queue`, which holds a claim by a lock while it works. Here a claim is a mark that is
committed before anything is sent: a worker that is killed in between leaves the mark, and no other sends again what may
have gone out. One lost message is better than two of one signal.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from learntrace.accounts.cohort_limits.limit import as_seen_by, is_limited, seen
from learntrace.accounts.models import Academy, Membership
from learntrace.accounts.roles import roles_with
from learntrace.core.sql import execute, fetch_one
from learntrace.progress.models import Progress
from learntrace.signals.concerns.reading import current
from learntrace.signals.models import Concern, Notification, NotificationRule, Signal
from learntrace.signals.notifications import failures
from learntrace.signals.notifications.failures import DeliveryFailure
from learntrace.signals.notifications.queueing import CAPABILITY
from learntrace.signals.notifications.quiet import Timing

State = Notification.State
# Far above the time-outs of one attempt.
LOST_AFTER = timedelta(minutes=5)
# Nobody reads a message with more; the rest comes in the next one.
MOST_SIGNALS = 500
# An academy's messages that are on their way at once.
MOST_AT_ONCE = 2

# One message at a time for each rule, and MOST_AT_ONCE for each academy, which is less than a worker's threads: slow targets
# never hold all of them, and an academy's never hold those of the others.
_NEXT_RULE = """
WITH busy AS MATERIALIZED (
    SELECT academy_id FROM signals_notification WHERE state = 'sending'
     GROUP BY academy_id HAVING count(DISTINCT rule_id) >= %(most)s
)
SELECT rule.id
  FROM signals_notification waiting
  JOIN signals_notificationrule rule ON rule.id = waiting.rule_id
 WHERE waiting.state = 'waiting' AND waiting.due_at <= %(now)s
   AND (rule.postponed_until IS NULL OR rule.postponed_until <= %(now)s)
   AND NOT EXISTS (SELECT FROM signals_notification other WHERE other.rule_id = rule.id AND other.state = 'sending')
   AND waiting.academy_id NOT IN (SELECT academy_id FROM busy)
 ORDER BY waiting.due_at, waiting.id
 LIMIT 1
   FOR NO KEY UPDATE OF rule SKIP LOCKED
"""
# Of a concern's signals only the first is queued. Where that one is over before it is sent, and another stands, the message
# tells of the other.
_TELL_OF_ANOTHER = """
UPDATE signals_notification waiting
   SET signal_id = other.id
  FROM signals_signal told
  JOIN LATERAL (
       SELECT s.id FROM signals_signal s
        WHERE s.user_id = told.user_id AND s.academy_id = told.academy_id AND s.state = 'open'
          AND s.assignment IS NOT DISTINCT FROM told.assignment
          AND (told.assignment IS NOT NULL OR s.asset_slug IS NOT DISTINCT FROM told.asset_slug)
        ORDER BY s.severity DESC, s.opened_at, s.id LIMIT 1) AS other ON true
 WHERE waiting.rule_id = %(rule)s AND waiting.state = 'waiting' AND told.id = waiting.signal_id
   AND told.state IN ('resolved', 'withdrawn')
   AND NOT EXISTS (SELECT FROM signals_notification same
                    WHERE same.signal_id = other.id
                      AND (same.rule_id = waiting.rule_id OR same.destination = waiting.destination))
"""


@dataclass(frozen=True)
class Delivery:
    """A message to send: its id, the same at every attempt, and its notifications, the oldest signal first."""

    id: uuid.UUID
    rule: NotificationRule
    notifications: Sequence[Notification]

    @property
    def signals(self) -> list[Signal]:
        return [notification.signal for notification in self.notifications if notification.signal is not None]

    @property
    def concerns(self) -> list[Concern]:
        """The concerns of the class that it tells of."""
        return [notification.concern for notification in self.notifications if notification.concern is not None]


def give_up_lost(now: datetime) -> None:
    """Close the notifications that a killed worker has left, and those whose rule no longer exists."""
    lost = Notification.objects.filter(state=State.SENDING, claimed_at__lt=now - LOST_AFTER)
    lost.update(state=State.FAILED, reason=failures.INTERRUPTED, detail="")
    _drop(Notification.objects.filter(state=State.WAITING, rule=None), failures.RULE_GONE)


def claim_next(now: datetime) -> Delivery | None:
    """Mark the next message's notifications as being sent, in a transaction of its own; return None when none is due."""
    while True:
        with transaction.atomic():
            rule = _lock_next_rule(now)
            if rule is None:
                return None
            delivery = _claim(rule, now)
        if delivery is not None:
            return delivery


def _lock_next_rule(now: datetime) -> NotificationRule | None:
    row = fetch_one(_NEXT_RULE, {"now": now, "most": MOST_AT_ONCE})
    if row is None:
        return None
    return NotificationRule.objects.select_related("user", "academy").get(pk=row[0])


def _claim(rule: NotificationRule, now: datetime) -> Delivery | None:
    """Claim the rule's next message; return None where it is postponed, or nothing of it is left to send."""
    waiting = Notification.objects.filter(rule=rule, state=State.WAITING)
    # Read after the lock: another worker may have claimed the rule's notifications before we got it.
    if Notification.objects.filter(rule=rule, state=State.SENDING).exists():
        waiting.filter(due_at__lte=now).update(due_at=now + timedelta(seconds=1))
        return None
    membership = _membership_of(rule)
    if membership is None or not rule.active:
        _drop(waiting, failures.NO_RIGHT if rule.active else failures.RULE_GONE)
        return None
    # The limit may have come after they were queued.
    academy = as_seen_by(membership)
    if is_limited(academy):
        of_learners = waiting.filter(signal__isnull=False)
        _drop(of_learners.exclude(seen(academy, "signal__user_id")), failures.NO_RIGHT)
    # Its message tells what this member sees.
    rule.academy = academy
    quiet_until = timing_of(rule).after_quiet(now)
    if quiet_until > now:
        waiting.filter(due_at__lt=quiet_until).update(due_at=quiet_until)
        return None
    first = waiting.filter(due_at__lte=now).order_by("due_at", "id").first()
    if first is None:
        return None
    notifications = _message_with(first, rule, now)
    return _mark_sending(first.delivery or uuid.uuid4(), rule, notifications, now) if notifications else None


def _message_with(first: Notification, rule: NotificationRule, now: datetime) -> list[Notification]:
    """Return what goes out in one message with a notification; drop what is over."""
    waiting = Notification.objects.filter(rule=rule, state=State.WAITING, delivery=first.delivery)
    if first.delivery is None and not rule.digest_minutes:
        waiting = waiting.filter(due_at__lte=now)
    execute(_TELL_OF_ANOTHER, {"rule": rule.pk})
    over = [Signal.State.RESOLVED, Signal.State.WITHDRAWN]
    done = Progress.objects.filter(
        user=OuterRef("signal__user"),
        academy=OuterRef("signal__academy"),
        assignment=OuterRef("signal__assignment"),
        done_at__isnull=False,
    )
    _drop(waiting.filter(Q(signal__state__in=over) | Q(Exists(done))), failures.OVER)
    of_class = waiting.filter(concern__isnull=False).select_related("concern")
    gone = [row.pk for row in of_class if row.concern is not None and current(rule.academy, row.concern) is None]
    if gone:
        _drop(waiting.filter(pk__in=gone), failures.OVER)
    rows = waiting.select_related("signal__user", "signal__acknowledged_by", "concern").order_by("signal_id", "id")
    return list(rows[:MOST_SIGNALS])


def _mark_sending(
    delivery_id: uuid.UUID, rule: NotificationRule, notifications: Sequence[Notification], now: datetime
) -> Delivery:
    begun_at = notifications[0].begun_at or now
    for notification in notifications:
        notification.begun_at, notification.attempts = begun_at, notification.attempts + 1
    Notification.objects.filter(pk__in=[notification.pk for notification in notifications]).update(
        state=State.SENDING, delivery=delivery_id, claimed_at=now, begun_at=begun_at, attempts=F("attempts") + 1
    )
    return Delivery(delivery_id, rule, notifications)


def _drop(notifications: QuerySet[Notification], reason: str) -> None:
    notifications.update(state=State.DROPPED, reason=reason, detail="")


def timing_of(rule: NotificationRule) -> Timing:
    return Timing(rule.quiet_from, rule.quiet_until, rule.timezone, rule.digest_minutes)


def _membership_of(rule: NotificationRule) -> Membership | None:
    """Return the membership by which the rule's user may read signals, None where there is none any longer."""
    if not (rule.user.is_active and rule.academy.status == Academy.Status.ACTIVE):
        return None
    memberships = Membership.objects.filter(
        user=rule.user, academy=rule.academy, status=Membership.Status.ACTIVE, role__in=roles_with(CAPABILITY)
    )
    return memberships.select_related("academy").first()


def mark_sent(delivery: Delivery, now: datetime) -> None:
    """Close a delivery that has arrived."""
    with transaction.atomic():
        _claimed(delivery).update(state=State.SENT, sent_at=now, reason="", detail="")
        if delivery.rule.failures:
            NotificationRule.objects.filter(pk=delivery.rule.pk).update(failures=0, postponed_until=None)


def mark_failed(delivery: Delivery, failure: DeliveryFailure, now: datetime) -> None:
    """Postpone a delivery that failed, and all else by its rule; or close it where it must not be repeated."""
    error = {"reason": failure.reason, "detail": failure.detail}
    with transaction.atomic():
        if not failure.again:
            _claimed(delivery).update(state=State.FAILED, **error)
            return
        rule, first = delivery.rule, delivery.notifications[0]
        if failures.gives_up(first.attempts, first.begun_at or now, now):
            _claimed(delivery).update(state=State.FAILED, **error)
        else:
            again_at = timing_of(rule).after_quiet(now + failures.pause_after(first.attempts))
            _claimed(delivery).update(state=State.WAITING, due_at=again_at, **error)
        NotificationRule.objects.filter(pk=rule.pk).update(
            failures=F("failures") + 1, postponed_until=now + failures.pause_after(rule.failures + 1)
        )


def _claimed(delivery: Delivery) -> QuerySet[Notification]:
    # Only what we still hold: another worker may have given us up meanwhile.
    return Notification.objects.filter(delivery=delivery.id, state=State.SENDING)
