"""`tag` then `untag` gives every notebook back, byte for byte; in between only tags differ."""

import json
import random
import string
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_learntrace.authoring.notebook_text.change import Change, apply_changes
from jupyter_learntrace.authoring.notebook_text.document import Document, parse_document

from tests.authoring.varied import VARIED

PATH = Path("lesson_03.ipynb")
TAG = "assignment:lesson-03-exercise-1"
every_notebook = pytest.mark.parametrize("stored", [pytest.param(stored, id=name) for name, stored in VARIED.items()])


def parsed(text: str) -> Any:
    return json.loads(text.removeprefix("\ufeff"))


def code_cells(document: Document) -> list[int]:
    return [cell.index for cell in document.cells if cell.kind == "code"]


def tagged(stored: bytes, changes: list[Change]) -> bytes:
    return apply_changes(parse_document(PATH, stored), changes).text.encode()


def test_the_set_is_as_varied_as_it_says() -> None:
    texts = {name: stored.decode() for name, stored in VARIED.items()}
    assert {parsed(text)["nbformat_minor"] for text in texts.values()} == set(range(6))
    for sign in (
        "\r\n",
        "\\u00",
        "ñ",
        "\ufeff",
        '\n\t"',
        '\n "',
        '\n  "',
        '\n    "',
        '":[',
        "attachments",
        '"tags": []',
    ):
        assert any(sign in text for text in texts.values()), sign
    assert any("\n" not in text for text in texts.values())
    assert any(text.endswith("}") for text in texts.values())
    assert max(map(len, texts.values())) > 2_000_000


@every_notebook
def test_tag_then_untag_restores_every_cell(stored: bytes) -> None:
    for index in code_cells(parse_document(PATH, stored)):
        once = tagged(stored, [Change(index, new=TAG)])
        assert once != stored
        assert tagged(once, [Change(index, old=TAG)]) == stored, f"cell {index}"


@every_notebook
def test_all_cells_at_once_and_back_in_another_order(stored: bytes) -> None:
    indexes = code_cells(parse_document(PATH, stored))
    tags = {index: f"assignment:lesson-03-exercise-{index}" for index in indexes}
    everything = tagged(stored, [Change(index, new=tag) for index, tag in tags.items()])
    shuffled = random.Random(1).sample(indexes, len(indexes))
    for index in shuffled:
        everything = tagged(everything, [Change(index, old=tags[index])])
    assert everything == stored


@every_notebook
def test_only_tags_differ_and_the_outcome_is_a_valid_notebook(stored: bytes) -> None:
    indexes = code_cells(parse_document(PATH, stored))
    text = tagged(stored, [Change(index, new=TAG) for index in indexes]).decode()
    nbformat.validate(parsed(text))
    expected = parsed(stored.decode())
    for index in indexes:
        metadata = expected["cells"][index]["metadata"]
        metadata["tags"] = [*metadata.get("tags", []), TAG]
    assert parsed(text) == expected


@every_notebook
def test_what_is_inserted_is_one_piece_within_the_metadata_of_its_cell(stored: bytes) -> None:
    document = parse_document(PATH, stored)
    for index in code_cells(document):
        before, after = document.text, apply_changes(document, [Change(index, new=TAG)]).text
        start = next((at for at, (one, two) in enumerate(zip(before, after, strict=False)) if one != two), len(before))
        added = len(after) - len(before)
        assert any(before == after[:at] + after[at + added :] for at in range(max(0, start - added), start + 1)), (
            "something was rewritten"
        )
        place = document.places[index]
        assert place.start < start <= place.end


@every_notebook
def test_tagging_twice_changes_nothing_more(stored: bytes) -> None:
    index = code_cells(parse_document(PATH, stored))[0]
    once = tagged(stored, [Change(index, new=TAG)])
    assert tagged(once, [Change(index, new=TAG)]) == once


@every_notebook
def test_replacing_a_tag_and_replacing_it_back_restores(stored: bytes) -> None:
    index = code_cells(parse_document(PATH, stored))[-1]
    once = tagged(stored, [Change(index, new=TAG)])
    other = tagged(once, [Change(index, old=TAG, new=f"{TAG}0")])
    assert tagged(other, [Change(index, old=f"{TAG}0", new=TAG)]) == once


