"""The difference of two attempts, and what they put out, as a page may show it."""

import time

import pytest

from learntrace.dashboard.components.diff import LONGEST_LINE, MOST_LINES, Diff, Fold, Line, diff_of
from learntrace.dashboard.components.output import MOST_OUTPUT, output_of

PNG = "iVBORw0KGgo" + "A" * 80


def told(diff: Diff) -> list[str]:
    """Each row in one text: its sign, its text with what differs in brackets."""
    signs = {"same": " ", "added": "+", "removed": "-"}
    return [
        f"({row.lines})"
        if isinstance(row, Fold)
        else signs[row.sign] + "".join(f"[{part}]" if differs else part for part, differs in row.parts)
        for row in diff.rows
    ]


def test_a_changed_line_tells_which_words_changed() -> None:
    diff = diff_of("total = 0\nprint(totl)\n", "total = 0\nprint(total)\n")
    assert told(diff) == [" total = 0", "-print([totl])", "+print([total])"]
    assert (diff.added, diff.removed, diff.changed) == (1, 1, True)
    numbers = [row.number for row in diff.rows if isinstance(row, Line)]
    assert numbers == [1, 2, 2]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, "a\nb", [" a", " b"]),
        ("a\nb", "a\nb", [" a", " b"]),
        ("", "a", ["+a"]),
        ("a\nb\nc", "a\nc", [" a", "-b", " c"]),
        ("a", "a\nb\nc", [" a", "+b", "+c"]),
        # Lines that have little in common differ as a whole.
        ("for i in x:", "while True", ["-for i in x:", "+while True"]),
    ],
)
def test_lines_are_marked_as_added_and_removed(before: str | None, after: str, expected: list[str]) -> None:
    assert told(diff_of(before, after)) == expected


def test_unchanged_lines_far_from_a_change_are_folded() -> None:
    lines = [f"line {number}" for number in range(30)]
    rows = told(diff_of("\n".join(lines), "\n".join([*lines[:15], "new", *lines[15:]])))
    assert rows[0] == "(11)"
    assert rows[1:6] == [" line 11", " line 12", " line 13", " line 14", "+new"]
    assert rows[-1] == "(11)"


def test_a_megabyte_takes_no_time_and_is_cut() -> None:
    line = "x" * 1_000_000
    begun = time.process_time()
    diff = diff_of(line, line + "y")
    assert all(len(part) < LONGEST_LINE + 20 for row in diff.rows if isinstance(row, Line) for part, _ in row.parts)
    many = "\n".join(f"a = {number % 7}" for number in range(120_000))
    other = "\n".join(f"a = {number % 5}" for number in range(120_000))
    diff = diff_of(many, other)
    assert (len(diff.rows), diff.cut > 0) == (MOST_LINES, True)
    assert time.process_time() - begun < 5


def test_an_output_is_plain_text_or_a_picture_and_never_markup() -> None:
    assert output_of("\x1b[31mNameError\x1b[0m: \x1b]0;title\x07x\x00").text == "NameError: x"
    assert output_of("10 %\r50 %\r100 %\r\ndone").text == "100 %\ndone"
    assert output_of("<script>alert(1)</script>").text == "<script>alert(1)</script>"
    assert output_of(PNG).picture == f"data:image/png;base64,{PNG}"
    assert output_of(f"data:image/gif;base64,{PNG}\n").picture == f"data:image/gif;base64,{PNG}"
    for text in (
        "data:image/svg+xml;base64,AAAA",
        'data:image/png;base64,AA" onerror="x',
        "data:text/html;base64,AAAA",
    ):
        assert (output_of(text).picture, output_of(text).text) == ("", text)
    long = output_of("a" * 100_000 + "end")
    assert (len(long.text), long.text[-3:], long.cut) == (MOST_OUTPUT, "end", 100_003 - MOST_OUTPUT)
