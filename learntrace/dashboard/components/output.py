"""What a run put out, as a page may show it: as text, or as a picture. Nothing of it is ever run. Pure."""

import re
from dataclasses import dataclass
from typing import Final

# The end tells what went wrong.
MOST_OUTPUT: Final = 64 * 1024
# A picture within a page: of kinds that can hold no script. SVG could.
MOST_PICTURE: Final = 512 * 1024
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
# What pictures begin with, as base64.
_BARE: Final = {"iVBORw0KGgo": "png", "/9j/": "jpeg", "R0lGOD": "gif", "UklGR": "webp"}
_BARE_PICTURE = re.compile(r"[A-Za-z0-9+/=\s]{64,}")
# Colours and moves of the cursor (ECMA-48), titles of a terminal's window, and other characters that only a terminal knows.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)


@dataclass(frozen=True)
class Output:
    """An output: `text`, or the data URI of a `picture`. `cut` is how many characters at its beginning are left out."""

    text: str = ""
    picture: str = ""
    cut: int = 0


def output_of(raw: str) -> Output:
    """Return an output for a page."""
    if picture := _picture(raw):
        return Output(picture=picture)
    text = plain(raw)
    kept = text[-MOST_OUTPUT:]
    return Output(kept, cut=len(text) - len(kept))


def plain(text: str) -> str:
    """Return text without what only a terminal understands; of a line that was written over, what was written last."""
    text = text.replace("\r\n", "\n")
    lines = (line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))
    return _ESCAPES.sub("", "\n".join(lines))


def _picture(raw: str) -> str:
    text = raw.strip()
    if len(text) > MOST_PICTURE:
        return ""
    if _PICTURE.fullmatch(text):
        return "".join(text.split())
    kind = next((kind for begin, kind in _BARE.items() if text.startswith(begin)), None)
    return f"data:image/{kind};base64,{''.join(text.split())}" if kind and _BARE_PICTURE.fullmatch(text) else ""
