"""The requests to Learntrace: events, and what it says of their owner. Each answer is a value, each failure a class."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tornado.httpclient import HTTPRequest, HTTPResponse
from tornado.simple_httpclient import HTTPTimeoutError, SimpleAsyncHTTPClient

from ._version import __version__
from .configuration import Settings
from .identity import Account

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 20.0
MOST_ANSWER = 4 * 1024 * 1024
LONGEST_RETRY_AFTER = 300.0


class Failure(Exception):
    """The request has failed; the text says how, in the words of the server or the system, and without the token."""


class Away(Failure):
    """Learntrace can't be reached, or can't take anything now. `broken`: it says that it failed over this request."""

    def __init__(self, text: str, *, retry_after: float = 0.0, broken: bool = False) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        self.broken = broken


class Refused(Failure):
    """Learntrace doesn't know the credential, or doesn't let it send."""


class OptedOut(Refused):
    """The learner has said no."""


class Denied(Refused):
    """The academy doesn't allow what was asked."""


class BatchRefused(Failure):
    """Learntrace doesn't take these events together, perhaps because of one. `code` says why."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Receipt:
    """What became of a batch: all but the rejected (their index, code and detail) are Learntrace's now."""

    rejected: dict[int, tuple[str, str]]


class Delivery:
    """The way to Learntrace, as one credential."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: SimpleAsyncHTTPClient | None = None

    async def send(self, bodies: Sequence[str]) -> Receipt:
        """Send events (JSON each) as one batch; raises a Failure."""
        body = f"[{','.join(bodies)}]".encode()
        # Compressing a full batch takes milliseconds that typing in a terminal would notice.
        packed = await asyncio.get_running_loop().run_in_executor(None, gzip.compress, body, 5)
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        answer = await self._fetch("POST", "/v1/notebook/me/events", packed, headers)
        document = self._document(answer)
        if answer.code == 413 or (answer.code == 400 and _detail(document)):
            slug = document.get("slug") if isinstance(document, dict) else None
            code = "too-large" if answer.code == 413 else str(slug or "invalid-batch")
            raise BatchRefused(self._told(answer, document), code)
        self._raise_for(answer, document)
        receipt = _receipt(document, len(bodies))
        if receipt is None:
            raise Away("the answer doesn't account for every event")
        return receipt

    async def account(self) -> Account:
        """Who we are there, and what may be sent; raises a Failure."""
        return await self._account("GET", None)

    async def consent(self, collecting: bool) -> Account:
        """Say yes or no for the learner; raises a Failure, Denied where the academy leaves no choice."""
        return await self._account("PUT", json.dumps({"collecting": collecting}).encode())

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _account(self, method: str, body: bytes | None) -> Account:
        headers = {"Content-Type": "application/json"} if body else {}
        answer = await self._fetch(method, "/v1/me/consent", body, headers)
        document = self._document(answer)
        if isinstance(document, dict) and document.get("slug") == "opt-out-not-allowed":
            raise Denied(self._told(answer, document))
        self._raise_for(answer, document)
        account = _account_of(document)
        if account is None:
            raise Away("the answer doesn't say who we are")
        return account

    async def _fetch(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> HTTPResponse:
        if self._client is None:
            # Not the configured client: no proxy of the environment's, and a pool that nobody else fills.
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
            raise Away("no answer in time") from None
        except ssl.SSLError as problem:
            raise Away(f"no trusted connection ({problem.reason or problem})") from None
        except Exception as problem:
            # Whatever the network comes up with.
            raise Away(self._redacted(str(problem) or type(problem).__name__)) from None

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
        told = self._told(answer, document)
        if answer.code == 403 and isinstance(document, dict) and document.get("slug") == "opted-out":
            raise OptedOut(told)
        if answer.code in {401, 403}:
            raise Refused(told)
        raise Away(told, retry_after=_retry_after(answer), broken=answer.code == 500)

    def _told(self, answer: HTTPResponse, document: Any) -> str:
        return self._redacted(f"{answer.code} {_detail(document) or answer.reason or ''}".strip())

    def _redacted(self, text: str) -> str:
        return text.replace(self._settings.credential.secret, "...")[:300]


def _detail(document: Any) -> str:
    detail = document.get("detail") if isinstance(document, dict) else None
    return detail if isinstance(detail, str) else ""


def _retry_after(answer: HTTPResponse) -> float:
    """Seconds; a date, which Learntrace never sends, counts as none."""
    given = answer.headers.get("Retry-After", "")
    return min(float(given), LONGEST_RETRY_AFTER) if given.isascii() and given.isdigit() else 0.0


def _receipt(document: Any, sent: int) -> Receipt | None:
    """What the answer says, if it accounts for every event that was sent."""
    try:
        rejected = {one["index"]: (str(one["code"]), str(one["detail"])) for one in document["rejected"]}
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
