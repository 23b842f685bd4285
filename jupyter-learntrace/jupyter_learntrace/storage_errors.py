"""Says why the file of waiting events can't be used, in words of ours: SQLite's help nobody who doesn't know SQLite."""

from __future__ import annotations

import errno
import sqlite3

from jupyter_learntrace.messages import Sentence, _

_BY_SQLITE = (
    ("disk is full", _("the disk is full")),
    ("readonly", _("the file is read-only")),
    ("unable to open", _("its folder is missing, or you have no permission there")),
    ("locked", _("another program holds it")),
    ("not a database", _("it is damaged")),
    ("malformed", _("it is damaged")),
    ("disk I/O", _("the disk reports an error")),
    ("newer version", _("a newer version of jupyter-learntrace has made it")),
)
_BY_SYSTEM = {
    errno.ENOSPC: _("the disk is full"),
    errno.EDQUOT: _("your quota on the disk is used up"),
    errno.EACCES: _("you have no permission"),
    errno.EPERM: _("you have no permission"),
    errno.EROFS: _("the disk is read-only"),
    errno.EISDIR: _("it is a folder"),
    errno.EIO: _("the disk reports an error"),
}


def reason_of(problem: Exception) -> Sentence:
    """Return the reason of an error of SQLite or of the system."""
    if isinstance(problem, OSError) and problem.errno in _BY_SYSTEM:
        return _BY_SYSTEM[problem.errno]
    text = str(problem) if isinstance(problem, sqlite3.Error) else ""
    found = next((reason for words, reason in _BY_SQLITE if words in text), None)
    return found or _("an error of the kind %(kind)s", kind=type(problem).__name__)
