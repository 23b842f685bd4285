"""The command `learntrace unlock NAME-OR-ADDRESS | --list`."""

import argparse
import ipaddress
import sys

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from learntrace.accounts.models import User
from learntrace.accounts.second_factor.factors import forget_all
from learntrace.accounts.signing_in.guesses import locked, unlock
from learntrace.accounts.tokens.command import TokenCommandError, find_user


def main(argv: list[str]) -> int:
    """Run `learntrace unlock ...` with Django set up; return the exit code: 0 done, 1 failed, 2 wrong usage."""
    text = _("Let an account or a network address sign in again after too many wrong guesses.")
    parser = argparse.ArgumentParser(prog="learntrace unlock", description=text)
    parser.add_argument("whom", nargs="?", help=_("id, user name or e-mail address of a user, or a network address"))
    parser.add_argument(
        "--second-factors", action="store_true", help=_("remove the second factors of a user who has lost them, too")
    )
    parser.add_argument("--list", action="store_true", help=_("what is locked at this moment"))
    arguments = parser.parse_args(argv)
    if arguments.list == bool(arguments.whom):
        parser.error(_("name whom to unlock, or --list"))
    if arguments.list:
        return _list()
    if arguments.second_factors and _is_address(arguments.whom or ""):
        parser.error(_("a network address has no second factors"))
    try:
        if arguments.second_factors and forget_all(find_user(arguments.whom)):
            print(_("Removed the second factors of %(whom)s.") % {"whom": arguments.whom})
        count = unlock(address=arguments.whom) if _is_address(arguments.whom) else unlock(find_user(arguments.whom))
    except TokenCommandError as error:
        print(f"learntrace unlock: {error}", file=sys.stderr)
        return 1
    told = _("Unlocked %(whom)s.") if count else _("%(whom)s wasn't locked: no wrong guesses are counted.")
    print(told % {"whom": arguments.whom})
    return 0


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _list() -> int:
    subjects = locked()
    accounts = [int(subject.partition(":")[2]) for subject, _seconds in subjects if _is_of_user(subject)]
    names = dict(User.objects.filter(pk__in=accounts).values_list("pk", "username"))
    for subject, seconds in subjects:
        shown = f"{subject} ({names.get(int(subject.partition(':')[2]), '')})" if _is_of_user(subject) else subject
        left = ngettext("%(subject)s: %(seconds)s second left", "%(subject)s: %(seconds)s seconds left", seconds)
        print(left % {"subject": shown, "seconds": seconds})
    print(_("Locked: %(count)s") % {"count": len(subjects)})
    return 0


def _is_of_user(subject: str) -> bool:
    return subject.startswith(("account:", "factor:"))
