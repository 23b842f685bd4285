"""Reasons for which a message didn't arrive, their sentences, and when to try again."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

MOST_ATTEMPTS = 8
PATIENCE = timedelta(hours=24)
_LONGEST_PAUSE = timedelta(hours=1)

UNREACHED, BUSY, REFUSED, UNCLEAR, FAULT = "unreached", "busy", "refused", "unclear", "fault"
PRIVATE, REDIRECT, NO_EMAIL, NO_ADDRESS, INVALID = "private-address", "redirect", "no-email", "no-address", "invalid"
INTERRUPTED, OVER, RULE_GONE, NO_RIGHT = "interrupted", "over", "rule-gone", "no-right"
KEY_LOST = "key-lost"

# Every reason with its sentence, which a detail may follow.
SENTENCES: Mapping[str, str | Promise] = {
    UNREACHED: _("The receiving server could not be reached"),
    BUSY: _("The receiving server could not accept it at that moment"),
    REFUSED: _("The receiving server refused it"),
    UNCLEAR: _("The connection broke after the message was handed over: it may or may not have arrived, and is not "
               "sent again, so that nobody gets it twice"),
    FAULT: _("An error of this server stopped it; the worker's log has more"),
    PRIVATE: _("The address leads into a private network, where this server sends nothing"),
    REDIRECT: _("The receiving server answered with a redirect, which is not followed: enter the final address"),
    NO_EMAIL: _("This server sends no e-mail: whoever runs it has not set LEARNTRACE_EMAIL_URL"),
    NO_ADDRESS: _("The user has no e-mail address"),
    INVALID: _("The target can't be used"),
    INTERRUPTED: _("The worker was stopped while it sent: it may or may not have arrived, and is not sent again, so that "
                   "nobody gets it twice"),
    OVER: _("The signal was over before it was sent"),
    RULE_GONE: _("The rule was deleted or turned off before it was sent"),
    KEY_LOST: _("The target can't be read, as the key with which it was encrypted is missing: enter it again, or ask whoever "
                "runs this server to put the key back"),
    NO_RIGHT: _("The rule's owner may no longer see the academy's learners"),
}  # fmt: skip

# The details of our own, without their numbers.
_DETAILS = frozenset(
    (
        gettext_noop("no address found for the host"),
        gettext_noop("no connection"),
        gettext_noop("no answer within %(number)s s"),
        gettext_noop("the connection broke"),
        gettext_noop("the mail server refused our login, %(number)s"),
    )
)


def sentence(reason: str, detail: str = "") -> str:
    """Return the reason's sentence in the active language, with the detail; empty without a reason."""
    text = str(SENTENCES.get(reason, reason))
    return f"{text} ({_detail_words(detail)})" if text and detail else text


def _detail_words(detail: str) -> str:
    """Return a detail in the active language; what the other side has answered stays as it is."""
    number = re.search(r"\d+", detail)
    template = detail if number is None else detail.replace(number[0], "%(number)s", 1)
    return gettext(template) % {"number": number and number[0]} if template in _DETAILS else detail


class DeliveryFailure(Exception):
    """A message didn't arrive. `again`: another attempt can be made without anybody getting it twice.

    `detail` is what the other side answered, such as a status: short, and never with a target or a secret in it.
    """

    def __init__(self, reason: str, detail: str = "", *, again: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail[:200]
        self.again = again


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after that many failed attempts: 1, 2, 4 ... 60 minutes."""
    return min(timedelta(minutes=2 ** (min(attempts, 10) - 1)), _LONGEST_PAUSE)


def gives_up(attempts: int, begun_at: datetime, now: datetime) -> bool:
    """Whether no further attempt is made after that many."""
    return attempts >= MOST_ATTEMPTS or now - begun_at >= PATIENCE
