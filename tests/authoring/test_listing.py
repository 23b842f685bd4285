"""`list`, and the titles that notebooks give."""

import json
from pathlib import Path
from typing import Any

import pytest
from jupyter_learntrace.authoring.course.titles import assignment_title, first_comment, headings_of, title_of
from jupyter_learntrace.authoring.notebook_text.document import Cell, read_document

from tests.authoring.conftest import Run, code, markdown, write
from tests.authoring.varied import VARIED

ONE, TWO = "assignment:lesson-06a-exercise-1", "assignment:lesson-06a-exercise-2"


@pytest.fixture
def lessons(course: Path) -> None:
    write(course / "lesson_06a.ipynb", markdown("# Functions"), code("a", ONE), code("b"), code("c", "slow", TWO))
    write(course / "lesson_10.ipynb", code("x"))
    write(
        course / "lesson_03.ipynb",
        markdown("# Loops\n\n## Exercise 1: count"),
        code("x", "assignment:lesson-03-exercise-1"),
    )


def test_the_table(run: Run, lessons: None) -> None:
    outcome = run("list")
    assert outcome.code == 0
    assert outcome.out == (
        "Notebook          Tagged cells  Tags\n"
        "lesson_03.ipynb   1             lesson-03-exercise-1\n"
        "lesson_06a.ipynb  1, 3          lesson-06a-exercise-1, lesson-06a-exercise-2\n"
        "lesson_10.ipynb   -             -\n"
        "\n"
        "Notebooks: 3. Assignments: 3. Cells count from 0.\n"
    )
    assert run("list", "--dry-run").out == outcome.out


def test_markdown_for_a_readme(run: Run, lessons: None) -> None:
    assert run("list", "lesson_0*.ipynb", "--format", "markdown").out == (
        "| Notebook | Tagged cells | Tags |\n"
        "| --- | --- | --- |\n"
        "| lesson_03.ipynb | 1 | `assignment:lesson-03-exercise-1` |\n"
        "| lesson_06a.ipynb | 1, 3 | `assignment:lesson-06a-exercise-1`<br>`assignment:lesson-06a-exercise-2` |\n"
    )


def test_json_holds_everything(run: Run, lessons: None) -> None:
    listed = json.loads(run("list", "lesson_06a.ipynb", "lesson_03.ipynb", "--format", "json").out)
    assert [one["notebook"] for one in listed] == ["lesson_03.ipynb", "lesson_06a.ipynb"]
    assert listed[0]["title"] == "Loops"
    assert listed[0]["cells"] == [
        {
            "index": 1,
            "id": "c1",
            "assignment": "assignment:lesson-03-exercise-1",
            "tags": ["assignment:lesson-03-exercise-1"],
            "title": "Exercise 1: count",
        }
    ]
    assert listed[1]["cells"][1]["tags"] == ["slow", TWO]


def test_csv_names_cells_so_that_they_are_found_again(run: Run, course: Path) -> None:
    write(course / "a.ipynb", {**code("x", "assignment:a"), "id": "123"}, {**code("y", "assignment:b"), "id": "abc"})
    write(course / "b.ipynb", code("z", "assignment:c"), ids=False)
    write(course / "c.ipynb", {**code("x", "assignment:d"), "id": "q"}, {**code("y"), "id": "q"})
    assert run("list", "--format", "csv").out == (
        "notebook,cell,tag\n"
        "a.ipynb,id:123,assignment:a\na.ipynb,abc,assignment:b\nb.ipynb,0,assignment:c\nc.ipynb,0,assignment:d\n"
    )


def test_what_cannot_be_read_is_told_after_the_list(run: Run, lessons: None, course: Path) -> None:
    (course / "broken.ipynb").write_text("{")
    outcome = run("list")
    assert outcome.code == 1
    assert "lesson_10.ipynb" in outcome.out
    assert "broken.ipynb:1:2: the file ends too early" in outcome.err


def test_every_notebook_of_the_varied_set_can_be_listed(run: Run, course: Path) -> None:
    for number, stored in enumerate(VARIED.values()):
        (course / f"lesson_{number}.ipynb").write_bytes(stored)
    assert f"Notebooks: {len(VARIED)}. Assignments: 0." in run("list").out


def cell_of(tmp_path: Path, cell: dict[str, Any]) -> Cell:
    return read_document(write(tmp_path / "x.ipynb", cell)).cells[0]


@pytest.mark.parametrize(
    ("source", "headings"),
    [
        ("# One\n\ntext\n### Three ###", [(1, "One"), (3, "Three")]),
        ("Under\n=====\n\nlines\n---", [(1, "Under"), (2, "lines")]),
        ("# **Bold** and `code` and [link](http://x)", [(1, "Bold and code and link")]),
        ('# <a id="x"></a>Title', [(1, "Title")]),
        ("```\n# no heading\n```\n#no heading either\n    # nor code", []),
        ("- item\n- item", []),
        ("a * b * c is no markup\n===", [(1, "a * b * c is no markup")]),
    ],
)
def test_headings(tmp_path: Path, source: str, headings: list[tuple[int, str]]) -> None:
    assert headings_of(cell_of(tmp_path, markdown(source))) == headings


@pytest.mark.parametrize(
    ("source", "comment"),
    [
        ("# Area of a circle\nx", "Area of a circle"),
        ("#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n%matplotlib inline\n# ---\n# Real one", "Real one"),
        ("# YOUR CODE HERE\n# TODO\nx = 1  # behind code", ""),
        ("// en otro lenguaje", "en otro lenguaje"),
        ("x = 1", ""),
    ],
)
def test_the_first_comment(tmp_path: Path, source: str, comment: str) -> None:
    assert first_comment(cell_of(tmp_path, code(source))) == comment


def test_titles_of_notebook_and_assignments(tmp_path: Path) -> None:
    path = write(
        tmp_path / "lesson_03.ipynb",
        *(code("setup"), markdown("text"), markdown("# Loops")),
        code("# Warm-up\nx", "assignment:lesson-03-exercise-1"),
        *(markdown("## Exercise 2: sum"), code("data"), code("# not this\ny", "assignment:lesson-03-exercise-2")),
        code("# Still the sum\nz", "assignment:lesson-03-exercise-3"),
        code("z", "assignment:lesson-03-exercise-4"),
    )
    document = read_document(path)
    assert title_of(document) == "Loops"
    titles = [assignment_title(document, cell, cell.tags.assignment) for cell in document.cells if cell.tags.assignment]
    assert titles == ["Warm-up", "Exercise 2: sum", "Still the sum", "Lesson 03 exercise 4"]
    assert title_of(read_document(write(tmp_path / "no_heading.ipynb", code("x")))) == "no_heading"
