"""`check`: each rule, its exit code, and what `--fix` puts right."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.authoring.conftest import Run, code, markdown, tags, write
from tests.authoring.varied import VARIED

ONE, TWO, THREE = (f"assignment:lesson-03-exercise-{number}" for number in (1, 2, 3))


def found(run: Run, *words: str) -> tuple[int, list[tuple[str, str, int | None]]]:
    outcome = run("check", *words, "--format", "json")
    report = json.loads(outcome.out)
    return outcome.code, [(one["rule"], one["severity"], one["cell"]) for one in report["findings"]]


def only(run: Run, *words: str) -> Any:
    report = json.loads(run("check", *words, "--format", "json").out)
    (finding,) = report["findings"]
    return finding


def test_a_course_in_order_has_no_findings(run: Run, course: Path) -> None:
    write(course / "lesson_03.ipynb", markdown("# Loops"), code("x", ONE), code("y", "slow", TWO))
    write(course / "more" / "lesson_06a.ipynb", code("z", "assignment:lesson-06a-exercise-1"))
    outcome = run("check")
    assert (outcome.code, outcome.out) == (0, "Notebooks: 2. Errors: 0. Hints: 0.\n")


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        (code("x", "assignment:Lesson-03-Exercise-1"), "kebab-case"),
        (code("x", "assignment:lesson_03_exercise_1"), "kebab-case"),
        (code("x", "assignment:lesson-03--exercise-1"), "kebab-case"),
        (code("x", "assignment:lesson 03"), "url-safe"),
        (code("x", "assignment:lección-03-ejercicio-1"), "url-safe"),
        (code("x", "assignment:lesson/03?a=b#c"), "url-safe"),
        (code("x", "assignment:"), "empty"),
        (code("x", "Assignment:lesson-03-exercise-1"), "prefix"),
        (code("x", "lesson-03-exercise-1"), "prefix"),
        (code("x", "assignment:lesson-04-exercise-1"), "lesson"),
        (code("x", "assignment:lesson-03"), "lesson"),
        (markdown("x", ONE), "only-code"),
        ({**code("x", ONE), "cell_type": "raw"}, "only-code"),
    ],
)
def test_each_error(run: Run, course: Path, cell: dict[str, Any], rule: str) -> None:
    if cell["cell_type"] == "raw":
        cell = {"cell_type": "raw", "metadata": cell["metadata"], "source": "x"}
    write(course / "lesson_03.ipynb", markdown("# Loops"), cell)
    assert found(run) == (1, [(rule, "error", 1)])


@pytest.mark.parametrize("tag", ["slow", "hide-input", "lesson-04", "lesson-03-slow", "exercise-1"])
def test_other_tags_are_nobodys_business(run: Run, course: Path, tag: str) -> None:
    write(course / "lesson_03.ipynb", code("x", tag))
    assert found(run) == (0, [])


def test_several_assignments_on_a_cell_are_a_hint(run: Run, course: Path) -> None:
    write(course / "lesson_03.ipynb", code("x", ONE, TWO))
    finding = only(run)
    assert (finding["rule"], finding["severity"]) == ("several-tags", "hint")
    assert f"{ONE} counts; the tags after it don't: {TWO}" in finding["text"]


def test_two_cells_of_one_id_are_a_hint(run: Run, course: Path) -> None:
    write(course / "lesson_03.ipynb", {**code("x"), "id": "a"}, {**code("y"), "id": "a"})
    assert found(run) == (0, [("cell-id", "hint", 1)])


def test_a_byte_order_mark_is_an_error_because_jupyter_opens_no_such_file(run: Run, course: Path) -> None:
    (course / "x.ipynb").write_bytes(VARIED["byte-order-mark"])
    assert found(run) == (1, [("byte-order-mark", "error", None)])


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [("{", 1, 2), ('{"nbformat": 3, "worksheets": []}', None, None), ("", None, None)],
)
def test_what_is_no_notebook_is_an_error_and_hinders_no_other(
    run: Run, course: Path, content: str, line: int | None, column: int | None
) -> None:
    (course / "broken.ipynb").write_text(content)
    write(course / "lesson_03.ipynb", markdown("x", ONE))
    outcome = run("check", "--format", "json")
    first, second = json.loads(outcome.out)["findings"]
    assert (first["rule"], first["line"], first["column"]) == ("notebook", line, column)
    assert (second["rule"], outcome.code) == ("only-code", 1)


def test_a_copied_cell_is_the_later_one(run: Run, course: Path) -> None:
    write(course / "lesson_03.ipynb", code("x", ONE), code("y"), code("x", ONE), code("z", ONE))
    report = json.loads(run("check", "--format", "json").out)
    first, second = report["findings"]
    assert (first["rule"], first["cell"], second["cell"]) == ("unique", 2, 3)
    assert "lesson_03.ipynb, cell 0" in first["text"]
    assert "it comes later, with the same source" in first["text"]
    assert second["text"].endswith("it comes later")


@pytest.mark.parametrize(
    ("copy", "original", "why"),
    [
        ("lesson_03-Copy1.ipynb", "lesson_03.ipynb", "named like a copy"),
        ("lesson_03 (1).ipynb", "lesson_03.ipynb", "named like a copy"),
        ("a/lesson_03_solution.ipynb", "b/lesson_03.ipynb", "named like a copy"),
        ("lesson_02.ipynb", "lesson_03.ipynb", "its notebook is another lesson"),
        ("b/lesson_03.ipynb", "a/lesson_03.ipynb", "it comes later"),
    ],
)
def test_which_notebook_has_the_copy(run: Run, course: Path, copy: str, original: str, why: str) -> None:
    for name in (copy, original):
        write(course / name, code("x", ONE))
    report = json.loads(run("check", "--format", "json").out)
    (finding,) = [one for one in report["findings"] if one["rule"] == "unique"]
    assert finding["path"] == copy
    assert f"{original}, cell 0" in finding["text"]
    assert why in finding["text"]


def test_the_heading_above_tells_the_original(run: Run, course: Path) -> None:
    write(
        course / "lesson_03.ipynb",
        *(markdown("## Exercise 2"), code("copied before", ONE)),
        *(markdown("## Exercise 1"), code("original", ONE)),
    )
    finding = only(run)
    assert (finding["cell"], "its heading has another number" in finding["text"]) == (1, True)


def test_one_file_by_two_names_is_no_copy(run: Run, course: Path) -> None:
    path = write(course / "lesson_03.ipynb", code("x", ONE))
    (course / "link.ipynb").symlink_to(path)
    assert run("check", ".", "lesson_03.ipynb", str(path), "*.ipynb").out == "Notebooks: 1. Errors: 0. Hints: 0.\n"


@pytest.mark.parametrize(
    "cell",
    [
        code("# YOUR CODE HERE"),
        code("x = 1\n    # your code here"),
        code("# Tu código aquí"),
        code("def f():\n    raise NotImplementedError()"),
        code("def f():\n    # TODO: finish\n    pass"),
        code("# Exercise 1: the area"),
        code("# Ejercicio 2"),
        code("### BEGIN SOLUTION\nx = 1\n### END SOLUTION"),
        code("", nbgrader={"solution": True, "grade": False}),
        code("x", "otter_answer_cell"),
        *map(
            code,
            [
                *("### START CODE HERE ###", "# GRADED FUNCTION: sigmoid", "# UNQ_C1 (UNIQUE CELL IDENTIFIER)"),
                *("/* YOUR CODE HERE */", "// your code here", "-- YOUR CODE HERE", "% YOUR CODE HERE"),
                *("(* YOUR CODE HERE *)", "{- your code here -}", ";; your code here", "* YOUR CODE HERE;"),
                *("x = None  # YOUR CODE HERE", "int f() { // write your solution below", "x = 5 # SOLUTION"),
                *(
                    "# insert your answer here",
                    "# Your code goes here",
                    "# replace None with your code",
                    "# BEGIN PROMPT",
                ),
                *("# escribe aquí tu solución", "// BEGIN SOLUTION", "error('No Answer Given!')", "fn f() { todo!() }"),
                *("throw new UnsupportedOperationException();", "/* TODO */"),
            ],
        ),
    ],
)
def test_a_cell_that_looks_like_an_exercise_is_a_hint(run: Run, course: Path, cell: dict[str, Any]) -> None:
    write(course / "lesson_03.ipynb", code("import math"), cell)
    assert found(run) == (0, [("untagged-exercise", "hint", 1)])
    assert "Perhaps assignment:lesson-03-exercise-1?" in only(run)["text"]


@pytest.mark.parametrize(
    "heading",
    [
        "## Exercise 1",
        "### 3.2 Exercise: area",
        "Ejercicio 4\n---",
        "# Práctica",
        "## Practice makes perfect",
        "## Your turn!",
        "## ✏️ Reto",
    ],
)
def test_the_first_cell_below_the_heading_of_an_exercise_is_a_hint(run: Run, course: Path, heading: str) -> None:
    write(course / "lesson_03.ipynb", code("a"), markdown(heading), markdown("Write."), code(""), code("print()"))
    assert found(run) == (0, [("untagged-exercise", "hint", 3)])


def test_where_a_cell_below_the_heading_is_tagged_nothing_is_missing(run: Run, course: Path) -> None:
    write(course / "lesson_03.ipynb", markdown("## Exercise 1"), code("data = 1"), code("x", ONE))
    assert found(run) == (0, [])


@pytest.mark.parametrize(
    "cell",
    [
        *(
            code("raised = 'NotImplementedError'"),
            code("todo = []"),
            code("exercise = 1"),
            markdown("# TODO"),
            code(""),
        ),
        *(
            code("x = 5  # the solution of the equation"),
            code("# END SOLUTION"),
            code("print('#todo')"),
            code("!pip install x"),
        ),
        *(code("url = 'http://your/code/here'"), code("# El código siguiente dibuja"), code("%matplotlib inline")),
    ],
)
def test_what_only_sounds_like_an_exercise_is_none(run: Run, course: Path, cell: dict[str, Any]) -> None:
    write(course / "lesson_03.ipynb", markdown("# About exercises\n\n```\n## Exercise 1\n```"), cell)
    assert found(run) == (0, [])


def test_a_miswritten_tag_is_an_error_once_and_no_hint_besides(run: Run, course: Path) -> None:
    write(course / "lesson_03.ipynb", code("# YOUR CODE HERE", "lesson-03-exercise-1"))
    assert found(run) == (1, [("prefix", "error", 0)])


def fixed(run: Run, *words: str) -> tuple[int, str]:
    outcome = run("check", "--fix", *words)
    return outcome.code, outcome.out


def test_fix_puts_case_underscores_prefixes_lessons_and_copies_right(run: Run, course: Path) -> None:
    path = write(
        course / "lesson_03.ipynb",
        code("a", "slow", "assignment:Lesson_03_Exercise_1"),
        code("b", "lesson-03-exercise-2"),
        code("c", "Assignment: Lesson_02_Exercise_7"),
        code("d", TWO.replace("2", "5")),
        code("d", TWO.replace("2", "5")),
        code("e", "assignment:Lección_03"),
    )
    result, out = fixed(run)
    assert tags(path) == [
        ["slow", ONE],
        [TWO],
        ["assignment:lesson-03-exercise-7"],
        ["assignment:lesson-03-exercise-5"],
        ["assignment:lesson-03-exercise-6"],
        ["assignment:leccion-03"],
    ]
    # The last names no exercise: that is its author's to say.
    assert (result, "Errors: 1. Hints: 0." in out) == (1, True)
    assert "cell 0 (id c0): assignment:Lesson_03_Exercise_1 -> assignment:lesson-03-exercise-1" in out


def test_fix_gives_the_right_form_to_the_original_and_numbers_to_its_copies(run: Run, course: Path) -> None:
    bad = "assignment:Lesson_03_Exercise_1"
    path = write(
        course / "lesson_03.ipynb",
        *(markdown("text", bad), markdown("## Exercise 2"), code("copy", bad)),
        *(markdown("## Exercise 1"), code("original", bad)),
    )
    assert fixed(run)[0] == 1  # the text's tag is its author's to move or remove
    assert tags(path) == [[bad], [], [TWO], [], [ONE]]


def test_fix_never_takes_a_right_tag_from_its_cell(run: Run, course: Path) -> None:
    path = write(course / "lesson_03.ipynb", code("a", "assignment:Lesson_03_Exercise_1"), code("b", ONE))
    result, _out = fixed(run)
    assert (result, tags(path)) == (1, [["assignment:Lesson_03_Exercise_1"], [ONE]])


def test_fix_leaves_the_copy_in_another_notebook_to_its_author(run: Run, course: Path) -> None:
    write(course / "lesson_03.ipynb", code("a", ONE))
    copy = write(course / "lesson_03-Copy1.ipynb", code("a", ONE))
    before = copy.read_bytes()
    assert fixed(run)[0] == 1
    assert copy.read_bytes() == before


def test_fix_moves_a_cell_copied_from_another_lesson_to_its_own(run: Run, course: Path) -> None:
    write(course / "lesson_03.ipynb", code("a", ONE))
    path = write(course / "lesson_04.ipynb", code("a", ONE), code("b", "assignment:lesson-04-exercise-1"))
    assert fixed(run)[0] == 0
    assert tags(path) == [["assignment:lesson-04-exercise-2"], ["assignment:lesson-04-exercise-1"]]


def test_fix_twice_changes_nothing_more(run: Run, course: Path) -> None:
    path = write(course / "lesson_03.ipynb", code("a", "lesson_03_exercise_1"), code("b", "lesson_03_exercise_1"))
    assert fixed(run)[0] == 1  # both would get the same name: the second is left
    after = path.read_bytes()
    fixed(run)
    assert path.read_bytes() == after
    assert tags(path) == [[ONE], ["lesson_03_exercise_1"]]


def test_fix_as_a_dry_run_shows_the_diff_and_writes_nothing(run: Run, course: Path) -> None:
    path = write(course / "lesson_03.ipynb", code("a", "assignment:lesson_03_exercise_1"))
    before = path.read_bytes()
    result, out = fixed(run, "--dry-run")
    assert '-     "assignment:lesson_03_exercise_1"\n+     "assignment:lesson-03-exercise-1"' in out
    assert "Nothing was written." in out
    assert (result, path.read_bytes()) == (1, before)


def test_fix_with_a_report_for_programs_leaves_the_report_readable(run: Run, course: Path) -> None:
    write(course / "lesson_03.ipynb", code("a", "assignment:lesson_03_exercise_1"))
    outcome = run("check", "--fix", "--format", "json")
    assert json.loads(outcome.out)["findings"] == []
    assert "->" in outcome.err


def test_the_text_names_file_and_line(run: Run, course: Path) -> None:
    path = write(course / "lesson_03.ipynb", code("a"), code("b", "assignment:X"))
    line = [number for number, text in enumerate(path.read_text().splitlines(), 1) if text == "  {"][1]
    assert f"lesson_03.ipynb:{line}: error: 'assignment:X' is not in kebab-case" in run("check").out


def test_annotations_for_github_escape_what_they_must(run: Run, course: Path) -> None:
    write(course / "a,b: 100%.ipynb", code("a", "assignment:50%\nx"), code("# TODO"))
    first, second = run("check", "--format", "github").out.splitlines()
    assert first.startswith("::error file=a%2Cb%3A 100%25.ipynb,line=")
    assert "title=url-safe::'assignment:50%25\\nx' can't stand in a URL" in first
    assert second.startswith("::notice file=")


def test_hidden_folders_checkpoints_and_excluded_notebooks_are_skipped(run: Run, course: Path) -> None:
    bad = code("x", "assignment:X")
    for name in (".ipynb_checkpoints/lesson_03-checkpoint.ipynb", ".git/x.ipynb", "old/y.ipynb", "z_solution.ipynb"):
        write(course / name, bad)
    write(course / "lesson_03.ipynb", code("x", ONE))
    assert found(run, ".", "--exclude", "old/*", "--exclude", "*_solution.ipynb") == (0, [])
    assert [rule for rule, _grave, _cell in found(run, "**/*.ipynb")[1]] == ["kebab-case", "kebab-case", "unique"]


def test_a_place_without_notebooks_is_refused(run: Run, course: Path) -> None:
    for place in (".", "none", "*.ipynb"):
        outcome = run("check", place)
        assert (outcome.code, "there is no notebook" in outcome.err) == (1, True)


def test_five_hundred_notebooks_are_checked_in_one_run(course: Path) -> None:
    for number in range(500):
        write(
            course / f"lesson_{number:03d}.ipynb",
            *(code(f"print({one})\n" * 20, f"assignment:lesson-{number:03d}-exercise-{one}") for one in range(8)),
        )
    command = [sys.executable, "-m", "jupyter_learntrace.authoring", "check", "."]
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "Notebooks: 500. Errors: 0. Hints: 0.\n")
