"""The picture of a notebook in README and docs: `python -m tests.jupyter.screenshots OUT_DIR`, with a real hub and server."""

import argparse
import os
from pathlib import Path

import tests.support.database  # names the database before settings are read
from tests.jupyter.lesson import Cell

LESSON = (
    Cell("example", "squares = [number**2 for number in range(10)]\nsquares"),
    Cell("exercise", "# Exercise 1: add up the squares\ntotal = sum(sqares)\ntotal", 1),
    Cell("next", "# Exercise 2: the largest of them\n", 2),
)


def main() -> None:
    """Take it."""
    parser = argparse.ArgumentParser(prog="python -m tests.jupyter.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "learntrace.config.settings")
    tests.support.database.start()
    try:
        take(folder)
    finally:
        tests.support.database._leave.close()


def take(folder: Path) -> None:
    """A learner at the hub whose cell has raised, with the indicator's panel open."""
    import django

    django.setup()
    from tests.browser import chromium
    from tests.jupyter.classroom import classroom
    from tests.jupyter.conftest import Desk
    from tests.support.folders import folder_on_disk

    with folder_on_disk() as home, classroom(home) as room, chromium.opened() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 720}, device_scale_factor=1)
        desk = Desk(room, "lab", "hub", context.new_page)
        opened = desk.open(LESSON, "lesson_03.ipynb")
        opened.run_cell(0)
        opened.run_cell(1)
        room.learntrace.wait_for_executions(desk.notebook, 2)
        desk.page.locator(".learntrace-Indicator:visible").click()
        desk.page.get_by_role("dialog").get_by_text("No events are waiting to be sent.").wait_for()
        desk.page.screenshot(path=folder / "notebook.png")
        context.close()


if __name__ == "__main__":
    main()
