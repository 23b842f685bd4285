"""What a learner does in each front end arrives as the rows that design.md and docs/explanation/signals.md promise."""

import re
from collections import Counter

import pytest

from tests.jupyter.conftest import Desk, Sit
from tests.jupyter.lesson import CELLS, EXPECTED, LONG, RAISES, WORKS, Cell, hash_of, of_row

# From design.md, letter by letter.
DESIGN_SQL = (
    "SELECT actor, verb, object->>'assignment' AS assignment, created_at FROM events WHERE object->>'assignment' IS NOT "
    "NULL ORDER BY created_at DESC LIMIT 10;"
)


def work(desk: Desk) -> None:
    """Do what issue 3 asks for: a cell that works, one that raises, all with an error in the middle, a copied cell."""
    front_end = desk.open()
    front_end.run_cell(0)
    front_end.run_cell(1)
    front_end.run_all()
    front_end.copy_cell(0)
    front_end.run_cell(1)
    for _turn in range(4):
        front_end.run_cell(2)


@pytest.mark.parametrize("place", ["alone", "hub"])
@pytest.mark.parametrize("front_end", ["classic", "lab", "notebook7"])
def test_what_a_learner_runs_arrives_under_the_learners_name(sit: Sit, front_end: str, place: str) -> None:
    desk = sit(front_end, place)
    learntrace = desk.classroom.learntrace
    work(desk)
    rows = learntrace.wait_for_executions(desk.notebook, len(EXPECTED))

    assert Counter(of_row(row) for row in rows) == Counter(EXPECTED)
    assert {row["actor"] for row in rows} == {desk.actor}
    (newest,) = learntrace.rows("SELECT username FROM accounts_user WHERE id = %s", rows[0]["user_id"])
    assert newest["username"] == desk.actor
    assert {row["academy_id"] for row in rows} == {1}
    assert {row["context"]["frontend"] for row in rows} == {desk.front_end.name}
    assert {row["context"]["kernel"] for row in rows} == {"python3"}
    assert {bool(re.fullmatch(r"\d+\.\d+\.\d+", row["context"]["version"])) for row in rows} == {True}
    assert len({row["session_id"] for row in rows}) == 1
    assert not [row["flags"] for row in rows if row["flags"]]

    told = learntrace.rows(DESIGN_SQL)
    assert len(told) == 10
    assert {row["actor"] for row in told} == {desk.actor}
    assert list(told[0]) == ["actor", "verb", "assignment", "created_at"]
    assert [row["created_at"] for row in told] == sorted((row["created_at"] for row in told), reverse=True)
    assert {row["assignment"] for row in told} <= {cell.tag for cell in CELLS}

    for row in rows:
        assert row["object"]["tags"] == (
            ["graded", row["object"]["assignment"]] if "assignment" in row["object"] else []
        )
        # What was aborted took no time; what slept did.
        took = row["result"]["duration_ms"]
        assert (took == 0) if row["result"]["outcome"] == "aborted" else (took >= 0)
        assert took >= 200 or row["code_hash"] != hash_of(WORKS.source)
    by_cell = Counter(row["object_id"] for row in rows)
    assert {by_cell[cell.id] for cell in (WORKS, RAISES)} == {2, 6}
    (copied,) = (row for row in rows if row["object_id"] not in {cell.id for cell in CELLS})
    assert copied["object"]["assignment"] == WORKS.tag

    (everything,) = learntrace.rows(
        "SELECT string_agg(concat(object, result, context), ' ') AS text FROM events WHERE object->>'notebook' = %s",
        desk.notebook,
    )
    assert "marker_of_the_source" not in everything["text"]


@pytest.mark.parametrize("front_end", ["classic", "lab", "notebook7"])
def test_an_interrupted_execution_and_a_restarted_kernel_are_told(sit: Sit, front_end: str) -> None:
    desk = sit(front_end, "alone")
    opened = desk.open((LONG, WORKS), f"interrupted-{front_end}.ipynb")
    opened.start_cell(0, "at work")
    opened.interrupt()
    opened.restart()
    opened.run_cell(1)
    rows = desk.classroom.learntrace.wait_for_executions(desk.notebook, 2)
    assert [(row["result"]["outcome"], row["result"].get("error_name")) for row in rows] == [
        ("error", "KeyboardInterrupt"),
        ("ok", None),
    ]
    verbs = desk.classroom.learntrace.rows(
        "SELECT verb, count(*) AS times FROM events WHERE object->>'notebook' = %s GROUP BY verb", desk.notebook
    )
    times = {row["verb"]: row["times"] for row in verbs}
    assert {verb: times.get(verb) for verb in ("opened", "focused", "interrupted", "restarted")} == {
        "opened": 1,
        "focused": 1,
        "interrupted": 1,
        "restarted": 1,
    }


@pytest.mark.parametrize("front_end", ["classic", "lab"])
def test_a_malformed_tag_is_told_to_its_author_once_and_loses_nothing(sit: Sit, front_end: str) -> None:
    desk = sit(front_end, "alone")
    warned: list[str] = []
    desk.page.on("console", lambda message: warned.append(message.text) if message.type == "warning" else None)
    malformed = Cell("malformed", "1", written="assignment:Lesson 3 Exercise 1")
    opened = desk.open((malformed,), f"malformed-{front_end}.ipynb")
    opened.run_cell(0)
    opened.run_cell(0)
    rows = desk.classroom.learntrace.wait_for_executions(desk.notebook, 2)
    assert [row["object"]["assignment"] for row in rows] == [malformed.tag] * 2
    assert [row["flags"] for row in rows] == [["malformed-assignment"]] * 2
    assert len([text for text in warned if str(malformed.tag) in text]) == 1


@pytest.mark.parametrize("front_end", ["classic", "lab", "notebook7"])
def test_a_check_cell_and_errors_that_the_kernel_replies_ok_to(sit: Sit, front_end: str) -> None:
    """A traceback among the outputs is an error to the learner; a cell that may raise tells so by its tag."""
    desk = sit(front_end, "alone")
    check = Cell("check", "assert 1 + 1 == 3, 'not yet'", written="check:lesson-03-exercise-1")
    shows = Cell("shows", "try:\n    1 / 0\nexcept ZeroDivisionError:\n    get_ipython().showtraceback()", 2)
    stderr = Cell("stderr", "import sys\nprint('careful', file=sys.stderr)", 3)
    expected = Cell("expected", "1 / 0", written="raises-exception")
    opened = desk.open((WORKS, check, shows, stderr, expected), f"checks-{front_end}.ipynb")
    for index in range(5):
        opened.run_cell(index)
    rows = desk.classroom.learntrace.wait_for_executions(desk.notebook, 5)
    told = {
        row["object_id"]: (
            row["object"].get("assignment"),
            row["object"].get("part"),
            row["result"]["outcome"],
            row["result"].get("error_name"),
        )
        for row in rows
    }
    assert told == {
        "works": (WORKS.tag, None, "ok", None),
        "check": ("assignment:lesson-03-exercise-1", "check", "error", "AssertionError"),
        "shows": (shows.tag, None, "error", "ZeroDivisionError"),
        "stderr": (stderr.tag, None, "ok", None),
        "expected": (None, None, "error", "ZeroDivisionError"),
    }
    assert {row["object_id"] for row in rows if "raises-exception" in row["object"]["tags"]} == {"expected"}