def test_a_new_list_stands_as_jupyter_itself_writes_it() -> None:
    for name, stored in VARIED.items():
        if "-jupyter-" in name and "crlf" not in name:
            index = code_cells(parse_document(PATH, stored))[0]
            text = tagged(stored, [Change(index, new=TAG)]).decode()
            written = json.dumps(parsed(text), indent=1, sort_keys=True, ensure_ascii=False)
            assert text.rstrip("\n") == written


def test_what_jupyter_wrote_comes_back_when_it_is_untagged_and_tagged_again() -> None:
    for name, stored in VARIED.items():
        if "-jupyter-" in name:
            for index in code_cells(parse_document(PATH, stored)):
                once = tagged(stored, [Change(index, new=TAG)])
                assert tagged(tagged(once, [Change(index, old=TAG)]), [Change(index, new=TAG)]) == once


# What stands between the tokens of a JSON text: nothing, blanks, line breaks of each kind.
blanks = st.text(" \t\r\n", max_size=4) | st.sampled_from(["", " ", "\n  ", "\r\n\t", "\n" + " " * 6])
names = st.text(string.ascii_letters + 'ñ é🦉\\"/\n', min_size=1, max_size=6)
plain_tags = st.lists(st.text(string.ascii_lowercase + "é-", min_size=1, max_size=5), max_size=3, unique=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | plain_tags,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=4,
)


@st.composite
def metadata_of_cells(draw: st.DrawFn) -> dict[str, Any]:
    metadata = draw(st.dictionaries(names.filter(lambda name: name not in {"name", "tags"}), values, max_size=3))
    if draw(st.booleans()):
        metadata["tags"] = draw(plain_tags)
    keys = draw(st.permutations(list(metadata)))
    return {key: metadata[key] for key in keys}


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A notebook's text by no serialiser's rules: any blanks anywhere, any order of keys."""
    style = draw(st.sampled_from(["any", "even"]))
    even = draw(blanks)

    def blank() -> str:
        return draw(blanks) if style == "any" else even

    def written(value: object) -> str:
        if isinstance(value, dict):
            keys = draw(st.permutations(list(value)))
            inner = ",".join(f"{blank()}{text(key)}{blank()}:{blank()}{written(value[key])}{blank()}" for key in keys)
            return f"{{{inner or blank()}}}"
        if isinstance(value, list):
            return f"[{','.join(blank() + written(one) + blank() for one in value) or blank()}]"
        return text(value)

    def text(value: object) -> str:
        return json.dumps(value, ensure_ascii=draw(st.booleans()))

    code: list[dict[str, Any]] = [
        {"cell_type": "code", "execution_count": None, "outputs": [], "source": "1", "metadata": metadata}
        for metadata in draw(st.lists(metadata_of_cells(), min_size=1, max_size=3))
    ]
    return blank() + written({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": code}) + blank()


@given(texts(), st.randoms(use_true_random=False))
def test_however_a_notebook_is_written(text: str, choice: random.Random) -> None:
    document = parse_document(PATH, text.encode())
    indexes = [cell.index for cell in document.cells]
    after = apply_changes(document, [Change(index, new=TAG) for index in indexes])
    for index in indexes:
        document.content["cells"][index]["metadata"].setdefault("tags", []).append(TAG)
    assert json.loads(after.text) == document.content
    stored = after.text.encode()
    for index in choice.sample(indexes, len(indexes)):
        stored = tagged(stored, [Change(index, old=TAG)])
    assert stored == text.encode()


@given(texts(), st.data())
def test_any_tag_can_be_removed_and_nothing_else_goes(text: str, data: st.DataObject) -> None:
    document = parse_document(PATH, text.encode())
    choices = [(cell.index, tag) for cell in document.cells for tag in cell.tags.tags]
    if not choices:
        return
    index, tag = data.draw(st.sampled_from(choices))
    after = json.loads(apply_changes(document, [Change(index, old=tag)]).text)
    expected = document.content
    expected["cells"][index]["metadata"]["tags"].remove(tag)
    if not expected["cells"][index]["metadata"]["tags"]:
        after["cells"][index]["metadata"].setdefault("tags", [])
    assert after == expected
