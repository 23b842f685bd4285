"""Two people in one notebook (jupyter-collaboration), whose cells the Jupyter server executes (jupyter-server-nbmodel) or not.

Where the server executes, the page sends no message to the kernel and gets no reply: each run is nevertheless told once, by
the page in which it was run, with the outcome that its outputs show.
"""

import contextlib
import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Response

from tests.jupyter.classroom import TOGETHER, Classroom, alone
from tests.jupyter.conftest import NewPage
from tests.jupyter.front_ends import SLOW, Lab
from tests.jupyter.lesson import AFTER, LONG, RAISES, Cell, write_lesson
from tests.jupyter.servers import JupyterServer
from tests.support.folders import folder_on_disk

NBMODEL = "@datalayer/jupyter-server-nbmodel"
# It works for as long as there is a file of this name beside the notebook.
HOLD = "hold"
HELD = Cell("held", f"import pathlib, time\nwhile pathlib.Path({HOLD!r}).exists():\n    time.sleep(0.05)", 1)
SWALLOWED = Cell("swallowed", "%%time\n1 / 0", 5)
CELLS = (HELD, RAISES, SWALLOWED, LONG, AFTER)


@contextlib.contextmanager
def server_of(classroom: Classroom, *, executes: bool) -> Iterator[JupyterServer]:
    """A server with jupyter-collaboration that executes, or leaves that to the pages."""
    with folder_on_disk() as folder:
        server = alone(folder / "together", TOGETHER, ("lab",), "cara", classroom.learntrace.url)
        if not executes:
            page = server.folder / "config" / "labconfig" / "page_config.json"
            page.parent.mkdir(parents=True)
            page.write_text(json.dumps({"disabledExtensions": {NBMODEL: True}}))
        try:
            server.start()
            yield server
        finally:
            server.stop()


def sit(server: JupyterServer, new_page: NewPage, notebook: str) -> Lab:
    lab = Lab(new_page())
    lab.page.goto(f"{server.url}api/status?token={server.token}")
    lab.open(server.url, notebook)
    return lab


def run_all_at_once(lab: Lab, server: JupyterServer, *, executes: bool) -> None:
    """Run all cells so that all are queued before one fails.

    A page asks the server for one cell after the other. What the server has in its queue when a cell fails is aborted, and
    what it is asked for later is run.
    """
    queued: list[str] = []

    def is_the_last(answer: Response) -> bool:
        if answer.request.method == "POST" and "/execute?" in answer.url:
            queued.append(answer.url)
        return len(queued) == len(CELLS)

    (server.notebooks / HOLD).touch()
    if executes:
        with lab.page.expect_response(is_the_last, timeout=SLOW):
            lab.start_all()
    else:
        lab.start_all()
        lab.wait_all_queued()
    (server.notebooks / HOLD).unlink()
    lab.wait_done()


@pytest.mark.parametrize("executes", [True, False], ids=["the-server-executes", "the-pages-execute"])
def test_two_people_in_one_notebook_each_tell_what_they_ran_once(
    classroom: Classroom, new_page: NewPage, executes: bool
) -> None:
    notebook = f"together-{executes}.ipynb"
    with server_of(classroom, executes=executes) as server:
        write_lesson(server.notebooks / notebook, CELLS)
        executions: list[str] = []
        ada, grace = (sit(server, new_page, notebook) for _person in range(2))
        ada.page.on("request", lambda request: executions.append(request.url) if "/execute?" in request.url else None)
        ada.run_cell(0)
        ada.run_cell(1)
        grace.run_cell(2)
        ada.start_cell(3, "at work")
        ada.interrupt()
        grace.run_cell(4)
        run_all_at_once(ada, server, executes=executes)
        rows = classroom.learntrace.wait_for_executions(notebook, 10)
        assert bool(executions) is executes, "who executes is what is tested"

    told = [(row["object_id"], row["result"]["outcome"], row["result"].get("error_name")) for row in rows]
    assert told[:5] == [
        ("held", "ok", None),
        ("raises", "error", "NameError"),
        ("swallowed", "error", "ZeroDivisionError"),
        ("long", "error", "KeyboardInterrupt"),
        ("after", "ok", None),
    ]
    assert sorted(told[5:]) == sorted(
        [
            ("held", "ok", None),
            ("raises", "error", "NameError"),
            ("swallowed", "aborted", None),
            ("long", "aborted", None),
            ("after", "aborted", None),
        ]
    )
    sessions = [row["session_id"] for row in rows]
    assert sessions[0] == sessions[1] == sessions[3]
    assert sessions[2] == sessions[4] != sessions[0]
    assert {row["session_id"] for row in rows} == {sessions[0], sessions[2]}
