"""Answers that hold stored JSON as text: it is copied into the body, never decoded."""

from collections.abc import Mapping
from typing import Any

import msgspec
from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder

_encoder = JSONEncoder()


def _plain(value: object) -> Any:
    """Convert a value that msgspec doesn't know, as DRF does; texts of errors are subclasses of str."""
    return str(value) if isinstance(value, str) else _encoder.default(value)


class StoredJSONRenderer(JSONRenderer):
    """DRF's JSON renderer, which takes `msgspec.Raw` for JSON that is written as it stands."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return b"" if data is None else msgspec.json.encode(data, enc_hook=_plain)
