"""A browser in words, from what it says of itself. It may say anything: this is for its owner to recognise it."""

import re
from typing import Final

from django.utils.translation import gettext as _

# The first that occurs: Edge and Opera call themselves Chrome too, and Chrome Safari.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_PROGRAM = re.compile(r"[A-Za-z][\w.-]{1,30}")


def browser_in_words(user_agent: str) -> str:
    """Return for example "Firefox on Linux"; a program's own name where it is no browser."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    program = _PROGRAM.match(user_agent)
    return browser or (program[0] if program else "") or system or _("Unknown browser")
