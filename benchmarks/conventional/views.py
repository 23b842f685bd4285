"""The view: a token looked up and a row created, both by the ORM, in autocommit."""

from typing import Any, cast

from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from learntrace.accounts.models import Token, User, key_hash
from learntrace.learnpack.models import Webhook

# Learntrace's workers leave rows with this status alone.
STATUS = Webhook.Status.ERROR


class KeyAuthentication(TokenAuthentication):
    """DRF's token authentication on Learntrace's tokens."""

    def authenticate_credentials(self, key: str) -> tuple[User, Any]:
        try:
            token = Token.objects.select_related("user").get(key_hash=key_hash(key))
        except Token.DoesNotExist:
            raise AuthenticationFailed("Invalid token.") from None
        if not token.user.is_active:
            raise AuthenticationFailed("User inactive or deleted.")
        return token.user, token


class WebhookView(APIView):
    authentication_classes = [KeyAuthentication]
    permission_classes = [IsAuthenticated]

    def post(self, request: Request) -> Response:
        payload, user = cast("dict[str, Any]", request.data), cast("User", request.user)
        Webhook.objects.create(
            is_streaming="event" in payload,
            event=payload.get("event", "batch"),
            payload=payload,
            package_slug=payload.get("slug"),
            student=user,
            sender=user,
            status=STATUS,
        )
        return Response("ok")
