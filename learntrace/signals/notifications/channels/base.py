"""The shape of a channel."""

from abc import ABC, abstractmethod
from typing import ClassVar

from learntrace.signals.models import NotificationRule
from learntrace.signals.notifications.message import Message


class Channel(ABC):
    """A way to send messages: checks a rule's target, masks it, and sends to it."""

    # Whether an empty target stands for the user's own address.
    takes_own_address: ClassVar[bool] = False
    # Whether messages are signed with the rule's secret.
    signed: ClassVar[bool] = False

    @abstractmethod
    def check(self, target: str) -> None:
        """Raise FieldProblem unless messages can be sent to the target."""

    @abstractmethod
    def mask(self, target: str) -> str:
        """Return what may be shown of a target: nothing that gives access to it."""

    @abstractmethod
    def send(self, rule: NotificationRule, message: Message) -> None:
        """Send a message to the rule's target.

        Raises DeliveryFailure, whose detail never quotes the target.
        """
