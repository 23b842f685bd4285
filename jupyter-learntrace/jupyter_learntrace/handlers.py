"""The endpoints for browsers below `learntrace/`, the same for jupyter_server and for Notebook 6."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Any

from tornado import web

from jupyter_learntrace.collector import Collector, Idle, Refusal
from jupyter_learntrace.messages import Sentence, _, language_of_header

SETTING = "learntrace"
PATHS = ("events", "state", "consent", "help")


class Answer:
    """Base of the endpoints. Is mixed into the host's APIHandler, which checks the login and XSRF."""

    # Polling doesn't count as activity: a hub has to see that a server is idle.
    _track_activity = False

    request: Any
    settings: Any

    @property
    def collector(self) -> Collector | Idle:
        collector: Collector | Idle = self.settings[SETTING]
        return collector

    @property
    def language(self) -> str:
        return language_of_header(self.request.headers.get("Accept-Language", ""))

    async def answer(self, work: Awaitable[dict[str, Any]]) -> None:
        """Send what the work returns, or its refusal, as JSON."""
        try:
            document, status = await work, 200
        except Refusal as refusal:
            document, status = {"detail": refusal.sentence.language(self.language)}, refusal.status
        except Exception:
            # The browser keeps its events and tries again.
            self.log.exception("Learntrace: a request failed unexpectedly")  # type: ignore[attr-defined]
            document, status = {"detail": _("Something unexpected failed.").language(self.language)}, 503
        self.set_status(status)  # type: ignore[attr-defined]
        self.set_header("Cache-Control", "no-store")  # type: ignore[attr-defined]
        self.finish(json.dumps(document))  # type: ignore[attr-defined]

    def write_error(self, status_code: int, **_details: Any) -> None:
        """Send what the host itself refuses (no login, no XSRF token) in the form of our endpoints."""
        refusals: dict[int, Sentence] = {403: _("You are not logged in here, or the XSRF token is missing.")}
        sentence = refusals.get(status_code, _("The request can't be answered."))
        self.finish(json.dumps({"detail": sentence.language(self.language)}))  # type: ignore[attr-defined]


class Events(Answer):
    @web.authenticated
    async def post(self) -> None:
        await self.answer(self.collector.take(self.request.body, self.language))


class State(Answer):
    @web.authenticated
    async def get(self) -> None:
        await self.answer(self.collector.state(self.language))


class Consent(Answer):
    @web.authenticated
    async def put(self) -> None:
        await self.answer(self._consent())

    async def _consent(self) -> dict[str, Any]:
        try:
            document = json.loads(self.request.body)
        except (ValueError, RecursionError):
            document = None
        collecting = document.get("collecting") if isinstance(document, dict) else None
        if not isinstance(collecting, bool):
            raise Refusal(400, _("The request has to say whether to collect: true or false."))
        return await self.collector.consent(collecting, self.language)


class Help(Answer):
    """The learner's raised hand, which stands at Learntrace alone: nothing of it is kept here."""

    @web.authenticated
    async def get(self) -> None:
        await self.answer(self.collector.help("GET", None, self.language))

    @web.authenticated
    async def post(self) -> None:
        await self.answer(self.collector.help("POST", self.request.body, self.language))

    @web.authenticated
    async def delete(self) -> None:
        await self.answer(self.collector.help("DELETE", None, self.language))


def handlers(base: type, base_url: str) -> list[tuple[str, type]]:
    """Return the routes, with handlers derived from `base`, the host's own APIHandler."""
    parts = zip(PATHS, (Events, State, Consent, Help))
    return [
        (f"{base_url.rstrip('/')}/learntrace/{path}", type(f"Learntrace{part.__name__}", (part, base), {}))
        for path, part in parts
    ]
