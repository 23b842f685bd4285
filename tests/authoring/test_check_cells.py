"""Check cells: tagged, listed, checked and published; the tests of nbgrader and otter are offered as such."""

import json
from pathlib import Path

import pytest
from jupyter_learntrace.authoring.notebook_text.document import read_document
from jupyter_learntrace.authoring.publishing.publish import make_publications

from tests.authoring.conftest import Run, code, markdown, tags, write

ONE, TWO = "assignment:lesson-03-exercise-1", "assignment:lesson-03-exercise-2"
CHECKS_ONE, CHECKS_TWO = "check:lesson-03-exercise-1", "check:lesson-03-exercise-2"
TEST = {"grade": True, "solution": False, "grade_id": "test_area", "locked": True, "points": 2, "schema_version": 3}


@pytest.fixture
def lesson(course: Path) -> Path:
    return write(
        course / "lesson_03.ipynb",
        markdown("# Loops"),
        code("def area(r):\n    ...", ONE),
        code("assert area(1) > 3"),
        code("total = 0", TWO),
        code("assert total == 3"),
    )


@pytest.mark.parametrize("tag", ["lesson-03-exercise-1", ONE, CHECKS_ONE])
def test_a_check_cell_is_tagged_by_the_assignment_that_it_checks(run: Run, lesson: Path, tag: str) -> None:
    outcome = run("tag", lesson, "--cell", "2", "--tag", tag, "--check")
    assert (outcome.code, outcome.err) == (0, "")
    assert tags(lesson) == [[], [ONE], [CHECKS_ONE], [TWO], []]
    assert run("check").out == "Notebooks: 1. Errors: 0. Hints: 0.\n"
    assert "Nothing to change." in run("tag", lesson, "--cell", "2", "--tag", tag, "--check").out


def test_a_list_takes_and_gives_check_cells(run: Run, lesson: Path, course: Path) -> None:
    (course / "course.csv").write_text(
        f"notebook,cell,tag\nlesson_03.ipynb,2,{CHECKS_ONE}\nlesson_03.ipynb,4,{CHECKS_TWO}\n"
    )
    assert run("tag", "--from", "course.csv").code == 0
    assert tags(lesson)[2::2] == [[CHECKS_ONE], [CHECKS_TWO]]
    listed = run("list", "--format", "csv").out
    assert [line.rpartition(",")[2] for line in listed.splitlines()[1:]] == [ONE, CHECKS_ONE, TWO, CHECKS_TWO]
    (notebook,) = json.loads(run("list", "--format", "json").out)
    assert [(one["assignment"], one["check"]) for one in notebook["cells"]] == [(ONE, 2), (TWO, 4)]
    assert "1, 2, 3, 4" in run("list").out
    assert run("untag", "--from", "course.csv").code == 0
    assert tags(lesson)[2::2] == [[], []]


def test_an_assignment_and_its_check_cell_are_tagged_at_once(run: Run, course: Path) -> None:
    path = write(course / "lesson_03.ipynb", code("x"), code("assert x"))
    words = ("--cell", "1", "--tag", CHECKS_ONE, "--cell", "0", "--tag", ONE)
    assert run("tag", path, *words).code == 0
    assert tags(path) == [[ONE], [CHECKS_ONE]]
    assert run("untag", path, "--cell", "1").code == 0
    assert tags(path) == [[ONE], []]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("2", "lesson-03-exercise-9"), "checks an assignment that the notebook doesn't have: no cell has the tag"),
        (("1", "lesson-03-exercise-2"), f"has the tag {ONE}: a cell is either an exercise or the check of one"),
        (("0", "lesson-03-exercise-1"), "is a markdown cell; only code cells can be tagged"),
        (("2", "Lesson_03"), "Perhaps check:lesson-03?"),
    ],
)
def test_what_can_be_no_check_cell_is_refused_and_nothing_changes(
    run: Run, lesson: Path, words: tuple[str, str], sentence: str
) -> None:
    before = lesson.read_bytes()
    outcome = run("tag", lesson, "--cell", words[0], "--tag", words[1], "--check")
    assert outcome.code == 1
    assert sentence in outcome.err
    assert lesson.read_bytes() == before


