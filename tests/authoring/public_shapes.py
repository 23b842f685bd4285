"""Notebooks in the shapes that public repositories hold: of every minor version, by every front end, and files that are none.

`shapes(count)` yields them with what Jupyter makes of each. Each shape of `SHAPES` and each of `NO_NOTEBOOKS` is among them.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Content = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """A file's name and bytes; whether Jupyter opens it; whether it has a code cell that can be tagged."""

    name: str
    stored: bytes
    opens: bool


def base(minor: int, number: int) -> Content:
    cells: list[Content] = [
        {"cell_type": "markdown", "metadata": {}, "source": [f"# Topic {number}\n", "\n", "Text — «ñ» 🦉"]},
        {"cell_type": "markdown", "metadata": {}, "source": "## Step"},
        {
            "cell_type": "code",
            "execution_count": number,
            "metadata": {},
            "outputs": [{"output_type": "stream", "name": "stdout", "text": ["a\n", "b"]}],
            "source": ["import math\n", "math.pi"],
        },
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {"scrolled": True},
            "outputs": [],
            "source": "x = 1",
        },
    ]
    if minor >= 5:
        for index, cell in enumerate(cells):
            cell["id"] = f"n{number}-{index}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": minor}


def _set(content: Content, *path: Any, value: Any) -> None:
    inner: Any = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value


def _drop(content: Content, *path: Any) -> None:
    inner: Any = content
    for key in path[:-1]:
        inner = inner[key]
    inner.pop(path[-1], None)


def _newer(content: Content) -> None:
    content["nbformat_minor"] = 6
    content["cells"].append({"cell_type": "prompt", "id": "p1", "metadata": {}})
    content["cells"].append({"cell_type": "code", "id": "p2", "metadata": {}, "outputs": [{"output_type": "chart"}]})


def _much_newer(content: Content) -> None:
    content |= {"nbformat_minor": 17, "sections": []}


def _colab(content: Content) -> None:
    content["metadata"] |= {"accelerator": "GPU", "colab": {"name": "x.ipynb", "provenance": [], "toc_visible": True}}
    for cell in content["cells"]:
        cell["metadata"] |= {"id": "aBcD3f", "colab": {"base_uri": "https://localhost:8080/"}, "outputId": "e3f"}


def _everywhere(key: str, value: Any) -> Callable[[Content], object]:
    def change(content: Content) -> None:
        for cell in content["cells"]:
            cell[key] = value

    return change


def _code(**fields: Any) -> Callable[[Content], object]:
    return lambda content: content["cells"][2].update(fields)


def _without(*path: Any) -> Callable[[Content], object]:
    return lambda content: _drop(content, *path)


def _with(*path: Any, value: Any) -> Callable[[Content], object]:
    return lambda content: _set(content, *path, value=value)


# What Jupyter opens, at most with a warning.
SHAPES: dict[str, Callable[[Content], object]] = {
    "plain": lambda content: None,
    "newer-minor": _newer,
    "much-newer-minor": _much_newer,
    "unknown-cell-kind": lambda content: content["cells"].append(
        {"cell_type": "heading", "level": 2, "metadata": {}, "source": "x"}
    ),
    "unknown-cell-without-source": lambda content: content["cells"].insert(0, {"cell_type": "prompt", "metadata": {}}),
    "cell-without-kind": lambda content: content["cells"].append({"metadata": {}, "source": "x"}),
    "ids-before-their-time": lambda content: [cell.update(id=f"i{at}") for at, cell in enumerate(content["cells"])],
    "no-ids": lambda content: [cell.pop("id", None) for cell in content["cells"]],
    "equal-ids": _everywhere("id", "same"),
    "bad-ids": _everywhere("id", "no id, as it has blanks"),
    "number-ids": lambda content: [cell.update(id=at) for at, cell in enumerate(content["cells"])],
    "no-execution-count": _without("cells", 2, "execution_count"),
    "no-outputs": _without("cells", 2, "outputs"),
    "no-source": _without("cells", 1, "source"),
    "text-execution-count": _code(execution_count="12"),
    "null-outputs": _code(outputs=[]),
    "output-of-old": _code(outputs=[{"output_type": "pyout", "prompt_number": 1, "text": ["1"]}]),
    "output-without-metadata": _code(outputs=[{"output_type": "display_data", "data": {"text/plain": "x"}}]),
    "stream-without-name": _code(outputs=[{"output_type": "stream", "text": "x"}]),
    "widget-output": _code(
        outputs=[
            {
                "output_type": "display_data",
                "metadata": {},
                "data": {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}},
            }
        ]
    ),
    "kernelspec-name-only": _with("metadata", "kernelspec", value={"name": "python3"}),
    "kernelspec-empty": _with("metadata", "kernelspec", value={}),
    "kernelspec-text": _with("metadata", "kernelspec", value="python3"),
    "no-kernelspec": _without("metadata", "kernelspec"),
    "duplicate-tags": _with("cells", 2, "metadata", "tags", value=["slow", "slow"]),
    "number-tags": _with("cells", 3, "metadata", "tags", value=[1, None]),
    "text-tags": _with("cells", 3, "metadata", "tags", value="slow"),
    "null-tags": _with("cells", 3, "metadata", "tags", value=None),
    "orig-nbformat": lambda content: content["metadata"].update(orig_nbformat=2, orig_nbformat_minor=1),
    "signature": lambda content: content["metadata"].update(signature="sha256:0", name=""),
    "authors": _with("metadata", "authors", value="Ada"),
    "title-number": _with("metadata", "title", value=3),
    "language-object": _with("metadata", "language", value={"name": "es"}),
    "colab": _colab,
    "vscode": _everywhere("vscode", {"languageId": "python"}),
    "databricks": lambda content: content["metadata"].update(
        {"application/vnd.databricks.v1+notebook": {"widgets": {}}}
    ),
    "deepnote": lambda content: (
        content.update(deepnote={}),
        content["cells"][2]["metadata"].update({"deepnote_cell_type": "code"}),
    )[0],
    "kaggle": lambda content: content["cells"][2]["metadata"].update(
        {"_uuid": "d629", "_cell_guid": "79c7", "trusted": True}
    ),
    "nbgrader": lambda content: content["cells"][2]["metadata"].update(
        nbgrader={"grade": False, "solution": True, "grade_id": "q"}
    ),
    "nbgrader-text": lambda content: content["cells"][2]["metadata"].update(nbgrader="x"),
    "otter": _with("cells", 2, "metadata", "tags", value=["otter_answer_cell"]),
    "jupytext-odd": _with("metadata", "jupytext", value={"formats": 3}),
    "jupytext-elsewhere": _with("metadata", "jupytext", value={"formats": "nb//ipynb,x/../y:,///,py"}),
    "attachments": lambda content: content["cells"][0].update(attachments={"a.png": {"image/png": "iVBORw0="}}),
    "old-cell-keys": _code(prompt_number=3, collapsed=False, input="x"),
    "more-at-the-top": lambda content: content.update(worksheets=[], name="x", meta=None),
    "half-an-emoji": _with("cells", 1, "source", value="## Half \ud83e"),
    "control-characters": _with("cells", 1, "source", value="## \x1b[31mred\x1b[0m \x00"),
    "no-minor": _without("nbformat_minor"),
    "not-a-number": _code(
        outputs=[
            {
                "output_type": "execute_result",
                "execution_count": 1,
                "metadata": {},
                "data": {"application/json": float("nan")},
            }
        ]
    ),
    "no-cells": _with("cells", value=[]),
    "empty-code": _code(source=[]),
    "long-output": _code(outputs=[{"output_type": "stream", "name": "stdout", "text": "0123456789\n" * 20_000}]),
    "raw-cell": lambda content: content["cells"].append(
        {"cell_type": "raw", "metadata": {"format": "text/html"}, "source": "<b>"}
    ),
}
# What nobody opens.
_DOCUMENT = json.dumps(base(5, 0), indent=1)
NO_NOTEBOOKS: dict[str, bytes] = {
    "empty": b"",
    "blank": b"\n\n",
    "zeros": b"\0" * 400,
    "lfs-pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    "annex-pointer": b"/annex/objects/MD5E-s3--1.ipynb\n",
    "web-page": b"<!DOCTYPE html><html></html>",
    "cut-off": _DOCUMENT[:700].encode(),
    "trailing-comma": _DOCUMENT.replace('"nbformat": 4,\n', '"nbformat": 4,,\n').encode(),
    "conflict": _DOCUMENT.replace("\n", "\n<<<<<<< HEAD\n=======\n>>>>>>> x\n", 1).encode(),
    "utf-16": _DOCUMENT.encode("utf-16"),
    "latin-1": _DOCUMENT.replace("\\u2014", "ñ").encode("latin-1"),
    "number": b"3",
    "list": b"[]",
    "no-format": b'{"cells": []}',
    "format-2": b'{"nbformat": 2, "metadata": {}, "worksheets": []}',
    "format-3": b'{"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []}',
    "format-5": json.dumps({**base(5, 0), "nbformat": 5}).encode(),
    "no-metadata": json.dumps({key: value for key, value in base(4, 0).items() if key != "metadata"}).encode(),
    "cell-without-metadata": json.dumps({**base(4, 0), "cells": [{"cell_type": "code", "source": ""}]}).encode(),
    "source-of-numbers": json.dumps(
        {**base(4, 0), "cells": [{"cell_type": "raw", "metadata": {}, "source": [1]}]}
    ).encode(),
    "deep": b"[" * 50_000,
    "thousands-of-digits": b'{"nbformat": 4, "x": ' + b"7" * 5000 + b"}",
    "python": b"# %%\nx = 1\n",
}
_FORMS: tuple[dict[str, Any], ...] = (
    {"indent": 1, "sort_keys": True, "ensure_ascii": False},
    {"indent": 2},
    {"indent": 4, "ensure_ascii": False},
    {"indent": "\t"},
    {"separators": (",", ":")},
    {},
)


def shapes(count: int) -> Iterator[Shape]:
    """Yield files, the same ones each time: each shape at several minors and in several forms, and each non-notebook."""
    chance = random.Random(4)
    names = list(SHAPES)
    for number in range(count - len(NO_NOTEBOOKS)):
        name = names[number % len(names)]
        content = base(number // len(names) % 6, number)
        SHAPES[name](content)
        # Real files are odd in more than one way.
        if number >= len(names) and (second := chance.choice(names)) not in ("no-cells", name):
            try:
                SHAPES[second](content)
            except (KeyError, IndexError, AttributeError, TypeError):
                second = name
            name = f"{name}-{second}"
        form = {**chance.choice(_FORMS)}
        if "half-an-emoji" in name:
            form["ensure_ascii"] = True
        text = json.dumps(content, **form) + chance.choice(["", "\n"])
        yield Shape(f"n{number}-{name}", text.replace("\n", chance.choice(["\n", "\r\n"])).encode(), opens=True)
    for name, stored in NO_NOTEBOOKS.items():
        yield Shape(f"none-{name}", stored, opens=False)
