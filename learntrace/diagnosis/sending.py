"""What an account has sent lately: told before its keys are revoked, rotated or lose their use.

Neither source stores with which key a message came: the numbers are the account's, over all of its keys.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Count, QuerySet
from django.utils import timezone

from learntrace.accounts.models import Academy, User
from learntrace.learnpack.models import Webhook
from learntrace.notebooks.models import Event

_MOST_DAYS: Final = 7


@dataclass(frozen=True)
class Sent:
    """What an account has sent in the last `window_days()`: LearnPack webhooks, notebook events, and for how many learners."""

    webhooks: int
    events: int
    learners: int


def window_days() -> int:
    """Return of how many days is told what was sent: webhooks older than the retention are gone."""
    return min(_MOST_DAYS, settings.RETENTION_DAYS)


def sent_lately(sender: User) -> Sent:
    """Return what an account has sent to the academies that it belongs to; two queries."""
    since = timezone.now() - timedelta(days=window_days())
    academies = Academy.objects.filter(memberships__user=sender)
    # Both tables are read by academy and time: neither has an index by sender.
    of_academies = User.objects.filter(memberships__academy__in=academies)
    webhooks = _by_learner(
        Webhook.objects.filter(student__in=of_academies, sender=sender, created_at__gt=since), "student_id"
    )
    events = _by_learner(Event.objects.filter(academy__in=academies, sender=sender, created_at__gt=since), "user_id")
    learners = (webhooks.keys() | events.keys()) - {None}
    return Sent(sum(webhooks.values()), sum(events.values()), len(learners))


def _by_learner(rows: QuerySet[Any], column: str) -> dict[int | None, int]:
    return dict(rows.values_list(column).annotate(number=Count("pk")).order_by())
