"""Passwords: what makes one good, and changing one's own.

Whoever changes one, by whatever way, a trigger of the database ends the user's sessions and login tokens
(`migrations/0007_password_change_ends_sessions.py`). The session in which somebody changes the own password goes on.
"""

from collections.abc import Sequence

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import PASSWORD_CHANGED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import User
from learntrace.accounts.signing_in.guesses import guess, of_account
from learntrace.accounts.signing_in.names import LONGEST_PASSWORD, has_password
from learntrace.accounts.signing_in.sessions import note
from learntrace.core.errors import FieldProblem
from learntrace.core.http.address import client_address


class NotYourPassword(FieldProblem):
    def __init__(self, field: str = "current_password") -> None:
        super().__init__(field, _("This is not your password."))


class WeakPassword(FieldProblem):
    """A new password that isn't good enough; `sentences` say why."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__("new_password", " ".join(sentences))
        self.sentences = sentences

    def sentence(self) -> str:
        return " ".join(self.sentences)

    def body(self) -> dict[str, object]:
        return {self.field: list(self.sentences)}


def faults_of(password: str, user: User) -> list[str]:
    """Return what is wrong with a new password of a user, in sentences."""
    if len(password) > LONGEST_PASSWORD:
        return [str(_("This password is too long."))]
    try:
        validate_password(password, user)
    except ValidationError as error:
        return list(error.messages)
    return []


def confirm(request: HttpRequest, user: User, password: str, field: str = "password") -> None:
    """Check that the user has given the own password again, as a guess like any other.

    Raises NotYourPassword, TooManyGuesses, TooManyLogins.
    """
    with guess("password", of_account(user, user.username), client_address(request)) as attempt:
        right = has_password(user, password)
        if right:
            attempt.right()
    if not right:
        raise NotYourPassword(field)


def set_password(user: User, new: str) -> None:
    """Store a new password.

    Raises WeakPassword.
    """
    if faults := faults_of(new, user):
        raise WeakPassword(faults)
    user.set_password(new)
    with transaction.atomic():
        user.save(update_fields=["password"])
        record(PASSWORD_CHANGED, object_id=user.pk, subject_id=user.pk)


def change_own(request: HttpRequest, user: User, current: str, new: str) -> None:
    """Change the own password; all other sessions and all login tokens end, this session goes on.

    Raises NotYourPassword, WeakPassword, TooManyGuesses, TooManyLogins.
    """
    confirm(request, user, current, "current_password")
    set_password(user, new)
    if request.session.session_key:
        update_session_auth_hash(request, user)
        note(request, user)
