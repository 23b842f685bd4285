"""API views of what one signs in with: the own tokens, signing out, the own password."""

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from learntrace.accounts.models import Token
from learntrace.accounts.openapi import refusals, responses
from learntrace.accounts.scope import View
from learntrace.accounts.serializers import PasswordChangeSerializer, TokenSerializer
from learntrace.accounts.signing_in.passwords import change_own
from learntrace.accounts.tokens.own import end_token, end_tokens, tokens_of
from learntrace.accounts.tokens.scopes import ANY
from learntrace.core.errors import Problem
from learntrace.core.http.request_body import validated

_DONE: dict[int, Any] = {204: OpenApiResponse(description="It is done.")}


class NoTokenOfOurs(Problem):
    slug = "no-token-of-ours"
    text = _("A JupyterHub token can't be ended here. End it at the hub")


class LogoutView(View):
    """Ends the token with which it is asked."""

    keeps_to_hub_academy: ClassVar = True
    token_needs: ClassVar = {"POST": ANY}

    @extend_schema(operation_id="logout", request=None, responses={**_DONE, **refusals(400, 401)})
    def post(self, request: Request) -> Response:
        """End the token that this request came with."""
        if not isinstance(request.auth, Token):
            raise NoTokenOfOurs
        end_tokens(self.user, Token.objects.filter(pk=request.auth.pk))
        return Response(status=204)


class TokensView(View):
    """One's own tokens."""

    @extend_schema(operation_id="my_tokens", responses=responses(TokenSerializer(many=True), 401, 403))
    def get(self, request: Request) -> Response:
        """List one's tokens, the newest first, without their keys."""
        current = request.auth.pk if isinstance(request.auth, Token) else None
        return Response(TokenSerializer(tokens_of(self.user), many=True, context={"current": current}).data)


class TokenView(View):
    """One of one's own tokens."""

    @extend_schema(operation_id="my_token_end", responses={**_DONE, **refusals(401, 403, 404)})
    def delete(self, request: Request, token_id: int) -> Response:
        """End one of one's tokens; it opens nothing from now on."""
        end_token(self.user, token_id)
        return Response(status=204)


class PasswordView(View):
    """One's own password."""

    @extend_schema(
        operation_id="my_password_change",
        request=PasswordChangeSerializer,
        responses={**_DONE, **refusals(400, 401, 403, 429)},
    )
    def put(self, request: Request) -> Response:
        """Change one's password; all sessions and login tokens end, this one too."""
        given = validated(PasswordChangeSerializer, request)
        change_own(request._request, self.user, given["current_password"], given["new_password"])
        return Response(status=204)
