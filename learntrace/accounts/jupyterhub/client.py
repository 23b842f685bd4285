"""Ask JupyterHub which user a token belongs to.

An accepted token is cached for a minute, a refused one for seconds. The number of simultaneous questions to the hub is
limited: one for each token, and a rate limit for tokens that the hub has never accepted. Tokens that it has accepted before
have threads and places of their own, so that a flood of forged ones delays nobody who is known.
"""

import asyncio
import ssl
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import structlog
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from prometheus_client import Counter

from learntrace.accounts.authentication import InvalidToken, Unauthorized
from learntrace.accounts.models import key_hash
from learntrace.core.errors import Forbidden, Problem, Unavailable
from learntrace.core.json import decode
from learntrace.core.rate_limit import TokenBucket

log = structlog.get_logger(__name__)

BELIEVED_SECONDS = 60.0
PATIENCE = 5.0  # seconds after which a caller gets an answer, whatever the hub does
AWAY_SECONDS = 2.0
REFUSED_SECONDS = 5.0
MOST_AT_ONCE = 8
MOST_KNOWN_AT_ONCE = 2  # of tokens that were accepted before, besides the others
MOST_WAITING = 100
MOST_REMEMBERED = 10_000
MOST_BYTES = 1024 * 1024  # of an answer, which holds a user with its groups and servers
LONGEST_TOKEN = 1000

QUESTIONS = Counter("learntrace_hub_questions_total", "Questions to JupyterHub whose token one is", ["answer"])


class NoHub(Unauthorized):
    reason = "no-hub"
    text = _("This server accepts no JupyterHub tokens: LEARNTRACE_HUB_API_URL is not set")


class HubTokenRefused(InvalidToken):
    """The token is forged, expired or revoked; answered like an invalid key of ours."""

    reason = "hub-token-refused"


class NoUsersToken(Forbidden):
    slug = "hub-token-of-no-user"
    text = _("This JupyterHub token belongs to a service, not to a user")


class HubAway(Unavailable):
    """The hub doesn't answer; the client must keep what it wanted to send."""

    reason = "hub-unreachable"
    text = _("JupyterHub, which has to say whose token this is, does not answer. Please try again")

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "5"}


class HubUnclear(HubAway):
    """Something answers, but not like a hub; the log says how."""

    reason = "hub-unclear"
    text = _(
        "What answers instead of JupyterHub can't be understood (HTTP %(status)s). Whoever runs this server: check "
        "LEARNTRACE_HUB_API_URL"
    )


class HubBusy(HubAway):
    reason = "hub-busy"
    text = _("Too many requests are waiting for JupyterHub to identify their tokens. Please try again")