def test_a_second_check_cell_of_an_assignment_is_refused(run: Run, lesson: Path) -> None:
    run("tag", lesson, "--cell", "2", "--tag", "lesson-03-exercise-1", "--check")
    before = lesson.read_bytes()
    outcome = run("tag", lesson, "--cell", "4", "--tag", "lesson-03-exercise-1", "--check")
    assert outcome.code == 1
    assert f"{CHECKS_ONE} is already on cell 2 (id c2)" in outcome.err
    assert lesson.read_bytes() == before
    assert "a cell is either an exercise or the check of one" in run("tag", lesson, "--cell", "2", "--tag", TWO).err


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ([code("x", ONE), code("y", CHECKS_TWO)], "check-without-assignment"),
        ([code("x", ONE), code("y", CHECKS_ONE), code("z", CHECKS_ONE)], "several-checks"),
        ([code("x", ONE, CHECKS_ONE)], "check-and-work"),
        ([code("x", ONE), code("y", "check:")], "empty"),
        ([code("x", ONE), code("y", "check:Lesson-03")], "kebab-case"),
        ([code("x", ONE), markdown("y", CHECKS_ONE)], "only-code"),
    ],
)
def test_check_finds_each_mistake_and_publish_refuses_it(
    run: Run, course: Path, cells: list[dict[str, object]], rule: str
) -> None:
    write(course / "lesson_03.ipynb", *cells)
    report = json.loads(run("check", "--format", "json").out)
    assert [(one["rule"], one["severity"]) for one in report["findings"]] == [(rule, "error")]
    outcome = run("publish", "--url", "http://localhost:9", "--academy", "1")
    assert outcome.code == 1
    assert "Nothing was published" in outcome.err


def test_tests_of_nbgrader_and_otter_are_offered_and_written_when_the_author_agrees(run: Run, course: Path) -> None:
    path = write(
        course / "lesson_03.ipynb",
        code("import otter\ngrader = otter.Notebook()"),
        code("grader.check('q0')"),
        code("def area(r):\n    ### BEGIN SOLUTION", ONE, nbgrader={"grade": False, "solution": True}),
        code("assert area(1) > 3", nbgrader=TEST),
        code("assert area(2) > 3", nbgrader=TEST | {"grade_id": "more"}),
        code("total = 0", TWO, nbgrader={"grade": True, "solution": True}),
        code('grader.check("q1")'),
    )
    before = path.read_bytes()
    told = run("tag", path, "--from-nbgrader")
    assert (told.code, path.read_bytes()) == (1, before)
    assert "cell 1 (id c1): otter's check \"grader.check('q0')\": no cell above it is tagged" in told.out
    assert f"cell 3 (id c3): nbgrader's test 'test_area': + {CHECKS_ONE}" in told.out
    assert f"cell 4 (id c4): nbgrader's test 'more': cell 3 (id c3) already checks {ONE}" in told.out
    assert "--yes" in told.err
    assert run("tag", path, "--from-nbgrader", "--dry-run").code == 0
    assert path.read_bytes() == before
    assert run("tag", course, "--from-nbgrader", "--yes").code == 0
    assert tags(path) == [[], [], [ONE], [CHECKS_ONE], [], [TWO], [CHECKS_TWO]]
    assert "Nothing to change." in run("tag", path, "--from-nbgrader", "--yes").out


def test_what_is_offered_takes_no_cells_and_no_tags(run: Run, lesson: Path) -> None:
    outcome = run("tag", lesson, "--from-nbgrader", "--cell", "2", "--tag", "x")
    assert outcome.code == 2
    assert "--from-nbgrader takes a notebook or a folder" in outcome.err


def test_published_assignments_say_that_a_cell_checks_them(run: Run, lesson: Path) -> None:
    run("tag", lesson, "--cell", "4", "--tag", "lesson-03-exercise-2", "--check")
    (made,) = make_publications([read_document(lesson)], lesson.parent, slug=None, title=None, lang=None)
    assert [(one["tag"], one.get("check")) for one in made.body["assignments"]] == [(ONE, None), (TWO, True)]
