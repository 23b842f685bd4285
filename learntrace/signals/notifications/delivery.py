"""A turn of the queue of notifications: what is due, a message after the other."""

from collections.abc import Callable
from datetime import datetime

import structlog
from django.utils import timezone

from learntrace.signals.notifications import channels, failures
from learntrace.signals.notifications.claims import Delivery, claim_next, give_up_lost, mark_failed, mark_sent
from learntrace.signals.notifications.failures import DeliveryFailure
from learntrace.signals.notifications.message import message_of

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]


def deliver_due(limit: int = 10, clock: Clock = timezone.now) -> int:
    """Send at most `limit` messages that are due; return how many were tried, 0 when none is left.

    Any number of workers may do this at once. It may take as long as the slowest other side is waited for, and must not
    be called in a transaction.
    """
    give_up_lost(clock())
    tried = 0
    while tried < limit and (delivery := claim_next(clock())) is not None:
        _deliver(delivery, clock)
        tried += 1
    return tried


def _deliver(delivery: Delivery, clock: Clock) -> None:
    """Send one message. A worker that is stopped in here leaves the mark of the claim."""
    try:
        channels.send(delivery.rule, message_of(delivery.id, delivery.rule, delivery.signals))
    except DeliveryFailure as failure:
        log.warning(
            "notification not delivered", delivery=str(delivery.id), rule=delivery.rule.pk,
            channel=delivery.rule.channel, reason=failure.reason, detail=failure.detail, again=failure.again,
        )  # fmt: skip
        mark_failed(delivery, failure, clock())
    except Exception as error:
        # Its text may quote a target, and with it a secret.
        log.error("notification failed by a fault", delivery=str(delivery.id), error=type(error).__name__)
        mark_failed(delivery, DeliveryFailure(failures.FAULT, type(error).__name__), clock())
    else:
        mark_sent(delivery, clock())
