"""The errors of an attempt without the parts that vary between runs, so that the same error compares equal.

Cleaning removes file numbers, memory addresses, temporary folders and colours. It keeps what distinguishes errors: names
of variables, quoted texts, and the excerpt of code that a compiler shows below its first line, with its indentation.
Becker's Repeated Error Density compares whole messages: without the excerpt, or with it on one line, fewer of its
published values are reproduced (`repeated_error_density`).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from learntrace.measures.activity import ERROR, Failure

# The type of a failed attempt without an error, and of a failed run whose output shows none.
UNKNOWN, FAILED = "unknown", "failed"
NO_NAMES = frozenset((UNKNOWN, FAILED))  # they are words of ours: people are told the message, or that there is none
# The most characters of a name or message that are stored, and that are read: cleaning shortens them.
MAX_LENGTH = 500
_MAX_READ = 4000
# The end of a run's output that is read: it shows what stopped the run.
_OUTPUT_END = 20_000

_SYNTAX_ERRORS = frozenset({"SyntaxError", "IndentationError", "TabError"})

# Terminal colours and other control sequences, then characters that PostgreSQL can't store or no terminal shows.
_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\x80-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")

# A cell's file name in ipykernel and IPython: both numbers change with the next run.
_CELL = re.compile(
    r"(?:(?<![^\s'\"()<>:,])[^\s'\"()<>:,]*[\\/])?ipykernel_\d+[\\/]\d+(?:\.py)?"
    r"|<ipython-input-\d+-[0-9a-f]+>"
    r"|(?:Cell|Input) In ?\[\d+\](?:, line \d+)?"
)
# A folder for temporary files with the random names of `tempfile`; a file's own name stays.
_TEMPORARY = re.compile(
    r"(?:(?<![\w.~-])(?:/private)?(?:/var)?/tmp/|/var/folders/|[A-Za-z]:\\Users\\[^\s'\"()<>:,\\]+\\AppData\\Local\\Temp\\)"
    r"(?:[^\s'\"()<>:,\\/]+[\\/])*(?:tmp[a-z0-9_]{8}(?![a-z0-9_]))?"
)
# Every match of these expressions contains one of these words.
_CELL_WORDS = ("ipykernel_", "<ipython-input-", "Cell In", "Input In")
_TEMPORARY_WORDS = ("/tmp/", "/var/folders/", "\\Temp\\")  # noqa: S108 (read, not written)
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]{6,16}\b")
_BARE_ADDRESS = re.compile(r"(?<!['\"\w])0x[0-9A-Fa-f]{9,16}\b")
# The location of a SyntaxError: at its end "(1296695335.py, line 1)", and within "on line 3", "(detected at line 1)".
_SYNTAX_LOCATION = re.compile(r" ?\([^()]*, line \d+\)$| \(detected at line \d+\)| on line \d+")
_BLANKS = re.compile(r"[^\S\n]+")
_EXIT_CODE = re.compile(r"-?[0-9]{1,5}")


def clean(name: str, message: str) -> Failure:
    """Return an error without its varying parts, both texts at most `MAX_LENGTH` characters. Never raises.

    The name is the first line that is not blank, `UNKNOWN` if there is none. Runs of blanks become one in the name and in
    the message's first line; the lines below are kept as they are. Cleaning a clean error changes nothing.
    """
    cleaned = _cleaned(_first_line(name), syntax=False, one_line=True) or UNKNOWN
    return Failure(cleaned, _cleaned(message, syntax=cleaned in _SYNTAX_ERRORS, one_line=False))


def headline(failure: Failure) -> str:
    """Return the first line of a failure's message, without the excerpt of code below it."""
    return _first_line(failure.message)


def from_result(result: Mapping[str, Any]) -> tuple[Failure, ...]:
    """Return the failures of a notebook event's `result`, in order, each once; none unless its outcome is "error".

    They are in `errors` ([{"name", "value"}, ...]) or else in `error_name` and `error_value`. An error without a name is
    `UNKNOWN`, or its exit code. Never raises, whatever JSON the result is.
    """
    if result.get("outcome") != ERROR:
        return ()
    errors = result.get("errors")
    entries = [entry for entry in errors if isinstance(entry, Mapping)] if isinstance(errors, list) else []
    if entries:
        return _once(clean(_text(entry.get("name")), _text(entry.get("value"))) for entry in entries)
    name, message = _text(result.get("error_name")), _text(result.get("error_value"))
    # A shell's kernel (bash_kernel) tells a failed command's exit code, and no name.
    if not name.strip() and _EXIT_CODE.fullmatch(message):
        return (Failure(f"exit code {int(message)}"),)
    return (clean(name, message),)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _once(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    return tuple(dict.fromkeys(failures))


def _first_line(text: str) -> str:
    lines = _LINE_END.sub("\n", text[:_MAX_READ]).split("\n")
    return next((line.strip() for line in lines if line.strip()), "")


def _cleaned(text: str, *, syntax: bool, one_line: bool) -> str:
    """Clean until nothing changes: removing one part, or cutting, may create another.

    Every pass but one that only replaces a character by another shortens the text, so it ends.
    """
    text = text[:_MAX_READ]
    while (cleaner := _pass(text, syntax, one_line)) != text:
        text = cleaner
    return text


def _pass(text: str, syntax: bool, one_line: bool) -> str:
    text = _SURROGATE.sub("\ufffd", _LINE_END.sub("\n", _ESCAPE.sub("", text)))
    text = _CONTROL.sub("", text)
    # Most messages have none of these, and looking for the words first is a tenth of the work.
    if any(word in text for word in _CELL_WORDS):
        text = _CELL.sub("", text)
    if any(word in text for word in _TEMPORARY_WORDS):
        text = _TEMPORARY.sub("", text)
    text = _BARE_ADDRESS.sub("0x", _ADDRESS.sub("", text))
    if syntax:
        text = _SYNTAX_LOCATION.sub("", text.rstrip())
    first, line_end, below = text.strip().partition("\n")
    first = _BLANKS.sub(" ", first).strip()
    return (first if one_line else first + line_end + below)[:MAX_LENGTH].strip()


_TRACEBACK = "Traceback (most recent call last)"
# The last line of a Python traceback: a class of any name may have been raised.
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
    """Return the failures in a failed run's output (decoded); one `FAILED` if it shows none. Never raises.

    It is the exception that ended the run, which Python, node, Java and pytest print last; else each error of a compiler.
    The type of a compiler's error is its code ("TS2304") or, without one, its text ("';' expected").
    """
    text = _LINE_END.sub("\n", _ESCAPE.sub("", text[-_OUTPUT_END:]))
    raised = _raised(text) or _last_exception(text)
    if raised:
        return (clean(raised["name"].rpartition(".")[2], raised["message"] or ""),)
    return _once(map(_compiler_error, _COMPILER.finditer(text))) or (Failure(FAILED),)


def _raised(text: str) -> re.Match[str] | None:
    """Match the end of the last traceback: its first line that is not indented."""
    _, traceback, below = text.rpartition(_TRACEBACK)
    if not traceback:
        return None
    lines = below.split("\n")[1:]
    end = next((line for line in lines if line and not line[0].isspace()), "")
    return _RAISED.fullmatch(end.rstrip())


def _last_exception(text: str) -> re.Match[str] | None:
    matches = (_EXCEPTION.fullmatch(line.rstrip()) for line in reversed(text.split("\n")))
    return next((match for match in matches if match), None)


def _compiler_error(match: re.Match[str]) -> Failure:
    code = match["ts"] or match["rust"]
    return clean(code, match["message"]) if code else clean(match["message"], "")
