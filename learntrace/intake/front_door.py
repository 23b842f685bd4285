"""The front door: an ASGI application before Django that answers the inboxes' URLs and passes all other requests on.

It bypasses Django's middleware, and so handles methods, CORS, limits and languages itself.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import structlog
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.authentication import read_key
from learntrace.accounts.jupyterhub.client import HubTokenRefused
from learntrace.accounts.models import key_hash, key_prefix
from learntrace.accounts.signing_in.guesses import TooManyGuesses
from learntrace.core.errors import Problem
from learntrace.core.http.language import choose_language
from learntrace.core.json import most_values
from learntrace.intake import prometheus
from learntrace.intake.authentication import ask_hub
from learntrace.intake.body import Disconnected, Receive, discard_body, read_body, unpack
from learntrace.intake.group_commit import GroupCommit, Unconfirmed
from learntrace.intake.guessed_keys import GuessedKeys
from learntrace.intake.known_keys import DatabaseAway, KnownKeys, Owner
from learntrace.intake.limits import TooManyRequests, address_of, limits
from learntrace.intake.protocol import Answer, Source, Submission, read_query
from learntrace.intake.refusals import NotedRefusals
from learntrace.intake.saturation import Overloaded

log = structlog.get_logger(__name__)

Scope = Mapping[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# Bodies up to this size (bytes) are decoded faster than they are handed to a thread; of larger ones, so many at a time.
_DECODE_INLINE = 64 * 1024
_DECODERS = 2
_BYTES_A_VALUE = 64

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
    """Answers the sources' paths; all other requests go to `inner`."""

    def __init__(
        self,
        inner: Application,
        sources: Sequence[Source],
        group_commit: Callable[[], GroupCommit],
        *,
        body_limit: int,
        unpacked_limit: int,
        keys: KnownKeys,
    ) -> None:
        self._inner = inner
        self._sources = {source.path: source for source in sources}
        self._make_group_commit = group_commit
        self._group_commit: GroupCommit | None = None
        self._body_limit = body_limit
        self._unpacked_limit = unpacked_limit
        self._keys = keys
        self._noted = NotedRefusals(keys)
        self._guessed = GuessedKeys(keys)
        self._decoders = asyncio.Semaphore(_DECODERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle an ASGI connection."""
        source = self._sources.get(scope.get("path", "")) if scope["type"] == "http" else None
        if source is None:
            await self._inner(scope, receive, send)
            return
        start = time.perf_counter()
        try:
            answer = await self.answer(source, scope, receive)
        except Disconnected:
            return
        prometheus.note_request(source.path, answer.status, time.perf_counter() - start)
        await _send(send, answer)

    async def close(self) -> None:
        """Write the queued submissions and the noted refusals, then close the connections."""
        if self._group_commit is not None:
            await self._group_commit.close()
        await self._noted.close()
        await self._guessed.close()
        await self._keys.close()

    async def answer(self, source: Source, scope: Scope, receive: Receive) -> Answer:
        """Answer one request to a source."""
        # ASGI has the names in lower case.
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["method"] == "OPTIONS":
            return Answer(200, b"", "text/plain", {**_PREFLIGHT, "Allow": "POST, OPTIONS"})
        if scope["method"] != "POST":
            return _problem_answer(MethodNotAllowed(method=scope["method"]), headers, "")
        submission = Submission(
            path=source.path,
            authorization=headers.get("authorization", ""),
            query=read_query(scope["query_string"]),
            headers=headers,
            address=address_of(scope, headers.get("x-forwarded-for", "")),
        )
        try:
            # Before the body is read: a request that waits for a hub holds no memory.
            await ask_hub(submission)
        except Exception:
            log.exception("hub identity failed")
            submission.hub_user = Unconfirmed()
        try:
            await self._admit(source, submission, receive)
        except (TooManyRequests, TooManyGuesses) as problem:
            # The limit would be none if each request over it cost a transaction.
            self._noted.note(submission, problem, source.asset_named(submission))
            await discard_body(receive, submission.size)
            return _problem_answer(problem, headers, "")
        try:
            outcome = await self._commits.submit(source, submission)
        except Exception:
            log.exception("front door failed")
            outcome = Unconfirmed()
        if isinstance(outcome, Problem):
            return _problem_answer(outcome, headers, submission.caller.language if submission.caller else "")
        return outcome

    @property
    def _commits(self) -> GroupCommit:
        # Made at the first request: its loop is running then.
        if self._group_commit is None:
            self._group_commit = self._make_group_commit()
        return self._group_commit

    async def _admit(self, source: Source, submission: Submission, receive: Receive) -> None:
        """Read the body of a known caller within the limits; what others send is neither unpacked nor decoded.

        Raises TooManyRequests, TooManyGuesses, Disconnected.
        """
        announced = submission.headers.get("content-length", "")
        submission.size = int(announced) if announced.isascii() and announced.isdigit() else 0
        try:
            account, owner = await self._owner(submission)
        except DatabaseAway:
            submission.problem = Unconfirmed()
            return
        if owner is None:
            # Authentication says what is wrong with the key; if it has become valid meanwhile, the client sends again.
            submission.problem = Unconfirmed()
            limits().check_unknown(submission.address)
            if _is_guess(submission):
                self._guessed.count(submission.address)
            await discard_body(receive, submission.size)
            return
        submission.user_id = owner.user_id
        if source.defers:
            if not owner.service:
                limits().check_absolute(account)
        else:
            limits().check_account(account, owner.academy_ids, submission.size)
        self._commits.check_room(source.patience)
        await self._read(source, submission, receive)
        if not source.defers:
            limits().check_rows(account, submission.rows)

    async def _owner(self, submission: Submission) -> tuple[object, Owner | None]:
        """Return whom the caller's limits are counted for, and the owner of the credential, None if it is unknown.

        Raises DatabaseAway.
        """
        if isinstance(submission.hub_user, str):
            return submission.hub_user, Owner(None)
        if submission.hub_user is not None:
            return None, None
        try:
            key = read_key(submission.authorization)
        except Problem:
            return None, None
        submission.token_prefix, submission.key_hash = key_prefix(key), key_hash(key)
        owner = await self._keys.owner_of_hash(submission.key_hash, submission.address)
        return (owner.user_id if owner else None), owner

    async def _read(self, source: Source, submission: Submission, receive: Receive) -> None:
        """Read and decode the body into the submission; a problem of it is answered once the caller is authenticated."""
        try:
            raw, submission.size = await read_body(receive, self._body_limit, submission.size)
            encoding = submission.headers.get("content-encoding", "")
            if encoding == "" and len(raw) <= _DECODE_INLINE:
                self._decode(source, submission, raw, encoding)
            else:
                # Megabytes take seconds, and the caller isn't authenticated yet: other requests go on in the meantime.
                async with self._decoders:
                    await asyncio.to_thread(self._decode, source, submission, raw, encoding)
        except Problem as problem:
            submission.problem = problem
            submission.document = None

    def _decode(self, source: Source, submission: Submission, raw: bytes, encoding: str) -> None:
        """Decompress, decode and check a body; raises Problem."""
        body = unpack(raw, encoding, self._unpacked_limit)
        if not submission.query.storable:
            raise BadQuery
        # About what the decoded document takes.
        submission.weight = len(body) + _BYTES_A_VALUE * most_values(body)
        submission.document = source.decode(body) if body.strip() else {}
        source.read(submission)


def _is_guess(submission: Submission) -> bool:
    """Whether an unknown credential may be a guess: a key that nobody has, or a token that the hub refuses."""
    if submission.hub_user is not None:
        return isinstance(submission.hub_user, HubTokenRefused)
    try:
        read_key(submission.authorization)
    except Problem:
        return False
    return True


def _problem_answer(problem: Problem, headers: Mapping[str, str], preferred: str) -> Answer:
    """Return a problem as an answer in the client's language."""
    language = choose_language(headers.get("accept-language", ""), preferred)
    if type(problem) is Overloaded:
        return _overloaded_answer(problem.values["seconds"], language)
    return _worded(problem, language)


@lru_cache(maxsize=128)
def _overloaded_answer(seconds: object, language: str) -> Answer:
    """Return the answer that nearly all get where there is too much to do: then is no time to word it each time."""
    return _worded(Overloaded(seconds=seconds), language)


def _worded(problem: Problem, language: str) -> Answer:
    with translation.override(language):
        if problem.plain:
            return Answer(problem.status_code, problem.sentence().encode(), "text/plain", problem.headers())
        body = msgspec.json.encode(problem.body())
    return Answer(problem.status_code, body, "application/json", problem.headers())


@lru_cache(maxsize=512)
def _raw_headers(
    status: int, content_type: str, length: int, more: tuple[tuple[str, str], ...]
) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers as ASGI wants them; nearly all answers have the same."""
    headers = {
        **_CORS,
        **dict(more),
        "Content-Type": content_type,
        "Content-Length": str(length),
        "X-Content-Type-Options": "nosniff",
    }
    if status == 413:
        # The rest of the body was not read, so the connection can't be used again.
        headers["Connection"] = "close"
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


async def _send(send: Send, answer: Answer) -> None:
    raw = _raw_headers(answer.status, answer.content_type, len(answer.body), tuple(answer.headers.items()))
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body})
