"""The examples at the end of each command's help; only their explanations are translated."""

from __future__ import annotations

from jupyter_learntrace.authoring.language import _

_TAG = "jupyter assignments tag"


def examples_of(command: str) -> str:
    """Return the examples of a command, or of the whole program for an empty name."""
    rows = {"": _all, "tag": _tag, "untag": _untag, "list": _list, "check": _check, "publish": _publish}[command]()
    return "\n".join([_("examples:"), *(f"  {line}\n      {purpose}" for line, purpose in rows)])


def _all() -> list[tuple[str, str]]:
    return [
        (
            f"{_TAG} lesson_03.ipynb --cell 10 --tag lesson-03-exercise-1",
            _("tag the cell with the index 10, counted from 0"),
        ),
        ("jupyter assignments list .", _("which cells of which notebooks are tagged")),
        ("jupyter assignments check .", _("look for mistakes before learners see them")),
        ("jupyter assignments publish .", _("tell Learntrace which assignments there are")),
    ]


def _tag() -> list[tuple[str, str]]:
    return [
        (f"{_TAG} lesson_03.ipynb --cell 10 --tag lesson-03-exercise-1", _("by the cell's index, counted from 0")),
        (f"{_TAG} lesson_03.ipynb --cell 3f8a21c0 --tag lesson-03-exercise-1", _("by the cell's id")),
        (
            f'{_TAG} lesson_03.ipynb --cell "def area(" --tag lesson-03-exercise-1',
            _("by a text in the cell, or a regular expression"),
        ),
        (
            f"{_TAG} lesson_06a.ipynb --cell 4 --tag lesson-06a-exercise-1 --cell 7 --tag lesson-06a-exercise-2",
            _("several at once"),
        ),
        (f"{_TAG} lesson_03.ipynb --cell 11 --tag lesson-03-exercise-1 --check", _("the cell that checks it")),
        (f"{_TAG} lesson_03.ipynb --from-nbgrader", _("use the tests of nbgrader or otter as check cells")),
        (f"{_TAG} --from course.csv --dry-run", _("a whole course: see the difference, and write nothing")),
    ]


def _untag() -> list[tuple[str, str]]:
    untag = "jupyter assignments untag"
    return [
        (f"{untag} lesson_03.ipynb --cell 10 --tag lesson-03-exercise-1", _("remove this tag from this cell")),
        (f"{untag} lesson_03.ipynb --tag lesson-03-exercise-1", _("remove it from whichever cell has it")),
        (f"{untag} lesson_03.ipynb --cell 10", _("remove every assignment tag from this cell")),
        (f"{untag} --from course.csv", _("remove every tag of the list")),
    ]


def _list() -> list[tuple[str, str]]:
    return [
        ("jupyter assignments list", _("all notebooks below this folder")),
        ("jupyter assignments list course/ --format markdown", _("a table for a README")),
        ("jupyter assignments list course/ --format csv > course.csv", _("a list that `tag --from` accepts")),
    ]


def _check() -> list[tuple[str, str]]:
    return [
        ("jupyter assignments check course/", _("the exit code is 1 where there are errors; hints leave it 0")),
        ("jupyter assignments check course/ --fix --dry-run", _("what can be fixed automatically, as a diff")),
        ("jupyter assignments check course/ --format github", _("annotations for a pull request")),
    ]


def _publish() -> list[tuple[str, str]]:
    publish = "jupyter assignments publish"
    return [
        (f"{publish} course/ --dry-run", _("what would be sent to Learntrace, and how it differs from what is there")),
        (f"{publish} lesson_03.ipynb --academy 1 --slug loops", _("one notebook, under a slug of your own")),
    ]
