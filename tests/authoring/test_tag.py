"""`tag` and `untag`: which cell is meant, what is refused, and that a refusal changes nothing."""

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.authoring.conftest import Run, code, markdown, tags, write

ONE, TWO = "assignment:lesson-03-exercise-1", "assignment:lesson-03-exercise-2"


@pytest.fixture
def lesson(course: Path) -> Path:
    return write(
        course / "lesson_03.ipynb",
        markdown("# Loops\n\ndef in a text"),
        code("print(1)"),
        code("def area(r):\n    return 3 * r * r"),
        code("total = 0\nfor n in range(3):\n    total += n", "slow"),
        markdown("the end"),
    )


@pytest.mark.parametrize(
    ("cell", "index"),
    [
        ("2", 2),
        ("index:2", 2),
        ("c2", 2),
        ("id:c2", 2),
        ("def area(", 2),  # no regular expression, but a text
        ("source:area", 2),
        (r"^total\b", 3),
        ("for n in .*:$", 3),
        ("def ", 2),  # stands in a text, too: code cells come first
        (r"def\s", 2),
    ],
)
def test_a_cell_by_index_id_or_pattern(run: Run, lesson: Path, cell: str, index: int) -> None:
    outcome = run("tag", lesson, "--cell", cell, "--tag", "lesson-03-exercise-1")
    assert (outcome.code, outcome.err) == (0, "")
    assert f"cell {index} (id c{index}): + {ONE}" in outcome.out
    assert tags(lesson)[index][-1] == ONE
    assert sum(ONE in one for one in tags(lesson)) == 1


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("0", "cell 0 (id c0) is a markdown cell; only code cells can be tagged"),
        ("the end", "cell 4 (id c4) is a markdown cell"),
        ("5", "there is no cell 5: the notebook has 5, counted from 0"),
        ("index:x", "'x' isn't the index of a cell"),
        ("index:-1", "'-1' isn't the index of a cell"),
        ("id:c9", "no cell has the id 'c9'"),
        ("nowhere", "no cell has the id or holds the text 'nowhere'"),
        ("source:c2", "no cell has the id or holds the text 'c2'"),
        ("[", "no cell has the id or holds the text '['"),
        ("r", "'r' matches several cells: 1, 2, 3; name one by its index"),
        (" ", "an empty text names no cell"),
    ],
)
def test_a_cell_that_is_not_the_one_is_refused(run: Run, lesson: Path, cell: str, words: str) -> None:
    before = lesson.read_bytes()
    outcome = run("tag", lesson, "--cell", cell, "--tag", "lesson-03-exercise-1")
    assert outcome.code == 1
    assert words in outcome.err
    assert str(lesson) in outcome.err
    assert "Nothing was changed." in outcome.err
    assert lesson.read_bytes() == before


def test_digits_that_are_an_index_and_another_cells_id(run: Run, course: Path) -> None:
    path = write(course / "x.ipynb", code("a"), code("b"), {**code("c"), "id": "1"})
    assert "index:1 or id:1" in run("tag", path, "--cell", "1", "--tag", "t").err
    assert run("tag", path, "--cell", "id:1", "--tag", "t").code == 0
    assert tags(path) == [[], [], ["assignment:t"]]


def test_the_id_of_digits_alone(run: Run, course: Path) -> None:
    path = write(course / "x.ipynb", code("a"), {**code("b"), "id": "12345678"})
    assert run("tag", path, "--cell", "12345678", "--tag", "t").code == 0
    assert tags(path) == [[], ["assignment:t"]]


def test_a_notebook_whose_cells_have_no_ids(run: Run, course: Path) -> None:
    path = write(course / "x.ipynb", code("a"), ids=False)
    outcome = run("tag", path, "--cell", "0", "--tag", "t")
    assert outcome.out == "x.ipynb: cell 0: + assignment:t\n".replace("x.ipynb", str(path))


