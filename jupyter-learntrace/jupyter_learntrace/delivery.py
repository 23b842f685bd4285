"""HTTP client of Learntrace: sends events and asks for the account. Each response is a value, each failure a class."""

from __future__ import annotations

import asyncio
import errno
import gzip
import json
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tornado.httpclient import HTTPRequest, HTTPResponse
from tornado.iostream import StreamClosedError
from tornado.simple_httpclient import HTTPStreamClosedError, HTTPTimeoutError, SimpleAsyncHTTPClient

from jupyter_learntrace._version import __version__
from jupyter_learntrace.configuration import Settings
from jupyter_learntrace.identity import Account
from jupyter_learntrace.messages import Sentence, _

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 20.0
MOST_ANSWER = 4 * 1024 * 1024
LONGEST_RETRY_AFTER = 300.0

_NETWORK = {
    errno.ECONNREFUSED: _("the connection is refused"),
    errno.ECONNRESET: _("it closed the connection"),
    errno.EPIPE: _("it closed the connection"),
    errno.EHOSTUNREACH: _("there is no route to it"),
    errno.ENETUNREACH: _("there is no route to it"),
    errno.ETIMEDOUT: _("no answer in time"),
}
_NO_ANSWER, _NO_NAME, _NO_TRUST = (
    _("no answer in time"),
    _("there is no such host"),
    _("no trusted connection"),
)


class Failure(Exception):
    """A request failed. The text is the server's own without the token, or an English sentence of ours.

    Where it is shown, `Sentence(text)` translates the latter.
    """


class Away(Failure):
    """Learntrace can't be reached or can't take anything now. `broken`: it failed on this very request (status 500)."""

    def __init__(self, text: str, *, retry_after: float = 0.0, broken: bool = False) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        self.broken = broken


class Refused(Failure):
    """Learntrace doesn't know the credential, or doesn't allow it to send."""


class OptedOut(Refused):
    """The learner has opted out."""


class Denied(Refused):
    """The academy doesn't allow the request."""


