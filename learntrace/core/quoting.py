"""Lists of values in a text field or a URL: separated by commas, each plain or quoted like a JSON string.

Quotes are needed for a value that contains a comma, a quote or a line end, begins or ends with a blank, or is empty.
"""

import json
import re

# A quoted text, as in JSON, or everything between commas and line ends. Blanks around it are no line ends: each line end of
# a megabyte of them would look at all that follow.
_TOKEN = re.compile(r'[^\S\n]*("(?:[^"\\]|\\.)*")[^\S\n]*(?=[,\n]|$)|([^,\n]+)')
_PLAIN = re.compile(r'[^\s,"](?:[^,"\n\r]*[^\s,"])?')


def quoted(value: str) -> str:
    """Return a value as it is written in a list, quoted if necessary."""
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def listed(text: str) -> list[str]:
    """Return the values of a list. A part that looks quoted but isn't valid JSON counts literally."""
    values = []
    for in_quotes, plain in _TOKEN.findall(text.replace("\r", "\n")):
        value = unquoted(in_quotes or plain)
        if in_quotes or value:
            values.append(value)
    return values


def unquoted(text: str) -> str:
    """Return a text as one value, including its commas."""
    text = text.strip()
    if not text.startswith('"'):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text
