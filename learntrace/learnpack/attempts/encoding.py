"""Source code and outputs as LearnPack's clients encode them: base64, of text that some of them URL-quote first."""

import base64
import binascii
import re
from urllib.parse import unquote

# The characters that JavaScript's encodeURIComponent leaves unchanged, and its escapes.
_QUOTED = re.compile(r"(?:[A-Za-z0-9\-_.!~*'()]|%[0-9A-Fa-f]{2})+")
# Shorter text may read as base64 by chance ("Killed!!" doesn't, "Killed99" does); then its bytes have to be UTF-8.
_SURELY_BASE64 = 24


def decoded(value: object) -> str:
    """Return the text that a client encoded; text that isn't encoded as it is, "" for other values. Never raises.

    Invalid UTF-8, and NUL, which PostgreSQL can't hold, become U+FFFD.
    """
    if not isinstance(value, str):
        return ""
    return _unquoted(_from_base64(_unquoted(value))).replace("\0", "\ufffd")


def _unquoted(text: str) -> str:
    return unquote(text, errors="replace") if "%" in text and _QUOTED.fullmatch(text) else text


def _from_base64(text: str) -> str:
    packed = "".join(text.split())
    try:
        content = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        return text
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode(errors="replace") if len(packed) >= _SURELY_BASE64 else text
