"""The one-time code of the set-up page: made, printed, checked and ended.

It ends when it is used, when another one is made, and as soon as there is an administrator, however that one came to be.
"""

import hmac
import secrets
from base64 import b32encode
from hashlib import sha256
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import SETUP_CODE_MADE
from learntrace.accounts.audit.recording import record
from learntrace.accounts.first_setup.models import SetupCode
from learntrace.accounts.models import Membership, User, key_hash
from learntrace.accounts.signing_in.guesses import guess
from learntrace.core.errors import Forbidden
from learntrace.core.http.address import client_address

# 125 bits, in five groups of five letters and digits.
_LENGTH: Final = 25
_GROUP: Final = 5
# Digits that the code never has, and the letters that they are read for.
_MISREAD: Final = str.maketrans("018", "OIB")


class WrongSetupCode(Forbidden):
    slug = "wrong-setup-code"
    text = _("This isn't the code that the server has printed")


class AlreadySetUp(Forbidden):
    slug = "already-set-up"
    text = _("This server is already set up. Sign in, or ask whoever runs it for an account")


def administrator_exists() -> bool:
    """Whether anybody can run this installation or an academy of it: then it needs no first set-up."""
    members = Membership.objects.filter(role="admin", status=Membership.Status.ACTIVE, user__is_active=True)
    return User.objects.filter(Q(is_superuser=True, is_active=True)).exists() or members.exists()


def printed_code() -> str:
    """Return the code as it is printed, made if there is none; empty once there is an administrator."""
    if administrator_exists():
        return ""
    salt = secrets.token_hex(32)
    row, _made = SetupCode.objects.get_or_create(pk=1, defaults={"salt": salt, "code_hash": _hash(_code(salt))})
    if not hmac.compare_digest(row.code_hash, _hash(_code(row.salt))):
        # The secret key is another one: nobody can print this code any more.
        return new_code()
    return _grouped(_code(row.salt))


@transaction.atomic
def new_code() -> str:
    """Replace the code; return the new one as it is printed.

    Raises AlreadySetUp.
    """
    if administrator_exists():
        raise AlreadySetUp
    salt = secrets.token_hex(32)
    SetupCode.objects.filter(pk=1).delete()
    SetupCode.objects.create(pk=1, salt=salt, code_hash=_hash(_code(salt)))
    record(SETUP_CODE_MADE)
    return _grouped(_code(salt))


def check_code(request: HttpRequest, typed: str) -> None:
    """Check a typed code, as a guess like any other of its network address.

    A lock of everybody's guesses would let a stranger keep the operator out, and the code has too many bits to need one.

    Raises AlreadySetUp, WrongSetupCode, TooManyGuesses, TooManyLogins.
    """
    if administrator_exists():
        raise AlreadySetUp
    with guess("setup", None, client_address(request)) as attempt:
        right = is_code(typed)
        if right:
            attempt.right()
    if not right:
        raise WrongSetupCode


def is_code(typed: str, *, locked: bool = False) -> bool:
    """Whether it is the code in force; `locked`: no other transaction can use it until this one ends."""
    rows = SetupCode.objects.select_for_update() if locked else SetupCode.objects.all()
    row = rows.filter(pk=1).first()
    return row is not None and hmac.compare_digest(row.code_hash, _hash(_plain(typed)))


def end_code() -> None:
    """End the code: it was used."""
    SetupCode.objects.filter(pk=1).delete()


def _code(salt: str) -> str:
    made = hmac.new(settings.SECRET_KEY.encode(), f"learntrace set-up code {salt}".encode(), sha256).digest()
    return b32encode(made).decode()[:_LENGTH]


def _hash(code: str) -> str:
    return key_hash(code)


def _plain(typed: str) -> str:
    """Return a code as it was typed, without blanks and hyphens and with its letters as they are printed."""
    return "".join(sign for sign in typed[:200].upper() if sign.isalnum()).translate(_MISREAD)


def _grouped(code: str) -> str:
    return "-".join(code[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))