class BatchRefused(Failure):
    """Learntrace refuses the batch as a whole, perhaps because of one event. `code` says why."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Receipt:
    """The outcome of a batch: the code and detail of each rejected event by its index; all others are stored."""

    rejected: dict[int, tuple[str, str]]


class Delivery:
    """Talks to Learntrace with one credential."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: SimpleAsyncHTTPClient | None = None

    async def send(self, bodies: Sequence[str]) -> Receipt:
        """Send events, each as JSON, as one batch. Raises a Failure."""
        body = f"[{','.join(bodies)}]".encode()
        # Compressing a full batch takes milliseconds that typing in a terminal would notice.
        packed = await asyncio.get_running_loop().run_in_executor(None, gzip.compress, body, 5)
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        answer = await self._fetch("POST", "/v1/notebook/me/events", packed, headers)
        document = self._document(answer)
        if answer.code == 413 or (answer.code == 400 and _detail(document)):
            slug = document.get("slug") if isinstance(document, dict) else None
            code = "too-large" if answer.code == 413 else str(slug or "invalid-batch")
            raise BatchRefused(self._describe(answer, document), code)
        self._raise_for(answer, document)
        receipt = _receipt(document, len(bodies))
        if receipt is None:
            raise Away("the answer doesn't account for every event")
        return receipt

    async def account(self) -> Account:
        """Return the account of the credential, and what may be sent for it. Raises a Failure."""
        return await self._account("GET", None)

    async def consent(self, collecting: bool) -> Account:
        """Set whether the learner's events may be collected. Raises a Failure; Denied where the academy allows no choice."""
        return await self._account("PUT", json.dumps({"collecting": collecting}).encode())

    async def help(self, method: str, body: bytes | None, language: str) -> dict[str, Any]:
        """Read, raise or take back the learner's hand. Raises a Failure; Denied where it is refused for good."""
        headers = {"Accept-Language": language, **({"Content-Type": "application/json"} if body else {})}
        answer = await self._fetch(method, "/v1/me/help-request", body, headers)
        document = self._document(answer)
        if answer.code == 404:
            # A Learntrace that knows no hands yet.
            return {"allowed": False, "academy": None, "hand": None}
        if answer.code in {400, 403, 429}:
            raise Denied(_refusal(document) or self._describe(answer, document))
        self._raise_for(answer, document)
        if not isinstance(document, dict) or not isinstance(document.get("allowed"), bool):
            raise Away("the answer doesn't say whether a hand is up")
        return document

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _account(self, method: str, body: bytes | None) -> Account:
        headers = {"Content-Type": "application/json"} if body else {}
        answer = await self._fetch(method, "/v1/me/consent", body, headers)
        document = self._document(answer)
        if isinstance(document, dict) and document.get("slug") == "opt-out-not-allowed":
            raise Denied(self._describe(answer, document))
        self._raise_for(answer, document)
        account = _account_of(document)
        if account is None:
            raise Away("the answer doesn't say who we are")
        return account

    async def _fetch(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> HTTPResponse:
        if self._client is None:
            # Not tornado's configured client: it could use a proxy of the environment, and others share its pool.
            self._client = SimpleAsyncHTTPClient(force_instance=True, max_clients=4, max_body_size=MOST_ANSWER)
        headers = {
            **headers,
            "Accept": "application/json",
            "Authorization": self._settings.credential.header,
            "User-Agent": f"jupyter-learntrace/{__version__}",
        }
        if self._settings.academy:
            headers["Academy"] = self._settings.academy
        request = HTTPRequest(
            self._settings.url + path,
            method=method,
            headers=headers,
            body=body,
            connect_timeout=CONNECT_SECONDS,
            request_timeout=REQUEST_SECONDS,
            # A redirect could carry the token to another host.
            follow_redirects=False,
            validate_cert=True,
        )
        try:
            return await self._client.fetch(request, raise_error=False)
        except HTTPTimeoutError:
            raise Away(_NO_ANSWER.text) from None
        except Exception as problem:
            # The network layers raise many classes.
            known = _known(problem)
            raise Away(known.text if known else self._redacted(str(problem) or type(problem).__name__)) from None

    def _document(self, answer: HTTPResponse) -> Any:
        try:
            return json.loads(answer.body)
        except (ValueError, TypeError, RecursionError):
            return None

    def _raise_for(self, answer: HTTPResponse, document: Any) -> None:
        if answer.code == 200:
            return
        if answer.code == 599:
            raise Away(self._redacted(str(answer.error)) if answer.error else "no answer")
        text = self._describe(answer, document)
        if answer.code == 403 and isinstance(document, dict) and document.get("slug") == "opted-out":
            raise OptedOut(text)
        if answer.code in {401, 403}:
            raise Refused(text)
        raise Away(text, retry_after=_retry_after(answer), broken=answer.code == 500)

    def _describe(self, answer: HTTPResponse, document: Any) -> str:
        return self._redacted(f"{answer.code} {_detail(document) or answer.reason or ''}".strip())

    def _redacted(self, text: str) -> str:
        return text.replace(self._settings.credential.secret, "...")[:300]


def _refusal(document: Any) -> str:
    """Return the sentence of a refusal, or of the first field that can't be taken."""
    if _detail(document):
        return _detail(document)
    first = next(iter(document.values()), None) if isinstance(document, dict) else None
    return str(first[0]) if isinstance(first, list) and first else ""


def _detail(document: Any) -> str:
    detail = document.get("detail") if isinstance(document, dict) else None
    return detail if isinstance(detail, str) else ""


def _retry_after(answer: HTTPResponse) -> float:
    """Return the header's seconds. A date, which Learntrace never sends, counts as 0."""
    given = answer.headers.get("Retry-After", "")
    return min(float(given), LONGEST_RETRY_AFTER) if given.isascii() and given.isdigit() else 0.0


def _receipt(document: Any, sent: int) -> Receipt | None:
    """Read the response; None unless it accounts for every event that was sent."""
    try:
        rejected = {item["index"]: (str(item["code"]), str(item["detail"])) for item in document["rejected"]}
        counted = int(document["accepted"]) + int(document["duplicates"]) + len(document["rejected"])
    except (TypeError, KeyError, ValueError):
        return None
    known = all(isinstance(index, int) and 0 <= index < sent for index in rejected)
    return Receipt(rejected) if known and counted == sent and len(rejected) == len(document["rejected"]) else None


def _account_of(document: Any) -> Account | None:
    try:
        academy = document["academy"]
        return Account(
            actor=str(document["user"]["username"]),
            academy=str(academy["name"] or academy["slug"]) if academy else None,
            collecting=bool(document["collecting"]),
            may_opt_out=bool(document["may_opt_out"]),
            collects_source=bool(document["collects_source"]),
        )
    except (TypeError, KeyError):
        return None


def _known(problem: Exception) -> Sentence | None:
    """Return the sentence for an error of the network; None where there is none."""
    problem = getattr(problem, "real_error", None) or problem
    if isinstance(problem, (StreamClosedError, HTTPStreamClosedError)):
        return _NETWORK[errno.ECONNRESET]
    if isinstance(problem, ssl.SSLError):
        return _NO_TRUST
    if isinstance(problem, socket.gaierror):
        return _NO_NAME
    return _NETWORK.get(problem.errno or 0) if isinstance(problem, OSError) else None
