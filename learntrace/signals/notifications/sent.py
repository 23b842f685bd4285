"""What notification rules have sent lately: told before one is deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone

from learntrace.signals.models import Notification, NotificationRule

_MOST_DAYS: Final = 30
_State = Notification.State


@dataclass(frozen=True)
class SentByRule:
    """What a rule has sent in the last `window_days()`, in how many messages, about how many learners; and what waits by it."""

    notifications: int = 0
    messages: int = 0
    learners: int = 0
    waiting: int = 0


def window_days() -> int:
    """Return of how many days is told what was sent: notifications older than the retention are gone."""
    return min(_MOST_DAYS, settings.RETENTION_DAYS)


def sent_by(rules: Sequence[NotificationRule]) -> dict[int, SentByRule]:
    """Return what each of the rules has sent, by its id; one query."""
    sent = Q(state=_State.SENT, sent_at__gt=timezone.now() - timedelta(days=window_days()))
    rows = (
        Notification.objects.filter(rule__in=rules)
        .order_by()
        .values_list("rule_id")
        .annotate(
            notifications=Count("pk", filter=sent),
            messages=Count("delivery", filter=sent, distinct=True),
            learners=Count("signal__user", filter=sent, distinct=True),
            waiting=Count("pk", filter=Q(state__in=(_State.WAITING, _State.SENDING))),
        )
    )
    found = {rule_id: SentByRule(*numbers) for rule_id, *numbers in rows if rule_id is not None}
    return {rule.pk: found.get(rule.pk, SentByRule()) for rule in rules}
