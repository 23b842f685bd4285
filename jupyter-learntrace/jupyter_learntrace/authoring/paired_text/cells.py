"""Finds a notebook's code cell in a text by its source, and changes the tags that stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jupyter_learntrace.authoring.paired_text.markers import COMMENTS, Change, Syntax, changed_line, syntax_of, tags_of
from jupyter_learntrace.authoring.paired_text.tag_lists import items_of

_MYST_LIST = re.compile(r"^(:?)tags:([ \t]*)\[(.*)\][ \t]*(\r?\n?)$")
_FENCE = re.compile(r"```|~~~")
_OF_SCRIPTS = ("percent", "hydrogen", "light")
_MYST_OPTION = re.compile(r"^:[\w-]+:")


@dataclass(frozen=True)
class _Place:
    """A code cell in the text: the line of its marker (None where it has none), its source from `start` up to `end`."""

    marker: int | None
    start: int
    end: int


class Text:
    """A text that jupytext has paired with a notebook. `lines` keep their ends; changes are made in them."""

    def __init__(self, text: str, form: str, ending: str) -> None:
        self.lines = text.splitlines(keepends=True)
        self._form, self._syntax, self._comment = form, syntax_of(form, ending), COMMENTS.get(ending, "#")
        self._line_end = "\r\n" if self.lines and self.lines[0].endswith("\r\n") else "\n"

    @property
    def text(self) -> str:
        return "".join(self.lines)

    @property
    def holds_tags(self) -> bool:
        return self._syntax is not None

    def tags(self, source: str, equals: tuple[int, int]) -> list[str] | None:
        """Return a cell's tags; None where the cell isn't found. `equals`: which of how many cells with this source."""
        place = self._find(source, equals)
        if place is None or self._syntax is None:
            return None
        if place.marker is None:
            return []
        if self._form == "myst":
            found = [items_of(match[3]) for line in self._options(place) if (match := _MYST_LIST.match(line))]
            return found[0] if found else self._block_list(place)
        return tags_of(self.lines[place.marker].rstrip("\r\n"))

    def change(self, source: str, equals: tuple[int, int], change: Change) -> bool:
        """Change the tags of a cell; return whether it was found and can hold them."""
        place = self._find(source, equals)
        if place is None or self._syntax is None:
            return False
        if self._form == "myst":
            return self._change_myst(place, change)
        if place.marker is None:
            if change.new is not None:
                self._mark(place, change.new)
            return True
        self.lines[place.marker] = changed_line(self.lines[place.marker], change, self._syntax)
        if self._form == "light" and change.new is None:
            self._unmark(place)
        return True

    def _find(self, source: str, equals: tuple[int, int]) -> _Place | None:
        wanted = _code(source.splitlines(), self._comment)
        if not wanted or self._syntax is None:
            return None
        places = [place for place in self._places(self._syntax) if self._has(place, wanted)]
        which, count = equals
        return places[which] if len(places) == count else None

    def _has(self, place: _Place, wanted: Sequence[str]) -> bool:
        found = _code(self.lines[place.start : place.end], self._comment)
        # A cell of another language has that in its marker, and not in its source.
        return found == list(wanted) or (wanted[0].startswith("%%") and found == list(wanted[1:]))

    def _places(self, syntax: Syntax) -> Iterator[_Place]:
        line = self._after_header()
        while line < len(self.lines):
            if syntax.is_begin(self.lines[line]):
                start = self._after_options(line + 1)
                end = next(
                    (at for at in range(start, len(self.lines)) if syntax.end.match(self.lines[at])), len(self.lines)
                )
                yield _Place(line, start, end)
                closes = end < len(self.lines) and not syntax.is_begin(self.lines[end])
                line = end + 1 if closes and self._form not in _OF_SCRIPTS[:2] else end
            elif self._form == "light" and self.lines[line].strip() and not syntax.end.match(self.lines[line]):
                end = self._end_of_paragraph(line, syntax)
                yield _Place(None, line, end)
                line = end
            elif self._form not in _OF_SCRIPTS and _FENCE.match(self.lines[line]):
                # The fence of something else than code, whose end must not be taken for a begin.
                line = (
                    next((at for at in range(line + 1, len(self.lines)) if syntax.end.match(self.lines[at])), line) + 1
                )
            else:
                line += 1

    def _after_header(self) -> int:
        """Return the first line behind the header, which is in YAML between two `---`, commented out in scripts."""
        bare = [line.strip().removeprefix(self._comment).strip() for line in self.lines[:200]]
        if bare and bare[0] == "---":
            return next((at + 1 for at in range(1, len(bare)) if bare[at] == "---"), 0)
        return 0

    def _end_of_paragraph(self, start: int, syntax: Syntax) -> int:
        """Return the end of a cell without a marker: the blank line that no indented line follows."""
        end = start
        for at in range(start, len(self.lines)):
            line = self.lines[at]
            if syntax.end.match(line):
                break
            if line.strip():
                if end < at and not line[0].isspace():
                    break
                end = at + 1
        return end

    def _mark(self, place: _Place, tag: str) -> None:
        """Give a cell of the light format a begin with a tag, and an end."""
        following = next((line for line in self.lines[place.end :] if line.strip()), "")
        if self._syntax is not None and not self._syntax.is_begin(following):
            if not self.lines[place.end - 1].endswith("\n"):
                self.lines[place.end - 1] += self._line_end
            self.lines.insert(place.end, f"{self._comment} -{self._line_end}")
        self.lines.insert(place.start, f'{self._comment} + tags=["{tag}"]{self._line_end}')

    def _unmark(self, place: _Place) -> None:
        """Remove a marker that has no options any more, where the cell needs none."""
        body = self.lines[place.start : place.end]
        while body and not body[-1].strip():
            body.pop()
        plain = body and all(line.strip() for line in body) and not all(line.startswith(self._comment) for line in body)
        if place.marker is not None and plain and self.lines[place.marker].strip() == f"{self._comment} +":
            if place.end < len(self.lines) and self.lines[place.end].strip() == f"{self._comment} -":
                del self.lines[place.end]
            del self.lines[place.marker]

    def _after_options(self, line: int) -> int:
        """Return the first line of a MyST cell's source, which its options precede."""
        if self._form != "myst" or line >= len(self.lines):
            return line
        if self.lines[line].strip() == "---":
            return next((at + 1 for at in range(line + 1, len(self.lines)) if self.lines[at].strip() == "---"), line)
        while line < len(self.lines) and _MYST_OPTION.match(self.lines[line]):
            line += 1
        return line

    def _options(self, place: _Place) -> list[str]:
        return self.lines[(place.marker or 0) + 1 : place.start]

    def _block_list(self, place: _Place) -> list[str]:
        """Return the tags of a list that has a line for each: `tags:` and then `- slow`."""
        options = [line.strip() for line in self._options(place)]
        if "tags:" not in options:
            return []
        below = options[options.index("tags:") + 1 :]
        ended = next((at for at, line in enumerate(below) if not line.startswith("- ")), len(below))
        return [line[2:].strip().strip("\"'") for line in below[:ended]]

    def _change_myst(self, place: _Place, change: Change) -> bool:
        first = (place.marker or 0) + 1
        for at in range(first, place.start):
            if match := _MYST_LIST.match(self.lines[at]):
                inner = change.of_list(match[3])
                if inner:
                    self.lines[at] = f"{match[1]}tags:{match[2]}[{inner}]{match[4]}"
                else:
                    self._without_option(at, first, place.start)
                return True
        if self._block_list(place):
            return False
        if change.new is not None and change.old is None:
            in_block = first < place.start and self.lines[first].strip() == "---"
            option = f'{"" if in_block else ":"}tags: ["{change.new}"]{self._line_end}'
            # A blank line stands between options and source.
            added = [option] if in_block or place.start > first else [option, self._line_end]
            at = place.start - 1 if in_block else place.start
            self.lines[at:at] = added
        return True

    def _without_option(self, at: int, first: int, start: int) -> None:
        del self.lines[at]
        if start - first == 1 and at < len(self.lines) and not self.lines[at].strip():
            del self.lines[at]


def _code(lines: Sequence[str], comment: str) -> list[str]:
    """Return lines of code as they can be compared: without blank ones, and with what is commented out as it was.

    Texts have magics as comments, and markers in a source with one comment more.
    """
    stripped = (re.sub(rf"^(?:{re.escape(comment)} ?)+", "", line.rstrip()) for line in lines)
    return [line for line in stripped if line.strip()]
