"""The pictures of README and docs: `python -m tests.browser.screenshots OUT_DIR`, on a database of their own."""

import argparse
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import tests.support.database  # names the database before settings are read

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@contextmanager
def server() -> Iterator[str]:
    """Serve the application on an empty test database; give its address."""
    import django

    tests.support.database.start()
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
        with connection.cursor() as cursor:
            # A thread that has served may still be connected; the database is dropped nevertheless.
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        runner.teardown_databases(databases)
        teardown_test_environment()
        tests.support.database._leave.close()


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


@dataclass(frozen=True)
class Shot:
    """A picture to take: of which page, as whom, and how it is looked at. `whole`: also what is below the window."""

    name: str
    user: str
    path: str
    scheme: str = "light"
    width: int = 1440
    language: str = "en"
    whole: bool = False


def take(address: str, folder: Path) -> None:
    """Walk through the pages of two academies in the middle of their day."""
    from playwright.sync_api import sync_playwright

    from tests.browser.chromium import launch
    from tests.browser.scene import beat

    with sync_playwright() as playwright:
        browser = launch(playwright)
        take_first_minutes(browser, address, folder)
        shots = _set_up()
        for shot in shots:
            # However long the pictures take, the worker of the scene is at work.
            beat()
            _take_one(browser, address, folder, shot)
        browser.close()


_EXERCISES = (
    "A first name", "Two names, swapped", "Numbers and texts", "Round to cents", "Constants", "Scope of a name",
    "First and last letter", "Reverse a word", "Count the vowels", "Replace and split", "Format a receipt", "A Caesar cipher",
)  # fmt: skip


def take_first_minutes(browser: "Browser", address: str, folder: Path) -> None:
    """Set up the empty server, as the tutorial does: a picture of each step."""
    from learntrace.accounts.first_setup.code import printed_code
    from learntrace.accounts.models import Academy, User
    from learntrace.intake.models import Refusal
    from tests.browser.scene import PASSWORD, beat
    from tests.support.builders import make_stored_event

    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.route("**/v1/signal/academy/stream*", lambda route: route.abort())
    page.goto(f"{address}/set-up")
    page.fill("#code", printed_code())
    page.screenshot(path=folder / "set-up-code.png")
    page.click("button.main")
    typed = ("Olga Pérez", "olga@school.example", PASSWORD, PASSWORD, "Downtown Code School", "Python, autumn 2026")
    for field, text in zip(("name", "email", "password", "again", "academy", "cohort"), typed, strict=True):
        page.fill(f"#{field}", text)
    page.screenshot(path=folder / "set-up-names.png", full_page=True)
    page.click("button.main")
    page.wait_for_url("**/connect")
    page.click("button[name=source][value=notebooks]")
    page.wait_for_selector("code.key")
    page.screenshot(path=folder / "connect.png", full_page=True)
    beat()
    Refusal.objects.create(path="/v1/assignment/me/telemetry", status_code=401, reason="invalid-token", size=1)
    make_stored_event(User.objects.get(), Academy.objects.get())
    page.wait_for_selector("[data-part=notebooks] .connected")
    page.screenshot(path=folder / "connect-green.png", full_page=True)
    page.click("button[name=do][value=in]")
    _work_off()
    page.get_by_role("link", name="Look at its class").click()
    page.wait_for_selector(".live.on")
    page.screenshot(path=folder / "sample-class.png")
    context.close()


def _work_off() -> None:
    """Do what workers would do with what has come."""
    from learntrace.config.runtime.queues import QUEUES

    while sum(queue.work(0) for queue in QUEUES.values() if not queue.threads):
        pass


