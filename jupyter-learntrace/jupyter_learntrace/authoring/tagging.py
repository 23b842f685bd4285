"""`tag` and `untag`: from what an author asks for to what changes in which notebook."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..tags import PREFIX, is_assignment, is_well_formed, kebab, slug_of, with_prefix
from .change import Change, ChangedNotebook, changed
from .course import Course, Occurrence
from .document import Cell, Document, read_document
from .errors import Refusal, Refusals
from .language import _
from .selection import describe, select_cell


@dataclass(frozen=True)
class Request:
    """What is asked for: a notebook, a cell as `--cell` takes it, a tag with or without its prefix.

    For `untag`, either may be left out: every assignment tag of the cell, or the cell that has the tag. `source` and `line`
    are the list from which it comes.
    """

    notebook: Path
    cell: str | None
    tag: str | None
    source: Path | None = None
    line: int | None = None


Decision = Callable[[Document, Request, "dict[int, str]"], "list[Change]"]


def tag_notebooks(requests: Sequence[Request], course: Course, *, replace: bool) -> list[ChangedNotebook]:
    """The notebooks with the tags that are asked for; those without a change included. Raises Refusals.

    `course` are all notebooks among which a tag has to be the only one. With `replace`, a cell's other assignment tag gives
    its place to the new one.
    """
    occurrences = {tag: list(places) for tag, places in course.occurrences.items()}

    def decide(document: Document, request: Request, given: dict[int, str]) -> list[Change]:
        cell = select_cell(document, request.cell or "")
        tag = _checked_tag(request.tag or "")
        _check_cell(cell, tag, given)
        _check_unique(document, cell, tag, occurrences.get(tag, []))
        occurrences.setdefault(tag, []).append(Occurrence(document.path, cell.index))
        given[cell.index] = tag
        if tag in cell.tags.tags:
            return []
        others = [one for one in cell.tags.tags if is_assignment(one)]
        if not others:
            return [Change(cell.index, new=tag)]
        if not replace:
            told = _(
                "%(cell)s has the tag %(other)s, and of several the first counts: untag it, or use --replace",
                cell=describe(cell),
                other=others[0],
            )
            raise Refusal(told)
        return [Change(cell.index, old=others[0], new=tag), *(Change(cell.index, old=one) for one in others[1:])]

    return _decided(requests, decide)


def untag_notebooks(requests: Sequence[Request]) -> list[ChangedNotebook]:
    """The notebooks without the tags that are named. Raises Refusals."""

    def decide(document: Document, request: Request, given: dict[int, str]) -> list[Change]:
        cells = _cells_of(document, request)
        found = [Change(cell.index, old=tag) for cell in cells for tag in _tags_to_remove(cell, request.tag)]
        if found:
            return found
        if request.tag is None:
            raise Refusal(_("%(cell)s has no assignment tag", cell=describe(cells[0])))
        wanted = with_prefix(request.tag)
        if request.cell is None:
            raise Refusal(_("no cell has the tag %(tag)s", tag=wanted))
        raise Refusal(_("%(cell)s has no tag %(tag)s", cell=describe(cells[0]), tag=wanted))

    return _decided(requests, decide)


def _decided(requests: Sequence[Request], decide: Decision) -> list[ChangedNotebook]:
    """Notebook by notebook, all that is wrong at once."""
    refusals: list[Refusal] = []
    made: list[ChangedNotebook] = []
    for group in _by_notebook(requests):
        try:
            document = read_document(group[0].notebook)
        except Refusal as refusal:
            refusals.append(refusal)
            continue
        changes: dict[Change, None] = {}
        given: dict[int, str] = {}
        for request in group:
            outcome = _outcome(decide, document, request, given)
            if isinstance(outcome, Refusal):
                refusals.append(outcome)
            else:
                changes.update(dict.fromkeys(outcome))
        try:
            made.append(changed(document, list(changes)))
        except Refusal as refusal:
            refusals.append(refusal)
    if refusals:
        raise Refusals(refusals)
    return made


def _outcome(decide: Decision, document: Document, request: Request, given: dict[int, str]) -> list[Change] | Refusal:
    try:
        return decide(document, request, given)
    except Refusal as refusal:
        return _located(refusal, request)


def _located(refusal: Refusal, request: Request) -> Refusal:
    """With the line of the list, where the request comes from one."""
    if request.source is None:
        return Refusal(refusal.text, request.notebook)
    return Refusal(f"{request.notebook}: {refusal.text}", request.source, request.line)


def _by_notebook(requests: Iterable[Request]) -> list[list[Request]]:
    groups: dict[str, list[Request]] = {}
    for request in requests:
        groups.setdefault(os.path.realpath(request.notebook), []).append(request)
    return list(groups.values())


def _checked_tag(written: str) -> str:
    tag = with_prefix(written.strip())
    if is_well_formed(tag):
        return tag
    proposal = kebab(slug_of(tag))
    told = _("%(tag)s is no tag: after `assignment:` come a-z, 0-9 and single hyphens", tag=repr(written))
    if proposal:
        told = f"{told}. " + _("Perhaps %(proposal)s?", proposal=PREFIX + proposal)
    raise Refusal(told)


def _check_cell(cell: Cell, tag: str, given: dict[int, str]) -> None:
    if cell.kind != "code":
        told = _("%(cell)s is a %(kind)s cell; only code cells can be tagged", cell=describe(cell), kind=cell.kind)
        raise Refusal(told)
    if given.get(cell.index, tag) != tag:
        raise Refusal(_("%(cell)s would get two tags: %(other)s too", cell=describe(cell), other=given[cell.index]))


def _check_unique(document: Document, cell: Cell, tag: str, occurrences: list[Occurrence]) -> None:
    here = [other for other in document.cells if other.index != cell.index and tag in other.tags.tags]
    if here:
        raise Refusal(_("%(tag)s is on %(cell)s already", tag=tag, cell=describe(here[0])))
    others = [one for one in occurrences if not one.is_at(document.path, cell.index)]
    if others:
        raise Refusal(_("%(tag)s is on another cell of the course already: %(place)s", tag=tag, place=others[0]))


def _cells_of(document: Document, request: Request) -> list[Cell]:
    if request.cell is not None:
        return [select_cell(document, request.cell)]
    return [cell for cell in document.cells if _tags_to_remove(cell, request.tag)]


def _tags_to_remove(cell: Cell, wanted: str | None) -> list[str]:
    if wanted is None:
        return [tag for tag in cell.tags.tags if tag.startswith(PREFIX)]
    # A tag whose prefix is miswritten is taken as it stands: untag is how it goes.
    named = {with_prefix(wanted), with_prefix(wanted.strip())}
    named |= {wanted} if wanted.strip().lower().startswith("assignment") else set()
    return [tag for tag in cell.tags.tags if tag in named]
