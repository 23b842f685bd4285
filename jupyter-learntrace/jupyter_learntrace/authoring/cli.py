"""`jupyter assignments`: runs one of its commands. Exit codes: 0, 1 for a refusal or errors found, 2 for wrong usage."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from . import commands
from .argparse_texts import in_our_words
from .errors import Misuse, Refusal, Refusals
from .language import _
from .options import PROGRAM, make_parser

_COMMANDS = {
    "tag": commands.tag,
    "untag": commands.untag,
    "list": commands.list_,
    "check": commands.check,
    "publish": commands.publish,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run `jupyter assignments COMMAND ...`; return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A notebook's words may be none that this terminal's encoding knows.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    with in_our_words():
        options = make_parser().parse_args(argv)
        try:
            return _run(options.command, options)
        except Misuse as misuse:
            options.parser.print_usage(sys.stderr)
            sys.stderr.write(_("%(prog)s: error: %(message)s\n", prog=options.parser.prog, message=misuse))
            return 2
        except KeyboardInterrupt:
            return 130
        except BrokenPipeError:
            # Whoever read us has seen enough; and Python must not complain again when it flushes.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            # Errors that nobody heard of are errors all the same.
            return int(options.command == "check")


def _run(command: str, options: Namespace) -> int:
    try:
        return _COMMANDS[command](options)
    except (Refusal, Refusals) as refused:
        refusals = refused.refusals if isinstance(refused, Refusals) else [refused]
        for refusal in refusals:
            print(f"{PROGRAM}: {refusal}", file=sys.stderr)
        if command in {"tag", "untag"}:
            print(_("Nothing was changed."), file=sys.stderr)
        return 1
