"""Learntrace goes away while cells run, the Jupyter servers are killed meanwhile: afterwards every execution is there once."""

import re
import signal
from collections import Counter

from playwright.sync_api import expect

from tests.jupyter.classroom import Classroom
from tests.jupyter.conftest import NewPage, Sit
from tests.jupyter.front_ends import Classic
from tests.jupyter.lesson import RAISES, WORKS, write_lesson
from tests.jupyter.servers import JupyterServer


def test_what_ran_while_learntrace_was_away_and_jupyter_was_killed_arrives_once(
    classroom: Classroom, sit: Sit, new_page: NewPage, custom_alone: JupyterServer
) -> None:
    learntrace = classroom.learntrace
    desk = sit("lab", "alone")
    lab = desk.open((WORKS, RAISES), "away-lab.ipynb")
    server = classroom.alone["lab"]
    write_lesson(custom_alone.notebooks / "away-custom.ipynb", (WORKS, RAISES))
    classic = Classic(new_page())
    classic.page.goto(f"{custom_alone.url}tree?token={custom_alone.token}")
    classic.open(custom_alone.url, "away-custom.ipynb")
    assert classic.page.locator(".learntrace-Indicator").count() == 0, "custom.js has none: this is the nbextension's"
    assert classic.page.evaluate("getAssignmentTag(Jupyter.notebook.get_cell(0))") == WORKS.tag

    for front_end in (lab, classic):
        front_end.run_cell(0)
    for notebook in ("away-lab.ipynb", "away-custom.ipynb"):
        learntrace.wait_for_executions(notebook, 1)
    assert learntrace.stop()[0] == 0

    for front_end in (lab, classic):
        front_end.run_cell(1)
        front_end.run_cell(0)
    expect(desk.page.locator(".learntrace-Indicator:visible")).to_have_text(re.compile(r"^\d+ waiting$"))
    for one in (server, custom_alone):
        one.stop(signal.SIGKILL)
        one.start()
    desk.front_end.open(server.url, "away-lab.ipynb")
    classic.open(custom_alone.url, "away-custom.ipynb")
    for front_end in (lab, classic):
        front_end.run_cell(0)

    learntrace.start()
    expected = Counter({("ok", WORKS.tag): 3, ("error", RAISES.tag): 1})
    for notebook, actor in (("away-lab.ipynb", "alan"), ("away-custom.ipynb", "cara")):
        rows = learntrace.wait_for_executions(notebook, 4, 60)
        assert Counter((row["result"]["outcome"], row["object"]["assignment"]) for row in rows) == expected
        assert {row["actor"] for row in rows} == {actor}
    expect(desk.page.locator(".learntrace-Indicator:visible")).to_have_text("Sending", timeout=60_000)
