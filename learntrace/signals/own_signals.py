"""The signals about a learner, for the learner."""

from django.db.models import F

from learntrace.accounts.models import User
from learntrace.signals.models import Signal

MOST_SIGNALS = 50


def own_signals(user: User) -> list[Signal]:
    """Return the signals that teachers see of a learner, the open ones first, then those resolved last."""
    rows = Signal.objects.filter(user=user).exclude(state=Signal.State.WITHDRAWN)
    return list(rows.order_by(F("resolved_at").desc(nulls_first=True), "-last_seen_at")[:MOST_SIGNALS])
