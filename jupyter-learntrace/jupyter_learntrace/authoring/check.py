"""`check`: whether a course's tags are as they should be. Errors would lose or mix up telemetry; hints may be meant so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..tags import (
    PREFIX,
    fits_lesson,
    is_assignment,
    is_url_safe,
    is_well_formed,
    lesson_of,
    repaired,
)
from .copies import Copy, copies_among
from .document import BYTE_ORDER_MARK, Cell, Document, read_document
from .errors import Refusal
from .exercises import signs_of_exercises
from .finding import ERROR, HINT, Finding
from .language import _
from .replacements import Replacements
from .selection import describe


def read_all(paths: Iterable[Path]) -> tuple[list[Document], list[Finding]]:
    """The notebooks, and a finding for each that is none."""
    read = [_read(path) for path in paths]
    return [one for one in read if isinstance(one, Document)], [one for one in read if isinstance(one, Finding)]


def _read(path: Path) -> Document | Finding:
    try:
        return read_document(path)
    except Refusal as refusal:
        return Finding("notebook", ERROR, path, refusal.text, line=refusal.line, column=refusal.column)


def check_course(documents: Sequence[Document]) -> list[Finding]:
    """All findings of a course, notebook by notebook in the order of the cells."""
    copies = copies_among(documents)
    tags = (tag for document in documents for cell in document.cells for tag in cell.tags.tags)
    replacements = Replacements(tags, copies)
    findings: list[Finding] = []
    for document in documents:
        found = [*_of_notebook(document), *_hints(document, replacements)]
        for cell in document.cells:
            found += _of_cell(document, cell, replacements)
            found += _of_copies(document, cell, copies, replacements)
        findings += sorted(found, key=lambda finding: -1 if finding.cell is None else finding.cell)
    return findings


def _of_notebook(document: Document) -> Iterator[Finding]:
    if document.text.startswith(BYTE_ORDER_MARK):
        told = _(
            "the file begins with a byte order mark, and Jupyter opens no such notebook: save it as UTF-8 without one"
        )
        yield Finding("byte-order-mark", ERROR, document.path, told, line=1)
    seen: set[str] = set()
    for cell in document.cells:
        if cell.id in seen:
            told = _("%(cell)s has the id of a cell before it; Jupyter will give it another one", cell=describe(cell))
            yield _at(document, cell, "cell-id", HINT, told)
        elif cell.id is not None:
            seen.add(cell.id)


def _of_cell(document: Document, cell: Cell, replacements: Replacements) -> Iterator[Finding]:
    assignments = [tag for tag in cell.tags.tags if is_assignment(tag)]
    for tag in cell.tags.tags:
        if tag.startswith(PREFIX):
            yield from _of_tag(document, cell, tag, replacements)
        elif not assignments and (meant := repaired(tag, document.path)):
            told = _("%(tag)s is no assignment tag, but seems meant as %(meant)s", tag=repr(tag), meant=meant)
            yield _at(document, cell, "prefix", ERROR, told, tag, replacements.of_form(document, cell, tag))
    if assignments and cell.kind != "code":
        told = _("%(tag)s is on a %(kind)s cell; only code cells run", tag=assignments[0], kind=cell.kind)
        yield _at(document, cell, "only-code", ERROR, told, assignments[0])
    if len(assignments) > 1:
        told = _(
            "%(first)s counts, the tags behind it don't: %(others)s",
            first=assignments[0],
            others=", ".join(assignments[1:]),
        )
        yield _at(document, cell, "several-tags", HINT, told, assignments[1])


def _of_tag(document: Document, cell: Cell, tag: str, replacements: Replacements) -> Iterator[Finding]:
    if not is_assignment(tag):
        told = _("behind `assignment:` stands nothing")
        yield _at(document, cell, "empty", ERROR, told, tag)
    elif not is_well_formed(tag):
        rule = "kebab-case" if is_url_safe(tag) else "url-safe"
        told = {
            "kebab-case": _("%(tag)s is not in kebab-case: a-z, 0-9 and single hyphens", tag=repr(tag)),
            "url-safe": _("%(tag)s can't stand in a URL: only a-z, 0-9 and single hyphens can", tag=repr(tag)),
        }[rule]
        yield _at(document, cell, rule, ERROR, told, tag, replacements.of_form(document, cell, tag))
    elif not fits_lesson(tag, document.path):
        lesson = lesson_of(document.path)
        told = _(
            "%(tag)s should begin with %(prefix)s, as the notebook is called", tag=tag, prefix=f"{PREFIX}{lesson}-"
        )
        yield _at(document, cell, "lesson", ERROR, told, tag, replacements.of_lesson(document, cell, tag))


def _of_copies(
    document: Document, cell: Cell, copies: dict[tuple[str, int, str], Copy], replacements: Replacements
) -> Iterator[Finding]:
    for tag in cell.tags.tags:
        copy = copies.get((str(document.path), cell.index, tag))
        if copy is None:
            continue
        place = f"{copy.original_path}, {_('cell %(index)s', index=copy.original_cell)}"
        told = _(
            "%(tag)s is on another cell too: %(place)s. This one looks like the copy: %(why)s",
            tag=tag,
            place=place,
            why=copy.why,
        )
        yield _at(document, cell, "unique", ERROR, told, tag, replacements.of_copy(document, cell, tag, copy))


def _hints(document: Document, replacements: Replacements) -> Iterator[Finding]:
    for index, sign in signs_of_exercises(document).items():
        cell = document.cells[index]
        if any(repaired(tag, document.path) for tag in cell.tags.tags):
            continue  # it has a tag, a miswritten one
        told = _("%(cell)s looks like an exercise, but has no tag: %(sign)s", cell=describe(cell), sign=sign)
        if lesson := lesson_of(document.path):
            told = f"{told}. " + _("Perhaps %(proposal)s?", proposal=replacements.for_untagged(lesson))
        yield _at(document, cell, "untagged-exercise", HINT, told)


def _at(
    document: Document,
    cell: Cell,
    rule: str,
    severity: str,
    text: str,
    tag: str | None = None,
    replacement: str | None = None,
) -> Finding:
    line = document.line_of(cell.index)
    return Finding(rule, severity, document.path, text, cell.index, cell.id, line, None, tag, replacement)