@pytest.mark.parametrize("written", ["lesson-03-exercise-1", ONE])
def test_the_tag_with_or_without_its_prefix(run: Run, lesson: Path, written: str) -> None:
    run("tag", lesson, "--cell", "2", "--tag", written)
    assert tags(lesson)[2] == [ONE]
    assert run("untag", lesson, "--cell", "2", "--tag", written).code == 0
    assert tags(lesson)[2] == []


@pytest.mark.parametrize(
    ("written", "proposal"),
    [
        ("Lesson_03_Exercise_1", ONE),
        ("lesson 03 exercise 1", ONE),
        ("lección-03", "assignment:leccion-03"),
        ("assignment:", ""),
        ("-a-", "assignment:a"),
        ("a--b", "assignment:a-b"),
        ("ñ/é", "assignment:n-e"),
        ("日本", ""),
    ],
)
def test_a_tag_that_is_none_is_refused_with_a_proposal(run: Run, lesson: Path, written: str, proposal: str) -> None:
    outcome = run("tag", lesson, "--cell", "2", f"--tag={written}")
    assert outcome.code == 1
    assert "isn't a tag: after `assignment:` come a-z, 0-9 and single hyphens" in outcome.err
    assert (f"Perhaps {proposal}?" in outcome.err) == bool(proposal)


def test_several_at_once(run: Run, lesson: Path) -> None:
    assert run("tag", lesson, "-c", "2", "-t", "lesson-03-exercise-1", "-c", "c3", "-t", TWO).code == 0
    assert tags(lesson) == [[], [], [ONE], ["slow", TWO], []]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["lesson_03.ipynb"],
        ["lesson_03.ipynb", "--cell", "2"],
        ["lesson_03.ipynb", "--tag", "a"],
        ["lesson_03.ipynb", "--cell", "1", "--cell", "2", "--tag", "a"],
        ["lesson_03.ipynb", "--from", "x.csv"],
        ["--from", "x.csv", "--cell", "1"],
        ["lesson_03.ipynb", "--unknown"],
    ],
)
def test_wrong_usage_is_told_with_the_usage(run: Run, lesson: Path, words: list[str]) -> None:
    outcome = run("tag", *words)
    assert outcome.code == 2
    assert outcome.err.startswith("usage: jupyter assignments")
    assert "error: " in outcome.err


