"""`check`: validates a course's tags. Errors would lose or mix up telemetry; hints may be intended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from jupyter_learntrace.authoring.checking.finding import ERROR, HINT, Finding
from jupyter_learntrace.authoring.checking.replacements import Replacements
from jupyter_learntrace.authoring.course.copies import Copy, copies_among
from jupyter_learntrace.authoring.course.exercises import signs_of_exercises
from jupyter_learntrace.authoring.course.selection import describe
from jupyter_learntrace.authoring.errors import Refusal
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.notebook_text.document import BYTE_ORDER_MARK, Cell, Document, read_document
from jupyter_learntrace.authoring.notebook_text.oddities import oddities
from jupyter_learntrace.authoring.paired_text.writing import differences
from jupyter_learntrace.tags import (
    CHECK_PREFIX,
    PREFIX,
    checked_by,
    fits_lesson,
    is_assignment,
    is_check,
    is_url_safe,
    is_well_formed,
    lesson_of,
    repaired,
)


def read_all(paths: Iterable[Path]) -> tuple[list[Document], list[Finding]]:
    """Read the notebooks. Return them, and a finding for each file that isn't one."""
    outcomes = [_read(path) for path in paths]
    documents = [outcome for outcome in outcomes if isinstance(outcome, Document)]
    return documents, [outcome for outcome in outcomes if isinstance(outcome, Finding)]


def _read(path: Path) -> Document | Finding:
    try:
        return read_document(path)
    except Refusal as refusal:
        return Finding("notebook", ERROR, path, refusal.text, line=refusal.line, column=refusal.column)


def check_course(documents: Sequence[Document]) -> list[Finding]:
    """Return all findings of a course, ordered by notebook and cell."""
    copies = copies_among(documents)
    tags = (tag for document in documents for cell in document.cells for tag in cell.tags.tags)
    replacements = Replacements(tags, copies)
    findings: list[Finding] = []
    for document in documents:
        of_document = [*_check_notebook(document), *_untagged_exercises(document, replacements)]
        for cell in document.cells:
            of_document += _check_cell(document, cell, replacements)
            of_document += _check_copies(document, cell, copies, replacements)
        findings += sorted(of_document, key=lambda finding: -1 if finding.cell is None else finding.cell)
    return findings


def _check_notebook(document: Document) -> Iterator[Finding]:
    if document.text.startswith(BYTE_ORDER_MARK):
        text = _(
            "the file begins with a byte order mark, and Jupyter opens no such notebook: save it as UTF-8 without one"
        )
        yield Finding("byte-order-mark", ERROR, document.path, text, line=1)
    for oddity in oddities(document.content):
        if oddity.cell is None:
            yield Finding("format", HINT, document.path, oddity.text)
        else:
            yield _finding(document, document.cells[oddity.cell], "format", HINT, oddity.text)
    for path, lacking in differences(document):
        if lacking:
            text = _(
                "jupytext pairs the notebook with %(file)s, which lacks the tags of %(cells)s: "
                "the next sync from there removes them",
                file=path,
                cells=", ".join(map(describe, lacking)),
            )
        else:
            text = _("jupytext pairs the notebook with %(file)s: tags are written there too", file=path)
        yield Finding("paired", HINT, document.path, text)
    seen: set[str] = set()
    for cell in document.cells:
        if cell.id in seen:
            text = _("%(cell)s has the id of a cell before it; Jupyter will give it another one", cell=describe(cell))
            yield _finding(document, cell, "cell-id", HINT, text)
        elif cell.id is not None:
            seen.add(cell.id)


def _check_cell(document: Document, cell: Cell, replacements: Replacements) -> Iterator[Finding]:
    assignments = [tag for tag in cell.tags.tags if is_assignment(tag)]
    for tag in cell.tags.tags:
        if tag.startswith(PREFIX):
            yield from _check_tag(document, cell, tag, replacements)
        elif tag.startswith(CHECK_PREFIX):
            yield from _check_check(document, cell, tag)
        elif not assignments and (meant := repaired(tag, document.path)):
            text = _("%(tag)s isn't an assignment tag, but looks like %(meant)s", tag=repr(tag), meant=meant)
            yield _finding(document, cell, "prefix", ERROR, text, tag, replacements.of_form(document, cell, tag))
    if assignments and cell.kind != "code":
        text = _("%(tag)s is on a %(kind)s cell; only code cells run", tag=assignments[0], kind=cell.kind)
        yield _finding(document, cell, "only-code", ERROR, text, assignments[0])
    if len(assignments) > 1:
        text = _(
            "%(first)s counts; the tags after it don't: %(others)s",
            first=assignments[0],
            others=", ".join(assignments[1:]),
        )
        yield _finding(document, cell, "several-tags", HINT, text, assignments[1])


