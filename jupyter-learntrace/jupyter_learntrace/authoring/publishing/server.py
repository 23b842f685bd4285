"""HTTP client of `publish`: reads and writes one notebook at Learntrace."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import IO, Any
from urllib.parse import quote

from traitlets import TraitError

from jupyter_learntrace._version import __version__
from jupyter_learntrace.authoring.errors import Refusal
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.system_errors import reason_of
from jupyter_learntrace.configuration import Settings, Unusable, settings_of
from jupyter_learntrace.messages import language_of_environment
from jupyter_learntrace.status import configured

SECONDS = 30
_LARGEST_ANSWER = 4 * 1024 * 1024


class Rejected(Exception):
    """Learntrace rejects a request: the status, and the body as JSON where it is JSON, else as text."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body

    @property
    def detail(self) -> str:
        """The error as one sentence."""
        if isinstance(self.body, dict):
            for key in ("detail", "error"):
                if isinstance(self.body.get(key), str):
                    return str(self.body[key])
        return json.dumps(self.body, ensure_ascii=False) if not isinstance(self.body, str) else self.body[:300]


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Sends the token to no other URL than the configured one."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """Return None: the redirect isn't followed, and raises HTTPError."""


class Server:
    """The notebooks of an academy at Learntrace. Raises Refusal where it can't be reached, Rejected where it rejects."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opener = urllib.request.build_opener(_NoRedirects)

    def url(self, slug: str) -> str:
        return f"{self._settings.url}/v1/notebook/academy/notebook/{quote(slug, safe='')}"

    def notebook(self, slug: str) -> dict[str, Any] | None:
        """Return the notebook that is published under a slug; None if there is none."""
        try:
            document = self._request("GET", slug)
        except Rejected as rejected:
            if rejected.status == 404:
                return None
            raise
        return document if isinstance(document, dict) else None

    def publish(self, slug: str, body: dict[str, Any]) -> None:
        self._request("PUT", slug, body)

    def _request(self, method: str, slug: str, body: dict[str, Any] | None = None) -> Any:
        # settings_of has checked that the scheme is http or https.
        content = None if body is None else _encoded(body)
        request = urllib.request.Request(self.url(slug), content, self._headers(), method=method)  # noqa: S310
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return _content(answer)
        except urllib.error.HTTPError as error:
            with error:
                if address := 300 <= error.code < 400 and error.headers.get("Location"):
                    text = _("Learntrace redirects to %(address)s; set LEARNTRACE_URL to that address", address=address)
                    raise Refusal(text) from None
                raise Rejected(error.code, _content(error)) from None
        except urllib.error.URLError as error:
            raise self._unreachable(error.reason) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from None

    def _headers(self) -> dict[str, str]:
        headers = {
            "Authorization": self._settings.credential.header,
            "Accept": "application/json",
            "Accept-Language": language_of_environment(),
            "Content-Type": "application/json",
            "User-Agent": f"jupyter-learntrace/{__version__}",
        }
        return {**headers, "Academy": self._settings.academy} if self._settings.academy else headers

    def _unreachable(self, error: object) -> Refusal:
        reason = reason_of(error)
        return Refusal(_("Learntrace at %(url)s can't be reached: %(reason)s", url=self._settings.url, reason=reason))


def server_of(url: str | None, academy: str | None) -> Server:
    """Return the server that options, Jupyter's configuration or environment name. Raises Refusal if that is incomplete."""
    try:
        given = configured()
        given.url, given.academy = url or given.url, academy or given.academy
        settings = settings_of(given)
    except Unusable as unusable:
        raise Refusal(unusable.sentence.language(language_of_environment())) from None
    except TraitError:
        raise Refusal(_("A value of c.Learntrace has the wrong type.")) from None
    if not settings.academy:
        raise Refusal(_("No academy is set: use --academy ID, or set LEARNTRACE_ACADEMY."))
    return Server(settings)


def _encoded(body: dict[str, Any]) -> bytes:
    """Return the body as JSON in UTF-8. Half an emoji, which UTF-8 can't hold, becomes U+FFFD."""
    text = json.dumps(body, ensure_ascii=False)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _content(answer: Any) -> Any:
    raw: bytes = answer.read(_LARGEST_ANSWER)
    text = raw.decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()
