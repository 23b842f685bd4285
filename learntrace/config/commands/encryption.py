"""`learntrace encryption status | rotate`: the key with which secrets are encrypted."""

import argparse

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from learntrace.accounts.audit.commands import record_run
from learntrace.config import keys
from learntrace.core.encryption import fields, secrets


def main(argv: list[str]) -> int:
    """Run `learntrace encryption ...` with Django set up; return 0, or 1 where a secret can't be read."""
    description = _("The key with which webhook and chat targets are encrypted.")
    parser = argparse.ArgumentParser(prog="learntrace encryption", description=description)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("status", help=_("where the key is from, and whether all secrets can be read"))
    commands.add_parser("rotate", help=_("encrypt all secrets with a new key"))
    arguments = parser.parse_args(argv)
    if arguments.command == "rotate":
        record_run("encryption", do="rotate")
        if keys.encryption_keys_are_ours():
            keys.add_encryption_key()
        secrets.forget_keys()
        total, unreadable = fields.rewrite_all()
    else:
        total, unreadable = fields.count()
    print(_("Key: %(source)s") % {"source": keys.encryption_keys_source()})
    print(ngettext("%(count)s secret is stored.", "%(count)s secrets are stored.", total) % {"count": total})
    if arguments.command == "rotate":
        print(
            _(
                "What could be read is encrypted with the first key. Keep old keys as long as you keep backups from before."
            )
        )
    if unreadable:
        print(sentence(unreadable))
    return 1 if unreadable else 0


def sentence(unreadable: int) -> str:
    """Say what a missing key means, and what to do."""
    text = ngettext(
        "%(count)s secret can't be read, as its key is missing. Nothing is lost: put the old key back into "
        "LEARNTRACE_ENCRYPTION_KEYS, after the new one, or have its owner enter it anew.",
        "%(count)s secrets can't be read, as their key is missing. Nothing is lost: put the old key back into "
        "LEARNTRACE_ENCRYPTION_KEYS, after the new one, or have their owners enter them anew.",
        unreadable,
    )
    return text % {"count": unreadable}
