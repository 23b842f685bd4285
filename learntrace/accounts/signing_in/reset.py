"""A new password by mail: a link that opens once and for an hour, sent only to an address that the user has here.

The answer is the same, and as fast, whether anybody has the name: the mail is sent by a thread.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from learntrace.accounts.models import User
from learntrace.accounts.signing_in.guesses import Subject, guess, of_account
from learntrace.accounts.signing_in.names import named
from learntrace.accounts.signing_in.passwords import set_password
from learntrace.accounts.tokens.own import end_tokens, tokens_of
from learntrace.core.http.address import client_address
from learntrace.core.http.filters import natural

log = structlog.get_logger(__name__)

# In the window of a minute; more would only fill the owner's mailbox.
MOST_LINKS: Final = 5
MOST_WAITING: Final = 100


class _Post:
    """The thread of a process that hands mail to the server, and the bounded line before it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "mail")
        self._places = threading.BoundedSemaphore(MOST_WAITING)

    def send(self, message: EmailMessage) -> None:
        if not self._places.acquire(blocking=False):
            log.warning("too many mails wait; one with a link is not sent")
            return
        self._thread.submit(self._send, message)

    def _send(self, message: EmailMessage) -> None:
        try:
            message.send()
        except OSError as error:  # smtplib's errors are OSErrors too
            log.warning("mail with a link not sent", error=f"{type(error).__name__}: {error}"[:300])
        finally:
            self._places.release()


_posts: dict[int, _Post] = {}
_lock = threading.Lock()


def _post() -> _Post:
    """Return this process's post: a forked process has none of its parent's threads."""
    with _lock:
        return _posts.setdefault(os.getpid(), _Post())


def is_available() -> bool:
    """Whether links can be sent: by a mail server, and with an address that no request's `Host` can forge."""
    return bool(settings.EMAIL_HOST and settings.PUBLIC_URL)


def sender() -> str:
    """Return the address from which this server sends mail."""
    return str(settings.DEFAULT_FROM_EMAIL)


def post(message: EmailMessage) -> None:
    """Hand a mail to the thread that sends them; the caller waits for nothing."""
    _post().send(message)


def send_link(request: HttpRequest, name: str) -> None:
    """Send a link to the owner of an account, if there is an active one with an address.

    Raises TooManyGuesses.
    """
    user = named(name)
    account = of_account(user, name)
    # Each asked link counts as a wrong guess of its own kind: it locks nobody's sign-in.
    with guess("reset", Subject(f"reset:{account.name}", MOST_LINKS), client_address(request)):
        pass
    if user is not None and user.is_active and user.email:
        post(_message(user))


def _message(user: User) -> EmailMessage:
    with translation.override(user.language or translation.get_language()):
        query = urlencode({"user": user.pk, "token": default_token_generator.make_token(user)})
        text = _(
            "Somebody, hopefully you, asked for a new password for %(name)s on Learntrace.\n\n"
            "Choose one here within an hour; the link works once:\n%(link)s\n\n"
            "If it wasn't you, do nothing: your password stays as it is."
        ) % {"name": user.get_username(), "link": f"{settings.PUBLIC_URL}{reverse('password-choose')}?{query}"}
        subject = str(_("A new password for Learntrace"))
    return EmailMessage(subject, text, sender(), [user.email])


@transaction.atomic
def choose_password(user: User, new: str) -> int:
    """Store the password that was chosen by a link, and end all keys; return how many were in force.

    Only now is it proven whose the address is: who has had the account before, by a password or an address that somebody
    else had given it, must not keep a key to it. Raises WeakPassword.
    """
    set_password(user, new)
    tokens = tokens_of(user)
    return end_tokens(user, tokens) if tokens.exists() else 0


def user_of_link(number: str, token: str) -> User | None:
    """Return the active user whose link it is, None if it was used, is too old or no link of ours."""
    pk = natural(number)
    user = User.objects.filter(pk=pk, is_active=True).first() if pk is not None else None
    return user if user is not None and default_token_generator.check_token(user, token) else None