def written(path: Path) -> tuple[int, int, int]:
    """Return which file it is and when it was written; reading it changes neither."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns


def test_tagging_again_changes_nothing(run: Run, lesson: Path) -> None:
    run("tag", lesson, "--cell", "2", "--tag", ONE)
    before = written(lesson)
    outcome = run("tag", lesson, "--cell", "2", "--tag", ONE)
    assert (outcome.code, outcome.out) == (0, "Nothing to change.\n")
    assert written(lesson) == before


def test_one_tag_for_two_cells_is_refused(run: Run, lesson: Path) -> None:
    outcome = run("tag", lesson, "-c", "1", "-t", ONE, "-c", "2", "-t", ONE)
    assert f"{ONE} is already on another cell of the course: {lesson}, cell 1" in outcome.err
    run("tag", lesson, "--cell", "1", "--tag", ONE)
    outcome = run("tag", lesson, "--cell", "2", "--tag", ONE)
    assert (outcome.code, f"{ONE} is already on cell 1 (id c1)" in outcome.err) == (1, True)
    assert tags(lesson)[2] == []


def test_a_tag_of_another_notebook_of_the_course_is_refused(run: Run, lesson: Path, course: Path) -> None:
    other = write(course / "lesson_04.ipynb", code("x", ONE))
    outcome = run("tag", "lesson_03.ipynb", "--cell", "1", "--tag", ONE)
    assert outcome.code == 1
    assert f"is already on another cell of the course: {other.name}, cell 0" in outcome.err


def test_the_course_may_be_a_folder_with_all_that_is_below_it(run: Run, lesson: Path, course: Path) -> None:
    write(course / "more" / "deep" / "x.ipynb", code("x", ONE))
    assert run("tag", lesson, "--cell", "1", "--tag", ONE, "--course", course).code == 1
    assert run("tag", lesson, "--cell", "1", "--tag", ONE).code == 0


def test_a_notebook_of_the_course_that_cannot_be_read_is_told_and_hinders_nothing(
    run: Run, lesson: Path, course: Path
) -> None:
    (course / "broken.ipynb").write_text("{")
    outcome = run("tag", "lesson_03.ipynb", "--cell", "1", "--tag", ONE)
    assert outcome.code == 0
    assert "note: skipped, as it can't be read: broken.ipynb:1:2" in outcome.err


@pytest.mark.parametrize("written", ["slow", None, {"a": 1}])
def test_tags_that_are_no_list_are_told_and_left_alone(run: Run, course: Path, written: object) -> None:
    cell = code("x")
    cell["metadata"]["tags"] = written
    path = write(course / "lesson_03.ipynb", cell)
    before = path.read_bytes()
    outcome = run("tag", path, "--cell", "0", "--tag", ONE)
    assert "the `tags` of cell 0 aren't a list: correct them first" in outcome.err
    assert (outcome.code, path.read_bytes()) == (1, before)


def test_a_cell_with_an_assignment_gets_no_second_one_unless_it_is_to_be_replaced(run: Run, lesson: Path) -> None:
    run("tag", lesson, "--cell", "3", "--tag", ONE)
    outcome = run("tag", lesson, "--cell", "3", "--tag", TWO)
    assert (outcome.code, "has the tag assignment:lesson-03-exercise-1" in outcome.err) == (1, True)
    outcome = run("tag", lesson, "--cell", "3", "--tag", TWO, "--replace")
    assert (outcome.code, f"{ONE} -> {TWO}" in outcome.out) == (0, True)
    assert tags(lesson)[3] == ["slow", TWO]


def test_two_tags_for_one_cell_are_refused(run: Run, lesson: Path) -> None:
    outcome = run("tag", lesson, "-c", "1", "-t", ONE, "-c", "c1", "-t", TWO, "--replace")
    assert (outcome.code, "would get two tags" in outcome.err) == (1, True)


def test_another_lesson_than_the_notebooks_is_noted(run: Run, lesson: Path) -> None:
    outcome = run("tag", lesson, "--cell", "1", "--tag", "lesson-04-exercise-1")
    assert outcome.code == 0
    assert "doesn't name the notebook's lesson, lesson-03" in outcome.err


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_written(run: Run, lesson: Path) -> None:
    before = lesson.read_bytes()
    outcome = run("tag", lesson, "-c", "1", "-t", ONE, "-c", "0", "-t", TWO, "-c", "99", "-t", "lesson-03-exercise-3")
    assert outcome.code == 1
    assert "cell 0 (id c0) is a markdown cell" in outcome.err
    assert "there is no cell 99" in outcome.err
    assert lesson.read_bytes() == before


def test_untag_by_tag_by_cell_or_by_both(run: Run, lesson: Path) -> None:
    before = lesson.read_bytes()
    for words in (
        ["--cell", "3", "--tag", "lesson-03-exercise-1"],
        ["--tag", "lesson-03-exercise-1"],
        ["--cell", "c3"],
    ):
        run("tag", lesson, "--cell", "3", "--tag", ONE)
        outcome = run("untag", lesson, *words)
        assert (outcome.code, outcome.err) == (0, "")
        assert f"cell 3 (id c3): - {ONE}" in outcome.out
        assert lesson.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--cell", "3", "--tag", "none"], "cell 3 (id c3) has no tag assignment:none"),
        (["--tag", "none"], "no cell has the tag assignment:none"),
        (["--tag", "slow"], "no cell has the tag assignment:slow"),
        (["--cell", "1"], "cell 1 (id c1) has no assignment tag"),
    ],
)
def test_untagging_what_is_not_there_is_refused(run: Run, lesson: Path, words: list[str], told: str) -> None:
    outcome = run("untag", lesson, *words)
    assert (outcome.code, told in outcome.err) == (1, True)


@pytest.mark.parametrize("tag", ["Assignment:Lesson 3", "assignment:Lección 3", "assignment: x"])
def test_untag_removes_tags_that_tag_would_refuse(run: Run, course: Path, tag: str) -> None:
    path = write(course / "x.ipynb", code("x", "keep", tag), markdown("y", "assignment:y"))
    assert run("untag", path, "--cell", "0", "--tag", tag).code == 0
    assert run("untag", path, "--cell", "1", "--tag", "y").code == 0
    assert tags(path) == [["keep"], []]


def test_dry_run_shows_a_diff_that_patch_applies(run: Run, lesson: Path, course: Path) -> None:
    before = lesson.read_bytes()
    outcome = run("tag", "lesson_03.ipynb", "-c", "2", "-t", ONE, "-c", "3", "-t", TWO, "--dry-run")
    assert (outcome.code, lesson.read_bytes()) == (0, before)
    assert outcome.out.endswith("Nothing was written.\n")
    diff = outcome.out[outcome.out.index("--- a/lesson_03.ipynb") : outcome.out.index("Nothing was written.")]
    assert '+     "assignment:lesson-03-exercise-1"\n' in diff
    if shutil.which("git"):
        subprocess.run(["git", "apply", "-"], input=diff.encode(), cwd=course, check=True)
        assert tags(lesson)[2:4] == [[ONE], ["slow", TWO]]


def test_diff_shows_what_was_written(run: Run, lesson: Path) -> None:
    outcome = run("tag", lesson, "--cell", "2", "--tag", ONE, "--diff")
    assert '+     "assignment:lesson-03-exercise-1"' in outcome.out
    assert tags(lesson)[2] == [ONE]
    assert '-     "assignment:lesson-03-exercise-1"' in run("untag", lesson, "--cell", "2", "--diff").out


def test_the_diff_of_a_notebook_of_one_long_line_can_be_read(run: Run, course: Path) -> None:
    path = course / "long.ipynb"
    write(path, code("x" * 50_000), code("here"), code("y" * 50_000))
    path.write_text(json.dumps(json.loads(path.read_text())))
    outcome = run("tag", path, "--cell", "here", "--tag", ONE, "--dry-run")
    assert f'"tags": ["{ONE}"]' in outcome.out
    assert len(outcome.out) < 5000
    added = [line for line in outcome.out.splitlines() if line.startswith("+...")]
    assert len(added) == 1


def test_mode_and_link_stay_and_nothing_is_left_beside(run: Run, lesson: Path, course: Path) -> None:
    lesson.chmod(0o640)
    folder = course.parent / "elsewhere"
    folder.mkdir()
    link = folder / "lesson_03.ipynb"
    link.symlink_to(lesson)
    assert run("tag", link, "--cell", "2", "--tag", ONE).code == 0
    assert link.is_symlink()
    assert tags(lesson)[2] == [ONE]
    assert stat.S_IMODE(lesson.stat().st_mode) == 0o640
    assert os.listdir(course) == ["lesson_03.ipynb"]
    assert os.listdir(folder) == ["lesson_03.ipynb"]


def test_a_read_only_file_is_refused(run: Run, lesson: Path) -> None:
    lesson.chmod(0o444)
    outcome = run("tag", lesson, "--cell", "2", "--tag", ONE)
    assert (outcome.code, "the file is read-only" in outcome.err) == (1, True)
    assert tags(lesson)[2] == []


def test_files_that_cannot_be_tagged(run: Run, course: Path) -> None:
    (course / "broken.ipynb").write_text('{\n "cells": [}')
    outcome = run("tag", "broken.ipynb", "--cell", "1", "--tag", "a")
    assert (outcome.code, "broken.ipynb:2:12: this isn't JSON" in outcome.err) == (1, True)
    outcome = run("tag", "none.ipynb", "--cell", "1", "--tag", "a")
    assert (outcome.code, "none.ipynb: there is no such file" in outcome.err) == (1, True)
