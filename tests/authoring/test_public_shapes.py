"""`jupyter assignments` over notebooks as public repositories have them: what Jupyter opens is served, byte-exact."""

import json
import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest

from learntrace.notebooks.models import NotebookAssignment
from tests.authoring.conftest import Run
from tests.authoring.public_shapes import NO_NOTEBOOKS, SHAPES, Shape, shapes
from tests.authoring.test_publish import cast, learntrace
from tests.support.builders import Cast

__all__ = ["cast", "learntrace"]  # fixtures
COUNT = 500


@pytest.fixture
def files(course: Path) -> dict[Path, Shape]:
    """The files in their folders, by path."""
    made = {}
    for number, shape in enumerate(shapes(COUNT)):
        path = course / f"unit{number // 50}" / f"{shape.name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(shape.stored)
        made[path.relative_to(course)] = shape
    assert len(made) == COUNT
    return made


def opened(stored: bytes) -> Any:
    """The notebook as Jupyter reads it; None where it can't."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return nbformat.reads(stored.decode(), as_version=4)
        except Exception:
            return None


def taggable(stored: bytes) -> int | None:
    """The first code cell whose tags are a list, or absent."""
    for index, cell in enumerate(json.loads(stored)["cells"]):
        if cell.get("cell_type") == "code" and isinstance(cell["metadata"].get("tags", []), list):
            return index
    return None


def test_the_set_has_every_case_and_jupyter_opens_what_it_says() -> None:
    made = list(shapes(COUNT))
    assert all(any(shape.name.endswith(name) for shape in made) for name in (*SHAPES, *NO_NOTEBOOKS))
    minors = {json.loads(shape.stored).get("nbformat_minor") for shape in made if shape.opens}
    assert minors >= {0, 1, 2, 3, 4, 5, 6, 17, None}
    assert [shape.name for shape in made if shape.opens and opened(shape.stored) is None] == []
    # Jupyter converts what says a format before 4, or none; there cells have no place for tags.
    unread = [shape.name for shape in made if not shape.opens and opened(shape.stored) is not None]
    assert set(unread) <= {"none-no-format", "none-format-2", "none-format-3"}


def test_list_and_check_name_each_bad_file_and_serve_the_others(run: Run, files: dict[Path, Shape]) -> None:
    good = {path.as_posix() for path, shape in files.items() if shape.opens}
    bad = {path.as_posix() for path, shape in files.items() if not shape.opens}
    listed = run("list", ".", "--format", "json")
    assert {entry["notebook"] for entry in json.loads(listed.out)} == good
    assert {line.split(": ")[1].partition(":")[0] for line in listed.err.splitlines()} == bad
    assert listed.code == 1

    checked = json.loads(run("check", ".", "--format", "json").out)
    errors = [finding for finding in checked["findings"] if finding["severity"] == "error"]
    assert {finding["path"] for finding in errors} == bad
    assert {finding["rule"] for finding in errors} == {"notebook"}
    for finding in checked["findings"]:
        assert not any(
            word in finding["text"] for word in ("Error", "Expecting", "required property", "sys.set", "Traceback")
        )


def test_tag_and_untag_change_the_tag_alone_and_publish_takes_what_is_tagged(
    run: Run, files: dict[Path, Shape], learntrace: Cast
) -> None:
    cells = {
        path: index for path, shape in files.items() if shape.opens and (index := taggable(shape.stored)) is not None
    }
    assert len(cells) > COUNT * 0.85
    tags = {path: f"assignment:topic-{number}" for number, path in enumerate(cells)}
    course_list = Path("course.csv")
    course_list.write_text(
        "notebook,cell,tag\n" + "".join(f"{path.as_posix()},index:{cells[path]},{tags[path]}\n" for path in cells)
    )
    tagged = run("tag", "--from", course_list)
    assert tagged.code == 0, tagged.err
    for path, index in cells.items():
        expected = json.loads(files[path].stored)
        metadata = expected["cells"][index]["metadata"]
        metadata["tags"] = [*metadata.get("tags", []), tags[path]]
        # Compared as texts, as NaN differs from itself.
        assert json.dumps(json.loads(path.read_bytes()), sort_keys=True) == json.dumps(expected, sort_keys=True)
        assert opened(path.read_bytes()) is not None

    # Every shape, and all files that are no notebooks.
    places = ("unit0", "unit1", "unit9")
    published = run("publish", *places, "--root", ".")
    assert published.code == 1, "some files are no notebooks"
    assert set(NotebookAssignment.objects.values_list("tag", flat=True)) == {
        tag for path, tag in tags.items() if path.parts[0] in places
    }
    assert "no `metadata`" in published.err

    assert run("untag", "--from", course_list).code == 0
    assert [path for path, shape in files.items() if path.read_bytes() != shape.stored] == []
