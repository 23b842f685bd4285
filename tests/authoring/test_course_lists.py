"""A whole course from a list: CSV or YAML, all or nothing, and mistakes with their line."""

import os
import threading
from pathlib import Path

import pytest
from jupyter_learntrace.authoring.course.course_list import Row, read_course_list
from jupyter_learntrace.authoring.errors import Refusals
from jupyter_learntrace.authoring.notebook_text.file_replacement import Replacement, replace_files

from tests.authoring.conftest import Run, code, markdown, tags, write

CSV = """notebook,cell,tag
lesson_03.ipynb,c1,lesson-03-exercise-1
more/lesson_06a.ipynb,0,lesson-06a-exercise-1
more/lesson_06a.ipynb,"def b(x, y)",assignment:lesson-06a-exercise-2
"""
OTHER_COLUMNS = """tag,notebook,cell,remark
lesson-03-exercise-1,lesson_03.ipynb,1,easy
lesson-06a-exercise-1,more/lesson_06a.ipynb,0
lesson-06a-exercise-2,more/lesson_06a.ipynb,c1,
"""
YAML_ROWS = """# which cell gets which tag
- {notebook: lesson_03.ipynb, cell: c1, tag: lesson-03-exercise-1}
- notebook: more/lesson_06a.ipynb
  cell: 0
  tag: lesson-06a-exercise-1
- {notebook: more/lesson_06a.ipynb, cell: "def b(x, y)", tag: "assignment:lesson-06a-exercise-2"}
"""
YAML_NOTEBOOKS = """
lesson_03.ipynb:
  - {cell: c1, tag: lesson-03-exercise-1}
more/lesson_06a.ipynb:
  - {cell: 0, tag: lesson-06a-exercise-1}
  - {cell: "def b(x, y)", tag: lesson-06a-exercise-2}
"""


@pytest.fixture
def lessons(course: Path) -> tuple[Path, ...]:
    return (
        write(course / "lesson_03.ipynb", markdown("# 3"), code("x")),
        write(course / "more" / "lesson_06a.ipynb", code("def a(): ..."), code("def b(x, y): ...")),
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("course.csv", CSV),
        ("course.csv", CSV.replace(",", ";").replace("x; y", "x, y").replace("\n", "\r\n")),
        ("course.csv", "\ufeff" + CSV + "\n,,\n"),
        ("course.csv", OTHER_COLUMNS),
        ("course.yaml", YAML_ROWS),
        ("course.yml", YAML_NOTEBOOKS),
    ],
)
def test_a_course_is_tagged_and_untagged_from_its_list(
    run: Run, course: Path, lessons: tuple[Path, ...], name: str, text: str
) -> None:
    before = [path.read_bytes() for path in lessons]
    (course / name).write_text(text, encoding="utf-8", newline="")
    outcome = run("tag", "--from", name)
    assert (outcome.code, outcome.err) == (0, "")
    assert tags(lessons[0]) == [[], ["assignment:lesson-03-exercise-1"]]
    assert tags(lessons[1]) == [["assignment:lesson-06a-exercise-1"], ["assignment:lesson-06a-exercise-2"]]
    assert run("tag", "--from", name).out == "Nothing to change.\n"
    assert run("untag", "--from", name).code == 0
    assert [path.read_bytes() for path in lessons] == before


def test_notebooks_are_looked_for_from_the_lists_folder_then_from_here(
    run: Run, course: Path, lessons: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    (course / "course.csv").write_text(CSV)
    monkeypatch.chdir(course.parent)
    assert run("tag", "--from", "course/course.csv").code == 0
    run("untag", "--from", "course/course.csv")
    listed = CSV.replace("lesson_03", "course/lesson_03").replace("more/", "course/more/")
    (course / "lists").mkdir()
    (course / "lists" / "course.csv").write_text(listed)
    assert run("tag", "--from", "course/lists/course.csv").code == 0
    assert tags(lessons[0])[1]


def test_what_list_exports_tags_the_same_cells_again(run: Run, course: Path, lessons: tuple[Path, ...]) -> None:
    (course / "course.csv").write_text(CSV)
    run("tag", "--from", "course.csv")
    tagged = [path.read_bytes() for path in lessons]
    (course / "exported.csv").write_text(run("list", ".", "--format", "csv").out)
    assert run("untag", "--from", "exported.csv").code == 0
    assert run("tag", "--from", "exported.csv").code == 0
    assert [path.read_bytes() for path in lessons] == tagged


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("c.csv", "", "c.csv:1: the first line must name the columns notebook, cell, tag, each once"),
        ("c.csv", "notebook,cell\nx,1\n", "c.csv:1: the first line must name the columns"),
        ("c.csv", "notebook,cell,tag,tag\n", "c.csv:1: the first line must name the columns"),
        ("c.csv", "notebook,cell,tag\n", "c.csv: the list is empty"),
        ("c.csv", "notebook,cell,tag\nx.ipynb,1,a\n\ny.ipynb,,b\n", "c.csv:4: `cell` is missing"),
        ("c.csv", "notebook,cell,tag\nx.ipynb,1,a,b\n", "c.csv:2: 4 columns, but the first line names 3"),
        ("c.csv", 'notebook,cell,tag\nx.ipynb,"1"x,a\n', "c.csv:2: this isn't CSV"),
        ("c.yaml", "", "c.yaml: the list is empty"),
        ("c.yaml", "a: [", "c.yaml:1: this isn't YAML"),
        ("c.yaml", "- {a: 1}\n- : {", "this isn't YAML"),
        ("c.yaml", "\n\x01", "c.yaml:2: this isn't YAML"),
        ("c.yaml", "just a text", "c.yaml:1: expected a list"),
        ("c.yaml", "- text\n", "c.yaml:1: expected `{notebook: ..., cell: ..., tag: ...}`"),
        ("c.yaml", "x.ipynb: 3\n", "c.yaml:1: expected a list"),
        ("c.yaml", "- notebook: x\n  sell: 1\n", "c.yaml:2: unknown key `sell`; known are notebook, cell, tag"),
        ("c.yaml", "- notebook: x\n  cell: [1]\n", "c.yaml:2: expected a text or a number"),
        ("c.yaml", "- notebook: x\n  cell: 1\n  cell: 2\n", "c.yaml:3: `cell` appears here twice"),
        ("c.yaml", "x.ipynb:\n  - {cell: 1}\n", "c.yaml:2: `tag` is missing"),
    ],
)
def test_a_list_that_is_none_names_the_line(run: Run, course: Path, name: str, text: str, told: str) -> None:
    (course / name).write_text(text)
    outcome = run("tag", "--from", name)
    assert (outcome.code, told in outcome.err) == (1, True), outcome.err


