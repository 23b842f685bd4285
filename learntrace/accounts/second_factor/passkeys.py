"""Passkeys (WebAuthn) as a second factor: what a browser is asked, and checking what it answers.

A challenge is kept in the session and taken out by the answer, right or wrong, so that no answer can be given twice. A passkey
works on the host on which it was made.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    UserVerificationRequirement,
)

from learntrace.accounts.audit.actions import SECOND_FACTOR_ADDED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.models import User
from learntrace.accounts.second_factor.models import Passkey
from learntrace.accounts.signing_in.guesses import guess, of_second_factor
from learntrace.core.errors import Problem
from learntrace.core.http.address import client_address

MOST: Final = 20
LONGEST_ANSWER: Final = 32 * 1024
_STATE: Final = "passkey_state"


class PasskeyRefused(Problem):
    """The browser's answer isn't one to our question, or of no passkey of this user."""

    slug = "passkey-refused"
    text = _("This passkey wasn't accepted. Please try again")


class TooManyPasskeys(Problem):
    slug = "too-many-passkeys"
    text = _("You have %(most)s passkeys, which is as many as one user may have. Remove some first")


def _server(request: HttpRequest) -> Fido2Server:
    origin = f"{request.scheme}://{request.get_host()}"
    host = request.get_host().rpartition(":")[0] if ":" in request.get_host() else request.get_host()
    entity = PublicKeyCredentialRpEntity(name="Learntrace", id=host)
    return Fido2Server(entity, verify_origin=lambda told: told == origin)


def _known(user: User) -> list[AttestedCredentialData]:
    return [AttestedCredentialData(bytes(row.public_key)) for row in Passkey.objects.filter(user=user)]


def begin_making(request: HttpRequest, user: User) -> dict[str, Any]:
    """Return what the browser is asked to make a passkey.

    Raises TooManyPasskeys.
    """
    known = _known(user)
    if len(known) >= MOST:
        raise TooManyPasskeys(most=MOST)
    person = PublicKeyCredentialUserEntity(
        id=f"learntrace-{user.pk}".encode(), name=user.get_username(), display_name=user.display_name
    )
    options, state = _server(request).register_begin(
        person, known, user_verification=UserVerificationRequirement.PREFERRED
    )
    request.session[_STATE] = {"for": "make", "state": state}
    return dict(options)


def finish_making(request: HttpRequest, user: User, name: str, answer: str) -> Passkey:
    """Store the passkey that the browser has made.

    Raises PasskeyRefused, TooManyPasskeys.
    """
    response = _answer(answer)
    try:
        made = _server(request).register_complete(_take_state(request, "make"), response).credential_data
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PasskeyRefused from error
    if made is None:
        raise PasskeyRefused
    credential_id = websafe_encode(made.credential_id)
    if Passkey.objects.filter(user=user).count() >= MOST:
        raise TooManyPasskeys(most=MOST)
    if Passkey.objects.filter(credential_id=credential_id).exists():
        raise PasskeyRefused
    with transaction.atomic():
        passkey = Passkey.objects.create(user=user, name=name, credential_id=credential_id, public_key=bytes(made))
        added = {"factor": "passkey", "passkey": passkey.pk}
        record(SECOND_FACTOR_ADDED, object_id=user.pk, subject_id=user.pk, after=added)
    return passkey


def begin_asking(request: HttpRequest, user: User) -> dict[str, Any]:
    """Return what the browser is asked to prove that it has one of the user's passkeys."""
    options, state = _server(request).authenticate_begin(
        _known(user), user_verification=UserVerificationRequirement.PREFERRED
    )
    request.session[_STATE] = {"for": "ask", "state": state}
    return dict(options)


def finish_asking(request: HttpRequest, user: User, answer: str) -> None:
    """Check the browser's proof.

    Raises PasskeyRefused, TooManyGuesses, TooManyLogins.
    """
    state = _take_state(request, "ask")
    with guess("second_factor", of_second_factor(user), client_address(request)) as attempt:
        right = _is_proof(request, user, state, answer)
        if right:
            attempt.right()
    if not right:
        raise PasskeyRefused


def _is_proof(request: HttpRequest, user: User, state: object, answer: str) -> bool:
    try:
        response = AuthenticationResponse.from_dict(_answer(answer))
        used = _server(request).authenticate_complete(state, _known(user), response)
        count = response.response.authenticator_data.counter
    except (Problem, ValueError, TypeError, KeyError, AttributeError):
        return False
    row = Passkey.objects.filter(user=user, credential_id=websafe_encode(used.credential_id))
    # A count that doesn't grow means a copy of the key, unless the device counts nothing (WebAuthn, 6.1.1).
    fresh = row.filter(sign_count__lt=count) if count else row.filter(sign_count=0)
    return fresh.update(sign_count=count, last_used_at=timezone.now()) == 1


def _take_state(request: HttpRequest, purpose: str) -> Any:
    kept = request.session.pop(_STATE, None)
    if not isinstance(kept, dict) or kept.get("for") != purpose:
        raise PasskeyRefused
    return kept["state"]


def _answer(text: str) -> Mapping[str, Any]:
    if len(text) > LONGEST_ANSWER:
        raise PasskeyRefused
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PasskeyRefused from error
    if not isinstance(answer, dict):
        raise PasskeyRefused
    return answer
