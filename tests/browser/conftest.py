"""A real browser against the real application. Every page is also watched: its console and its policy must stay silent."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from learntrace.accounts.models import User
from learntrace.config.reference_docs.translations import compile_catalogues
from tests.browser import chromium
from tests.browser.pages import PATIENCE, Faults, Visit
from tests.browser.scene import Scene, build_scene

# Before the first translation is loaded, so that these pages speak the catalogue as it is now.
compile_catalogues()


expect.set_options(timeout=PATIENCE)


def _note(faults: Faults, message: ConsoleMessage) -> None:
    if message.type in {"error", "warning"}:
        faults.note(f"{message.text} ({message.location['url']})")


def _silent(route: Route) -> None:
    route.fulfill(status=200, content_type="text/event-stream", body="retry: 600000\n\n")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith("tests/browser/"):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium.opened() as started:
        yield started


@pytest.fixture(autouse=True)
def _nothing_cached() -> None:
    # Failed sign-ins are counted there.
    cache.clear()


@pytest.fixture
def scene(browser: Browser, live_server: LiveServer) -> Scene:
    return build_scene()


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def contexts() -> Iterator[list[BrowserContext]]:
    """Browsers of a test's own, which are closed at its end."""
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        context.close()


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer, faults: Faults) -> Iterator[Visit]:
    """Open an address, signed in as a user if one is given."""
    contexts: list[BrowserContext] = []

    def open_page(
        path: str = "/",
        user: User | None = None,
        *,
        scheme: str = "light",
        width: int = 1440,
        language: str = "en",
        zone: str = "UTC",
        script: bool = True,
    ) -> Page:
        options: dict[str, Any] = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
        options["java_script_enabled"] = script
        context = browser.new_context(locale=language, base_url=live_server.url, timezone_id=zone, **options)
        contexts.append(context)
        # The stream is answered before Django, which is all that serves here: it stays silent, and pages ask by themselves.
        context.route("**/v1/signal/academy/stream*", _silent)
        context.set_default_timeout(PATIENCE)
        if user is not None:
            client = Client()
            client.force_login(user)
            session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
            context.add_cookies([session])  # type: ignore[list-item]
        page = context.new_page()
        page.on("console", partial(_note, faults))
        page.on("pageerror", lambda error: faults.note(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults.unexpected() == []
