"""The difference of two texts, line by line and within a line word by word. Pure; difflib does the comparing.

Texts of a megabyte must not hold a request: what both texts begin and end with is set aside first, and of what remains only so
much is compared; the rest counts as replaced.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Final, Literal

Sign = Literal["same", "added", "removed"]
SAME, ADDED, REMOVED = "same", "added", "removed"

# Unchanged lines that are shown around a change; more of them are folded.
CONTEXT: Final = 4
# difflib takes quadratic time where lines repeat.
MOST_COMPARED: Final = 1500
# A longer text is cut, a longer line too: nobody reads them in a page.
MOST_LINES: Final = 400
LONGEST_LINE: Final = 500
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")

Part = tuple[str, bool]
"""A part of a line, and whether it is what differs."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its number in the text that it is of: in the new one, or in the old one where it was removed."""

    sign: str
    number: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """Unchanged lines that are left out."""

    lines: int


@dataclass(frozen=True)
class Diff:
    """What became of a text; `cut` is how many lines are left out at the end."""

    rows: Sequence[Line | Fold]
    added: int = 0
    removed: int = 0
    cut: int = 0
    compared: bool = True

    @property
    def changed(self) -> bool:
        return self.added + self.removed > 0


def diff_of(before: str | None, after: str) -> Diff:
    """Return how a text came about from the one before; without one, its lines alone."""
    new = after.splitlines()
    if before is None:
        lines = [Line(SAME, number, ((_cut(text), False),)) for number, text in enumerate(new, start=1)]
        return Diff(lines[:MOST_LINES], cut=max(len(lines) - MOST_LINES, 0), compared=False)
    lines = list(_lines(before.splitlines(), new))
    rows = _folded(lines)
    return Diff(
        rows[:MOST_LINES],
        sum(line.sign == ADDED for line in lines),
        sum(line.sign == REMOVED for line in lines),
        max(len(rows) - MOST_LINES, 0),
    )


def _lines(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    begin = _common(old, new)
    end = _common(old[begin:][::-1], new[begin:][::-1])
    yield from (_same(number, new[number - 1]) for number in range(1, begin + 1))
    middle_old, middle_new = old[begin : len(old) - end], new[begin : len(new) - end]
    for tag, i1, i2, j1, j2 in _operations(middle_old, middle_new):
        if tag == "equal":
            yield from (_same(begin + j + 1, middle_new[j]) for j in range(j1, j2))
            continue
        removed, added = middle_old[i1:i2], middle_new[j1:j2]
        # No later line of either is shown.
        pairs = list(map(_words, removed[:MOST_LINES], added)) if len(removed) == len(added) else []
        for place, text in enumerate(removed):
            yield Line(REMOVED, begin + i1 + place + 1, pairs[place][0] if place < len(pairs) else _whole(text))
        for place, text in enumerate(added):
            yield Line(ADDED, begin + j1 + place + 1, pairs[place][1] if place < len(pairs) else _whole(text))
    yield from (_same(number, new[number - 1]) for number in range(len(new) - end + 1, len(new) + 1))


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return with how many equal lines both begin."""
    least = min(len(one), len(other))
    return next((place for place in range(least) if one[place] != other[place]), least)


def _operations(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    if len(old) > MOST_COMPARED or len(new) > MOST_COMPARED:
        return [("replace", 0, len(old), 0, len(new))]
    return list(SequenceMatcher(None, old, new, autojunk=False).get_opcodes())


def _words(old: str, new: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Return the parts of a line that was replaced by another; lines that have little in common differ as a whole."""
    if max(len(old), len(new)) > LONGEST_LINE:
        return _whole(old), _whole(new)
    a, b = _WORDS.findall(old), _WORDS.findall(new)
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    if matcher.ratio() < 0.4:
        return _whole(old), _whole(new)
    left: list[Part] = []
    right: list[Part] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        differs = tag != "equal"
        left.append(("".join(a[i1:i2]), differs))
        right.append(("".join(b[j1:j2]), differs))
    return tuple(part for part in left if part[0]), tuple(part for part in right if part[0])


def _whole(text: str) -> tuple[Part, ...]:
    return ((_cut(text), False),)


def _same(number: int, text: str) -> Line:
    return Line(SAME, number, _whole(text))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}… (+{len(text) - LONGEST_LINE})"


def _folded(lines: Sequence[Line]) -> list[Line | Fold]:
    """Return the lines without long runs of unchanged ones; all of a text in which nothing changed."""
    rows: list[Line | Fold] = []
    groups = [list(group) for _same, group in groupby(lines, key=lambda line: line.sign == SAME)]
    if len(groups) == 1:
        return list(lines)
    for place, group in enumerate(groups):
        head = CONTEXT if place > 0 else 0
        tail = CONTEXT if place < len(groups) - 1 else 0
        if group[0].sign != SAME or len(group) <= head + tail + 1:
            rows += group
            continue
        rows += [*group[:head], Fold(len(group) - head - tail), *group[len(group) - tail :]]
    return rows
