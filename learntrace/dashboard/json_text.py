"""JSON as a text to look at, in which nothing stands elsewhere than it seems to."""

import re
from typing import Any, Final

import msgspec

# What turns the direction of writing: within a value it would drag quotes and brackets along (Unicode TR 36, "Bidirectional
# Text Spoofing"). Nowhere but within texts can they stand, where the escape means the same.
_TURNING: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def pretty(document: Any) -> str:
    """A document as JSON, indented, with marks of the direction of writing as escapes."""
    return legible(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def legible(text: str) -> str:
    """A text that is JSON, with marks of the direction of writing as escapes."""
    return _TURNING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
