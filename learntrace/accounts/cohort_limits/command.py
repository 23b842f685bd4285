"""The command `learntrace cohort-limit list | set | lift`."""

import argparse
import json
import sys
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from learntrace.accounts.cohort_limits.changes import lift_limit, limit_to
from learntrace.accounts.models import Academy, Cohort, Membership
from learntrace.accounts.roster.items import BIGGEST_ID
from learntrace.accounts.tokens.command import TokenCommandError, find_user
from learntrace.core.errors import Problem


class LimitCommandError(Exception):
    """The command can't be carried out; the text says why."""


def main(argv: list[str]) -> int:
    """Run `learntrace cohort-limit ...` with Django set up; return the exit code: 0 done, 1 failed, 2 wrong usage."""
    description = _("Which cohorts a teacher or an assistant sees.")
    parser = argparse.ArgumentParser(prog="learntrace cohort-limit", description=description)
    commands = parser.add_subparsers(dest="command", required=True)
    listed = commands.add_parser("list", help=_("who is limited to which cohorts"))
    listed.add_argument("--academy", help=_("id or slug; without it, all academies"))
    listed.set_defaults(run=_list)
    limited = commands.add_parser("set", help=_("let a member see only the learners of these cohorts"))
    limited.add_argument("--cohort", action="append", required=True, help=_("id or slug; may be given several times"))
    limited.set_defaults(run=_set)
    lifted = commands.add_parser("lift", help=_("let a member see the whole academy again"))
    lifted.set_defaults(run=_lift)
    for command in (limited, lifted):
        command.add_argument("--user", required=True, help=_("id, user name or e-mail address"))
        command.add_argument("--academy", required=True, help=_("id or slug"))
    for command in (listed, limited, lifted):
        command.add_argument("--json", action="store_true", help=_("print JSON"))
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except (LimitCommandError, TokenCommandError, Problem) as error:
        print(f"learntrace cohort-limit: {error}", file=sys.stderr)
        return 1
    return 0


def _named(text: str) -> Q:
    number = text.isascii() and text.isdigit() and len(text) < 19
    return Q(slug=text) | Q(pk=min(int(text), BIGGEST_ID)) if number else Q(slug=text)


def _academy(text: str) -> Academy:
    academy = Academy.objects.filter(_named(text)).first()
    if academy is None:
        raise LimitCommandError(_("There is no academy %(name)s.") % {"name": text})
    return academy


def _membership(arguments: argparse.Namespace) -> Membership:
    user, academy = find_user(arguments.user), _academy(arguments.academy)
    membership = Membership.objects.filter(user=user, academy=academy).select_related("user", "academy").first()
    if membership is None:
        text = _("%(user)s has no role in %(academy)s.")
        raise LimitCommandError(text % {"user": user.username, "academy": academy.slug})
    return membership


def _facts(membership: Membership) -> dict[str, Any]:
    cohorts = list(membership.cohorts.order_by("slug").values_list("slug", flat=True))
    return {
        "academy": membership.academy.slug,
        "user": membership.user.username,
        "role": membership.role,
        "cohorts": cohorts if membership.only_cohorts else None,
    }


def _tell(membership: Membership, arguments: argparse.Namespace) -> None:
    facts = _facts(membership)
    if arguments.json:
        print(json.dumps(facts, indent=2))
    elif membership.only_cohorts:
        print(_("%(user)s sees in %(academy)s: %(cohorts)s") % {**facts, "cohorts": _names(facts)})
    else:
        print(_("%(user)s sees all of %(academy)s") % facts)


def _names(facts: dict[str, Any]) -> str:
    return ", ".join(facts["cohorts"] or []) or _("nobody, as the cohorts were deleted")


def _set(arguments: argparse.Namespace) -> None:
    membership = _membership(arguments)
    cohorts = []
    for name in arguments.cohort:
        cohort = Cohort.objects.filter(_named(name), academy=membership.academy).first()
        if cohort is None:
            text = _("There is no cohort %(name)s in %(academy)s.")
            raise LimitCommandError(text % {"name": name, "academy": membership.academy.slug})
        cohorts.append(cohort)
    limit_to(membership, cohorts)
    _tell(membership, arguments)


def _lift(arguments: argparse.Namespace) -> None:
    membership = _membership(arguments)
    lift_limit(membership)
    _tell(membership, arguments)


def _list(arguments: argparse.Namespace) -> None:
    rows = Membership.objects.filter(only_cohorts=True).select_related("user", "academy")
    if arguments.academy is not None:
        rows = rows.filter(academy=_academy(arguments.academy))
    limits = [_facts(row) for row in rows.order_by("academy__slug", "user__username")]
    if arguments.json:
        print(json.dumps(limits, indent=2))
        return
    for facts in limits:
        print(f"{facts['academy']}  {facts['user']}  {facts['role']}  {_names(facts)}")
    print(_("Members who are limited to cohorts: %(count)s") % {"count": len(limits)})
