"""Entry point of `jupyter assignments`. Exit codes: 0 for success, 1 for a refusal or errors found, 2 for wrong usage."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from jupyter_learntrace.authoring.command_line import commands
from jupyter_learntrace.authoring.command_line.argparse_texts import translated_argparse
from jupyter_learntrace.authoring.command_line.options import PROGRAM, make_parser
from jupyter_learntrace.authoring.errors import Misuse, Refusal, Refusals
from jupyter_learntrace.authoring.language import _

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
        # A notebook may hold characters that the terminal's encoding lacks.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    with translated_argparse():
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
            # The reader has closed the pipe. Keep Python from failing again when it flushes.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            # `check` may have found errors that were not read: its exit code says so.
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
