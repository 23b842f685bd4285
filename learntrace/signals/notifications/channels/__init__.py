"""The channels by which notifications go out, a module each, all of the shape in `base`.

To add a channel: a module here with a subclass of `Channel`, an entry in CHANNELS, and its name in
`NotificationRule.Channel`.
"""

from collections.abc import Mapping

from learntrace.core.encryption.secrets import Unreadable
from learntrace.signals.models import NotificationRule
from learntrace.signals.notifications.channels.base import Channel
from learntrace.signals.notifications.channels.chat import ChatChannel
from learntrace.signals.notifications.channels.email import EmailChannel
from learntrace.signals.notifications.channels.webhook import WebhookChannel
from learntrace.signals.notifications.failures import KEY_LOST, DeliveryFailure
from learntrace.signals.notifications.message import Message

CHANNELS: Mapping[str, Channel] = {
    NotificationRule.Channel.EMAIL: EmailChannel(),
    NotificationRule.Channel.WEBHOOK: WebhookChannel(),
    NotificationRule.Channel.CHAT: ChatChannel(),
}


def send(rule: NotificationRule, message: Message) -> None:
    """Send a message by the rule's channel.

    Raises DeliveryFailure.
    """
    if isinstance(rule.target, Unreadable) or isinstance(rule.secret, Unreadable):
        # Later, as the key may be put back.
        raise DeliveryFailure(KEY_LOST, again=True)
    CHANNELS[rule.channel].send(rule, message)


def masked_target(rule: NotificationRule) -> str:
    """Return as much of the rule's target as may be shown; empty where it is the user's own e-mail address."""
    return CHANNELS[rule.channel].mask(rule.target) if rule.target else ""
