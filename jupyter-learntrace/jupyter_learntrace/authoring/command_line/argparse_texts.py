"""Translates argparse's own texts: it uses gettext's default domain, which is ours while the command line is read."""

from __future__ import annotations

import contextlib
import gettext
from collections.abc import Iterator
from pathlib import Path

DOMAIN = "jupyter_learntrace"
_LOCALE = Path(__file__).resolve().parents[2] / "locale"


def N_(text: str) -> str:  # noqa: N802 (the extraction of texts to translate looks for this name)
    """Mark a text that is translated elsewhere."""
    return text


TEXTS = (
    N_("usage: "),
    N_("positional arguments"),
    N_("options"),
    N_("optional arguments"),  # Python 3.9
    N_("show this help message and exit"),
    N_("%(prog)s: error: %(message)s\n"),
    N_("argument %(argument_name)s: %(message)s"),
    N_("the following arguments are required: %s"),
    N_("unrecognized arguments: %s"),
    N_("invalid choice: %(value)r (choose from %(choices)s)"),
    N_("ambiguous option: %(option)s could match %(matches)s"),
    N_("ignored explicit argument %r"),
    N_("expected one argument"),
    N_("not allowed with argument %s"),
)


@contextlib.contextmanager
def translated_argparse() -> Iterator[None]:
    """Have argparse use the author's language within this context."""
    before = gettext.textdomain()
    gettext.bindtextdomain(DOMAIN, str(_LOCALE))
    gettext.textdomain(DOMAIN)
    try:
        yield
    finally:
        gettext.textdomain(before)
