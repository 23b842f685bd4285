"""A traceback among the outputs is an error to the learner, whatever kernel, magic or front end make of it."""

import pytest

from tests.jupyter.conftest import Desk, Sit
from tests.jupyter.front_ends import FrontEnd, Lab
from tests.jupyter.lesson import WORKS, Cell, write_lesson
from tests.support.waiting import wait_until

SHOWN = "try:\n    1 / 0\nexcept ZeroDivisionError:\n    get_ipython().showtraceback()"
# A cell, how it has to end, and the name of its error.
MAGICS = (
    (Cell("time", "%%time\n1 / 0", 1), "error", "ZeroDivisionError"),
    (Cell("capture", "%%capture\n1 / 0", 2), "error", "ZeroDivisionError"),
    (Cell("run", "open('fails.py', 'w').write('int([])')\n%run fails.py", 3), "error", "TypeError"),
    (Cell("showtraceback", SHOWN, 4), "error", "ZeroDivisionError"),
    (Cell("caught", "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    print(error)", 5), "ok", None),
    (
        Cell("printed", "import traceback\n" + SHOWN.replace("get_ipython().showtraceback", "traceback.print_exc"), 6),
        "ok",
        None,
    ),
    (
        Cell("cleared", f"from IPython.display import clear_output\n{SHOWN}\nclear_output()\nprint('solved')", 7),
        "ok",
        None,
    ),
    (Cell("quiet", "%%capture\nprint('nothing')", 8), "ok", None),
)
BASH = (
    (Cell("fails", "ls /nowhere-at-all", 1), "error", ""),
    (Cell("works", "echo fine", 2), "ok", None),
    (Cell("unknown", "no_such_command_at_all", 3), "error", ""),
)
Expected = tuple[tuple[Cell, str, str | None], ...]


def assert_each_is_told(desk: Desk, expected: Expected, kernel: str) -> None:
    """Run each cell once and find each told once, as it has to be."""
    cells = tuple(cell for cell, _outcome, _name in expected)
    opened = desk.open(cells, f"tracebacks-{desk.kind}-{kernel}.ipynb", kernel)
    for index in range(len(cells)):
        opened.run_cell(index)
    rows = desk.classroom.learntrace.wait_for_executions(desk.notebook, len(cells))
    told = [(row["object_id"], row["result"]["outcome"], row["result"].get("error_name")) for row in rows]
    assert told == [(cell.id, outcome, name) for cell, outcome, name in expected]
    assert {row["context"]["kernel"] for row in rows} == {kernel}


@pytest.mark.parametrize(
    ("front_end", "kernel"),
    [
        ("lab", "python3"),
        ("lab", "ipython8"),
        ("notebook7", "ipython8"),
        ("classic", "python3"),
        ("classic", "ipython8"),
    ],
)
def test_errors_that_magics_swallow(sit: Sit, front_end: str, kernel: str) -> None:
    assert_each_is_told(sit(front_end, "alone"), MAGICS, kernel)


@pytest.mark.parametrize("front_end", ["lab", "classic"])
def test_a_command_of_bash_that_fails_is_told_by_its_exit_code(sit: Sit, front_end: str) -> None:
    desk = sit(front_end, "alone")
    assert_each_is_told(desk, BASH, "bash")
    learntrace = desk.classroom.learntrace
    statement = (
        "SELECT failures FROM progress_activity JOIN events USING (id) WHERE object->>'notebook' = %s "
        "AND outcome = 'error' ORDER BY at"
    )
    wait_until(lambda: len(learntrace.rows(statement, desk.notebook)) == 2, "the activities of the failures")
    told = [row["failures"] for row in learntrace.rows(statement, desk.notebook)]
    assert told == [[["exit code 2", ""]], [["exit code 127", ""]]]


def test_a_page_of_jupyterlab_holds_no_connection_of_ours_open(sit: Sit) -> None:
    """Over HTTP/1.1 a browser has six connections to a server: what stays open in each tab would stop the seventh."""
    desk = sit("lab", "alone")
    pending: set[str] = set()
    desk.page.on("request", lambda request: pending.add(request.url) if "/learntrace/" in request.url else None)
    desk.page.on("requestfinished", lambda request: pending.discard(request.url))
    desk.page.on("requestfailed", lambda request: pending.discard(request.url))
    opened = desk.open((WORKS,), "connections-lab.ipynb")
    opened.run_cell(0)
    desk.classroom.learntrace.wait_for_executions(desk.notebook, 1)
    desk.page.wait_for_timeout(1_000)
    assert pending == set()
    assert desk.page.evaluate("performance.getEntriesByType('resource').some(one => one.name.includes('/learntrace/'))")


def test_six_tabs_of_jupyterlab_at_once_all_live_and_tell_each_run_once(sit: Sit) -> None:
    desk = sit("lab", "alone")
    tabs: list[tuple[str, FrontEnd]] = []
    for number in range(6):
        tab: FrontEnd = Lab(desk.page if number == 0 else desk.page.context.new_page())
        notebook = f"tab-{number}.ipynb"
        write_lesson(desk.classroom.notebooks_of("lab", "alone") / notebook, (WORKS,), "python3")
        tab.open(desk.base, notebook)
        tabs.append((notebook, tab))
    # The first again after the last: opening five others must not have stopped it.
    for _notebook, tab in [*tabs, tabs[0]]:
        tab.page.bring_to_front()
        tab.run_cell(0)
    learntrace = desk.classroom.learntrace
    for number, (notebook, _tab) in enumerate(tabs):
        rows = learntrace.wait_for_executions(notebook, 2 if number == 0 else 1)
        assert [row["result"]["outcome"] for row in rows] == ["ok"] * len(rows)
