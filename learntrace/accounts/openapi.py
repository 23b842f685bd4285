"""Common parts of the OpenAPI schema's operations: tokens, the academy, refusals, filters."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema_field
from rest_framework import serializers


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """`Authorization: Token <key>` (contract, section 1)."""

    target_class = "learntrace.accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token <key>`, or `Bearer <key>`.",
        }


class HubScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """`Authorization: JupyterHub <token>`."""

    target_class = "learntrace.accounts.jupyterhub.authentication.HubAuthentication"
    name = "hub"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`JupyterHub <token>`, a user's, where the server is connected to a hub; for its academy only.",
        }


class RefusalSerializer(serializers.Serializer[Any]):
    """Why a request was refused."""

    detail = serializers.CharField()
    status_code = serializers.IntegerField()
    slug = serializers.CharField(required=False, help_text="names the refusal, where clients tell it apart")


class InvalidTokenSerializer(serializers.Serializer[Any]):
    """What a key that opens nothing gets; without a readable key there are only detail and status_code."""

    error = serializers.CharField(required=False)
    is_authenticated = serializers.CharField(required=False, help_text='the text "False"')
    status_code = serializers.IntegerField()
    detail = serializers.CharField()


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
class _TextOrMessages(serializers.JSONField):
    """A refusal's text; or, where a field is called so, the messages on that field."""


class FieldErrorsSerializer(serializers.Serializer[Any]):
    """Fields that can't be taken, each with its messages, `{"field": ["message"]}`; or a refusal."""

    detail = _TextOrMessages(required=False)
    status_code = serializers.IntegerField(required=False)
    slug = _TextOrMessages(required=False)
    non_field_errors = serializers.ListField(child=serializers.CharField(), required=False)


_DESCRIPTIONS = {
    400: "Something sent can't be taken.",
    401: "No key, or one that opens nothing.",
    403: "No academy named, or no capability there.",
    404: "There is no such thing, or not for the caller.",
    409: "Not in the state that things are in.",
    415: "Sent as something else than the operation takes.",
    429: "Too many; Retry-After says how long to wait, where that is known.",
}
_BODIES: dict[int, type[serializers.Serializer[Any]]] = {400: FieldErrorsSerializer, 401: InvalidTokenSerializer}

ACADEMY = [
    OpenApiParameter(
        "Academy", OpenApiTypes.INT64, OpenApiParameter.HEADER, description="the academy's id; else `?academy=`"
    ),
    OpenApiParameter("academy", OpenApiTypes.INT64, description="the academy's id, where no header can be set"),
]


def refusals(*codes: int) -> dict[int, OpenApiResponse]:
    """Return the refusals of an operation, by status."""
    return {code: OpenApiResponse(_BODIES.get(code, RefusalSerializer), _DESCRIPTIONS[code]) for code in codes}


def filters(**named: str) -> list[OpenApiParameter]:
    """Return the filters of a list as text parameters of the query string, each with its description."""
    return [OpenApiParameter(name, OpenApiTypes.STR, description=text) for name, text in named.items()]


def responses(body: Any, *codes: int, code: int = 200) -> Mapping[int, Any]:
    """Return the response of an operation and its refusals, by status."""
    return {code: body, **refusals(*codes)}
