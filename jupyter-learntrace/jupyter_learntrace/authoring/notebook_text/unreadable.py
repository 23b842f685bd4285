"""Says what a file is that Jupyter can't open as a notebook, in words of ours: what libraries say of it helps no author."""

from __future__ import annotations

import json
import re
from pathlib import Path

from jupyter_learntrace.authoring.errors import Refusal
from jupyter_learntrace.authoring.language import _

_CONFLICT = re.compile(r"^<{7}(?= |$)", re.MULTILINE)
_CONFLICT_END = re.compile(r"^>{7}(?= |$)", re.MULTILINE)
_GIT_ANNEX = re.compile(r"\S{0,200}/annex/objects/\S+\s*")
# The begin of a file in UTF-16, which some editors save as "Unicode".
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def not_text(path: Path, stored: bytes, error: UnicodeDecodeError) -> Refusal:
    """Return why these bytes are no text."""
    if stored.startswith(_UTF_16):
        return Refusal(_("the file is UTF-16 text; save it as UTF-8, which Jupyter reads"), path, 1)
    line = stored.count(b"\n", 0, error.start) + 1
    return Refusal(_("the file isn't UTF-8 text, so it isn't a notebook"), path, line)


def not_json(path: Path, text: str, error: ValueError | RecursionError) -> Refusal:
    """Return why this text is no JSON: what the file is instead, or else what is wrong where."""
    if sentence := _other_file(text):
        return Refusal(sentence, path, 1)
    if (conflict := _CONFLICT.search(text)) and _CONFLICT_END.search(text):
        sentence = _(
            "two versions were merged and git's conflict markers are still there: decide which version stays, "
            "as with `git checkout --ours` or `--theirs`"
        )
        return Refusal(sentence, path, text.count("\n", 0, conflict.start()) + 1)
    if isinstance(error, RecursionError):
        return Refusal(_("this isn't readable JSON: it is nested too deeply"), path)
    if not isinstance(error, json.JSONDecodeError):
        return Refusal(_("this isn't readable JSON: a number in it has thousands of digits"), path)
    # A text without its closing quote reaches to the file's end: line breaks would have been refused before.
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return Refusal(_("the file ends too early: a part of it is missing"), path, error.lineno, error.colno)
    return Refusal(_("this isn't JSON: %(reason)s", reason=_fault(error)), path, error.lineno, error.colno)


def _other_file(text: str) -> str:
    """Return what the file is instead of a notebook; empty where that can't be told."""
    begin = text.lstrip()[:500]
    if begin.startswith("version https://git-lfs.github.com/spec/"):
        return _("this is a Git LFS pointer in place of the notebook: `git lfs pull` fetches it")
    if _GIT_ANNEX.fullmatch(begin):
        return _("this is a git-annex pointer in place of the notebook: `git annex get` fetches it")
    if begin.startswith("<") and not _CONFLICT.match(begin):
        return _("this is a web page or XML, not a notebook: download the file itself, not the page that shows it")
    return "" if text.strip("\0 \t\r\n") else _("the file holds nothing but zero bytes: restore it from a copy")


def _fault(error: json.JSONDecodeError) -> str:
    """Return what is wrong with a JSON text at the error's place."""
    faults = {
        "Expecting property name": _("expected a name in double quotes"),
        "Expecting ':'": _("expected a colon"),
        "Expecting ','": _("expected a comma or a closing bracket"),
        "Expecting value": _("expected a value"),
        "Extra data": _("there is more text after its end"),
        "Invalid control character": _("a line break or control character stands unescaped in a text"),
        "Invalid \\": _("a backslash stands here that begins no escape"),
        "Illegal trailing comma": _("there is a comma too many"),
    }
    return next((fault for begin, fault in faults.items() if error.msg.startswith(begin)), _("it isn't valid JSON"))
