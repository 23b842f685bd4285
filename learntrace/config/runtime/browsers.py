"""Whether this machine has somebody's browser to open."""

import os
import sys


def is_there() -> bool:
    """Whether a page would be opened where somebody sees it: not in a service, over SSH, or on a machine without a screen."""
    if not sys.stdout.isatty() or os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform in ("darwin", "win32") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
