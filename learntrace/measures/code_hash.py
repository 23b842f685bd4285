"""A hash that tells whether two runs had the same code, up to invisible blanks (docs/explanation/signals.md, "Measures")."""

import hashlib
import re

_LINE_END = re.compile("\r\n|\r|\n")


def without_blanks(source: str) -> str:
    """Return source code with "\\n" as its line ends, without trailing blanks and blank lines at the end: what is hashed.

    Never raises: half a surrogate pair, which UTF-8 can't encode, becomes a question mark.
    """
    lines = "\n".join(line.rstrip() for line in _LINE_END.split(source)).rstrip("\n")
    return lines.encode(errors="replace").decode()


def code_hash(source: str) -> str:
    """Return the SHA-256 (hex) of the source, ignoring kinds of line ends, trailing blanks and blank lines at the end.

    `jupyter-learntrace` computes the same next to the notebook, where the source stays. Never raises.
    """
    return hashlib.sha256(without_blanks(source).encode()).hexdigest()
