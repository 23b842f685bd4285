"""The ways in which a message can go out: one list, from which rules are checked, shown and followed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from learntrace.signals.models import NotificationRule
from learntrace.signals.notifications import chat, email, webhook
from learntrace.signals.notifications.message import Message

Rule = NotificationRule


@dataclass(frozen=True)
class Channel:
    """`check(target)` raises FieldProblem, `mask(target)` is what may be shown, `send(rule, message)` raises."""

    check: Callable[[str], None]
    mask: Callable[[str], str]
    send: Callable[[Rule, Message], None]
    takes_own_address: bool = False
    signed: bool = False


CHANNELS: Mapping[str, Channel] = {
    Rule.Channel.EMAIL: Channel(email.check, email.mask, email.send, takes_own_address=True),
    Rule.Channel.WEBHOOK: Channel(webhook.check, webhook.mask, webhook.send, signed=True),
    Rule.Channel.CHAT: Channel(chat.check, chat.mask, chat.send),
}


def send(rule: NotificationRule, message: Message) -> None:
    """Send a message to where the rule says.

    Raises DeliveryFailure.
    """
    CHANNELS[rule.channel].send(rule, message)


def masked_target(rule: NotificationRule) -> str:
    """The rule's target, as far as it may be shown; empty where it is the user's own address."""
    return CHANNELS[rule.channel].mask(rule.target) if rule.target else ""
