"""Reading a request's body within limits, packed or not."""

import zlib
from collections.abc import Awaitable, Callable

from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import Problem

Receive = Callable[[], Awaitable[dict[str, object]]]
_THROWN_AWAY = 64 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class TooLarge(Problem):
    status_code = 413
    reason = "body-too-large"
    text = _("The request body is larger than the limit of %(limit)s bytes")


class UnreadableBody(Problem):
    reason = "invalid-encoding"


class UnknownEncoding(Problem):
    status_code = 415
    reason = "unsupported-encoding"
    text = _("Content-Encoding `%(encoding)s` is not supported; send gzip or none")


class Disconnected(Exception):
    """The client left before its request was whole: there is nobody to answer."""


async def read_body(receive: Receive, limit: int, announced: int) -> tuple[bytes, int]:
    """Return the raw body and its size in bytes; `announced` is the Content-Length, 0 if there is none.

    A body over the limit is read on and thrown away for a while: most clients look for an answer only once they have
    sent everything.

    Raises TooLarge, Disconnected.
    """
    parts: list[bytes] = []
    size = 0
    patience = limit + _THROWN_AWAY
    while announced <= patience and size <= patience:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        assert isinstance(part, bytes)  # noqa: S101 (ASGI says so)
        size += len(part)
        if size <= limit:
            parts.append(part)
        else:
            parts.clear()
        if not message.get("more_body", False):
            break
    if max(size, announced) > limit:
        raise TooLarge(limit=limit)
    return b"".join(parts), size


def unpack(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo the Content-Encoding, never holding more than `limit` unpacked bytes.

    Raises UnknownEncoding, TooLarge, UnreadableBody.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise UnknownEncoding(encoding=encoding[:40])
    parts: list[bytes] = []
    room = limit
    while body:
        stream = zlib.decompressobj(_GZIP)
        try:
            part = stream.decompress(body, room + 1)
        except zlib.error as error:
            raise UnreadableBody(_("The body is not gzip, as its Content-Encoding says")) from error
        room -= len(part)
        if room < 0:
            raise TooLarge(limit=limit)
        if not stream.eof:
            raise UnreadableBody(_("The gzip body ends too early"))
        parts.append(part)
        # A gzip body may have several members.
        body = stream.unused_data
    return b"".join(parts)
