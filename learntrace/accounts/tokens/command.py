"""The command `learntrace token create | list | revoke`."""

import argparse
import json
import sys
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from learntrace.accounts.models import Token, User
from learntrace.accounts.people.naming import called
from learntrace.accounts.tokens.own import record_ended, record_made
from learntrace.accounts.tokens.scopes import TokenScope


class TokenCommandError(Exception):
    """The command can't be carried out; the text says why."""


def find_user(text: str) -> User:
    """Return the user with this id, user name or e-mail address, or `id:101` or `name:101` (`people.naming`).

    Raises TokenCommandError if there is none, or more than one.
    """
    storable = text and not any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in text)
    users = list(called(text, User.objects.all())[:3]) if storable else []
    if not users:
        raise TokenCommandError(_("There is no user %(name)s.") % {"name": text})
    if len(users) > 1:
        names = ", ".join(f"{user.pk} ({user.username})" for user in users)
        raise TokenCommandError(
            _("Several users are meant by %(name)s: %(found)s. Name one by id, such as id:101.")
            % {"name": text, "found": names}
        )
    return users[0]


def main(argv: list[str]) -> int:
    """Run `learntrace token ...` with Django set up; return the exit code: 0 done, 1 failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="learntrace token", description=_("Keys for learners and services."))
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help=_("make a token; its key is shown this once"))
    create.add_argument("--user", required=True, help=_("id, user name or e-mail address"))
    create.add_argument("--kind", choices=Token.Kind.values, default=Token.Kind.PERMANENT.value)
    create.add_argument("--expires", type=_moment, metavar="DATE", help=_("2027-01-31, or with a time; UTC"))
    create.add_argument(
        "--scope",
        choices=TokenScope.values,
        default=TokenScope.WRITE.value,
        help=_("telemetry: only send telemetry; read: only read; write: everything that the user may do"),
    )
    create.add_argument("--name", default="", help=_("what it is for, as its owner sees it"))
    create.set_defaults(run=_create)
    list_tokens = commands.add_parser("list", help=_("a user's tokens, without their keys"))
    list_tokens.add_argument("--user", required=True, help=_("id, user name or e-mail address"))
    list_tokens.set_defaults(run=_list)
    revoke = commands.add_parser("revoke", help=_("revoke a token: it stops working at once"))
    revoke.add_argument("prefix", help=_("the token's prefix, as `list` shows it"))
    revoke.add_argument("--user", help=_("whose, where tokens of several users have the prefix"))
    revoke.set_defaults(run=_revoke)
    for command in (create, list_tokens, revoke):
        command.add_argument("--json", action="store_true", help=_("print JSON"))
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except TokenCommandError as error:
        print(f"learntrace token: {error}", file=sys.stderr)
        return 1
    return 0


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(
            _("%(text)s isn't a date such as 2027-01-31") % {"text": repr(text)}
        ) from error
    if moment <= timezone.now():
        raise argparse.ArgumentTypeError(_("%(text)s has passed") % {"text": text})
    return moment


def _facts(token: Token) -> dict[str, Any]:
    """Return the facts about a token that may be shown."""
    return {
        "prefix": token.prefix,
        "user_id": token.user_id,
        "username": token.user.username,
        "kind": token.kind,
        "scope": token.scope,
        "name": token.name,
        "expires_at": _iso(token.expires_at),
        "created_at": _iso(token.created_at),
        "last_used_at": _iso(token.last_used_at),
        "last_used_from": token.last_used_from,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def _create(arguments: argparse.Namespace) -> None:
    user = find_user(arguments.user)
    with transaction.atomic():
        token, key = Token.issue(
            user, arguments.kind, arguments.expires, scope=arguments.scope, name=arguments.name.strip()[:60]
        )
        record_made(token)
    if arguments.json:
        print(json.dumps({"key": key, **_facts(token)}, indent=2))
        return
    print(key)
    # On stderr, so that `KEY=$(learntrace token create ...)` holds the key only.
    expiry = _iso(token.expires_at) or _("never")
    text = _("Token of %(user)s, kind %(kind)s, scope %(scope)s, expires: %(expiry)s. The key is shown this once.")
    facts = {"user": token.user.username, "kind": token.kind, "scope": token.scope, "expiry": expiry}
    print(text % facts, file=sys.stderr)


def _list(arguments: argparse.Namespace) -> None:
    user = find_user(arguments.user)
    tokens = [_facts(token) for token in Token.objects.filter(user=user).select_related("user").order_by("pk")]
    if arguments.json:
        print(json.dumps(tokens, indent=2))
        return
    if tokens:
        headings = _("prefix"), _("kind"), _("scope"), _("expires")
        print("{:<8}  {:<9}  {:<9}  {}".format(*headings))
    for token in tokens:
        print(f"{token['prefix']:<8}  {token['kind']:<9}  {token['scope']:<9}  {token['expires_at'] or _('never')}")
    print(_("Tokens of %(user)s: %(count)s") % {"count": len(tokens), "user": user.username})


def _revoke(arguments: argparse.Namespace) -> None:
    tokens = Token.objects.filter(prefix=arguments.prefix).select_related("user")
    if arguments.user is not None:
        tokens = tokens.filter(user=find_user(arguments.user))
    if not tokens:
        raise TokenCommandError(_("There is no token with the prefix %(prefix)s.") % {"prefix": arguments.prefix})
    if len(tokens) > 1:
        owners = ", ".join(sorted(token.user.username for token in tokens))
        text = _("Several tokens have the prefix %(prefix)s (of %(owners)s): say whose with --user.")
        raise TokenCommandError(text % {"prefix": arguments.prefix, "owners": owners})
    facts = _facts(tokens[0])
    with transaction.atomic():
        record_ended(tokens[0].user_id, [tokens[0]])
        tokens[0].delete()
    if arguments.json:
        print(json.dumps({"revoked": facts}, indent=2))
    else:
        print(_("Revoked the token %(prefix)s of %(username)s.") % facts)
