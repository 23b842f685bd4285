"""What an account's keys are used for, in sentences: told before one is revoked or rotated."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from learntrace.accounts.models import User
from learntrace.accounts.tokens.own import tokens_of
from learntrace.core.words import counted
from learntrace.diagnosis.sending import sent_lately, window_days


@dataclass(frozen=True)
class KeyUse:
    """What the account of a key has sent lately, and what revoking the key does."""

    sentences: Sequence[str]


def use_of(user: User) -> KeyUse:
    """Return what is told before a key of the user is revoked or rotated; three queries."""
    sent, days = sent_lately(user), counted.days(window_days())
    numbers = {
        "days": days,
        "messages": counted.learnpack_messages(sent.webhooks),
        "events": counted.events(sent.events),
        "learners": counted.learners(sent.learners),
    }
    if sent.webhooks and sent.events:
        lately = _("In the last %(days)s this account sent %(messages)s and %(events)s, about %(learners)s.") % numbers
    elif sent.webhooks:
        lately = _("In the last %(days)s this account sent %(messages)s, about %(learners)s.") % numbers
    elif sent.events:
        lately = _("In the last %(days)s this account sent %(events)s, about %(learners)s.") % numbers
    else:
        lately = _("In the last %(days)s this account sent no telemetry.") % numbers
    keys = tokens_of(user).count()
    return KeyUse(
        [
            lately,
            ngettext(
                "The account has %(count)s active key.",
                "The account has %(count)s active keys; these figures cover all of them.",
                keys,
            )
            % {"count": keys},
            _("A revoked key no longer works: what is sent with it is refused."),
        ]
    )
