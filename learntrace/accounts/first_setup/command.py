"""The command `learntrace setup-code`: a new code for the set-up page."""

import argparse
import sys

from django.conf import settings
from django.utils.translation import gettext as _

from learntrace.accounts.first_setup.code import AlreadySetUp, new_code, printed_code


def main(argv: list[str]) -> int:
    """Run `learntrace setup-code` with Django set up; return 0 if there is a code, 1 if the server is set up."""
    parser = argparse.ArgumentParser(
        prog="learntrace setup-code",
        description=_("Print a new code for the set-up page; the previous code stops working."),
    )
    parser.parse_args(argv)
    try:
        print(new_code())
    except AlreadySetUp as problem:
        print(f"learntrace setup-code: {problem.sentence()}.", file=sys.stderr)
        return 1
    # On stderr, so that the code alone is on stdout.
    print(_("Type it on the set-up page of this server, %(path)s.") % {"path": "/set-up"}, file=sys.stderr)
    return 0


def invitation(address: str) -> str:
    """Return what a server prints at its start while nobody has set it up, else an empty text."""
    code = printed_code()
    if not code:
        return ""
    page = f"{(settings.PUBLIC_URL or address).rstrip('/')}/set-up"
    return f"\nThis server is new. Set it up in a browser:\n\n  page  {page}\n  code  {code}\n"
