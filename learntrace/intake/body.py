"""Read a request's body within limits, and decompress it."""

import zlib
from collections.abc import Awaitable, Callable

from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import Problem

Receive = Callable[[], Awaitable[dict[str, object]]]
_MAX_DISCARDED = 64 * 1024 * 1024
MOST_DISCARDED = 64 * 1024  # of a client whose key is unknown
_GZIP = 16 + zlib.MAX_WBITS
# Telemetry shrinks to a third or a tenth. What shrinks to less than a hundredth was made to fill the memory.
MAX_RATIO = 100
_ANY_RATIO = 1024 * 1024  # bytes up to which the ratio doesn't matter
# Senders write one member. Each costs a copy of what follows it.
_MAX_MEMBERS = 16


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


class TooDense(Problem):
    status_code = 413
    reason = "body-too-dense"
    text = _("The gzip body unpacks to more than %(ratio)s times its size")


class Disconnected(Exception):
    """The client disconnected before its request was complete: there is nobody to answer."""


async def read_body(receive: Receive, limit: int, announced: int) -> tuple[bytes, int]:
    """Return the raw body and its size in bytes; `announced` is the Content-Length, 0 if there is none.

    A body over the limit is read and discarded up to _MAX_DISCARDED bytes more: most clients read the answer only after they
    have sent everything.

    Raises TooLarge, Disconnected.
    """
    parts: list[bytes] = []
    size = 0
    patience = limit + _MAX_DISCARDED
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


async def discard_body(receive: Receive, announced: int) -> None:
    """Read a small body for a client that waits with reading the answer; of a larger one nothing.

    Raises Disconnected.
    """
    size = 0
    while 0 < announced <= MOST_DISCARDED and size <= MOST_DISCARDED:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        assert isinstance(part, bytes)  # noqa: S101 (ASGI says so)
        size += len(part)
        if not message.get("more_body", False):
            break


def unpack(body: bytes, encoding: str, limit: int) -> bytes:
    """Decompress a body according to its Content-Encoding, holding at most `limit` decompressed bytes.

    Raises UnknownEncoding, TooLarge, TooDense, UnreadableBody.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise UnknownEncoding(encoding=encoding[:40])
    parts: list[bytes] = []
    room = most = min(limit, max(_ANY_RATIO, MAX_RATIO * len(body)))
    while body:
        if len(parts) == _MAX_MEMBERS:
            raise UnreadableBody(_("The gzip body has more than %(most)s members"), most=_MAX_MEMBERS)
        stream = zlib.decompressobj(_GZIP)
        try:
            part = stream.decompress(body, room + 1)
        except zlib.error as error:
            raise UnreadableBody(_("The body is not gzip, although its Content-Encoding says so")) from error
        room -= len(part)
        if room < 0:
            raise TooLarge(limit=limit) if most == limit else TooDense(ratio=MAX_RATIO)
        if not stream.eof:
            raise UnreadableBody(_("The gzip body ends too early"))
        parts.append(part)
        # A gzip body may have several members.
        body = stream.unused_data
    return b"".join(parts)
