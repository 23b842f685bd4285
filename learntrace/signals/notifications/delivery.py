"""Deliver the notifications that are due: the queue's turn, one message after the other."""

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from django.utils import timezone

from learntrace.accounts.models import Academy
from learntrace.signals.concerns.reading import ToldConcern, current, told
from learntrace.signals.evaluation.clock import now_in
from learntrace.signals.models import Concern
from learntrace.signals.named_steps import named_for_class
from learntrace.signals.notifications import channels, failures
from learntrace.signals.notifications.claims import Delivery, claim_next, give_up_lost, mark_failed, mark_sent
from learntrace.signals.notifications.failures import DeliveryFailure
from learntrace.signals.notifications.message import message_of

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]


def deliver_due(limit: int = 10, clock: Clock = timezone.now) -> int:
    """Send at most `limit` messages that are due; return how many were tried, 0 when none is left.

    Any number of workers may do this at once. It takes up to the channels' time-outs, and must not be called in a
    transaction: claims are committed before anything is sent (`claims`).
    """
    give_up_lost(clock())
    tried = 0
    while tried < limit and (delivery := claim_next(clock())) is not None:
        _deliver(delivery, clock)
        tried += 1
    return tried


def told_now(academy: Academy, rows: Sequence[Concern]) -> list[ToldConcern]:
    """Return concerns of the class as they stand now for the member; those that are over by now are left out."""
    standing = [concern for row in rows if (concern := current(academy, row)) is not None]
    return told(academy.pk, standing, now_in(academy.pk)) if standing else []


def _deliver(delivery: Delivery, clock: Clock) -> None:
    """Send one message and store the outcome. A worker that is killed in here leaves the claim's mark."""
    try:
        signals, concerns = named_for_class(delivery.signals), told_now(delivery.rule.academy, delivery.concerns)
        channels.send(delivery.rule, message_of(delivery.id, delivery.rule, signals, concerns))
    except DeliveryFailure as failure:
        log.warning(
            "notification not delivered",
            delivery=str(delivery.id),
            rule=delivery.rule.pk,
            channel=delivery.rule.channel,
            reason=failure.reason,
            detail=failure.detail,
            again=failure.again,
        )
        mark_failed(delivery, failure, clock())
    except Exception as error:
        # The error's text is left out: it may quote a target, and with it a secret.
        log.error("notification failed by a fault", delivery=str(delivery.id), error=type(error).__name__)
        mark_failed(delivery, DeliveryFailure(failures.FAULT, type(error).__name__), clock())
    else:
        mark_sent(delivery, clock())
