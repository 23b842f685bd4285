"""What went wrong in an attempt, without what changes from run to run, so that the same error is found to be the same.

Cleaning takes away file numbers, addresses, temporary folders and colours. What tells errors apart stays: the names of
variables, quoted texts, and the excerpt of code that a compiler shows below its first line, with its indentation.
Becker's Repeated Error Density compares messages whole: without the excerpt, or with it on one line, fewer of its
published values are met (`repeated_errors`).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from learntrace.metrics.attempts import ERROR, Failure

# An attempt that failed and does not say how; a run that failed and printed nothing that reads as an error.
UNKNOWN, FAILED = "unknown", "failed"
# Characters of a name and of a message that are kept, and that are looked at: cleaning makes them fewer.
MAX_LENGTH = 500
_LOOKED_AT = 4000
# A run's output ends with what stopped it.
_OUTPUT_END = 20_000

_SYNTAX_ERRORS = frozenset({"SyntaxError", "IndentationError", "TabError"})

# Terminal colours and other control sequences, then what no text in PostgreSQL can hold or no terminal shows.
_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\x80-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")

# A cell as a file, as ipykernel and IPython name it: both numbers are other ones in the next run.
_CELL = re.compile(
    r"(?:(?<![^\s'\"()<>:,])[^\s'\"()<>:,]*[\\/])?ipykernel_\d+[\\/]\d+(?:\.py)?"
    r"|<ipython-input-\d+-[0-9a-f]+>"
    r"|(?:Cell|Input) In ?\[\d+\](?:, line \d+)?"
)
# A folder for temporary files, with what `tempfile` names at random in it; a file's own name stays.
_TEMPORARY = re.compile(
    r"(?:(?<![\w.~-])(?:/private)?(?:/var)?/tmp/|/var/folders/|[A-Za-z]:\\Users\\[^\s'\"()<>:,\\]+\\AppData\\Local\\Temp\\)"
    r"(?:[^\s'\"()<>:,\\/]+[\\/])*(?:tmp[a-z0-9_]{8}(?![a-z0-9_]))?"
)
# What each of their matches holds one of.
_CELL_WORDS = ("ipykernel_", "<ipython-input-", "Cell In", "Input In")
_TEMPORARY_WORDS = ("/tmp/", "/var/folders/", "\\Temp\\")  # noqa: S108 (read, not written)
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]{6,16}\b")
_BARE_ADDRESS = re.compile(r"(?<!['\"\w])0x[0-9A-Fa-f]{9,16}\b")
# Where a SyntaxError stands: at its end "(1296695335.py, line 1)", and within "on line 3", "(detected at line 1)".
_SYNTAX_PLACE = re.compile(r" ?\([^()]*, line \d+\)$| \(detected at line \d+\)| on line \d+")
_BLANKS = re.compile(r"[^\S\n]+")


def clean(name: str, message: str) -> Failure:
    """An error without its volatile parts, both texts at most `MAX_LENGTH` characters. Never raises.

    The name is the first line that is not blank, `UNKNOWN` where there is none. Blanks are one each in the name and in
    the message's first line; the lines below are kept as they are. Cleaning what is clean changes nothing.
    """
    cleaned = _settled(_first_line(name), syntax=False, one_line=True) or UNKNOWN
    return Failure(cleaned, _settled(message, syntax=cleaned in _SYNTAX_ERRORS, one_line=False))


def headline(failure: Failure) -> str:
    """A failure's message in one line, without the excerpt of code below it."""
    return _first_line(failure.message)


