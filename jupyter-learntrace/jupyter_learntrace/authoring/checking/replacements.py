"""Replacements that `check --fix` writes for tags. A duplicate of a correct tag would be worse than a wrong tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jupyter_learntrace.authoring.course.copies import Copy
from jupyter_learntrace.authoring.notebook_text.document import Cell, Document
from jupyter_learntrace.tags import fits_lesson, is_well_formed, moved_to_lesson, numbered, repaired


class Replacements:
    """Proposes each tag at most once. None where the author has to decide, as on every cell that isn't code."""

    def __init__(self, tags: Iterable[str], copies: Mapping[tuple[str, int, str], Copy]) -> None:
        self._taken = set(tags)
        self._copies = copies

    def of_form(self, document: Document, cell: Cell, tag: str) -> str | None:
        """Return the tag in its correct form; for a copy, with a number of its own."""
        meant = repaired(tag, document.path)
        if cell.kind != "code" or meant is None or not is_well_formed(meant):
            return None
        copy = self._copies.get((str(document.path), cell.index, tag))
        if copy is not None:
            return self._take(numbered(meant, self._taken)) if copy.original_path == document.path else None
        return None if meant in self._taken else self._take(meant)

    def of_lesson(self, document: Document, cell: Cell, tag: str) -> str | None:
        """Return the tag with its notebook's lesson, and with the next free number if that tag is taken."""
        moved = moved_to_lesson(tag, document.path)
        if cell.kind != "code" or moved is None:
            return None
        return self._take(numbered(moved, self._taken) if moved in self._taken else moved)

    def of_copy(self, document: Document, cell: Cell, tag: str, copy: Copy) -> str | None:
        """Return the tag with a number of its own for the copy.

        None for a copy in another notebook, where it may be the only one; and for a tag with a wrong form or lesson, which
        gets its number when that is fixed.
        """
        in_order = cell.kind == "code" and is_well_formed(tag) and fits_lesson(tag, document.path)
        return self._take(numbered(tag, self._taken)) if in_order and copy.original_path == document.path else None

    def for_untagged(self, lesson: str) -> str:
        """Return a free tag for an untagged exercise of a lesson."""
        return self._take(numbered(f"assignment:{lesson}-exercise-0", self._taken))

    def _take(self, tag: str) -> str:
        self._taken.add(tag)
        return tag
