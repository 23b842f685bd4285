"""Asking JupyterHub whose token one is (design, "Identity and scope").

What a hub says is believed for a minute; what it refuses, it is asked again. However many ask us, the hub gets few
questions at a time: one for each token, and of tokens that it never accepted only so many.
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
from learntrace.core.allowance import Allowance
from learntrace.core.errors import Forbidden, Problem, Unavailable
from learntrace.core.json import decode

log = structlog.get_logger(__name__)

BELIEVED_SECONDS = 60.0
PATIENCE = 5.0  # seconds until whoever asks us gets an answer, whatever the hub does
AWAY_SECONDS = 2.0
MOST_AT_ONCE = 8
MOST_WAITING = 100
MOST_REMEMBERED = 10_000
MOST_BYTES = 1024 * 1024  # of an answer: a user with its groups and servers
LONGEST_TOKEN = 1000

QUESTIONS = Counter("learntrace_hub_questions_total", "Questions to JupyterHub whose token one is", ["answer"])


class NoHub(Unauthorized):
    reason = "no-hub"
    text = _("This server accepts no JupyterHub tokens: LEARNTRACE_HUB_API_URL is not set")


class HubTokenRefused(InvalidToken):
    """Forged, expired or revoked; told as for a key of ours."""

    reason = "hub-token-refused"


class NoUsersToken(Forbidden):
    slug = "hub-token-of-no-user"
    text = _("This JupyterHub token belongs to a service, not to a user")


class HubAway(Unavailable):
    """The client must keep what it wanted to send."""

    reason = "hub-unreachable"
    text = _("JupyterHub, which has to say whose token this is, does not answer. Please try again")

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "5"}


class HubUnclear(HubAway):
    """Something answers, but not as a hub does; the log says how."""

    reason = "hub-unclear"
    text = _(
        "What answers instead of JupyterHub can't be understood (HTTP %(status)s). Whoever runs this server: check "
        "LEARNTRACE_HUB_API_URL"
    )


class HubBusy(HubAway):
    reason = "hub-busy"
    text = _("Too many wait for JupyterHub to say whose token theirs is. Please try again")


class Hub:
    """One hub, asked by this process. Its methods may be called from any thread."""

    def __init__(self, api_url: str) -> None:
        self.api_url = api_url
        self._lock = threading.Lock()
        # By the token's hash, the latest last. After its minute an entry still tells a token from a stranger's.
        self._accepted: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._asked: dict[str, Future[str]] = {}
        self._strangers = Allowance(burst=MOST_WAITING, per_second=5.0)
        self._away_until = 0.0
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, "hub")
        # Below httpx's client: no cookie of one user reaches the next one's question, no redirect takes a token
        # elsewhere, and no proxy of the environment sees it.
        self._transport = httpx.HTTPTransport(
            verify=ssl.create_default_context(), trust_env=False, limits=httpx.Limits(max_connections=MOST_AT_ONCE)
        )

    def close(self) -> None:
        """Close the connections once the last question is answered."""
        self._threads.shutdown()
        self._transport.close()

    def version(self) -> str:
        """Return the hub's version, which it tells everybody.

        Raises HubAway, HubUnclear.
        """
        status, answer = self._get("/", {})
        if status != httpx.codes.OK or not isinstance(answer.get("version"), str):
            raise self._unclear(status, "no version")
        return str(answer["version"])

    def whose(self, token: str) -> Future[str]:
        """Return the name of the token's user, as soon as it is known; many who ask for one token share a question.

        Raises HubAway, HubBusy. The future raises HubTokenRefused, NoUsersToken, HubAway or HubUnclear.
        """
        hashed = key_hash(token)
        with self._lock:
            name, known = self._recall(hashed)
            if name is not None:
                found: Future[str] = Future()
                found.set_result(name)
                return found
            if (asked := self._asked.get(hashed)) is not None:
                return asked
            self._check_away()
            if len(self._asked) >= MOST_WAITING or not (known or self._strangers.take()):
                raise HubBusy
            self._asked[hashed] = self._threads.submit(self._find_out, token, hashed, known)
            return self._asked[hashed]

    def _recall(self, hashed: str) -> tuple[str | None, bool]:
        """The name, if it is still believed, and whether the hub ever accepted the token."""
        name, since = self._accepted.get(hashed, ("", None))
        if since is None:
            return None, False
        return (name if time.monotonic() - since < BELIEVED_SECONDS else None), True

    def _check_away(self) -> None:
        # Without this, each of a crowd would wait its seconds for a hub that just let another one wait.
        if time.monotonic() < self._away_until:
            raise HubAway

    def _find_out(self, token: str, hashed: str, known: bool) -> str:
        """Ask, and remember what matters of the answer."""
        refused = False
        try:
            self._check_away()
            name = self._ask(token)
        except (HubTokenRefused, NoUsersToken):
            refused = True
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
                self._asked.pop(hashed, None)
                if refused:
                    self._accepted.pop(hashed, None)
                elif not known:
                    self._strangers.give_back()

    def _ask(self, token: str) -> str:
        """The name of the token's user, by one question."""
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
        """The status and the JSON object of an answer; {} for what is none.

        Raises HubAway. No error of the connection is passed on: it may quote a header, and so the token.
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
    """What came, up to the limit; what is longer is cut and so no JSON.

    Raises TimeoutError where it comes in drops.
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
        found = decode(body)
    except Problem:
        return {}
    return found if isinstance(found, dict) else {}


_hub: Hub | None = None
_hub_lock = threading.Lock()


def the_hub() -> Hub:
    """The hub of the settings.

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
        # No hub made it, and no header holds it.
        raise HubTokenRefused
    return the_hub().whose(token)


def user_name(token: str) -> str:
    """Return the name that the hub gives the token's user, or raise a Problem."""
    try:
        return _question(token).result(timeout=PATIENCE)
    except TimeoutError:
        raise HubAway from None


async def user_name_soon(token: str) -> str:
    """Do the same without holding up others."""
    question = _question(token)
    if question.done():
        return question.result()
    try:
        # Others may wait for the same question: one who leaves must not take it along.
        return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(question)), PATIENCE)
    except TimeoutError:
        raise HubAway from None
