"""The lines by which jupytext's formats begin and end a code cell, and the tags that they hold."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from jupyter_learntrace.authoring.notebook_text.edit import Style, with_tag, with_tag_replaced, without_tag
from jupyter_learntrace.authoring.notebook_text.json_spans import member, members_of
from jupyter_learntrace.authoring.paired_text.tag_lists import items_of, replaced, with_item, without_item

_HASH, _SLASHES, _DASHES, _PERCENT, _SEMICOLONS = "#", "//", "--", "%", ";;"
# What begins a comment, by the ending of a file. Others are read by jupytext as well, but are rare in courses.
COMMENTS = {
    **dict.fromkeys(("py", "R", "r", "jl", "sh", "rb", "ps1", "tcl", "robot", "gp", "do", "nim", "coco"), _HASH),
    **dict.fromkeys(
        ("js", "ts", "java", "scala", "cpp", "cc", "c", "cs", "rs", "go", "fs", "fsx", "kt", "groovy"), _SLASHES
    ),
    **dict.fromkeys(("sql", "hs", "lua"), _DASHES),
    "m": _PERCENT,
    **dict.fromkeys(("clj", "scm", "ss"), _SEMICOLONS),
}
_ONE_LINE = Style(line_break="", margin="", step="", colon=": ", blank=" ")
_NOT_CODE = re.compile(r"\[(?:markdown|md|raw)\]|\bactive=|\bregion_name=")
_TAGS = re.compile(r"(\s*,?\s*)\btags=(c\(|\[)([^\])]*)([\])])")


@dataclass(frozen=True)
class Change:
    """A change of a cell's tags: one that goes, one that comes, or one in place of another."""

    old: str | None
    new: str | None

    def of_list(self, inner: str) -> str:
        """Return what is between a list's brackets after the change."""
        if self.old is not None and self.new is not None:
            return replaced(inner, self.old, self.new)
        return with_item(inner, self.new) if self.new is not None else without_item(inner, self.old or "")


@dataclass(frozen=True)
class Syntax:
    """How a format writes a code cell: the line that begins it, the one that ends it, and R's form of lists or JSON's."""

    begin: re.Pattern[str]
    end: re.Pattern[str]
    in_r: bool = False

    def is_begin(self, line: str) -> bool:
        return self.begin.match(line) is not None and _NOT_CODE.search(line) is None


def syntax_of(form: str, ending: str) -> Syntax | None:
    """Return the syntax of a format; None where it holds no tags, or isn't known here."""
    if form == "markdown":
        return Syntax(re.compile(r"(?:```+|~~~+)[ \t]*[\w+#.-]+"), re.compile(r"(?:```+|~~~+)\s*$"))
    if form == "rmarkdown":
        return Syntax(re.compile(r"```+\{[\w+#.-]+.*\}\s*$"), re.compile(r"```+\s*$"), in_r=True)
    if form == "myst":
        return Syntax(re.compile(r"```+\{code-cell\}"), re.compile(r"```+\s*$"))
    comment = COMMENTS.get(ending)
    if comment is None:
        return None
    start = re.escape(comment)
    if form in ("percent", "hydrogen"):
        marker = re.compile(rf"{start}[ \t]*%%(?!%)(?:\s|$)")
        return Syntax(marker, re.compile(rf"{start}[ \t]*%%+(?:\s|$)"))
    if form == "light":
        return Syntax(re.compile(rf"{start} \+(?:\s|$)"), re.compile(rf"{start} [+-](?:\s|$)"))
    return None


def tags_of(line: str) -> list[str]:
    """Return the tags that a line holds which begins a cell."""
    if (found := _json_options(line)) is not None:
        option = member(members_of(line[found:], 0), "tags")
        written = option.value if option else []
        return [tag for tag in written if isinstance(tag, str)] if isinstance(written, list) else []
    match = _TAGS.search(line)
    return items_of(match[3]) if match else []


def changed_line(line: str, change: Change, syntax: Syntax) -> str:
    """Return a line that begins a cell, after the change of its tags."""
    body = line.rstrip("\r\n")
    end = line[len(body) :]
    if (found := _json_options(body)) is not None:
        return body[:found] + _changed_json(body[found:], change) + end
    if match := _TAGS.search(body):
        inner = change.of_list(match[3])
        if not inner:
            return _without_option(body[: match.start()], body[match.end() :]) + end
        return body[: match.start(3)] + inner + body[match.end(3) :] + end
    if change.new is None or change.old is not None:
        return line
    if syntax.in_r:
        inside = body.rstrip()[:-1]
        gap = ", " if re.match(r"```+\{\S+\s", inside) else " "
        return f'{inside}{gap}tags=c("{change.new}")}}{body[len(body.rstrip()) :]}{end}'
    return f'{body} tags=["{change.new}"]{end}'


def _json_options(line: str) -> int | None:
    """Return where the options begin if they are written as JSON: `# %% {"tags": []}`."""
    match = re.search(r"(?<=\s)\{(?=\s*[\"}])", line)
    try:
        return match.start() if match and isinstance(json.loads(line[match.start() :]), dict) else None
    except ValueError:
        return None


def _changed_json(options: str, change: Change) -> str:
    tail = options[len(options.rstrip()) :]
    written = options.rstrip()
    if change.old is not None and change.new is not None:
        return with_tag_replaced(written, change.old, change.new) + tail
    if change.new is not None:
        return with_tag(written, change.new, _ONE_LINE) + tail
    return without_tag(written, change.old or "", _ONE_LINE) + tail


def _without_option(before: str, after: str) -> str:
    """Join what stood around the removed option; the comma behind a label goes with R's first option."""
    return before + (after if before.rstrip() or not after.startswith(",") else after[1:])