def _check_tag(document: Document, cell: Cell, tag: str, replacements: Replacements) -> Iterator[Finding]:
    if not is_assignment(tag):
        text = _("nothing follows `assignment:`")
        yield _finding(document, cell, "empty", ERROR, text, tag)
    elif not is_well_formed(tag):
        rule = "kebab-case" if is_url_safe(tag) else "url-safe"
        text = {
            "kebab-case": _("%(tag)s is not in kebab-case: a-z, 0-9 and single hyphens", tag=repr(tag)),
            "url-safe": _("%(tag)s can't stand in a URL: only a-z, 0-9 and single hyphens can", tag=repr(tag)),
        }[rule]
        yield _finding(document, cell, rule, ERROR, text, tag, replacements.of_form(document, cell, tag))
    elif not fits_lesson(tag, document.path):
        lesson = lesson_of(document.path)
        text = _("%(tag)s should begin with %(prefix)s, the notebook's name", tag=tag, prefix=f"{PREFIX}{lesson}-")
        yield _finding(document, cell, "lesson", ERROR, text, tag, replacements.of_lesson(document, cell, tag))


def _check_check(document: Document, cell: Cell, tag: str) -> Iterator[Finding]:
    """Check the tag of a cell that checks an assignment of its notebook."""
    wanted = checked_by(tag)
    if not is_check(tag):
        yield _finding(document, cell, "empty", ERROR, _("nothing follows `check:`"), tag)
    elif not is_well_formed(wanted):
        text = _("%(tag)s is not in kebab-case: a-z, 0-9 and single hyphens", tag=repr(tag))
        yield _finding(document, cell, "kebab-case", ERROR, text, tag)
    elif cell.kind != "code":
        text = _("%(tag)s is on a %(kind)s cell; only code cells run", tag=tag, kind=cell.kind)
        yield _finding(document, cell, "only-code", ERROR, text, tag)
    elif cell.tags.assignment:
        text = _(
            "%(cell)s also has the tag %(other)s: a cell is either an exercise or the check of one",
            cell=describe(cell),
            other=cell.tags.assignment,
        )
        yield _finding(document, cell, "check-and-work", ERROR, text, tag)
    elif not any(wanted in other.tags.tags for other in document.cells):
        text = _(
            "%(tag)s checks an assignment that the notebook doesn't have: no cell has the tag %(wanted)s",
            tag=tag,
            wanted=wanted,
        )
        yield _finding(document, cell, "check-without-assignment", ERROR, text, tag)
    else:
        first = next(other for other in document.cells if tag in other.tags.tags)
        if first.index != cell.index:
            text = _("%(tag)s is already on %(cell)s: an assignment has one check cell", tag=tag, cell=describe(first))
            yield _finding(document, cell, "several-checks", ERROR, text, tag)


def _check_copies(
    document: Document, cell: Cell, copies: dict[tuple[str, int, str], Copy], replacements: Replacements
) -> Iterator[Finding]:
    for tag in cell.tags.tags:
        copy = copies.get((str(document.path), cell.index, tag))
        if copy is None:
            continue
        place = f"{copy.original_path}, {_('cell %(index)s', index=copy.original_cell)}"
        text = _(
            "%(tag)s is on another cell too: %(place)s. This one looks like the copy: %(why)s",
            tag=tag,
            place=place,
            why=copy.why,
        )
        yield _finding(document, cell, "unique", ERROR, text, tag, replacements.of_copy(document, cell, tag, copy))


def _untagged_exercises(document: Document, replacements: Replacements) -> Iterator[Finding]:
    for index, sign in signs_of_exercises(document).items():
        cell = document.cells[index]
        if any(repaired(tag, document.path) for tag in cell.tags.tags):
            continue  # it has a tag, which is misspelt
        text = _("%(cell)s looks like an exercise, but has no tag: %(sign)s", cell=describe(cell), sign=sign)
        if lesson := lesson_of(document.path):
            text = f"{text}. " + _("Perhaps %(proposal)s?", proposal=replacements.for_untagged(lesson))
        yield _finding(document, cell, "untagged-exercise", HINT, text)


def _finding(
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
