"""The front door: an ASGI application before Django that answers the inboxes' addresses and passes all else on.

It bypasses Django's middleware, so what these addresses need of it is here: methods, CORS, limits, language.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import structlog
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from learntrace.core.errors import Problem
from learntrace.core.json import decode
from learntrace.core.language import choose_language
from learntrace.intake import measures
from learntrace.intake.body import Disconnected, Receive, read_body, unpack
from learntrace.intake.callers import ask_hub
from learntrace.intake.commit import GroupCommit, Unconfirmed
from learntrace.intake.submissions import Answer, Source, Submission

log = structlog.get_logger(__name__)

Scope = Mapping[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# Bodies up to this size (bytes) take less time to read than to hand to a thread and back; of others so many at a time.
_READ_AT_ONCE = 64 * 1024
_READERS = 2

_CORS = {"Access-Control-Allow-Origin": "*"}
_PREFLIGHT = {
    **_CORS,
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type, content-encoding, academy, accept-language",
    "Access-Control-Max-Age": "86400",
}


class MethodNotAllowed(Problem):
    status_code = 405
    text = _('Method "%(method)s" not allowed.')

    def headers(self) -> dict[str, str]:
        return {"Allow": "POST, OPTIONS"}


class BadQuery(Problem):
    reason = "invalid-query"
    text = _("The query string holds a character that can't be stored")


class FrontDoor:
    """Answers the sources' paths; everything else goes to `inner`."""

    def __init__(
        self,
        inner: Application,
        sources: Sequence[Source],
        group_commit: Callable[[], GroupCommit],
        *,
        body_limit: int,
        unpacked_limit: int,
    ) -> None:
        self._inner = inner
        self._sources = {source.path: source for source in sources}
        self._make_group_commit = group_commit
        self._group_commit: GroupCommit | None = None
        self._body_limit = body_limit
        self._unpacked_limit = unpacked_limit
        self._reading = asyncio.Semaphore(_READERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry."""
        source = self._sources.get(scope.get("path", "")) if scope["type"] == "http" else None
        if source is None:
            await self._inner(scope, receive, send)
            return
        start = time.perf_counter()
        try:
            answer = await self.answer(source, scope, receive)
        except Disconnected:
            return
        measures.REQUESTS.labels(source.path, str(answer.status)).inc()
        measures.SECONDS.labels(source.path).observe(time.perf_counter() - start)
        await _send(send, answer)

    async def close(self) -> None:
        """Write what is queued, then close the connection."""
        if self._group_commit is not None:
            await self._group_commit.close()

    async def answer(self, source: Source, scope: Scope, receive: Receive) -> Answer:
        """Answer one request to a source."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["method"] == "OPTIONS":
            return Answer(200, b"", "text/plain", {**_PREFLIGHT, "Allow": "POST, OPTIONS"})
        if scope["method"] != "POST":
            return _told(MethodNotAllowed(method=scope["method"]), headers, "")
        submission = Submission(
            path=source.path,
            authorization=headers.get("authorization", ""),
            query=parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, errors="surrogateescape"),
            headers=headers,
        )
        try:
            # Before the body is read: who waits for a hub holds no memory.
            await ask_hub(submission)
        except Exception:
            log.exception("hub identity failed")
            submission.hub_user = Unconfirmed()
        await self._read(source, submission, receive)
        if self._group_commit is None:
            self._group_commit = self._make_group_commit()
        try:
            outcome = await self._group_commit.submit(source, submission)
        except Exception:
            log.exception("front door failed")
            outcome = Unconfirmed()
        if isinstance(outcome, Problem):
            return _told(outcome, headers, submission.caller.language if submission.caller else "")
        return outcome

    async def _read(self, source: Source, submission: Submission, receive: Receive) -> None:
        """Read and decode the body into the submission; what is wrong with it is told once the caller is known."""
        announced = submission.headers.get("content-length", "")
        submission.size = int(announced) if announced.isascii() and announced.isdigit() else 0
        try:
            raw, submission.size = await read_body(receive, self._body_limit, submission.size)
            encoding = submission.headers.get("content-encoding", "")
            if encoding == "" and len(raw) <= _READ_AT_ONCE:
                self._decode(source, submission, raw, encoding)
            else:
                # Megabytes take seconds, before anybody knows whether the key is good: others' requests go on meanwhile.
                async with self._reading:
                    await asyncio.to_thread(self._decode, source, submission, raw, encoding)
        except Problem as problem:
            submission.problem = problem
            submission.document = None

    def _decode(self, source: Source, submission: Submission, raw: bytes, encoding: str) -> None:
        """Unpack, decode and check a body; raises Problem."""
        body = unpack(raw, encoding, self._unpacked_limit)
        _refuse_unstorable(submission.query)
        # A source of many things at once brings its own reading, in which a bad one costs no other.
        read = getattr(source, "decode", decode)
        submission.document = read(body) if body.strip() else {}
        source.read(submission)


def _refuse_unstorable(query: Sequence[tuple[str, str]]) -> None:
    for pair in query:
        for text in pair:
            if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
                raise BadQuery


def _told(problem: Problem, headers: Mapping[str, str], preferred: str) -> Answer:
    """The answer that tells a problem, in the client's language."""
    with translation.override(choose_language(headers.get("accept-language", ""), preferred)):
        if problem.plain:
            return Answer(problem.status_code, problem.sentence().encode(), "text/plain", problem.headers())
        body = msgspec.json.encode(problem.body())
    return Answer(problem.status_code, body, "application/json", problem.headers())


async def _send(send: Send, answer: Answer) -> None:
    headers = {
        **_CORS,
        **answer.headers,
        "Content-Type": answer.content_type,
        "Content-Length": str(len(answer.body)),
        "X-Content-Type-Options": "nosniff",
    }
    if answer.status == 413:
        # The rest of the body was not read, so the connection can't be used again.
        headers["Connection"] = "close"
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body})