def from_result(result: Mapping[str, Any]) -> tuple[Failure, ...]:
    """The failures of a notebook event's `result`, in their order, each once; none unless its outcome is "error".

    `errors` ([{"name", "value"}, ...]) if it has any, else `error_name` and `error_value`. An error that does not say
    what it is is `UNKNOWN`. Never raises, whatever JSON stands there.
    """
    if result.get("outcome") != ERROR:
        return ()
    given = result.get("errors")
    several = [entry for entry in given if isinstance(entry, Mapping)] if isinstance(given, list) else []
    if several:
        return _once(clean(_text(entry.get("name")), _text(entry.get("value"))) for entry in several)
    return (clean(_text(result.get("error_name")), _text(result.get("error_value"))),)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _once(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    return tuple(dict.fromkeys(failures))


def _first_line(text: str) -> str:
    lines = _LINE_END.sub("\n", text[:_LOOKED_AT]).split("\n")
    return next((line.strip() for line in lines if line.strip()), "")


def _settled(text: str, *, syntax: bool, one_line: bool) -> str:
    """Clean until nothing changes: one part's removal, or the cut, may make another. Every pass but one that only
    replaces a character by another shortens the text, so it ends."""
    text = text[:_LOOKED_AT]
    while (cleaner := _pass(text, syntax, one_line)) != text:
        text = cleaner
    return text


def _pass(text: str, syntax: bool, one_line: bool) -> str:
    text = _SURROGATE.sub("\ufffd", _LINE_END.sub("\n", _ESCAPE.sub("", text)))
    text = _CONTROL.sub("", text)
    # Most messages have none of these, and to look for the words first is a tenth of the work.
    if any(word in text for word in _CELL_WORDS):
        text = _CELL.sub("", text)
    if any(word in text for word in _TEMPORARY_WORDS):
        text = _TEMPORARY.sub("", text)
    text = _BARE_ADDRESS.sub("0x", _ADDRESS.sub("", text))
    if syntax:
        text = _SYNTAX_PLACE.sub("", text.rstrip())
    first, line_end, below = text.strip().partition("\n")
    first = _BLANKS.sub(" ", first).strip()
    return (first if one_line else first + line_end + below)[:MAX_LENGTH].strip()


_TRACEBACK = "Traceback (most recent call last)"
# The last line of a Python traceback: any class may have been raised, whatever its name.
_RAISED = re.compile(r"(?P<name>[^\W\d][\w.]*)(?:: (?P<message>.*))?")
# Python's, node's and Java's exceptions by their names, also as pytest quotes them ("E   AssertionError: ...").
_EXCEPTION = re.compile(
    r"(?:E {3,}|Uncaught |Caused by: |Exception in thread \"[^\"]*\" )?"
    r"(?P<name>(?:[^\W\d][\w$]*[.])*(?:[A-Z]\w*)?(?:Error|Exception|Interrupt|Exit))"
    r"(?: \[\w+\])?(?::\s+(?P<message>.*)|:?\s*)"
)
# javac, gcc, clang, tsc and rustc: "Main.java:3: error: ';' expected", "error[E0425]: cannot find value `x`".
_COMPILER = re.compile(
    r"(?:^|[:)] {0,2})(?:fatal )?error(?: (?P<ts>TS\d+)|\[(?P<rust>E\d+)\])?: "
    r"(?!aborting due|could not compile)(?P<message>\S.*)",
    re.MULTILINE,
)


def from_stderr(text: str) -> tuple[Failure, ...]:
    """The failures that a failed run's output (decoded) tells of; one `FAILED` where it tells of none. Never raises.

    The exception that ended it, as Python, node, Java or pytest print it last; else each error that a compiler
    reports, whose text is the type ("';' expected") as there is no other, unless it has a code ("TS2304").
    """
    text = _LINE_END.sub("\n", _ESCAPE.sub("", text[-_OUTPUT_END:]))
    raised = _raised(text) or _last_exception(text)
    if raised:
        return (clean(raised["name"].rpartition(".")[2], raised["message"] or ""),)
    return _once(_reported(found) for found in _COMPILER.finditer(text)) or (Failure(FAILED),)


def _raised(text: str) -> re.Match[str] | None:
    """The end of the last traceback: its first line that is not indented."""
    _, traceback, below = text.rpartition(_TRACEBACK)
    if not traceback:
        return None
    lines = below.split("\n")[1:]
    end = next((line for line in lines if line and not line[0].isspace()), "")
    return _RAISED.fullmatch(end.rstrip())


def _last_exception(text: str) -> re.Match[str] | None:
    matches = (_EXCEPTION.fullmatch(line.rstrip()) for line in reversed(text.split("\n")))
    return next((found for found in matches if found), None)


def _reported(found: re.Match[str]) -> Failure:
    code = found["ts"] or found["rust"]
    return clean(code, found["message"]) if code else clean(found["message"], "")
