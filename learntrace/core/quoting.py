"""Values in a text field or an address: plain, with commas between, or in quotes as JSON writes texts.

What quotes are for: a value that holds a comma, a quote or a line end, begins or ends with a blank, or is empty.
"""

import json
import re

# A text in quotes, as in JSON, or whatever stands between commas and line ends.
_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*")\s*(?=[,\n]|$)|([^,\n]+)')
_PLAIN = re.compile(r'[^\s,"](?:[^,"\n\r]*[^\s,"])?')


def quoted(value: str) -> str:
    """A value as it has to be written so that it is read as one, as itself."""
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def listed(text: str) -> list[str]:
    """The values that a text lists. What looks quoted but is no JSON is taken as it stands."""
    values = []
    for inside, plain in _TOKEN.findall(text.replace("\r", "\n")):
        value = unquoted(inside or plain)
        if inside or value:
            values.append(value)
    return values


def unquoted(text: str) -> str:
    """The one value that a text means, commas and all."""
    text = text.strip()
    if not text.startswith('"'):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text