class Hub:
    """Client of one hub. Its methods may be called from any thread."""

    def __init__(self, api_url: str) -> None:
        self.api_url = api_url
        self._lock = threading.Lock()
        # By the token's hash, the latest last. An expired entry still marks the token as once accepted.
        self._accepted: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._refused: OrderedDict[str, tuple[type[Problem], float]] = OrderedDict()
        self._pending: dict[str, Future[str]] = {}
        self._unknown_tokens = TokenBucket(burst=500, per_second=50.0)
        self._away_until = 0.0
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, "hub")
        self._known_threads = ThreadPoolExecutor(MOST_KNOWN_AT_ONCE, "hub-known")
        # A transport instead of httpx's client: no cookie of one user is sent with another user's token, no redirect sends a
        # token elsewhere, and no proxy of the environment sees it.
        self._transport = httpx.HTTPTransport(
            verify=ssl.create_default_context(),
            trust_env=False,
            limits=httpx.Limits(max_connections=MOST_AT_ONCE + MOST_KNOWN_AT_ONCE),
        )

    def close(self) -> None:
        """Close the connections after the last question is answered."""
        self._threads.shutdown()
        self._known_threads.shutdown()
        self._transport.close()

    def version(self) -> str:
        """Return the hub's version, which needs no token.

        Raises HubAway, HubUnclear.
        """
        status, answer = self._get("/", {})
        if status != httpx.codes.OK or not isinstance(answer.get("version"), str):
            raise self._unclear(status, "no version")
        return str(answer["version"])

    def whose(self, token: str) -> Future[str]:
        """Return a future of the user name of a token; callers with the same token share one question.

        Raises HubAway, HubBusy, and HubTokenRefused or NoUsersToken for a token that was refused lately.
        The future raises HubTokenRefused, NoUsersToken, HubAway or HubUnclear.
        """
        hashed = key_hash(token)
        with self._lock:
            name, known = self._cached(hashed)
            if name is not None:
                answered: Future[str] = Future()
                answered.set_result(name)
                return answered
            if (pending := self._pending.get(hashed)) is not None:
                return pending
            self._check_refused(hashed)
            self._check_away()
            most = 2 * MOST_WAITING if known else MOST_WAITING
            if len(self._pending) >= most or not (known or self._unknown_tokens.take()):
                raise HubBusy
            threads = self._known_threads if known else self._threads
            self._pending[hashed] = threads.submit(self._ask_and_remember, token, hashed, known)
            return self._pending[hashed]

    def _cached(self, hashed: str) -> tuple[str | None, bool]:
        """Return the name, None if it has expired, and whether the hub has ever accepted the token."""
        name, since = self._accepted.get(hashed, ("", None))
        if since is None:
            return None, False
        return (name if time.monotonic() - since < BELIEVED_SECONDS else None), True

    def _check_refused(self, hashed: str) -> None:
        problem, since = self._refused.get(hashed, (HubTokenRefused, None))
        if since is not None and time.monotonic() - since < REFUSED_SECONDS:
            raise problem

    def _check_away(self) -> None:
        # Otherwise each caller would wait PATIENCE seconds for a hub that has just not answered another one.
        if time.monotonic() < self._away_until:
            raise HubAway

    def _ask_and_remember(self, token: str, hashed: str, known: bool) -> str:
        """Ask the hub and cache its answer."""
        refused: type[Problem] | None = None
        try:
            self._check_away()
            name = self._ask(token)
        except (HubTokenRefused, NoUsersToken) as problem:
            refused = type(problem)
            raise
        else:
            with self._lock:
                self._accepted[hashed] = (name, time.monotonic())
                self._accepted.move_to_end(hashed)
                if len(self._accepted) > MOST_REMEMBERED:
                    self._accepted.popitem(last=False)
            return name
        finally:
            with self._lock:
                self._pending.pop(hashed, None)
                if refused:
                    self._accepted.pop(hashed, None)
                    self._refused[hashed] = (refused, time.monotonic())
                    self._refused.move_to_end(hashed)
                    if len(self._refused) > MOST_REMEMBERED:
                        self._refused.popitem(last=False)
                elif not known:
                    self._unknown_tokens.give_back()

    def _ask(self, token: str) -> str:
        """Ask the hub for the name of the token's user."""
        status, answer = self._get("/user", {"Authorization": f"token {token}"})
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            QUESTIONS.labels("refused").inc()
            raise HubTokenRefused
        if status != httpx.codes.OK:
            raise self._unclear(status, "no answer about a user")
        if answer.get("kind") == "service":
            QUESTIONS.labels("refused").inc()
            raise NoUsersToken
        name = answer.get("name")
        if answer.get("kind") != "user" or not isinstance(name, str) or not name:
            raise self._unclear(status, "no user")
        QUESTIONS.labels("accepted").inc()
        return name

    def _get(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Return the status and the JSON object of an answer, {} where it isn't one.

        Raises HubAway, without its cause: a connection error may quote a header, and so the token.
        """
        request = httpx.Request(
            "GET",
            self.api_url + path,
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "learntrace",
                **headers,
            },
            extensions={"timeout": httpx.Timeout(PATIENCE).as_dict()},
        )
        try:
            answer = self._transport.handle_request(request)
            try:
                body = _body(answer)
            finally:
                answer.close()
        except (httpx.TransportError, TimeoutError) as error:
            log.warning("JupyterHub does not answer", error=type(error).__name__)
            QUESTIONS.labels("unreachable").inc()
            with self._lock:
                self._away_until = time.monotonic() + AWAY_SECONDS
            raise HubAway from None
        return answer.status_code, _object(body)

    @staticmethod
    def _unclear(status: int, cause: str) -> HubUnclear:
        log.warning("JupyterHub's answer can't be understood", status=status, cause=cause)
        QUESTIONS.labels("unclear").inc()
        return HubUnclear(status=status)


def _body(answer: httpx.Response) -> bytes:
    """Read the body up to the limit; a longer one is cut and so isn't JSON.

    Raises TimeoutError for a body that arrives too slowly.
    """
    until = time.monotonic() + PATIENCE
    body = b""
    for part in answer.iter_raw():
        body += part
        if len(body) > MOST_BYTES:
            break
        if time.monotonic() > until:
            raise TimeoutError
    return body[:MOST_BYTES]


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = decode(body)
    except Problem:
        return {}
    return document if isinstance(document, dict) else {}


_hub: Hub | None = None
_hub_lock = threading.Lock()


def configured_hub() -> Hub:
    """Return the client of the hub in the settings.

    Raises NoHub when none is set.
    """
    global _hub
    with _hub_lock:
        if _hub is None or _hub.api_url != settings.HUB_API_URL:
            if not settings.HUB_API_URL:
                raise NoHub
            _hub = Hub(settings.HUB_API_URL)
        return _hub


def _question(token: str) -> Future[str]:
    if len(token) > LONGEST_TOKEN or not (token.isascii() and token.isprintable()):
        # No hub issues such a token, and no header can hold it.
        raise HubTokenRefused
    return configured_hub().whose(token)


def user_name(token: str) -> str:
    """Return the name of the token's user at the hub, or raise a Problem."""
    try:
        return _question(token).result(timeout=PATIENCE)
    except TimeoutError:
        raise HubAway from None


async def user_name_async(token: str) -> str:
    """Return the name of the token's user at the hub, without blocking the event loop, or raise a Problem."""
    question = _question(token)
    if question.done():
        return question.result()
    answer = asyncio.wrap_future(question)
    # Whoever has waited long enough doesn't read the answer, and asyncio would log its error as forgotten.
    answer.add_done_callback(lambda late: late.cancelled() or late.exception())
    try:
        # Others may wait for the same question: a cancelled caller must not cancel it.
        return await asyncio.wait_for(asyncio.shield(answer), PATIENCE)
    except TimeoutError:
        raise HubAway from None
