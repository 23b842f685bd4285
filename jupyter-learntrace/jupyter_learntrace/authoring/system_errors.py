"""Says why a file or a server can't be reached, in words of ours: what the system says is in its language and its terms."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl

from jupyter_learntrace.authoring.language import _


def reason_of(error: object) -> str:
    """Return the reason of an OSError, or of what urllib has in place of one."""
    if isinstance(error, ssl.SSLError):
        return _("its TLS certificate isn't valid for this address")
    if isinstance(error, socket.gaierror):
        return _("there is no such host")
    if isinstance(error, TimeoutError):
        return _("it doesn't answer in time")
    if isinstance(error, http.client.HTTPException):
        return _("what answers there doesn't speak HTTP")
    number = error.errno if isinstance(error, OSError) else None
    reasons = {
        errno.EACCES: _("you have no permission"),
        errno.EPERM: _("you have no permission"),
        errno.EISDIR: _("it is a folder"),
        errno.ENOENT: _("there is no such file"),
        errno.ENOSPC: _("the disk is full"),
        errno.EDQUOT: _("your quota on the disk is used up"),
        errno.EROFS: _("the disk is read-only"),
        errno.ENAMETOOLONG: _("its name is too long"),
        errno.ELOOP: _("its links form a loop"),
        errno.EIO: _("the disk reports an error"),
        errno.ECONNREFUSED: _("nothing answers there"),
        errno.ECONNRESET: _("it closed the connection"),
        errno.EHOSTUNREACH: _("there is no route to it"),
        errno.ENETUNREACH: _("there is no route to it"),
    }
    name = errno.errorcode.get(number, "?") if number is not None else type(error).__name__
    return reasons.get(number or 0) or _("the system reports %(code)s", code=name)
