"""The body of an API request, checked."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from learntrace.core.errors import Problem


def json_object(request: Request) -> dict[str, Any]:
    """Return the body, which must be a JSON object.

    Raises Problem (400) for anything else.
    """
    if not isinstance(request.data, dict):
        raise Problem(_("Request body must be a JSON object"))
    return request.data


def validated(serializer: type[BaseSerializer[Any]], request: Request, **options: Any) -> dict[str, Any]:
    """Return the fields of the body as a serializer reads them; `options` are the serializer's own.

    Raises ValidationError (400) with the messages on each field that can't be taken.
    """
    form = serializer(data=request.data, **options)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)
