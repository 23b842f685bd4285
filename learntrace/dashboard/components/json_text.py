"""JSON as text for display, without characters that change the direction of writing."""

import re
from typing import Any, Final

import msgspec

# Marks that change the direction of writing: in a value they would also move the quotes and brackets after it (Unicode TR 36,
# "Bidirectional Text Spoofing"). JSON allows them in strings only, where the escape means the same.
_DIRECTION_MARKS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def pretty(document: Any) -> str:
    """Return a document as indented JSON, with marks of the direction of writing as escapes."""
    return legible(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def pretty_text(text: msgspec.Raw) -> str:
    """Return stored JSON as indented JSON, as `pretty` does, without decoding it."""
    return legible(msgspec.json.format(bytes(text), indent=2).decode())


def legible(text: str) -> str:
    """Return JSON text with marks of the direction of writing as escapes."""
    return _DIRECTION_MARKS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
