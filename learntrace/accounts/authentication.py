"""Tokens in the Authorization header: one parser for the API's views and for the front door (contract, section 1)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from learntrace.accounts.models import Token, User, key_hash
from learntrace.accounts.signing_in.guesses import count_unknown_key
from learntrace.accounts.tokens.usage import note_use
from learntrace.core.errors import Problem
from learntrace.core.http.address import client_address

SCHEMES = ("token", "bearer")
HUB_SCHEME = "jupyterhub"


class Unauthorized(Problem):
    """Missing or malformed credentials."""

    status_code = status.HTTP_401_UNAUTHORIZED
    reason = "no-credentials"
    text = _("Authentication credentials were not provided.")

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Token"}


class InvalidToken(Unauthorized):
    """An invalid key; LearnPack's clients look for this body."""

    reason = "invalid-token"
    text = _("Invalid or Inactive Token")

    def body(self) -> dict[str, Any]:
        sentence = self.sentence()
        return {
            "error": sentence,
            "is_authenticated": "False",
            "status_code": self.status_code,
            "detail": sentence,
        }


class InactiveUser(InvalidToken):
    reason = "inactive-user"
    text = _("Invalid or inactive user")


class ExpiredToken(InvalidToken):
    reason = "expired-token"
    text = _("Token expired at %(expires_at)s")


def names_hub(header: str) -> bool:
    """Whether an Authorization header holds a JupyterHub token instead of one of ours."""
    return header.strip().partition(" ")[0].lower() == HUB_SCHEME


def read_key(header: str, schemes: Collection[str] = SCHEMES) -> str:
    """Return the key of an Authorization header.

    Raises Unauthorized for a missing header, another scheme, a missing key or blanks in the key.
    """
    scheme, _blank, key = header.strip().partition(" ")
    if scheme.lower() not in schemes:
        raise Unauthorized
    key = key.strip()
    if not key:
        raise Unauthorized(_("Invalid token header. No credentials provided."))
    if len(key.split()) > 1:
        raise Unauthorized(_("Invalid token header. Token string should not contain spaces."))
    return key


@dataclass(frozen=True)
class Credential:
    """What the database says about a key."""

    user_is_active: bool
    expires_at: datetime | None


def check(credential: Credential, now: datetime) -> None:
    """Raise InactiveUser or ExpiredToken unless the credential is valid."""
    if not credential.user_is_active:
        raise InactiveUser
    if credential.expires_at is not None and credential.expires_at <= now:
        raise ExpiredToken(expires_at=credential.expires_at)


class TokenAuthentication(BaseAuthentication):
    """Authenticate by `Authorization: Token <key>`, or Bearer."""

    def authenticate(self, request: Request) -> tuple[User, Token]:
        """Return user and token.

        Raises Unauthorized, TooManyGuesses; an anonymous request never passes. A one-time token is deleted.
        """
        key = read_key(request.headers.get("Authorization", ""))
        with transaction.atomic():
            token = self._token(key)
        if token is None:
            count_unknown_key(client_address(request._request))
            raise InvalidToken
        note_use(token, client_address(request._request))
        return token.user, token

    @staticmethod
    def _token(key: str) -> Token | None:
        token = Token.objects.select_related("user").filter(key_hash=key_hash(key)).first()
        if token is None:
            return None
        check(Credential(token.user.is_active, token.expires_at), timezone.now())
        # The row count decides which of two simultaneous requests with the key was first.
        if token.kind == Token.Kind.ONE_TIME and not Token.objects.filter(pk=token.pk).delete()[0]:
            return None
        return token

    def authenticate_header(self, request: Request) -> str:
        return "Token"
