"""The pictures of README and docs: `python -m tests.browser.screenshots OUT_DIR`, on a database of their own."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import tests.database  # starts the embedded PostgreSQL where no server is named


@contextmanager
def server() -> Iterator[str]:
    """Serve the application on an empty test database; give its address."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test.utils import get_runner, setup_test_environment, teardown_test_environment
    from pytest_django.live_server_helper import LiveServer

    setup_test_environment(debug=False)
    # Not the tests' own database, which a test run may have open at this moment.
    connection.settings_dict["TEST"]["NAME"] = "learntrace_screenshots"
    runner = get_runner(settings)(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    live = LiveServer("localhost")
    try:
        yield live.url
    finally:
        live.stop()
        runner.teardown_databases(databases)
        teardown_test_environment()
        tests.database._leave.close()


def main() -> None:
    """Take them all."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "learntrace.config.settings")
    # Playwright's loop runs in this thread, whose database work is nevertheless nobody else's.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with server() as address:
        take(address, folder)


def take(address: str, folder: Path) -> None:
    """Walk through the pages of a class in the middle of its day."""
    from playwright.sync_api import sync_playwright

    from tests.browser.chromium import launch
    from tests.browser.classroom import build_classroom, fail
    from tests.browser.scene import PASSWORD, build_scene

    build_scene(crowd=12)
    room = build_classroom(24, 2, 6, slug="harbour")
    for place, learner in enumerate(room.learners[:9]):
        fail(room, learner, room.keys[-1 - place % 3], 2 + place % 4)
    stuck, name = room.learners[3], room.keys[-2].removeprefix("assignment:")
    teachers = (
        ("class-now", "/class", "light", 1440, "en"),
        ("class-now-dark", "/class", "dark", 1440, "es"),
        ("class-now-narrow", "/class", "light", 360, "es"),
        ("projector", "/class?projector=1", "light", 1440, "en"),
        ("assignments", "/assignments", "light", 1440, "en"),
        ("assignment", f"/assignment/{name}", "light", 1440, "en"),
        ("attempts", f"/assignment/{name}/learner/{stuck.pk}", "dark", 1440, "en"),
        ("learners", "/learners", "light", 1440, "en"),
        ("learner", f"/learner/{room.learners[0].pk}", "light", 1440, "en"),
    )
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for name, user, scheme, width, language in (
            ("status", "tomas", "light", 1440, "en"),
            ("status-dark", "tomas", "dark", 1440, "en"),
            ("status-narrow", "tomas", "light", 360, "es"),
            ("own", "ada", "light", 1440, "en"),
            ("own-narrow", "ada", "dark", 360, "es"),
        ):
            context = browser.new_context(
                color_scheme=scheme,  # type: ignore[arg-type]
                locale=language,
                viewport={"width": width, "height": 900},
                device_scale_factor=1,
            )
            page = context.new_page()
            page.goto(f"{address}/sign-in?next=/status")
            if user == "tomas":
                page.screenshot(path=folder / f"{name.replace('status', 'sign-in')}.png", full_page=True)
            page.fill("[name=name]", user)
            page.fill("[name=password]", PASSWORD)
            page.click("button.main")
            page.wait_for_selector(".live.on")
            page.screenshot(path=folder / f"{name}.png", full_page=True)
            context.close()
        for name, path, scheme, width, language in teachers:
            context = browser.new_context(
                color_scheme=scheme,  # type: ignore[arg-type]
                locale=language,
                viewport={"width": width, "height": 900},
            )
            page = context.new_page()
            page.route("**/v1/signal/academy/stream*", lambda route: route.abort())
            page.goto(f"{address}/sign-in?next={quote(path)}")
            page.fill("[name=name]", room.teacher.username)
            page.fill("[name=password]", PASSWORD)
            page.click("button.main")
            page.wait_for_selector(".live.on")
            page.screenshot(path=folder / f"{name}.png")
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
