"""`check --fix`: fixes what needs no decision of the author."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_learntrace.authoring.checking.check import check_course
from jupyter_learntrace.authoring.notebook_text.change import Change, ChangedNotebook, apply_changes
from jupyter_learntrace.authoring.notebook_text.document import Document, parse_document

# A tag may need several fixes in turn: its form, its lesson, a number of its own.
_ROUNDS = 4


def fix_course(documents: Sequence[Document]) -> list[ChangedNotebook]:
    """Return each notebook with all fixes applied, unchanged ones included. Raises Refusal."""
    current = list(documents)
    fixes: dict[int, tuple[Change, ...]] = {}
    for _round in range(_ROUNDS):
        findings = check_course(current)
        for number, document in enumerate(current):
            # Only the first fixable finding of a cell: the next round finds the others.
            changes: dict[int, Change] = {}
            for finding in findings:
                if finding.path == document.path and finding.cell is not None and finding.replacement is not None:
                    changes.setdefault(finding.cell, Change(finding.cell, old=finding.tag, new=finding.replacement))
            if changes:
                text = apply_changes(document, list(changes.values())).text
                current[number] = parse_document(document.path, text.encode())
                fixes[number] = (*fixes.get(number, ()), *changes.values())
    return [
        ChangedNotebook(document, fixes.get(number, ()), current[number].text)
        for number, document in enumerate(documents)
    ]
