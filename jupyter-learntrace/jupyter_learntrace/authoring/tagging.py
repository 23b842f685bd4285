"""`tag` and `untag`: turns the author's requests into changes of notebooks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_learntrace.authoring.course.selection import describe, select_cell
from jupyter_learntrace.authoring.course.tags_in_use import Course, Occurrence
from jupyter_learntrace.authoring.errors import Refusal, Refusals
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.notebook_text.change import Change, ChangedNotebook, apply_changes
from jupyter_learntrace.authoring.notebook_text.document import Cell, Document, read_document
from jupyter_learntrace.tags import (
    CHECK_PREFIX,
    PREFIX,
    check_of,
    checked_by,
    is_assignment,
    is_check,
    is_well_formed,
    kebab,
    slug_of,
    with_prefix,
)


@dataclass(frozen=True)
class Request:
    """A request for one cell: a notebook, a cell as `--cell` takes it, and a tag with or without its prefix.

    For `untag`, either may be None: then every assignment tag of the cell, or the cell that has the tag. `source` and
    `line` say from which list the request comes. With `check`, or a tag `check:...`, the cell checks the assignment.
    """

    notebook: Path
    cell: str | None
    tag: str | None
    source: Path | None = None
    line: int | None = None
    check: bool = False

    @property
    def is_check(self) -> bool:
        return self.check or (self.tag or "").strip().startswith(CHECK_PREFIX)


Decision = Callable[[Document, Request, "dict[int, str]"], "list[Change]"]


def tag_notebooks(requests: Sequence[Request], course: Course, *, replace: bool) -> list[ChangedNotebook]:
    """Return the notebooks with the requested tags added, unchanged ones included. Raises Refusals.

    A tag has to be unique within `course`. With `replace`, the new tag takes the place of a cell's other assignment tag.
    """
    occurrences = {tag: list(places) for tag, places in course.occurrences.items()}
    promised: dict[str, list[str]] = {}
    for request in requests:
        if not request.is_check:
            promised.setdefault(_real(request.notebook), []).append(with_prefix((request.tag or "").strip()))

    def decide(document: Document, request: Request, given: dict[int, str]) -> list[Change]:
        cell = select_cell(document, request.cell or "")
        tag = _checked_tag(request.tag or "", check=request.is_check)
        _check_cell(cell, tag, given)
        _check_kind(cell, tag)
        if request.is_check:
            _check_assignment(document, tag, {*given.values(), *promised.get(_real(document.path), ())})
        _check_unique(document, cell, tag, occurrences.get(tag, []))
        occurrences.setdefault(tag, []).append(Occurrence(document.path, cell.index))
        given[cell.index] = tag
        if tag in cell.tags.tags:
            return []
        alike = is_check if request.is_check else is_assignment
        others = [other for other in cell.tags.tags if alike(other)]
        if not others:
            return [Change(cell.index, new=tag)]
        if not replace:
            text = _(
                "%(cell)s has the tag %(other)s, and only the first tag counts: untag it, or use --replace",
                cell=describe(cell),
                other=others[0],
            )
            raise Refusal(text)
        return [Change(cell.index, old=others[0], new=tag), *(Change(cell.index, old=other) for other in others[1:])]

    return _changed_notebooks(requests, decide)


def untag_notebooks(requests: Sequence[Request]) -> list[ChangedNotebook]:
    """Return the notebooks with the requested tags removed. Raises Refusals."""

    def decide(document: Document, request: Request, given: dict[int, str]) -> list[Change]:
        cells = _cells_of(document, request)
        changes = [Change(cell.index, old=tag) for cell in cells for tag in _tags_to_remove(cell, request.tag)]
        if changes:
            return changes
        if request.tag is None:
            raise Refusal(_("%(cell)s has no assignment tag", cell=describe(cells[0])))
        wanted = with_prefix(request.tag)
        if request.cell is None:
            raise Refusal(_("no cell has the tag %(tag)s", tag=wanted))
        raise Refusal(_("%(cell)s has no tag %(tag)s", cell=describe(cells[0]), tag=wanted))

    return _changed_notebooks(requests, decide)


def _changed_notebooks(requests: Sequence[Request], decide: Decision) -> list[ChangedNotebook]:
    """Change each notebook as `decide` says. Raises the Refusals of all notebooks together."""
    refusals: list[Refusal] = []
    notebooks: list[ChangedNotebook] = []
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
            notebooks.append(apply_changes(document, list(changes)))
        except Refusal as refusal:
            refusals.append(refusal)
    if refusals:
        raise Refusals(refusals)
    return notebooks


def _outcome(decide: Decision, document: Document, request: Request, given: dict[int, str]) -> list[Change] | Refusal:
    try:
        return decide(document, request, given)
    except Refusal as refusal:
        return _located(refusal, request)


def _located(refusal: Refusal, request: Request) -> Refusal:
    """Add the location: the notebook, or the line of the list from which the request comes."""
    if request.source is None:
        return Refusal(refusal.text, request.notebook)
    return Refusal(f"{request.notebook}: {refusal.text}", request.source, request.line)


def _by_notebook(requests: Iterable[Request]) -> list[list[Request]]:
    groups: dict[str, list[Request]] = {}
    for request in requests:
        groups.setdefault(_real(request.notebook), []).append(request)
    return list(groups.values())


def _real(path: Path) -> str:
    return os.path.realpath(path)


def _checked_tag(written: str, *, check: bool) -> str:
    tag = checked_by(check_of(written.strip())) if check else with_prefix(written.strip())
    if is_well_formed(tag):
        return check_of(tag) if check else tag
    proposal = kebab(slug_of(tag))
    text = _("%(tag)s isn't a tag: after `assignment:` come a-z, 0-9 and single hyphens", tag=repr(written))
    if proposal:
        text = f"{text}. " + _("Perhaps %(proposal)s?", proposal=(CHECK_PREFIX if check else PREFIX) + proposal)
    raise Refusal(text)


def _check_kind(cell: Cell, tag: str) -> None:
    """Refuse a check cell that would be worked on too."""
    other = is_assignment if is_check(tag) else is_check
    if found := [named for named in cell.tags.tags if other(named)]:
        text = _(
            "%(cell)s also has the tag %(other)s: a cell is either an exercise or the check of one",
            cell=describe(cell),
            other=found[0],
        )
        raise Refusal(text)


def _check_assignment(document: Document, tag: str, promised: set[str]) -> None:
    """Refuse a check cell whose assignment the notebook doesn't have."""
    wanted = checked_by(tag)
    if wanted not in promised and not any(wanted in cell.tags.tags for cell in document.cells):
        text = _(
            "%(tag)s checks an assignment that the notebook doesn't have: no cell has the tag %(wanted)s",
            tag=tag,
            wanted=wanted,
        )
        raise Refusal(text)


