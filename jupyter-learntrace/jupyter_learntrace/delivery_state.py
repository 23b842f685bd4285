"""The state of delivery of a learner's events, as the front ends show it: sending, waiting or off, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jupyter_learntrace.identity import Account
from jupyter_learntrace.messages import Sentence, _
from jupyter_learntrace.spool import Totals

SENDING, WAITING, OFF = "sending", "waiting", "off"
NOT_CONFIGURED, OPTED_OUT, SPOOL_FULL = "not-configured", "opted-out", "spool-full"
SERVER_AWAY, REFUSED = "server-away", "refused"


@dataclass(frozen=True)
class DeliveryState:
    """A state, its reason ("" where all is well), and a sentence that says both."""

    state: str
    reason: str
    sentence: Sentence


def off(sentence: Sentence) -> DeliveryState:
    return DeliveryState(OFF, NOT_CONFIGURED, sentence)


def decide(collecting: bool, reason: str, message: str, trouble: Sentence | None, waiting: int) -> DeliveryState:
    """Decide the state from the sender's `reason` and `message` and the spool's `trouble`."""
    if not collecting:
        return DeliveryState(OFF, OPTED_OUT, _("You have turned sending off."))
    if trouble is not None:
        return DeliveryState(WAITING, SPOOL_FULL, trouble)
    if reason == SERVER_AWAY:
        return DeliveryState(
            WAITING,
            SERVER_AWAY,
            _("Learntrace can't be reached (%(told)s). Your events are kept and sent later.", told=Sentence(message)),
        )
    if reason == REFUSED:
        return DeliveryState(
            WAITING,
            REFUSED,
            _("Learntrace refuses this token (%(told)s). Your events are kept for now.", told=Sentence(message)),
        )
    if waiting:
        return DeliveryState(SENDING, "", _("Your events are being sent."))
    return DeliveryState(SENDING, "", _("No events are waiting to be sent."))


def document(
    state: DeliveryState,
    language: str,
    server: str | None = None,
    waiting: int = 0,
    totals: Totals | None = None,
    account: Account | None = None,
    takes_source: bool = False,
) -> dict[str, Any]:
    """Return the state as the JSON that the front ends read."""
    totals = totals or Totals()
    return {
        "state": state.state,
        "reason": state.reason,
        "detail": state.sentence.language(language),
        "waiting": waiting,
        "sent": totals.sent,
        "rejected": totals.rejected,
        "last_sent_at": totals.last_sent_at,
        "server": server,
        "actor": (account.actor or None) if account else None,
        "academy": account.academy if account else None,
        "may_opt_out": bool(account and account.may_opt_out),
        "collecting": state.state != OFF,
        "collects_source": takes_source,
    }
