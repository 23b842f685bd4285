"""`check --fix`: what can be put right without its author."""

from __future__ import annotations

from collections.abc import Sequence

from .change import Change, ChangedNotebook, changed
from .check import check_course
from .document import Document, parse_document

# One thing after another: a tag gets its form, then its lesson, then a number of its own.
_ROUNDS = 4


def fixed(documents: Sequence[Document]) -> list[ChangedNotebook]:
    """Each notebook with all that can be fixed; those without a change included. Raises Refusal."""
    current = list(documents)
    made: dict[int, tuple[Change, ...]] = {}
    for _round in range(_ROUNDS):
        findings = check_course(current)
        for number, document in enumerate(current):
            # A cell's first fixable finding only: the next round sees what is left.
            changes: dict[int, Change] = {}
            for finding in findings:
                if finding.path == document.path and finding.cell is not None and finding.replacement is not None:
                    changes.setdefault(finding.cell, Change(finding.cell, old=finding.tag, new=finding.replacement))
            if changes:
                text = changed(document, list(changes.values())).text
                current[number] = parse_document(document.path, text.encode())
                made[number] = (*made.get(number, ()), *changes.values())
    return [
        ChangedNotebook(document, made.get(number, ()), current[number].text)
        for number, document in enumerate(documents)
    ]