def _set_up() -> list[Shot]:
    """Have an academy with LearnPack's telemetry and one with a class in notebooks; what to show of them."""
    from learntrace.progress.models import Assignment
    from tests.browser.classroom import build_classroom, build_package, fail
    from tests.browser.scene import PASSWORD, build_scene
    from tests.support.builders import make_rejected, make_stored_event
    from tests.support.notebooks import make_event

    scene = build_scene(crowd=12)
    for place in range(40):
        raised = {"outcome": "error", "error_name": "NameError"} if place % 3 == 0 else {"outcome": "ok"}
        make_stored_event(scene.learner, scene.academy, result=raised)
    make_rejected(scene.learner, scene.academy, make_event(verb="danced"))
    room = build_classroom(24, 2, 6, slug="harbour")
    for place, learner in enumerate(room.learners[:9]):
        # Most of them meet the same error on the same exercise.
        fail(room, learner, room.keys[-2 if place < 6 else -1 - place % 3], 2 + place % 4)
    for key, title in zip(room.keys, _EXERCISES, strict=True):
        Assignment.objects.filter(key=key, academy=room.academy).update(title=title)
    stuck, name, teacher = room.learners[3], room.keys[-2].removeprefix("assignment:"), room.teacher.username
    learner = room.learners[0]
    titles = ("Hello", "Variables", "Input", "Strings", "Numbers", "If", "Loops", "Functions", "Lists", "Files")
    chance = random.Random(5)
    works = ["".join(chance.choices("cfas", (6, 3, 1, 1), k=chance.randint(3, 10))).ljust(10, "u") for _ in range(20)]
    asset = build_package(room, "python-beginner", titles, works).slug
    learner.set_password(PASSWORD)
    learner.save()
    return [
        Shot("class-now", teacher, "/class"),
        Shot("class-now-dark", teacher, "/class", "dark", language="es"),
        Shot("class-now-narrow", teacher, "/class", width=360, language="es"),
        Shot("projector", teacher, "/class?projector=1"),
        Shot("assignments", teacher, "/assignments"),
        Shot("assignment", teacher, f"/assignment/{name}"),
        Shot("attempts", teacher, f"/assignment/{name}/learner/{stuck.pk}", "dark"),
        Shot("learners", teacher, "/learners"),
        Shot("learner", teacher, f"/learner/{learner.pk}"),
        Shot("assets", teacher, "/assets"),
        Shot("asset", teacher, f"/asset/{asset}"),
        Shot("reports", teacher, "/reports?span=30-days", whole=True),
        Shot("telemetry-health", "tomas", "/telemetry"),
        Shot("telemetry-health-dark", "tomas", "/telemetry", "dark", language="es"),
        Shot("webhooks", "tomas", "/telemetry/webhooks?status=ERROR"),
        Shot("ignore-rules", "tomas", "/telemetry/ignore"),
        Shot("diagnosis", "tomas", f"/diagnosis?user=ada&asset={scene.assets[0].slug}", whole=True),
        Shot("my-learning", learner.username, "/me", whole=True),
        Shot("my-learning-narrow", "ada", "/me", "dark", 360, "es", whole=True),
        Shot("sign-in", "", "/sign-in"),
    ]


def _take_one(browser: "Browser", address: str, folder: Path, shot: Shot) -> None:
    from tests.browser.scene import PASSWORD

    context = browser.new_context(
        color_scheme=shot.scheme,  # type: ignore[arg-type]
        locale=shot.language,
        viewport={"width": shot.width, "height": 900},
    )
    page = context.new_page()
    page.route("**/v1/signal/academy/stream*", lambda route: route.abort())
    if shot.user:
        page.goto(f"{address}/sign-in?next={quote(shot.path)}")
        page.fill("[name=name]", shot.user)
        page.fill("[name=password]", PASSWORD)
        page.click("button.main")
        page.wait_for_url(f"**{shot.path}")
        if page.locator("[data-live]").count():
            page.wait_for_selector(".live.on")
    else:
        page.goto(address + shot.path)
    page.screenshot(path=folder / f"{shot.name}.png", full_page=shot.whole)
    context.close()


if __name__ == "__main__":
    main()
