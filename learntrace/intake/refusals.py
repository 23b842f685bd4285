"""Writing down what was refused, in the same commit as what was taken."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from django.utils import translation

from learntrace.core.allowance import Allowance
from learntrace.core.errors import Problem
from learntrace.intake.submissions import Connection, Submission

_WRITE = """
INSERT INTO intake_refusal (path, status_code, reason, detail, token_prefix, user_id, asset, size)
SELECT path, status_code, reason, detail, token_prefix, user_id, asset, size
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(path text, status_code int, reason text, detail text, token_prefix text, user_id bigint, asset text, size bigint)
"""
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def reason_of(problem: Problem) -> str:
    """The slug under which a refusal is counted."""
    return problem.reason or problem.slug or "invalid-request"


def _clean(text: str, length: int) -> str:
    return _UNSTORABLE.sub("\ufffd", text)[:length]


def _row(submission: Submission, problem: Problem, asset: str) -> dict[str, Any]:
    with translation.override("en"):
        detail = problem.sentence()
    return {
        "path": _clean(submission.path, 200),
        "status_code": problem.status_code,
        "reason": reason_of(problem),
        "detail": _clean(detail, 500),
        # Without a user the key is unknown; its beginning still tells a client from another.
        "token_prefix": _clean(submission.token_prefix, 8),
        "user_id": submission.user_id,
        "asset": _clean(asset, 200),
        "size": submission.size,
    }


# How many records of refusals strangers may cause: a flood of bad keys must not fill the disk.
_strangers = Allowance()


async def write_refusals(connection: Connection, refused: Sequence[tuple[Submission, Problem, str]]) -> None:
    """Insert one row for each refused submission, given with its problem and the asset as the client named it.

    Of those whose key nobody has, only as many as the allowance has room for; /metrics counts them all.
    """
    recorded = [one for one in refused if one[0].user_id is not None or _strangers.take()]
    if recorded:
        rows = msgspec.json.encode([_row(*one) for one in recorded])
        await connection.execute(_WRITE, [rows.decode()])
