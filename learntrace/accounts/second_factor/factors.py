"""Which second factors a user has, checking a code of one, and setting them up.

Our own tables, fido2 for the cryptography of passkeys: docs/explanation/security.md, "The second factor" says why.
"""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import RECOVERY_CODES_REPLACED, SECOND_FACTOR_ADDED, SECOND_FACTOR_REMOVED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import User
from learntrace.accounts.second_factor import totp
from learntrace.accounts.second_factor.models import AuthenticatorApp, Passkey, RecoveryCode
from learntrace.accounts.signing_in.guesses import guess, of_second_factor
from learntrace.core.errors import FieldProblem
from learntrace.core.http.address import client_address

CODES: Final = 10


class WrongCode(FieldProblem):
    """The code is neither the app's at this moment nor an unused recovery code; a code that was used before is wrong too."""

    def __init__(self) -> None:
        super().__init__(
            "code",
            _("This code is wrong or has already been used. Use the next one of your app, or another recovery code."),
        )


class AppUnreadable(FieldProblem):
    """The app's secret can't be decrypted, as its key is missing: no code of it can be checked."""

    def __init__(self) -> None:
        super().__init__(
            "code",
            _(
                "Codes of your app can't be checked: the server's encryption key is missing. Use a recovery code or a "
                "passkey, or ask whoever runs this server to restore the key."
            ),
        )


@dataclass(frozen=True)
class Factors:
    """The second factors of a user."""

    app: bool
    passkeys: int
    codes_left: int

    @property
    def any(self) -> bool:
        """Whether a sign-in asks for one. Recovery codes alone are none."""
        return self.app or self.passkeys > 0


def factors_of(user: User) -> Factors:
    return Factors(
        AuthenticatorApp.objects.filter(user=user, confirmed_at__isnull=False).exists(),
        Passkey.objects.filter(user=user).count(),
        RecoveryCode.objects.filter(user=user, used_at__isnull=True).count(),
    )


def check_code(request: HttpRequest, user: User, code: str) -> None:
    """Check a code of the user's app, or a recovery code; each opens once.

    Raises WrongCode, AppUnreadable, TooManyGuesses, TooManyLogins.
    """
    app = AuthenticatorApp.objects.filter(user=user, confirmed_at__isnull=False).first()
    with guess("second_factor", of_second_factor(user), client_address(request)) as attempt:
        right = (app is not None and _use_step(app, code)) or _use_recovery_code(user, code)
        if right:
            attempt.right()
    if not right:
        raise AppUnreadable if app is not None and not app.secret else WrongCode


def _use_step(app: AuthenticatorApp, code: str) -> bool:
    if not app.secret:
        return False
    step = totp.step_of(app.secret, code, time.time())
    if step is None:
        return False
    # The row count decides which of two requests with the same code was first.
    return AuthenticatorApp.objects.filter(pk=app.pk, last_step__lt=step).update(last_step=step) == 1


def _hash(code: str) -> str:
    plain = "".join(character for character in code.lower() if character.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()


def _use_recovery_code(user: User, code: str) -> bool:
    unused = RecoveryCode.objects.filter(user=user, code_hash=_hash(code), used_at__isnull=True)
    return unused.update(used_at=timezone.now()) == 1


def begin_app(user: User) -> str:
    """Return the secret of an app that is to be set up, the same until it is confirmed."""
    app, _made = AuthenticatorApp.objects.get_or_create(user=user, defaults={"secret": totp.new_secret()})
    if app.confirmed_at is None and not app.secret:
        # Its key is missing: nobody has an app with this secret that counts.
        app.secret = totp.new_secret()
        app.save(update_fields=["secret"])
    return app.secret if app.confirmed_at is None else ""


def confirm_app(request: HttpRequest, user: User, code: str) -> None:
    """Have an app count, by its first code.

    Raises WrongCode, TooManyGuesses, TooManyLogins.
    """
    with guess("second_factor", of_second_factor(user), client_address(request)) as attempt:
        app = AuthenticatorApp.objects.filter(user=user, confirmed_at__isnull=True).first()
        right = app is not None and _use_step(app, code)
        if right:
            attempt.right()
    if not right:
        raise WrongCode
    with transaction.atomic():
        AuthenticatorApp.objects.filter(user=user).update(confirmed_at=timezone.now())
        record(SECOND_FACTOR_ADDED, object_id=user.pk, subject_id=user.pk, after={"factor": "app"})


@transaction.atomic
def remove_app(user: User) -> None:
    """Remove the app, and with the last factor the recovery codes."""
    if factors_of(user).app:
        record(SECOND_FACTOR_REMOVED, object_id=user.pk, subject_id=user.pk, before={"factor": "app"})
    AuthenticatorApp.objects.filter(user=user).delete()
    _forget_codes_without_factor(user)


@transaction.atomic
def remove_passkey(user: User, passkey_id: int) -> None:
    """Remove a passkey, and with the last factor the recovery codes."""
    if Passkey.objects.filter(user=user, pk=passkey_id).delete()[0]:
        gone = {"factor": "passkey", "passkey": passkey_id}
        record(SECOND_FACTOR_REMOVED, object_id=user.pk, subject_id=user.pk, before=gone)
    _forget_codes_without_factor(user)


def _forget_codes_without_factor(user: User) -> None:
    if not factors_of(user).any:
        RecoveryCode.objects.filter(user=user).delete()


@transaction.atomic
def forget_all(user: User) -> bool:
    """Remove all second factors of a user who has lost them; return whether there were any. For whoever runs the server."""
    had = factors_of(user)
    if had.any:
        gone = {"app": had.app, "passkeys": had.passkeys}
        record(SECOND_FACTOR_REMOVED, object_id=user.pk, subject_id=user.pk, before=gone)
    for model in (AuthenticatorApp, Passkey, RecoveryCode):
        model.objects.filter(user=user).delete()
    return had.any


def make_recovery_codes(user: User) -> list[str]:
    """Make new recovery codes of 80 random bits in the place of the old ones; they can't be shown again."""
    codes = ["-".join(_in_fours(base64.b32encode(secrets.token_bytes(10)).decode().lower())) for _code in range(CODES)]
    with transaction.atomic():
        if RecoveryCode.objects.filter(user=user).delete()[0]:
            # The first codes come with the first factor, which is recorded.
            record(RECOVERY_CODES_REPLACED, object_id=user.pk, subject_id=user.pk)
        RecoveryCode.objects.bulk_create([RecoveryCode(user=user, code_hash=_hash(code)) for code in codes])
    return codes


def _in_fours(text: str) -> list[str]:
    return [text[start : start + 4] for start in range(0, len(text), 4)]
