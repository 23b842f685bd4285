"""Authenticate a whole group of requests with one query, and those with a JupyterHub token with one more.

Our tokens are not cached: under load many requests share the query, so a cache would save little and every revocation
would have to reach every process. The query runs in the transaction that writes. A hub is asked before it, so that a slow
hub never delays a group.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext_lazy as _

from learntrace.accounts.authentication import HUB_SCHEME, Credential, InvalidToken, check, names_hub, read_key
from learntrace.accounts.jupyterhub.client import user_name_async
from learntrace.accounts.jupyterhub.members import CREATE_USERS, FIND_USERS, HubMembers, find_parameters
from learntrace.accounts.models import Token, key_hash, key_prefix
from learntrace.accounts.roles import permissions_from, served_academies
from learntrace.accounts.tokens.scopes import TokenScope, check_scope
from learntrace.core.errors import Forbidden, Problem
from learntrace.intake.protocol import Caller, Connection, Submission

_FIND_TOKENS = """
SELECT t.key_hash, t.kind, t.scope, t.expires_at, u.id, u.is_active, u.language,
       ARRAY(SELECT g.permission FROM accounts_grant g WHERE g.user_id = u.id),
       ARRAY(SELECT jsonb_build_array(m.role, m.academy_id)
               FROM accounts_membership m JOIN accounts_academy a ON a.id = m.academy_id
              WHERE m.user_id = u.id AND m.status = 'ACTIVE' AND a.status <> 'DELETED')
  FROM accounts_token t JOIN accounts_user u ON u.id = t.user_id
 WHERE t.key_hash = ANY(%s)
"""
# Deleting the row uses a one-time token up; only the transaction that deletes it may proceed.
_DELETE_ONE_TIME = "DELETE FROM accounts_token WHERE key_hash = ANY(%s) RETURNING key_hash"


class MissingPermission(Forbidden):
    reason = "missing-permission"
    text = _("You (user: %(user)s) don't have this permission: %(permission)s")


async def ask_hub(submission: Submission) -> None:
    """Store JupyterHub's answer about a submission's token, if it is a hub token."""
    if not names_hub(submission.authorization):
        return
    try:
        token = read_key(submission.authorization, (HUB_SCHEME,))
        submission.token_prefix = key_prefix(token)
        submission.hub_user = await user_name_async(token)
    except Problem as problem:
        submission.hub_user = problem


async def authenticate(connection: Connection, asked: Sequence[tuple[Submission, str]]) -> None:
    """Set each submission's caller, or its problem: bad or expired key, missing permission; each with the one it needs.

    These problems replace an earlier problem of the body: a caller who may not send learns nothing about it.
    """
    submissions = [submission for submission, _permission in asked]
    await _authenticate_by_key(connection, [submission for submission in submissions if submission.hub_user is None])
    await _authenticate_by_hub(
        connection, [submission for submission in submissions if submission.hub_user is not None]
    )
    for submission, permission in asked:
        if submission.caller is not None and permission not in submission.caller.permissions:
            submission.problem = MissingPermission(user=submission.caller.user_id, permission=permission)


async def _authenticate_by_key(connection: Connection, submissions: Sequence[Submission]) -> None:
    keyed = [submission for submission in submissions if _read(submission)]
    tokens = {}
    if keyed:
        cursor = await connection.execute(_FIND_TOKENS, [list({submission.key_hash for submission in keyed})])
        tokens = {row[0]: row[1:] for row in await cursor.fetchall()}
    one_time = [hashed for hashed, row in tokens.items() if row[0] == Token.Kind.ONE_TIME]
    deleted = await _delete_one_time(connection, one_time)
    now = datetime.now(UTC)
    for submission in keyed:
        hashed = submission.key_hash
        row = tokens.get(hashed)
        if row is not None and row[0] == Token.Kind.ONE_TIME:
            row = row if hashed in deleted else None
            deleted.discard(hashed)
        submission.user_id = row[3] if row else None
        try:
            submission.caller = _caller(row, now)
        except Problem as problem:
            submission.problem = problem


def _read(submission: Submission) -> bool:
    """Read the submission's key, unless that was done, and return whether there is one."""
    if submission.key_hash:
        return True
    try:
        key = read_key(submission.authorization)
    except Problem as problem:
        submission.problem = problem
        return False
    submission.token_prefix, submission.key_hash = key_prefix(key), key_hash(key)
    return True


async def _authenticate_by_hub(connection: Connection, submissions: Sequence[Submission]) -> None:
    names = {submission.hub_user for submission in submissions if isinstance(submission.hub_user, str)}
    members = await _hub_members(connection, sorted(names)) if names else HubMembers([])
    for submission in submissions:
        try:
            submission.caller = _hub_caller(submission, members)
        except Problem as problem:
            submission.problem = problem


async def _hub_members(connection: Connection, names: list[str]) -> HubMembers:
    """Return a hub's users; new ones are created in this transaction."""
    members = HubMembers(await (await connection.execute(FIND_USERS, find_parameters(names))).fetchall())
    if new := members.create_parameters(names):
        await connection.execute(CREATE_USERS, new)
        members = HubMembers(await (await connection.execute(FIND_USERS, find_parameters(names))).fetchall())
    return members


def _hub_caller(submission: Submission, members: HubMembers) -> Caller:
    if not isinstance(submission.hub_user, str):
        raise submission.hub_user or InvalidToken()
    submission.user_id = members.user_id(submission.hub_user)
    member = members.member(submission.hub_user)
    return Caller(member.user_id, member.permissions, member.language, academy_id=member.academy_id)


async def _delete_one_time(connection: Connection, hashes: list[str]) -> set[str]:
    if not hashes:
        return set()
    cursor = await connection.execute(_DELETE_ONE_TIME, [hashes])
    return {row[0] for row in await cursor.fetchall()}


# Most callers are students of one academy.
_permissions = lru_cache(maxsize=256)(permissions_from)


def _caller(row: tuple[Any, ...] | None, now: datetime) -> Caller:
    if row is None:
        raise InvalidToken
    _kind, scope, expires_at, user_id, is_active, language, granted, held = row
    check(Credential(is_active, expires_at), now)
    check_scope(scope, TokenScope.TELEMETRY.value)
    permissions = _permissions(tuple(granted), tuple([role for role, _academy in held]))
    return Caller(user_id, permissions, language, served_academies(granted, held))
