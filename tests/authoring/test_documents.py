"""Reading notebooks: what is none says what it is, where, and what to do."""

import copy
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_learntrace.authoring.errors import Refusal
from jupyter_learntrace.authoring.notebook_text.document import parse_document, read_document
from jupyter_learntrace.authoring.notebook_text.oddities import oddities

from tests.authoring.varied import VARIED, notebook

PATH = Path("lesson_03.ipynb")
CODE: dict[str, Any] = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": ""}
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
CONFLICT = b'{\n "cells": [\n<<<<<<< HEAD\n  {"x": 1}\n=======\n  {"x": 2}\n>>>>>>> theirs\n ]\n}'
NOTEBOOK: dict[str, Any] = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [CODE]}


def told(content: object) -> str:
    stored = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(Refusal) as refused:
        parse_document(PATH, stored)
    return str(refused.value)


def with_cell(**fields: object) -> dict[str, Any]:
    return {**NOTEBOOK, "cells": [CODE, {**CODE, **fields}]}


def without(key: str, content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != key}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "lesson_03.ipynb: the file is empty"),
        (b" \n", "the file is empty"),
        (b"{\n 'cells'", "lesson_03.ipynb:2:2: this isn't JSON: expected a name in double quotes"),
        (
            b'{"nbformat": 4,\n "x": "\x01"}',
            ":2:8: this isn't JSON: a line break or control character stands unescaped",
        ),
        (b'{"a" 1}', ":1:6: this isn't JSON: expected a colon"),
        (b'{"a": 1 "b"}', ":1:9: this isn't JSON: expected a comma"),
        (b'{"a": nope}', ":1:7: this isn't JSON: expected a value"),
        (b'{"a": "\\q"}', "this isn't JSON: a backslash stands here that begins no escape"),
        (b"{} {}", ":1:4: this isn't JSON: there is more text after its end"),
        (b'{"cells": [{"source": "x', ":1:23: the file ends too early"),
        (b'{"cells": [{"source": "x"},', "the file ends too early"),
        (b'{"cells": "\xff"}', ":1: the file isn't UTF-8 text, so it isn't a notebook"),
        (json.dumps(NOTEBOOK).encode("utf-16"), "the file is UTF-16 text; save it as UTF-8"),
        (b"\0" * 300, "nothing but zero bytes"),
        (LFS_POINTER, ":1: this is a Git LFS pointer in place of the notebook: `git lfs pull`"),
        (b"../.git/annex/objects/x1/Qz/MD5E-s3--1.ipynb/MD5E-s3--1.ipynb\n", "a git-annex pointer"),
        (b"<!DOCTYPE html>\n<html>", "this is a web page or XML"),
        (CONFLICT, "lesson_03.ipynb:3: two versions were merged and git's conflict markers are still there"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'{"nbformat": ' + b"4" * 5000 + b"}", "a number in it has thousands of digits"),
        ([], "this is JSON, but not a notebook"),
        ({}, "this is JSON, but not a notebook"),
        ({**NOTEBOOK, "nbformat": True}, "this is JSON, but not a notebook"),
        ({**NOTEBOOK, "nbformat": "4"}, "this is JSON, but not a notebook"),
        (
            {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []},
            "a notebook of nbformat 3, and tags need nbformat 4",
        ),
        ({**NOTEBOOK, "nbformat": 5}, "nbformat 5 isn't supported; only nbformat 4 is"),
        ({**NOTEBOOK, "nbformat_minor": None}, "`nbformat_minor` isn't a number"),
        (without("cells", NOTEBOOK), "`cells` isn't a list of cells"),
        ({**NOTEBOOK, "cells": [3]}, "`cells` isn't a list of cells"),
        (without("metadata", NOTEBOOK), "Jupyter can't open it: the notebook has no `metadata`"),
        ({**NOTEBOOK, "cells": [without("metadata", CODE)]}, "Jupyter can't open it: cell 0 has no `metadata`"),
        (with_cell(cell_type=["code"]), "kind, source, outputs or attachments of cell 1 are malformed"),
        (with_cell(source=["a", 1]), "kind, source, outputs or attachments of cell 1 are malformed"),
        (
            with_cell(outputs=[{"output_type": "display_data", "data": 1}]),
            "outputs or attachments of cell 1 are malformed",
        ),
    ],
)
def test_what_is_no_notebook_says_why(content: Any, words: str) -> None:
    assert words in told(content)


