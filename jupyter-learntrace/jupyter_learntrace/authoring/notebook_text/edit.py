"""Adds and removes a tag in the text of a cell's metadata, without touching anything else in it.

`tag` followed by `untag` restores every text byte for byte. Two rules ensure that:

- A new list is written as Jupyter writes it: spread over lines where the file is, else on one line. If `untag` empties
  a list of exactly this form, it removes the key too. Any other list stays, empty.
- A tag for an existing empty list is written in place, `["..."]`, which in a file of several lines is not the form of a
  new list. In a file of one line it would be, so there a blank marks it: `["..." ]`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from jupyter_learntrace.authoring.notebook_text.json_spans import (
    Element,
    Member,
    elements_of,
    member,
    members_of,
    skip_blank,
)

_LINE_BREAK = re.compile(r"(\r\n|\n|\r)([ \t]*)\Z")


@dataclass(frozen=True)
class Style:
    """How the file around a cell's metadata is written.

    line_break: what ends a line, empty in a file of one line; margin: the blanks before the cell's "metadata"; step: what
    one level is indented by; colon: what stands between a key and its value; blank: what follows a comma on one line.
    """

    line_break: str
    margin: str
    step: str
    colon: str
    blank: str


@dataclass(frozen=True)
class _Layout:
    """How the members of a metadata object are laid out: `gap` is the whitespace before each."""

    gap: str
    new_list: tuple[str, str]  # the whitespace before and after the only tag of a new list


def style_at(text: str, root: int, metadata: Member) -> Style:
    """Return the style around a cell's metadata, which `tag` never changes. `root` is the position of the notebook's `{`."""
    before = _LINE_BREAK.search(_blank_before(text, metadata.start))
    first = text[root + 1 : skip_blank(text, root + 1)]
    indented = _LINE_BREAK.search(first)
    colon = text[metadata.key_end : metadata.value_start]
    return Style(
        line_break=before[1] if before else "",
        margin=before[2] if before else "",
        step=indented[2] if indented else " ",
        colon=": " if _LINE_BREAK.search(colon) else colon,
        blank=" " if colon.endswith(" ") else "",
    )


def with_tag(metadata: str, tag: str, style: Style) -> str:
    """Return the text of a metadata object with a tag appended; unchanged if it has the tag."""
    members = members_of(metadata, 0)
    tags = member(members, "tags")
    if tags is None:
        return _with_member(metadata, members, tag, style)
    elements = elements_of(metadata, tags.value_start)
    if any(element.value == tag for element in elements):
        return metadata
    if elements:
        last = elements[-1]
        gap = _blank_before(metadata, last.start) or style.blank
        return _splice(metadata, last.end, last.end, f",{gap}{json.dumps(tag)}")
    end = tags.end - 1
    alike = metadata[tags.value_start + 1 : end] == "" and _layout(metadata, members, style).new_list == ("", "")
    return _splice(metadata, end, end, json.dumps(tag) + (" " if alike else ""))


def without_tag(metadata: str, tag: str, style: Style) -> str:
    """Return the text of a metadata object without a tag, however often it is there; unchanged if it isn't."""
    members = members_of(metadata, 0)
    tags = member(members, "tags")
    elements = elements_of(metadata, tags.value_start) if tags else []
    index = next((index for index, element in enumerate(elements) if element.value == tag), None)
    if tags is None or index is None:
        return metadata
    if len(elements) > 1:
        return without_tag(_without_element(metadata, elements, index), tag, style)
    (only,) = elements
    lead, trail = metadata[tags.value_start + 1 : only.start], metadata[only.end : tags.end - 1]
    new_list = _layout(metadata, members, style).new_list
    if (lead, trail) == new_list:
        return _without_member(metadata, members, members.index(tags), style)
    marked = new_list == ("", "") and (lead, trail) == ("", " ")
    return _splice(metadata, tags.value_start + 1, tags.end - 1, "" if marked else lead + trail)


def with_tag_replaced(metadata: str, old: str, new: str) -> str:
    """Return the text of a metadata object with `new` in place of `old`; if `new` is there already, `old` is removed."""
    tags = member(members_of(metadata, 0), "tags")
    elements = elements_of(metadata, tags.value_start) if tags else []
    index = next((index for index, element in enumerate(elements) if element.value == old), None)
    if index is None or old == new:
        return metadata
    if any(element.value == new for element in elements):
        metadata = _without_element(metadata, elements, index)
    else:
        metadata = _splice(metadata, elements[index].start, elements[index].end, json.dumps(new))
    return with_tag_replaced(metadata, old, new)


def _layout(metadata: str, members: list[Member], style: Style) -> _Layout:
    """Return the layout of this object, which is the same with and without `tags`."""
    inner = style.line_break + style.margin + style.step
    apart = _Layout(inner, (inner + style.step, inner)) if style.line_break else _Layout("", ("", ""))
    if not members or (len(members) == 1 and members[0].key == "tags"):
        # `tags` is alone here: spread over lines only if the braces hold no other whitespace.
        lead = metadata[1 : members[0].start] if members else ""
        trail = metadata[members[0].end : -1] if members else ""
        blank = metadata[1:-1] == "" if not members else (lead, trail) == (inner, style.line_break + style.margin)
        return apart if blank else _Layout("", ("", ""))
    gap = metadata[1 : members[0].start]
    if not _LINE_BREAK.search(gap):
        return _Layout(style.blank, ("", ""))
    return _Layout(gap, (gap + style.step, gap))


def _with_member(metadata: str, members: list[Member], tag: str, style: Style) -> str:
    layout = _layout(metadata, members, style)
    before, after = layout.new_list
    added = f'"tags"{style.colon}[{before}{json.dumps(tag)}{after}]'
    if not members:
        closing = style.line_break + style.margin if layout.gap else ""
        return f"{metadata[:-1]}{layout.gap}{added}{closing}}}"
    keys = [existing.key for existing in members]
    # Jupyter sorts the keys: inserted in order, the key won't move at the next save.
    following = (
        next((existing for existing in members if existing.key > "tags"), None) if keys == sorted(keys) else None
    )
    if following is None:
        return _splice(metadata, members[-1].end, members[-1].end, f",{layout.gap}{added}")
    return _splice(metadata, following.start, following.start, f"{added},{layout.gap}")


def _without_member(metadata: str, members: list[Member], index: int, style: Style) -> str:
    """Remove exactly what _with_member() adds."""
    if index + 1 < len(members):
        return _splice(metadata, members[index].start, members[index + 1].start, "")
    if index > 0:
        return _splice(metadata, members[index - 1].end, members[index].end, "")
    lead, trail = metadata[1 : members[0].start], metadata[members[0].end : -1]
    spread = (style.line_break + style.margin + style.step, style.line_break + style.margin)
    return "{}" if style.line_break and (lead, trail) == spread else f"{{{lead}{trail}}}"


def _without_element(metadata: str, elements: list[Element], index: int) -> str:
    if index + 1 < len(elements):
        return _splice(metadata, elements[index].start, elements[index + 1].start, "")
    return _splice(metadata, elements[index - 1].end, elements[index].end, "")


def _blank_before(text: str, position: int) -> str:
    start = position
    while start > 0 and text[start - 1] in " \t\r\n":
        start -= 1
    return text[start:position]


def _splice(text: str, start: int, end: int, between: str) -> str:
    return text[:start] + between + text[end:]