def test_numbers_in_yaml_are_taken_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("- {notebook: 01, cell: 010, tag: 1e3}\n")
    assert read_course_list(tmp_path / "c.yaml") == [Row(1, "01", "010", "1e3")]


def test_a_list_that_is_no_utf8_or_not_there(run: Run, course: Path) -> None:
    (course / "c.csv").write_bytes("notebook,cell,tag\nlecci\xf3n.ipynb,1,a\n".encode("latin-1"))
    assert "c.csv:2: the list isn't UTF-8 text" in run("tag", "--from", "c.csv").err
    assert "none.csv: it can't be read" in run("tag", "--from", "none.csv").err


def test_one_bad_row_and_no_notebook_is_changed(run: Run, course: Path, lessons: tuple[Path, ...]) -> None:
    before = [path.read_bytes() for path in lessons]
    (course / "c.csv").write_text(CSV + "more/lesson_06a.ipynb,99,lesson-06a-exercise-3\nnone.ipynb,0,a\n")
    outcome = run("tag", "--from", "c.csv")
    assert outcome.code == 1
    assert "c.csv:5: more/lesson_06a.ipynb: there is no cell 99" in outcome.err
    assert "none.ipynb: there is no such file" in outcome.err
    assert [path.read_bytes() for path in lessons] == before


def test_one_notebook_that_cannot_be_written_and_none_is_changed(
    run: Run, course: Path, lessons: tuple[Path, ...]
) -> None:
    before = [path.read_bytes() for path in lessons]
    (course / "c.csv").write_text(CSV)
    lessons[1].chmod(0o444)
    outcome = run("tag", "--from", "c.csv")
    assert (outcome.code, "lesson_06a.ipynb: the file is read-only" in outcome.err) == (1, True)
    assert [path.read_bytes() for path in lessons] == before
    assert os.listdir(course / "more") == ["lesson_06a.ipynb"]


def test_a_file_that_somebody_else_changes_meanwhile_is_left_and_the_others_are_taken_back(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_bytes(b"old")
    with pytest.raises(Refusals, match="b: somebody changed the file in the meantime"):
        replace_files([Replacement(paths[0], b"old", b"new"), Replacement(paths[1], b"older", b"new")])
    assert [path.read_bytes() for path in paths] == [b"old", b"old"]
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_a_reader_meets_the_old_file_or_the_new_and_no_half(tmp_path: Path) -> None:
    path = tmp_path / "x"
    contents = [bytes([letter]) * 400_000 for letter in b"ab"]
    path.write_bytes(contents[0])
    stop = threading.Event()
    seen: list[bytes] = []

    def read() -> None:
        while not stop.is_set():
            seen.append(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(20):
            replace_files([Replacement(path, contents[number % 2], contents[1 - number % 2])])
    finally:
        stop.set()
        reader.join()
    assert seen
    assert set(seen) <= set(contents)


def test_a_disk_that_is_full_leaves_all_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_bytes(b"old")
    real, calls = os.fsync, iter([None, OSError(28, "the disk is full")])

    def fsync(descriptor: int) -> None:
        if error := next(calls, None):
            raise error
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(Refusals, match="b: it can't be written: the disk is full"):
        replace_files([Replacement(path, b"old", b"new") for path in paths])
    assert [path.read_bytes() for path in paths] == [b"old", b"old"]
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]