def test_a_file_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    for path, words in [(tmp_path / "none.ipynb", "there is no such file"), (tmp_path, "can't be read")]:
        with pytest.raises(Refusal, match=words):
            read_document(path)


@pytest.mark.parametrize("name", VARIED)
def test_every_valid_notebook_is_read(name: str) -> None:
    document = parse_document(PATH, VARIED[name])
    assert document.text.encode() == VARIED[name]
    assert len(document.places) == len(document.cells) > 3


def test_cells_without_ids_or_with_the_same_are_read_as_jupyter_reads_them() -> None:
    cells = [{**CODE, "id": "same"}, {**CODE, "id": "same"}, CODE]
    document = parse_document(PATH, json.dumps({**NOTEBOOK, "nbformat_minor": 5, "cells": cells}).encode())
    assert [cell.id for cell in document.cells] == ["same", "same", None]


KERNEL = {"kernelspec": {"name": "python3"}}
TAGGED_TWICE = {"tags": ["slow", "slow"]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (NOTEBOOK, None),
        ({**NOTEBOOK, "metadata": {"orig_nbformat": 2}}, None),
        ({**NOTEBOOK, "nbformat_minor": 6}, "this is nbformat 4.6, which is newer than 4.5"),
        (with_cell(cell_type="quiz"), "cell 1 of a kind that isn't known here, and stays as it is"),
        (with_cell(id="a1"), "cell 1 with an id, which came with nbformat 4.5: this is 4.4."),
        (
            {**NOTEBOOK, "cells": [without("outputs", CODE)] * 3},
            "cell 0 and 2 more without `outputs`, `execution_count`",
        ),
        ({**NOTEBOOK, "cells": [without("source", CODE)]}, "cell 0 without `outputs`, `execution_count` or `source`"),
        ({**NOTEBOOK, "metadata": KERNEL}, "`kernelspec` has no `display_name`"),
        (with_cell(metadata={"tags": "slow"}), "cell 1 with `tags` that aren't a list of texts"),
        (with_cell(metadata={"tags": [1]}), "cell 1 with `tags` that aren't a list of texts"),
        (with_cell(metadata=TAGGED_TWICE), "cell 1 with the same tag twice"),
        (with_cell(vscode={}), "cell 1: nbformat has no key `vscode` here"),
        (with_cell(outputs=[{"output_type": "stream", "text": ""}]), "cell 1"),
        ({**NOTEBOOK, "metadata": {"authors": "me"}}, "the notebook, `metadata.authors` isn't as nbformat defines it"),
    ],
)
def test_what_jupyter_opens_is_read_and_what_differs_is_told(content: Any, words: str | None) -> None:
    assert jupyter_opens(content)
    document = parse_document(PATH, json.dumps(content).encode())
    told = [oddity.text for oddity in oddities(document.content)]
    assert len(told) == (words is not None)
    assert words is None or words in told[0]


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 6) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["tags", "data", "x"]), inner, max_size=2)
    ),
    max_leaves=3,
)


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


@given(st.data())
def test_a_damaged_notebook_is_read_where_jupyter_opens_it_and_else_refused(data: st.DataObject) -> None:
    content = copy.deepcopy(notebook(data.draw(st.sampled_from([0, 4, 5]))))
    *way, last = data.draw(st.sampled_from([place for place in places(content) if place]))
    inner = content
    for key in way:
        inner = inner[key]
    if data.draw(st.booleans()):
        inner[last] = data.draw(anything)
    else:
        del inner[last]
    text = json.dumps(content)
    try:
        document = parse_document(PATH, text.encode())
    except Refusal:
        assert not jupyter_opens(content)
        return
    assert jupyter_opens(content)
    assert all(isinstance(tag, str) for cell in document.cells for tag in cell.tags.tags)
    assert all(oddity.text for oddity in oddities(document.content))


def jupyter_opens(content: Any) -> bool:
    """Whether Jupyter's own way to read a notebook leads to cells, with a warning or without."""
    if (
        type(content.get("nbformat")) is not int
        or content["nbformat"] != 4
        or not isinstance(content.get("cells"), list)
    ):
        return False
    with warnings.catch_warnings():
        # Jupyter shows some of them, and opens the notebook.
        warnings.simplefilter("ignore")
        try:
            nbformat.reads(json.dumps(content), as_version=4)
        except Exception:
            return False
    return True
