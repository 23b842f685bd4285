"""Authenticating a whole group of requests with one query; those with a JupyterHub's token with one more.

Nothing of ours is cached: under load many requests share the query, so a cache would save little and would need every
revocation to reach every process. What is read here is true in the transaction that writes. A hub is asked before, so
that a slow one never holds up a group.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from learntrace.accounts.authentication import HUB_SCHEME, Credential, InvalidToken, check, names_hub, read_key
from learntrace.accounts.hub import user_name_soon
from learntrace.accounts.hub_members import FIND, MAKE, HubMembers, sought
from learntrace.accounts.models import Token, key_hash, key_prefix
from learntrace.accounts.roles import permissions_from, served_academies
from learntrace.core.errors import Forbidden, Problem
from learntrace.intake.submissions import Caller, Connection, Submission

_FIND = """
SELECT t.key_hash, t.kind, t.expires_at, u.id, u.is_active, u.language,
       ARRAY(SELECT g.permission FROM accounts_grant g WHERE g.user_id = u.id),
       ARRAY(SELECT jsonb_build_array(m.role, m.academy_id)
               FROM accounts_membership m JOIN accounts_academy a ON a.id = m.academy_id
              WHERE m.user_id = u.id AND m.status = 'ACTIVE' AND a.status <> 'DELETED')
  FROM accounts_token t JOIN accounts_user u ON u.id = t.user_id
 WHERE t.key_hash = ANY(%s)
"""
# One-time tokens: the row is the right to one request, so whoever deletes it has it.
_USE_UP = "DELETE FROM accounts_token WHERE key_hash = ANY(%s) RETURNING key_hash"


class MissingPermission(Forbidden):
    reason = "missing-permission"
    text = _("You (user: %(user)s) don't have this permission: %(permission)s")


async def ask_hub(submission: Submission) -> None:
    """Note what JupyterHub says of a submission's token, where it is a hub's."""
    if not names_hub(submission.authorization):
        return
    try:
        token = read_key(submission.authorization, (HUB_SCHEME,))
        submission.token_prefix = key_prefix(token)
        submission.hub_user = await user_name_soon(token)
    except Problem as problem:
        submission.hub_user = problem


async def authenticate(connection: Connection, submissions: Sequence[Submission], permission: str) -> None:
    """Give each submission its caller, or its problem: bad or expired key, missing permission.

    A problem of the body that was seen before gives way: who may not send isn't told what is wrong with it.
    """
    await _authenticate_by_key(connection, [one for one in submissions if one.hub_user is None])
    await _authenticate_by_hub(connection, [one for one in submissions if one.hub_user is not None])
    for submission in submissions:
        if submission.caller is not None and permission not in submission.caller.permissions:
            submission.problem = MissingPermission(user=submission.caller.user_id, permission=permission)


async def _authenticate_by_key(connection: Connection, submissions: Sequence[Submission]) -> None:
    keys: dict[int, str] = {}
    for index, submission in enumerate(submissions):
        try:
            keys[index] = read_key(submission.authorization)
        except Problem as problem:
            submission.problem = problem
    hashes = {index: key_hash(key) for index, key in keys.items()}
    found = {}
    if hashes:
        cursor = await connection.execute(_FIND, [list(set(hashes.values()))])
        found = {row[0]: row[1:] for row in await cursor.fetchall()}
    once = await _use_up(connection, [key for key, row in found.items() if row[0] == Token.Kind.ONE_TIME])
    now = datetime.now(UTC)
    for index, hashed in hashes.items():
        submission = submissions[index]
        submission.token_prefix = key_prefix(keys[index])
        row = found.get(hashed)
        if row is not None and row[0] == Token.Kind.ONE_TIME:
            row = row if hashed in once else None
            once.discard(hashed)
        submission.user_id = row[2] if row else None
        try:
            submission.caller = _caller(row, now)
        except Problem as problem:
            submission.problem = problem


async def _authenticate_by_hub(connection: Connection, submissions: Sequence[Submission]) -> None:
    names = {one.hub_user for one in submissions if isinstance(one.hub_user, str)}
    members = await _hub_members(connection, sorted(names)) if names else HubMembers([])
    for submission in submissions:
        try:
            submission.caller = _hub_caller(submission, members)
        except Problem as problem:
            submission.problem = problem


async def _hub_members(connection: Connection, names: list[str]) -> HubMembers:
    """What there is of a hub's users, made in this transaction where they are new."""
    members = HubMembers(await (await connection.execute(FIND, sought(names))).fetchall())
    if new := members.missing(names):
        await connection.execute(MAKE, new)
        members = HubMembers(await (await connection.execute(FIND, sought(names))).fetchall())
    return members


def _hub_caller(submission: Submission, members: HubMembers) -> Caller:
    if not isinstance(submission.hub_user, str):
        raise submission.hub_user or InvalidToken()
    submission.user_id = members.user_id(submission.hub_user)
    member = members.member(submission.hub_user)
    return Caller(member.user_id, member.permissions, member.language, academy_id=member.academy_id)


async def _use_up(connection: Connection, hashes: list[str]) -> set[str]:
    if not hashes:
        return set()
    cursor = await connection.execute(_USE_UP, [hashes])
    return {row[0] for row in await cursor.fetchall()}


def _caller(row: tuple[Any, ...] | None, now: datetime) -> Caller:
    if row is None:
        raise InvalidToken
    _kind, expires_at, user_id, is_active, language, granted, held = row
    check(Credential(is_active, expires_at), now)
    permissions = permissions_from(granted, [role for role, _academy in held])
    return Caller(user_id, permissions, language, served_academies(granted, held))
