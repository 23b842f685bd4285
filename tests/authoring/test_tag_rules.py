"""The rules of tags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_learntrace.tags import (
    PREFIX,
    fits_lesson,
    is_assignment,
    is_well_formed,
    kebab,
    lesson_of,
    moved_to_lesson,
    numbered,
    read_tags,
    repaired,
    stem_of,
    with_prefix,
)


@pytest.mark.parametrize(
    ("tags", "assignment", "malformed"),
    [
        (["assignment:a-1"], "assignment:a-1", []),
        (["slow", "assignment:b", "assignment:a"], "assignment:b", []),
        (["assignment:", "assignment:x_1"], "assignment:x_1", ["assignment:", "assignment:x_1"]),
        (["Assignment:x"], None, []),
        ([1, None, "assignment:a"], "assignment:a", []),
        ("assignment:a", None, []),
        (None, None, []),
        ({"assignment:a": 1}, None, []),
    ],
)
def test_the_first_with_the_prefix_counts(tags: object, assignment: str | None, malformed: list[str]) -> None:
    read = read_tags(tags)
    assert (read.assignment, read.malformed) == (assignment, malformed)


@pytest.mark.parametrize(
    ("tags", "assignment", "checks", "malformed"),
    [
        (["slow", "check:a-1"], None, "assignment:a-1", []),
        (["check:a", "assignment:b"], "assignment:b", None, []),
        (["check:", "check:b", "check:a"], None, "assignment:b", ["check:"]),
        (["check:A_1"], None, "assignment:A_1", ["check:A_1"]),
        (["Check:a", "checks:a"], None, None, []),
    ],
)
def test_a_check_cell_names_the_assignment_that_it_checks(
    tags: list[str], assignment: str | None, checks: str | None, malformed: list[str]
) -> None:
    assert read_tags(tags) == (assignment, tags, malformed, checks)


@pytest.mark.parametrize("slug", ["a", "1", "lesson-03-exercise-1", "lesson-06a-exercise-2", "lesson-01-practice-1"])
def test_kebab_case_is_well_formed(slug: str) -> None:
    assert is_well_formed(PREFIX + slug)
    assert not is_well_formed(slug)


@pytest.mark.parametrize("slug", ["", "-a", "a-", "a--b", "A", "a_b", "a b", "a/b", "ñ", "a\n", "٣", " a"])
def test_all_else_is_not(slug: str) -> None:
    assert not is_well_formed(PREFIX + slug)


@given(st.text())
def test_kebab_gives_kebab_case_or_nothing_and_leaves_it_as_it_is(text: str) -> None:
    made = kebab(text)
    assert made == "" or is_well_formed(PREFIX + made)
    assert kebab(made) == made
    assert is_assignment(with_prefix(text)) == bool(text.removeprefix(PREFIX))


@pytest.mark.parametrize(
    ("name", "slug", "lesson"),
    [
        ("lesson_03.ipynb", "lesson-03", "lesson-03"),
        ("course/Lesson 6a.ipynb", "lesson-6a", "lesson-6a"),
        ("lesson_06a.ipynb", "lesson-06a", "lesson-06a"),
        ("lesson03_loops.ipynb", "lesson03-loops", "lesson-03"),
        ("06a.ipynb", "06a", "lesson-06a"),
        ("03-loops.ipynb", "03-loops", "lesson-03"),
        ("Lección_03.ipynb", "leccion-03", "leccion-03"),
        ("lesson_03.es.ipynb", "lesson-03-es", "lesson-03"),
        ("week-2.ipynb", "week-2", "week-2"),
        ("python3.ipynb", "python3", None),
        ("intro.ipynb", "intro", None),
        ("001-intro.ipynb", "001-intro", "lesson-001"),
        ("01-02-03-intro.ipynb", "01-02-03-intro", "lesson-01"),
        ("3b_more.ipynb", "3b-more", "lesson-3b"),
        ("03d.ipynb", "03d", "lesson-03d"),
        ("lesson-3d-plots.ipynb", "lesson-3d-plots", "lesson-3d"),
        ("lesson_100.ipynb", "lesson-100", "lesson-100"),
        ("02-minutes.ipynb", "02-minutes", "lesson-02"),
        ("2024abc.ipynb", "2024abc", None),
    ],
)
def test_slug_and_lesson_of_a_notebook(name: str, slug: str, lesson: str | None) -> None:
    assert (stem_of(name), lesson_of(name)) == (slug, lesson)


@pytest.mark.parametrize(
    "name",
    [
        *("2024-10-05-pandas", "2024_10_05", "20241005", "202410-x", "20241005T0900", "2024", "1984", "2023_24_course"),
        *("2024w41", "2024q3-sales", "05-10-2024-x", "24-10-05-x", "05-10-24", "5-oct-2024", "session-2024-10-05"),
        *("class-2024-python", "3d-plots", "2d-arrays", "4k-images", "24h", "10x", "100-exercises", "1000-rows"),
        *("10-minutes-to-pandas", "30-days-of-python", "8-queens", "64-bit", "32bit", "2-layer-net", "3-way-tables"),
    ],
)
def test_dates_years_and_sizes_are_no_lessons(name: str) -> None:
    assert lesson_of(f"{name}.ipynb") is None
    assert fits_lesson("assignment:pandas-exercise-1", f"{name}.ipynb")


@pytest.mark.parametrize(
    ("slug", "name", "fits"),
    [
        ("lesson-03-exercise-1", "lesson_03.ipynb", True),
        ("lesson-03-exercise-1", "lesson_04.ipynb", False),
        ("lesson-03-exercise-1", "lesson_3.ipynb", False),
        ("lesson-03", "lesson_03.ipynb", False),
        ("lesson-030-exercise-1", "lesson_03.ipynb", False),
        ("lesson-06-exercise-1", "lesson_06a.ipynb", False),
        ("lesson-06a-exercise-1", "06a.ipynb", True),
        ("leccion-06a-ejercicio-1", "06a.ipynb", True),
        ("leccion-06a-ejercicio-1", "lesson_06a.ipynb", False),
        ("anything", "intro.ipynb", True),
    ],
)
def test_whether_a_tag_names_the_lesson_of_its_notebook(slug: str, name: str, fits: bool) -> None:
    assert fits_lesson(PREFIX + slug, name) is fits


@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        ("assignment:Lesson_03_Exercise_1", "lesson-03-exercise-1"),
        ("Assignment: lesson-03-exercise-1", "lesson-03-exercise-1"),
        ("assignments:lesson-03-exercise-1", "lesson-03-exercise-1"),
        ("assignment=lesson-03-exercise-1", "lesson-03-exercise-1"),
        ("lesson-03-exercise-1", "lesson-03-exercise-1"),
        ("Lesson_03_Práctica_2", "lesson-03-practica-2"),
        ("lesson-04-exercise-1", None),
        ("lesson-03-slow", None),
        ("slow", None),
        ("assignment:", None),
        ("assignment:日本", None),
    ],
)
def test_what_was_meant_as_an_assignment(tag: str, meant: str | None) -> None:
    assert repaired(tag, "lesson_03.ipynb") == (meant and PREFIX + meant)


def test_a_tag_moves_to_the_lesson_of_its_notebook() -> None:
    assert moved_to_lesson("assignment:lesson-03-exercise-1", "lesson_06a.ipynb") == "assignment:lesson-06a-exercise-1"
    assert moved_to_lesson("assignment:warm-up", "lesson_06a.ipynb") is None
    assert moved_to_lesson("assignment:lesson-03-exercise-1", "intro.ipynb") is None


def test_the_next_free_number_of_a_series() -> None:
    assert numbered("assignment:a-1", {"assignment:a-1", "assignment:a-2"}) == "assignment:a-3"
    assert numbered("assignment:a-09", set()) == "assignment:a-10"
    assert numbered("assignment:a", set()) == "assignment:a-2"
