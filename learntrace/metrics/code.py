"""Whether two runs had the same code: a hash that blanks nobody sees don't change (signals.md, "consecutive_errors")."""

import hashlib
import re

_LINE_END = re.compile("\r\n|\r|\n")


def code_hash(source: str) -> str:
    """SHA-256 (hex) of the source, whatever its line ends, blanks at line ends and blank lines at its end.

    The same as `jupyter-learntrace` makes next to the notebook, where the source stays. Never raises: half a surrogate
    pair, which UTF-8 can't hold, counts as a question mark.
    """
    lines = [line.rstrip() for line in _LINE_END.split(source)]
    return hashlib.sha256("\n".join(lines).rstrip("\n").encode(errors="replace")).hexdigest()
