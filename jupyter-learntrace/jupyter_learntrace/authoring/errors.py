"""The errors of the commands."""

from __future__ import annotations

from pathlib import Path


class Refusal(Exception):
    """A command refuses: a sentence for the author, and optionally a file, line and column, both from 1."""

    def __init__(self, text: str, path: Path | None = None, line: int | None = None, column: int | None = None) -> None:
        super().__init__(text)
        self.text, self.path, self.line, self.column = text, path, line, column

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)
        return f"{place}: {self.text}" if place else self.text


class Refusals(Exception):
    """Several refusals at once. Nothing was changed."""

    def __init__(self, refusals: list[Refusal]) -> None:
        super().__init__("\n".join(map(str, refusals)))
        self.refusals = refusals


class Misuse(Exception):
    """The options don't fit together. Shown with the usage, like argparse's own errors."""
