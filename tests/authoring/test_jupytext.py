"""Notebooks that jupytext pairs with a text: a tag is written there too, so that the next sync from the text keeps it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.authoring.conftest import Run, code, markdown, tags, write
from tests.support.paths import CHECKOUT

JUPYTEXT = CHECKOUT / ".venv-together" / "bin" / "jupytext"
TAG = "assignment:lesson-03-exercise-1"
SOURCES = (
    "x = 1",
    "%matplotlib inline\ny = 2\n\nz = 3",
    "def f():\n    pass\n\n\nprint(f())\n# +",
    "%%bash\nls",
    "x = 1",
    "# only\n1 + 1",
)
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
HOLDING = ("py:percent", "py:light", "py:hydrogen", "md", "md:myst", "Rmd")


def sync(path: Path) -> None:
    """What `jupytext --sync` does from this file of a pair."""
    assert JUPYTEXT.exists(), "these tests need jupytext in .venv-together: `make jupyter` installs it"
    subprocess.run([JUPYTEXT, "--sync", path.absolute()], check=True, capture_output=True)


def paired(course: Path, form: str, **jupytext: Any) -> tuple[Path, Path]:
    """Write a notebook and have jupytext make its text; code cells have the indexes from 1."""
    cells = [
        markdown("# Lesson 3"),
        *(code(source, **({"name": "first"} if number == 1 else {})) for number, source in enumerate(SOURCES)),
    ]
    cells[-1]["metadata"]["tags"] = ["slow"]
    path = write(
        course / "lesson_03.ipynb", *cells, jupytext={"formats": f"ipynb,{form}", **jupytext}, kernelspec=KERNEL
    )
    sync(path)
    return path, path.with_suffix(f".{form.partition(':')[0]}")


@pytest.mark.parametrize("form", HOLDING)
def test_every_cell_is_tagged_in_the_text_too_and_comes_back_as_it_was(course: Path, run: Run, form: str) -> None:
    path, text = paired(course, form)
    before = (path.read_bytes(), text.read_bytes())
    words = [
        word for index in range(1, 7) for word in ("--cell", f"index:{index}", "--tag", f"lesson-03-exercise-{index}")
    ]
    outcome = run("tag", path, *words)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"jupytext pairs it with {text.name}: changed there too" in outcome.out.replace(f"{course}/", "")

    text.write_text(text.read_text().replace("z = 3", "z = 4"))
    sync(text)
    expected = [
        [],
        *([f"assignment:lesson-03-exercise-{index}"] for index in range(1, 6)),
        ["slow", "assignment:lesson-03-exercise-6"],
    ]
    assert tags(path) == expected
    assert "z = 4" in path.read_text(), "the text was what counted"
    assert "tags are written there too [paired]" in run("check", path).out

    path.write_bytes(before[0])
    text.write_bytes(before[1])
    run("tag", path, *words)
    assert run("untag", path, *words).code == 0
    assert (path.read_bytes(), text.read_bytes()) == before


def test_a_tag_that_the_text_lacks_is_hinted_at(course: Path, run: Run) -> None:
    path, text = paired(course, "py:percent")
    untagged = text.read_bytes()
    run("tag", path, "--cell", "index:2", "--tag", TAG)
    text.write_bytes(untagged)
    assert (
        "lesson_03.py, which lacks the tags of cell 2 (id c2): the next sync from there removes them"
        in run("check", path).out
    )


@pytest.mark.parametrize("form", ["py:nomarker", "py:sphinx"])
def test_a_text_that_holds_no_tags_stays_and_the_author_is_told(course: Path, run: Run, form: str) -> None:
    path, text = paired(course, form)
    before = text.read_bytes()
    outcome = run("tag", path, "--cell", "index:2", "--tag", TAG)
    assert "lesson_03.py, where the tags of cell 2 (id c2) can't be written" in outcome.err
    assert (outcome.code, text.read_bytes()) == (0, before)


def test_a_text_whose_filter_leaves_tags_out_is_left_alone(course: Path, run: Run) -> None:
    path, text = paired(course, "py:percent", cell_metadata_filter="-all")
    before = text.read_bytes()
    outcome = run("tag", path, "--cell", "index:2", "--tag", TAG)
    assert (outcome.err, text.read_bytes()) == ("", before)
    text.write_text(text.read_text().replace("z = 3", "z = 4"))
    sync(text)
    assert tags(path)[2] == [TAG], "jupytext takes them from the notebook"


FOLDERS = '[formats]\n"notebooks/" = "ipynb"\n"scripts/" = "py:percent"\n'


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("jupytext.toml", FOLDERS, "scripts/more/lesson_03.py"),
        ("pyproject.toml", FOLDERS.replace("[formats]", "[tool.jupytext.formats]"), "scripts/more/lesson_03.py"),
        ("jupytext.yml", "formats: ipynb,text//py:percent", "notebooks/more/text/lesson_03.py"),
    ],
)
def test_pairs_in_folders_and_by_configuration(course: Path, run: Run, name: str, content: str, text: str) -> None:
    (course / name).write_text(content)
    path = write(course / "notebooks" / "more" / "lesson_03.ipynb", code("x = 1"), kernelspec=KERNEL)
    sync(path)
    assert run("tag", path, "--cell", "0", "--tag", TAG).code == 0
    assert f'# %% tags=["{TAG}"]' in (course / text).read_text()


def test_options_written_as_json_and_texts_with_windows_line_ends(course: Path, run: Run) -> None:
    path, text = paired(course, "py:percent", cell_metadata_json=True)
    text.write_bytes(text.read_bytes().replace(b"\n", b"\r\n"))
    before = text.read_bytes()
    assert run("tag", path, "--cell", "index:2", "--tag", TAG).code == 0
    assert f'"tags": ["{TAG}"]'.encode() in text.read_bytes()
    assert run("untag", path, "--cell", "index:2").code == 0
    assert text.read_bytes() == before


def test_a_dry_run_shows_the_difference_in_the_text_and_writes_nothing(course: Path, run: Run) -> None:
    path, text = paired(course, "py:percent")
    before = (path.read_bytes(), text.read_bytes())
    outcome = run("tag", path, "--cell", "index:6", "--tag", TAG, "--dry-run")
    assert f'+# %% tags=["slow", "{TAG}"]' in outcome.out
    assert (path.read_bytes(), text.read_bytes()) == before
    assert json.loads(path.read_text())["nbformat"] == 4
