"""Record refused requests, in the same commit as the accepted ones."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import psycopg
import structlog
from django.utils import translation

from learntrace.core.errors import Problem
from learntrace.core.rate_limit import TokenBucket
from learntrace.core.sql import json_rows
from learntrace.intake.known_keys import KnownKeys
from learntrace.intake.protocol import Connection, Submission

log = structlog.get_logger(__name__)

# Of a known user, the refusals of one hour that are alike share a row; those of unknown keys have no hour and stay single.
_INSERT = """
INSERT INTO intake_refusal (path, status_code, reason, detail, token_prefix, user_id, asset, size, times, last_at, hour)
SELECT path, status_code, reason, detail, token_prefix, user_id, asset, size, times, statement_timestamp(),
       CASE WHEN user_id IS NOT NULL THEN date_trunc('hour', statement_timestamp(), 'UTC') END
  FROM jsonb_to_recordset(%s::jsonb)
    AS r(path text, status_code int, reason text, detail text, token_prefix text, user_id bigint, asset text, size bigint,
         times int)
 ORDER BY user_id, path, reason, asset
    ON CONFLICT (user_id, path, reason, asset, hour) DO UPDATE
   SET times = intake_refusal.times + excluded.times, last_at = excluded.last_at, detail = excluded.detail,
       size = greatest(intake_refusal.size, excluded.size), token_prefix = excluded.token_prefix
"""
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def reason_of(problem: Problem) -> str:
    """Return the slug under which a refusal is counted."""
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
        # Without a user the key is unknown; its prefix still distinguishes clients.
        "token_prefix": _clean(submission.token_prefix, 8),
        "user_id": submission.user_id,
        "asset": _clean(asset, 200),
        "size": submission.size,
        "times": 1,
    }


def _together(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row for those of a user that are alike: a statement may change a row once."""
    kept: dict[object, dict[str, Any]] = {}
    for number, row in enumerate(rows):
        alike = (row["user_id"], row["path"], row["reason"], row["asset"])
        same = kept.setdefault(number if row["user_id"] is None else alike, row)
        if same is not row:
            same["times"] += row["times"]
            same["size"] = max(same["size"], row["size"])
    return list(kept.values())


_NOTED_SECONDS = 2.0
_MOST_NOTED = 10_000

# Limits the records of refusals with unknown keys: a flood of them must not fill the disk.
_unknown_keys = TokenBucket()


async def write_refusals(connection: Connection, refused: Sequence[tuple[Submission, Problem, str]]) -> None:
    """Record each refused submission, given with its problem and the asset as the client named it.

    Refusals with unknown keys are recorded only within the rate limit; /metrics counts them all.
    """
    rows = [
        _row(submission, problem, asset)
        for submission, problem, asset in refused
        if submission.user_id is not None or _unknown_keys.take()
    ]
    if rows:
        await connection.execute(_INSERT, [json_rows(_together(rows))])


class NotedRefusals:
    """Refusals over a limit, which are counted here and written together every few seconds."""

    def __init__(self, keys: KnownKeys) -> None:
        self._keys = keys
        self._rows: dict[object, dict[str, Any]] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, submission: Submission, problem: Problem, asset: str) -> None:
        """Count a refusal of a known user; of others /metrics tells."""
        if submission.user_id is None:
            return
        alike = (submission.user_id, submission.path, reason_of(problem), asset)
        if alike in self._rows:
            self._rows[alike]["times"] += 1
        elif len(self._rows) < _MOST_NOTED:
            self._rows[alike] = _row(submission, problem, asset)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._write_soon())

    async def close(self) -> None:
        """Write what is noted."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._write()

    async def _write_soon(self) -> None:
        await asyncio.sleep(_NOTED_SECONDS)
        await self._write()

    async def _write(self) -> None:
        rows, self._rows = list(self._rows.values()), {}
        if not rows:
            return
        try:
            await self._keys.execute(_INSERT, [json_rows(_together(rows))])
        except psycopg.Error as error:
            log.warning("refusals not recorded", error=str(error).strip()[:300])
