"""`learntrace users merge | merges | unmerge`: two users who are one person become one."""

import argparse
import json
import sys
from collections.abc import Mapping

from learntrace.accounts.models import User
from learntrace.accounts.tokens.command import TokenCommandError, find_user
from learntrace.core.errors import Problem
from learntrace.personal.merging.merging import merge, plan_of, undo
from learntrace.personal.models import UserMerge

_USER = "id, user name or e-mail address; id:101 or name:101 where one looks like the other"


def main(argv: list[str]) -> int:
    """Run `learntrace users ...` with Django set up; return 0 if done, 1 if it can't be."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except (TokenCommandError, Problem) as problem:
        text = problem.sentence() if isinstance(problem, Problem) else str(problem)
        print(f"learntrace users: {text}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="learntrace users", description="Two users who are one person become one.")
    commands = parser.add_subparsers(dest="command", required=True)
    merging = commands.add_parser(
        "merge",
        help="hand everything of one user over to another",
        description="Hand everything of USER over to INTO: messages, events, attempts, records, tasks, signals, tokens, "
        "memberships. What clients send under the id or name of USER counts for INTO from then on, and the user name is free.",
    )
    merging.add_argument("user", metavar="USER", help=f"who goes: {_USER}")
    merging.add_argument("into", metavar="INTO", help="who stays, named in the same way")
    merging.add_argument("--dry-run", action="store_true", help="say what would go over, and change nothing")
    merging.set_defaults(run=_merge)
    listing = commands.add_parser("merges", help="what was merged, the newest first, with the number for an undo")
    listing.set_defaults(run=_list)
    undoing = commands.add_parser("unmerge", help="undo a merge; what came since stays with the user who stayed")
    undoing.add_argument("number", type=int, metavar="NUMBER", help="as `merges` shows it")
    undoing.set_defaults(run=_undo)
    for command in (merging, listing, undoing):
        command.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _merge(arguments: argparse.Namespace) -> None:
    merged, into = find_user(arguments.user), find_user(arguments.into)
    names = f"{_named(merged)} into {_named(into)}"
    if arguments.dry_run:
        plan = plan_of(merged, into)
        _tell(arguments, f"Would merge {names}.", plan.moved, plan.dropped)
        return
    record = merge(merged, into)
    _tell(
        arguments,
        f"Merged {names}. To undo that: learntrace users unmerge {record.pk}",
        record.moved,
        record.dropped,
        number=record.pk,
    )


def _undo(arguments: argparse.Namespace) -> None:
    record = undo(arguments.number)
    names = f"{_named(record.merged)} and {_named(record.into)} are two users again."
    _tell(arguments, names, record.moved, {}, number=record.pk)


def _list(arguments: argparse.Namespace) -> None:
    rows = [
        {
            "number": row.pk,
            "merged": row.merged_id,
            "into": row.into_id,
            "at": row.merged_at.isoformat(timespec="seconds"),
            "undone_at": row.undone_at and row.undone_at.isoformat(timespec="seconds"),
            "rows": sum(row.moved.values()),
        }
        for row in UserMerge.objects.order_by("-pk")
    ]
    if arguments.json:
        print(json.dumps(rows))
        return
    for row in rows:
        state = f"undone {row['undone_at']}" if row["undone_at"] else "standing"
        print(f"{row['number']:>6}  {row['at']}  {row['merged']} into {row['into']}  {row['rows']} rows  {state}")
    print(f"Merges: {len(rows)}")


def _tell(
    arguments: argparse.Namespace, text: str, moved: Mapping[str, int], dropped: Mapping[str, int], number: int = 0
) -> None:
    if arguments.json:
        print(json.dumps({"number": number or None, "moved": moved, "dropped": dropped}))
        return
    for label, count in moved.items():
        lost = f", {dropped[label]} gave way to one that was there" if label in dropped else ""
        print(f"{count:>9}  {label}{lost}")
    for label, count in dropped.items():
        if label not in moved:
            print(f"{0:>9}  {label}, {count} gave way to one that was there")
    print(text)


def _named(user: User) -> str:
    return f"{user.username} ({user.pk})"
