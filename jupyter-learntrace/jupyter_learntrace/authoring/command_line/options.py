"""The parser of `jupyter assignments`: its options and their help."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jupyter_learntrace._version import __version__
from jupyter_learntrace.authoring.checking import report
from jupyter_learntrace.authoring.command_line.examples import examples_of
from jupyter_learntrace.authoring.course import listing
from jupyter_learntrace.authoring.language import _

PROGRAM = "jupyter assignments"
# argparse's type for this is not public.
_Commands = Any


def make_parser() -> argparse.ArgumentParser:
    """Return the parser, with help in the author's language."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=_(
            "Tag the cells of a course's notebooks, so that Learntrace knows which assignment a run belongs to."
        ),
        epilog=examples_of(""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"jupyter-learntrace {__version__}", help=_("show the version")
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar=_("COMMAND"), title=_("commands"))
    _add_tag(commands)
    _add_untag(commands)
    _add_list(commands)
    _add_check(commands)
    _add_publish(commands)
    return parser


def _add(commands: _Commands, name: str, purpose: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=purpose,
        description=purpose,
        epilog=examples_of(name),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(parser=parser)
    return parser


def _add_tag(commands: _Commands) -> None:
    parser = _add(commands, "tag", _("Tag cells: one, several at once, or those of a whole course."))
    _add_selection(parser)
    parser.add_argument(
        "--replace",
        action="store_true",
        help=_("where a cell has another assignment tag, put the new one in its place"),
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help=_("the cells check the assignments of these tags: who passes one is done"),
    )
    parser.add_argument(
        "--from-nbgrader",
        action="store_true",
        help=_("use nbgrader's test cells and otter's checks as check cells: shows them, and asks first"),
    )
    parser.add_argument("-y", "--yes", action="store_true", help=_("with --from-nbgrader: don't ask"))
    parser.add_argument(
        "--course",
        action="append",
        metavar=_("PLACE"),
        help=_("where each tag has to be unique: folders or notebooks; by default the notebook's own folder"),
    )
    _add_writing(parser)


def _add_untag(commands: _Commands) -> None:
    parser = _add(commands, "untag", _("Remove tags from cells; the file is again as it was before it was tagged."))
    _add_selection(parser)
    _add_writing(parser)


def _add_list(commands: _Commands) -> None:
    parser = _add(commands, "list", _("List notebooks, their tagged cells and the tags."))
    _add_places(parser)
    parser.add_argument(
        "--format", choices=listing.FORMATS, default="table", help=_("the output's format; by default a table")
    )
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help=_("accepted as by the other commands; this one changes nothing")
    )


def _add_check(commands: _Commands) -> None:
    parser = _add(commands, "check", _("Look for mistakes in the tags of a course, and for exercises without a tag."))
    _add_places(parser)
    parser.add_argument(
        "--format", choices=report.FORMATS, default="text", help=_("the output's format; by default text")
    )
    parser.add_argument("--fix", action="store_true", help=_("fix what can be fixed without its author"))
    _add_writing(parser)


def _add_publish(commands: _Commands) -> None:
    parser = _add(commands, "publish", _("Tell Learntrace which notebooks there are and which assignments each holds."))
    _add_places(parser)
    parser.add_argument(
        "--slug",
        help=_("the name it is published under; by default the file's name: lesson_03.ipynb becomes lesson-03"),
    )
    parser.add_argument("--title", help=_("the notebook's title; by default its first heading"))
    parser.add_argument(
        "--lang", help=_("its language, en or es; by default that of its metadata or its name (lesson_03.es.ipynb)")
    )
    parser.add_argument(
        "--root",
        type=Path,
        default=Path(),
        metavar=_("FOLDER"),
        help=_("the folder that learners open in Jupyter; by default this one"),
    )
    parser.add_argument("--url", help=_("Learntrace's address; by default LEARNTRACE_URL"))
    parser.add_argument("--academy", metavar="ID", help=_("the id of the academy; by default LEARNTRACE_ACADEMY"))
    parser.add_argument("--force", action="store_true", help=_("publish in spite of errors that `check` finds"))
    help_text = _("show what would be sent to Learntrace and how it differs from what is there, and send nothing")
    parser.add_argument("-n", "--dry-run", action="store_true", help=help_text)


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "notebook", nargs="?", type=Path, metavar=_("NOTEBOOK"), help=_("the notebook, unless a list is given")
    )
    parser.add_argument(
        "-c",
        "--cell",
        action="append",
        default=[],
        metavar=_("CELL"),
        help=_(
            "which cell: its index from 0, its id, or a text or regular expression in its source (index:, id:, source:)"
        ),
    )
    parser.add_argument(
        "-t", "--tag", action="append", default=[], metavar=_("TAG"), help=_("its tag, with or without `assignment:`")
    )
    parser.add_argument(
        "--from",
        dest="list",
        type=Path,
        metavar=_("LIST"),
        help=_(
            "a CSV or YAML file with notebook, cell and tag; its notebooks are looked for from its folder, then from here"
        ),
    )


def _add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "places",
        nargs="*",
        default=["."],
        metavar=_("PLACE"),
        help=_("notebooks, folders or patterns; by default this folder"),
    )
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar=_("PATTERN"),
        help=_("leave out notebooks whose name or path matches"),
    )


def _add_writing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help=_("show what would change, as a diff, and write nothing")
    )
    parser.add_argument("--diff", action="store_true", help=_("show the diff of what is changed"))
