"""How it stands with a learner's events, as the front ends show it: sending, waiting or off, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .identity import Account
from .messages import Sentence, _
from .spool import Totals

SENDING, WAITING, OFF = "sending", "waiting", "off"
NOT_CONFIGURED, OPTED_OUT, SERVER_AWAY, REFUSED, SPOOL_FULL = (
    "not-configured", "opted-out", "server-away", "refused", "spool-full",
)  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """A state, its reason ("" where all is well) and both in a sentence."""

    state: str
    reason: str
    sentence: Sentence


def off(why: Sentence) -> Standing:
    return Standing(OFF, NOT_CONFIGURED, why)


def standing(collecting: bool, reason: str, told: str, trouble: Sentence | None, waiting: int) -> Standing:
    """What the sender's `reason` and words, and the spool's `trouble`, amount to."""
    if not collecting:
        return Standing(OFF, OPTED_OUT, _("You have turned telemetry off."))
    if trouble is not None:
        return Standing(WAITING, SPOOL_FULL, trouble)
    if reason == SERVER_AWAY:
        return Standing(
            WAITING, SERVER_AWAY, _("Learntrace is away (%(told)s). Your events are kept and sent later.", told=told)
        )
    if reason == REFUSED:
        return Standing(
            WAITING, REFUSED, _("Learntrace refuses this token (%(told)s). Your events are kept for now.", told=told)
        )
    if waiting:
        return Standing(SENDING, "", _("Your events are being sent."))
    return Standing(SENDING, "", _("All your events have been sent."))


def document(
    how: Standing, language: str, server: str | None = None, waiting: int = 0, totals: Totals | None = None,
    account: Account | None = None, takes_source: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """The state as the front ends read it."""
    totals = totals or Totals()
    return {
        "state": how.state,
        "reason": how.reason,
        "detail": how.sentence.language(language),
        "waiting": waiting,
        "sent": totals.sent,
        "rejected": totals.rejected,
        "last_sent_at": totals.last_sent_at,
        "server": server,
        "actor": (account.actor or None) if account else None,
        "academy": account.academy if account else None,
        "may_opt_out": bool(account and account.may_opt_out),
        "collecting": how.state != OFF,
        "collects_source": takes_source,
    }
