"""LearnPack's documents hold the code that learners ran; where an academy doesn't collect source, its staff isn't shown it."""

import re
from typing import Final

import msgspec

# On the text, as documents of megabytes never become Python objects here. In a text within the document the quotes are escaped,
# so that this is always a key; possessive, so that no text takes longer than once through.
_SOURCE_CODE: Final = re.compile(rb'"source_code"\s*+:\s*+"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_HIDDEN: Final = b'"source_code": null'


def without_source(document: msgspec.Raw) -> msgspec.Raw:
    """Return a document of JSON with every `source_code` null."""
    text = bytes(document)
    return msgspec.Raw(_SOURCE_CODE.sub(_HIDDEN, text)) if b'"source_code"' in text else document
