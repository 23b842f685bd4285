"""E-mail, through the mail server that LEARNTRACE_EMAIL_URL names."""

import smtplib

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.core.validators import validate_email
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import FieldProblem
from learntrace.signals.models import NotificationRule
from learntrace.signals.notifications import failures
from learntrace.signals.notifications.channels.base import Channel
from learntrace.signals.notifications.failures import DeliveryFailure
from learntrace.signals.notifications.message import Message


def sends_mail() -> bool:
    """Whether this server sends mail."""
    return bool(settings.EMAIL_HOST)


class EmailChannel(Channel):
    """Messages as e-mail; an empty target is the user's own address."""

    takes_own_address = True

    def check(self, target: str) -> None:
        """Raise FieldProblem without a mail server, or for a target that is no e-mail address."""
        if not sends_mail():
            raise FieldProblem("channel", failures.SENTENCES[failures.NO_EMAIL])
        try:
            if target:
                validate_email(target)
        except ValidationError:
            raise FieldProblem("target", _("Enter an e-mail address, or leave it empty for your own")) from None

    def mask(self, target: str) -> str:
        """Return the first letter and the domain; nothing of a target that is no address."""
        name, at, host = target.rpartition("@")
        return f"{name[:1]}…@{host}" if at else "…"

    def send(self, rule: NotificationRule, message: Message) -> None:
        """Hand the message to the mail server.

        Raises DeliveryFailure.
        """
        address = rule.target or rule.user.email
        if not sends_mail():
            raise DeliveryFailure(failures.NO_EMAIL)
        if not address:
            raise DeliveryFailure(failures.NO_ADDRESS)
        _hand_over(_mail(address, message))


def _mail(address: str, message: Message) -> EmailMultiAlternatives:
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    # The same id at every attempt: if two arrive after all, mail programs show one.
    headers = {"Message-ID": f"<{message.id}@{host}>", "Auto-Submitted": "auto-generated"}
    mail = EmailMultiAlternatives(
        message.subject, message.text(), settings.DEFAULT_FROM_EMAIL, [address], headers=headers
    )
    mail.attach_alternative(render_to_string("signals/notification.html", {"message": message}), "text/html")
    return mail


def _hand_over(mail: EmailMultiAlternatives) -> None:
    connection = EmailBackend(timeout=settings.EMAIL_TIMEOUT)
    try:
        connection.open()
    except smtplib.SMTPAuthenticationError as error:
        raise DeliveryFailure(
            failures.UNREACHED, f"the mail server refused our login, {error.smtp_code}", again=True
        ) from None
    except (smtplib.SMTPException, OSError) as error:
        raise DeliveryFailure(failures.UNREACHED, type(error).__name__, again=True) from None
    try:
        connection.send_messages([mail])
    except smtplib.SMTPRecipientsRefused as error:
        raise _refusal(*(code for code, _text in error.recipients.values())) from None
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code) from None
    except (smtplib.SMTPException, OSError) as error:
        # Nobody knows whether the server had all of it when the connection broke.
        raise DeliveryFailure(failures.UNCLEAR, type(error).__name__) from None
    finally:
        _close(connection)


def _refusal(*codes: int) -> DeliveryFailure:
    """Return the failure for a server's answer: 4xx may be tried again, 5xx is final (RFC 5321, 4.2.1).

    The answer's text is left out, as it may quote anything.
    """
    code = max(codes, default=500)
    if code < 500:
        return DeliveryFailure(failures.BUSY, f"SMTP {code}", again=True)
    return DeliveryFailure(failures.REFUSED, f"SMTP {code}")


def _close(connection: EmailBackend) -> None:
    # The server has the message by now: an error in closing changes nothing.
    connection.fail_silently = True
    try:
        connection.close()
    except OSError:
        connection.connection = None
