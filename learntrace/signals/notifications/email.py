"""E-mail, by the mail server that LEARNTRACE_EMAIL_URL names."""

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
from learntrace.signals.notifications.failures import DeliveryFailure
from learntrace.signals.notifications.message import Message


def check(target: str) -> None:
    """Raise FieldProblem unless e-mail can be sent there; an empty target is the user's own address."""
    if not settings.EMAIL_HOST:
        raise FieldProblem("channel", failures.SENTENCES[failures.NO_EMAIL])
    try:
        if target:
            validate_email(target)
    except ValidationError:
        raise FieldProblem("target", _("Enter an e-mail address, or none for your own")) from None


def mask(target: str) -> str:
    """The address without its name; nothing of what is no address."""
    name, at, host = target.rpartition("@")
    return f"{name[:1]}…@{host}" if at else "…"


def send(rule: NotificationRule, message: Message) -> None:
    """Hand the message to the mail server.

    Raises DeliveryFailure.
    """
    address = rule.target or rule.user.email
    if not settings.EMAIL_HOST:
        raise DeliveryFailure(failures.NO_EMAIL)
    if not address:
        raise DeliveryFailure(failures.NO_ADDRESS)
    _hand_over(_mail(address, message))


def _mail(address: str, message: Message) -> EmailMultiAlternatives:
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    # The same id at every attempt: where two arrive after all, mail programs show one.
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
        # Whether the server had it all when the connection broke nobody knows.
        raise DeliveryFailure(failures.UNCLEAR, type(error).__name__) from None
    finally:
        _close(connection)


def _refusal(*codes: int) -> DeliveryFailure:
    """4xx: the server wants to be asked again (RFC 5321, 4.2.1); 5xx: it never will take it. Its text may quote anything."""
    code = max(codes, default=500)
    if code < 500:
        return DeliveryFailure(failures.BUSY, f"SMTP {code}", again=True)
    return DeliveryFailure(failures.REFUSED, f"SMTP {code}")


def _close(connection: EmailBackend) -> None:
    # The message is with the server by now: how they part changes nothing.
    connection.fail_silently = True
    try:
        connection.close()
    except OSError:
        connection.connection = None
