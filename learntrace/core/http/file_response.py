"""Stream a file that was written for one request: it is read in parts as it is sent."""

from collections.abc import AsyncIterator, Iterator
from typing import IO

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

_PART = 256 * 1024


class _Parts:
    """An open file's parts; Django closes the file with the response, even if its content isn't read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self) -> bytes:
        return self._file.read(_PART)

    def close(self) -> None:
        self._file.close()


class _Sync(_Parts):
    def __iter__(self) -> Iterator[bytes]:
        return iter(self.read, b"")


class _Async(_Parts):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        while part := await sync_to_async(self.read)():
            yield part


def file_answer(request: HttpRequest, file: IO[bytes], name: str, content_type: str) -> StreamingHttpResponse:
    """Return an open file as a download, from its beginning; it is closed with the response."""
    size = file.seek(0, 2)
    file.seek(0)
    # Under ASGI, Django would read an ordinary iterator completely before it sends anything.
    parts = _Async(file) if isinstance(request, ASGIRequest) else _Sync(file)
    answer = StreamingHttpResponse(parts, content_type=content_type)
    answer.headers["Content-Length"] = str(size)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer
