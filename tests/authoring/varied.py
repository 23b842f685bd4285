"""Notebooks whose bytes differ in every way that we know of: what was written by Jupyter, by other tools and by hand.

`VARIED` maps a name to the bytes of a valid notebook. Each has code cells with every kind of metadata that matters.
"""

import itertools
import json
from typing import Any

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
# What the metadata of code cells may hold before anything is tagged.
METADATA: list[dict[str, Any]] = [
    {},
    {"collapsed": False},
    {"tags": []},
    {"tags": ["slow"]},
    {"scrolled": True, "tags": ["slow", "hide-input"], "trusted": True},
    {"zzz": 1},
    {"scrolled": True, "custom": {"tags": ["not these"]}, "zzz": [1, {"tags": []}]},
    {"deletable": False, "tags": [], "vscode": {"languageId": "python"}},
    {"ñandú": "¿qué?", "emoji": "🦉", "quote": 'a "b" \\ c\n'},
]
SOURCES = [
    "print(1)\n",
    'trap = \'"metadata": {}, "tags": ["assignment:lesson-03-exercise-1"]\'\n\tx = "\\\\"',
    "año = 'ñandú 🦉 \u2028 \x0c'\nprint(año)",
    "",
]


def cells(minor: int) -> list[dict[str, Any]]:
    """Markdown, raw and code cells as nbformat 4.`minor` has them."""
    made: list[dict[str, Any]] = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Lección 3\n", "\n", "Bucles «for»"]},
        {"cell_type": "raw", "metadata": {"format": "text/latex"}, "source": "\\LaTeX"},
    ]
    if minor >= 1:
        made[0] |= {"attachments": {"píxel.png": {"image/png": PIXEL}}, "source": "![x](attachment:píxel.png)"}
    for number, metadata in enumerate(METADATA):
        source = SOURCES[number % len(SOURCES)]
        made.append(
            {
                "cell_type": "code",
                "execution_count": number or None,
                "metadata": metadata,
                "outputs": _outputs(number),
                "source": source.splitlines(keepends=True) if number % 2 else source,
            }
        )
    if minor >= 5:
        for number, cell in enumerate(made):
            cell["id"] = f"cell-{number}"
    return made


def _outputs(number: int) -> list[dict[str, Any]]:
    if number % 3 == 0:
        return []
    if number % 3 == 1:
        return [{"output_type": "stream", "name": "stdout", "text": ["\x1b[31mrot\x1b[0m\n", "ñ"]}]
    data = {"text/plain": "<Figure>", "image/png": PIXEL, "application/json": {"metadata": {"tags": []}}}
    return [{"output_type": "display_data", "data": data, "metadata": {}}]


def notebook(minor: int) -> dict[str, Any]:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells(minor), "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": minor}


FORMS: dict[str, dict[str, Any]] = {
    "jupyter": {"indent": 1, "sort_keys": True, "ensure_ascii": False},
    "indent-1": {"indent": 1},
    "indent-2": {"indent": 2, "ensure_ascii": False},
    "indent-4": {"indent": 4},
    "indent-0": {"indent": 0},
    "tabs": {"indent": "\t", "ensure_ascii": False},
    "one-line": {},
    "compact": {"separators": (",", ":"), "ensure_ascii": False},
    "spaced": {"indent": 3, "separators": (" ,", " : ")},
}


def _formed() -> dict[str, bytes]:
    made = {}
    ends = itertools.cycle(
        [("lf", "\n", True), ("crlf", "\r\n", True), ("lf-no-end", "\n", False), ("crlf-no-end", "\r\n", False)]
    )
    # Every form with every minor version; the line ends take turns, so that each form meets each of them.
    for number, (minor, (name, form)) in enumerate(itertools.product(range(6), FORMS.items())):
        if number % len(FORMS) == 0:
            next(ends)
        end_name, end, final = next(ends)
        text = json.dumps(notebook(minor), **form) + ("\n" if final else "")
        made[f"4.{minor}-{name}-{end_name}"] = text.replace("\n", end).encode()
    return made


def _odd() -> dict[str, bytes]:
    """What no serialiser writes, or only a rare one."""
    plain = json.dumps(notebook(5), indent=1, ensure_ascii=False)
    reverse = dict(reversed(notebook(4).items()))
    reverse["cells"] = [dict(reversed(cell.items())) for cell in reverse["cells"]]
    huge = notebook(5)
    huge["cells"][2]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "línea 0123456789\n" * 120_000}]
    return {
        "byte-order-mark": b"\xef\xbb\xbf" + plain.encode(),
        "old-mac-line-ends": plain.replace("\n", "\r").encode(),
        "blank-lines-around": f"\n \n{plain}\n\n\t\n".encode(),
        "odd-key-order": json.dumps(reverse, indent=2).encode(),
        "huge-output": json.dumps(huge, indent=1).encode(),
        "mixed-line-ends": plain.replace('": {\n', '": {\r\n').encode(),
        "a-cell-a-line": _cell_a_line().encode(),
        "by-hand": BY_HAND.encode(),
    }


def _cell_a_line() -> str:
    lines = ",\n".join("  " + json.dumps(cell) for cell in cells(5))
    return f'{{\n "cells": [\n{lines}\n ],\n "metadata": {{}}, "nbformat": 4, "nbformat_minor": 5}}\n'


_BY_HAND_METADATA = [
    "{ }",
    "{\n      }",
    "{\t\n}",
    '{"tags":[ ]}',
    '{ "tags" : [\n ] }',
    '{ "tags": []}',
    '{\n       "tags": [\n       ]\n      }',
    '{"tags": ["a" ,\n "b"\n]}',
    '{"tags": [ "a" ]}',
    '{ "tags": [], "tags": [] }',
    '{ "a": 1, "a": 2 ,"tags": [ "x" ] , "b": 3 }',
    '{\n    "tags": ["one-line"]\n}',
    '{"name": "first",\n        "jupyter": {}\n   }',
    '{"trusted": true, "zzz": 0}',
    '{"\\u0074ags": ["escaped \\ud83e\\udd89"]}',
]
BY_HAND = (
    '{"nbformat":4, "nbformat_minor" :4,\n   "metadata": {}, "metadata": {}, "cells": [\n'
    + ",\n".join(
        f'    {{ "cell_type": "code", "execution_count": null, "outputs": [], "metadata": {{}},\n'
        f'      "source": "x = {number}",  "metadata" : {metadata} }}'
        for number, metadata in enumerate(_BY_HAND_METADATA)
    )
    + "\n  ]\n}"
)

VARIED: dict[str, bytes] = {**_formed(), **_odd()}
