"""Reading notebooks: what is none says what it is, where, and what to do."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_learntrace.authoring.errors import Refusal
from jupyter_learntrace.authoring.notebook_text.document import parse_document, read_document

from tests.authoring.varied import VARIED, notebook

PATH = Path("lesson_03.ipynb")
CODE: dict[str, Any] = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": ""}
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
        (b"{\n 'cells'", "lesson_03.ipynb:2:2: this is no JSON: Expecting property name"),
        (b'{"nbformat": 4,\n "x": "\x01"}', ":2:8: this is no JSON: Invalid control character"),
        (b'{"cells": "\xff"}', ":1: the file is no UTF-8 text"),
        (json.dumps(NOTEBOOK).encode("utf-16"), "no UTF-8 text"),
        (b"[" * 100_000, "this is no JSON that can be read"),
        (b'{"nbformat": ' + b"4" * 5000 + b"}", "this is no JSON that can be read"),
        ([], "this is JSON, but no notebook"),
        ({}, "this is JSON, but no notebook"),
        ({**NOTEBOOK, "nbformat": True}, "this is JSON, but no notebook"),
        ({**NOTEBOOK, "nbformat": "4"}, "this is JSON, but no notebook"),
        (
            {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []},
            "a notebook of nbformat 3, and tags need nbformat 4",
        ),
        ({**NOTEBOOK, "nbformat": 5}, "nbformat 5 is not known here"),
        ({**NOTEBOOK, "nbformat_minor": None}, "`nbformat_minor` is no number"),
        (without("cells", NOTEBOOK), "`cells` is no list of cells"),
        ({**NOTEBOOK, "cells": [3]}, "`cells` is no list of cells"),
        (without("metadata", NOTEBOOK), "'metadata' is a required property"),
        ({**NOTEBOOK, "cells": [without("metadata", CODE)]}, "cell 0: 'metadata' is a required property"),
        (with_cell(cell_type="quiz"), "cell 1 is neither a code nor a markdown nor a raw cell"),
        (with_cell(cell_type=["code"]), "cell 1 is neither a code nor a markdown nor a raw cell"),
        (with_cell(metadata={"tags": "slow"}), "cell 1: metadata.tags: 'slow' is not of type 'array'"),
        (with_cell(metadata={"tags": ["a", "a"]}), "cell 1: metadata.tags: ['a', 'a'] has non-unique elements"),
        (with_cell(metadata={"tags": [1]}), "cell 1: metadata.tags"),
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
def test_a_damaged_notebook_is_read_or_refused_and_never_anything_else(data: st.DataObject) -> None:
    content = copy.deepcopy(notebook(5))
    *way, last = data.draw(st.sampled_from([place for place in places(content) if place]))
    inner = content
    for key in way:
        inner = inner[key]
    if data.draw(st.booleans()):
        inner[last] = data.draw(anything)
    else:
        del inner[last]
    try:
        document = parse_document(PATH, json.dumps(content).encode())
    except Refusal:
        return
    assert all(isinstance(tag, str) for cell in document.cells for tag in cell.tags.tags)
