"""What `check --fix` may write in place of a tag. A second cell with a right tag would be worse than one with a wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..tags import fits_lesson, is_well_formed, moved_to_lesson, numbered, repaired
from .copies import Copy
from .document import Cell, Document


class Replacements:
    """Proposes a tag at most once. None where an author has to decide; so always on a cell that can't have a tag at all."""

    def __init__(self, tags: Iterable[str], copies: Mapping[tuple[str, int, str], Copy]) -> None:
        self._taken = set(tags)
        self._copies = copies

    def of_form(self, document: Document, cell: Cell, tag: str) -> str | None:
        """The tag as it was meant; a copy's with a number of its own."""
        meant = repaired(tag, document.path)
        if cell.kind != "code" or meant is None or not is_well_formed(meant):
            return None
        copy = self._copies.get((str(document.path), cell.index, tag))
        if copy is not None:
            return self._take(numbered(meant, self._taken)) if copy.original_path == document.path else None
        return None if meant in self._taken else self._take(meant)

    def of_lesson(self, document: Document, cell: Cell, tag: str) -> str | None:
        """The tag in the lesson of its notebook, with the next free number where it has to be another."""
        moved = moved_to_lesson(tag, document.path)
        if cell.kind != "code" or moved is None:
            return None
        return self._take(numbered(moved, self._taken) if moved in self._taken else moved)

    def of_copy(self, document: Document, cell: Cell, tag: str, copy: Copy) -> str | None:
        """A number of its own for the copy.

        Not for one in another notebook, which may be that one's first and only; nor for one with a wrong form or lesson,
        which gets its number with that.
        """
        in_order = cell.kind == "code" and is_well_formed(tag) and fits_lesson(tag, document.path)
        return self._take(numbered(tag, self._taken)) if in_order and copy.original_path == document.path else None

    def for_untagged(self, lesson: str) -> str:
        """What an exercise of a lesson could be called."""
        return self._take(numbered(f"assignment:{lesson}-exercise-0", self._taken))

    def _take(self, tag: str) -> str:
        self._taken.add(tag)
        return tag