def _check_cell(cell: Cell, tag: str, given: dict[int, str]) -> None:
    if cell.kind != "code":
        text = _("%(cell)s is a %(kind)s cell; only code cells can be tagged", cell=describe(cell), kind=cell.kind)
        raise Refusal(text)
    if given.get(cell.index, tag) != tag:
        raise Refusal(_("%(cell)s would get two tags: %(other)s too", cell=describe(cell), other=given[cell.index]))


def _check_unique(document: Document, cell: Cell, tag: str, occurrences: list[Occurrence]) -> None:
    here = [other for other in document.cells if other.index != cell.index and tag in other.tags.tags]
    if here:
        raise Refusal(_("%(tag)s is already on %(cell)s", tag=tag, cell=describe(here[0])))
    others = [other for other in occurrences if not other.is_at(document.path, cell.index)]
    if others:
        raise Refusal(_("%(tag)s is already on another cell of the course: %(place)s", tag=tag, place=others[0]))


def _cells_of(document: Document, request: Request) -> list[Cell]:
    if request.cell is not None:
        return [select_cell(document, request.cell)]
    return [cell for cell in document.cells if _tags_to_remove(cell, request.tag)]


def _tags_to_remove(cell: Cell, wanted: str | None) -> list[str]:
    if wanted is None:
        return [tag for tag in cell.tags.tags if tag.startswith((PREFIX, CHECK_PREFIX))]
    # A tag with a misspelt prefix is taken literally, so that `untag` can remove it.
    named = {with_prefix(wanted), with_prefix(wanted.strip())}
    named |= {wanted} if wanted.strip().lower().startswith(("assignment", "check:")) else set()
    return [tag for tag in cell.tags.tags if tag in named]
