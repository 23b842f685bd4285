"""The code behind attempts, where a source collects it: kept once by its hash, for each academy by itself.

Webhooks and events have it too, but a retention deletes them. The hash is computed here: a client could name another
learner's hash to read that code.
"""

from collections.abc import Collection, Iterable, Mapping

from learntrace.core.sql import execute, fetch, json_rows
from learntrace.measures.code_hash import code_hash
from learntrace.progress.recording.activity_store import LearnerActivity

# Longer code isn't typed by a learner: it is left to the webhook or the event.
MOST_CODE = 256 * 1024

_ASKED = """
  FROM jsonb_to_recordset(%s::jsonb) AS asked(academy bigint, hash text, learner bigint)
  JOIN progress_code c ON c.hash = asked.hash AND c.academy_id IS NOT DISTINCT FROM asked.academy
"""
_USED = f"SELECT asked.academy, asked.hash, asked.learner {_ASKED} JOIN progress_codeuse u ON u.code_id = c.id AND u.user_id = asked.learner"  # noqa: E501
# In one order, as several workers may write the same.
_INSERT = """
INSERT INTO progress_code (academy_id, hash, text)
SELECT academy, hash, text FROM jsonb_to_recordset(%s::jsonb) AS r(academy bigint, hash text, text text)
 ORDER BY hash, academy
ON CONFLICT (hash, academy_id) DO NOTHING
"""
# The lock keeps an erasure from deleting the code at this moment; what it has just deleted isn't found.
_USE = f"""
INSERT INTO progress_codeuse (code_id, user_id)
SELECT id, learner FROM (SELECT c.id, asked.learner {_ASKED} ORDER BY c.id, asked.learner FOR KEY SHARE OF c) AS used
ON CONFLICT (code_id, user_id) DO NOTHING
"""  # noqa: S608 (only texts of this module)
_TEXTS = """
SELECT hash, text FROM progress_code WHERE hash = ANY(%s) AND academy_id IS NOT DISTINCT FROM %s
"""
_FORGET = """
WITH mine AS (DELETE FROM progress_codeuse WHERE user_id = %(user)s RETURNING code_id)
SELECT code_id FROM mine
"""
_DELETE_UNUSED = """
DELETE FROM progress_code c WHERE c.id = ANY(%s) AND NOT EXISTS (SELECT FROM progress_codeuse u WHERE u.code_id = c.id)
"""
_DELETE_ALL_UNUSED = """
DELETE FROM progress_code c WHERE NOT EXISTS (SELECT FROM progress_codeuse u WHERE u.code_id = c.id)
"""

_Use = tuple[int | None, str, int]
"""An academy, a hash and a learner."""


def keep_code(activities: Iterable[LearnerActivity]) -> None:
    """Keep the code of activities that have some, in the open transaction."""
    texts: dict[_Use, str] = {}
    for row in activities:
        hashed = row.activity.code_hash
        if row.code is not None and hashed is not None and len(row.code) <= MOST_CODE:
            texts.setdefault((row.academy_id, hashed, row.user_id), row.code)
    if not texts:
        return
    known = {(academy, hashed, learner) for academy, hashed, learner in fetch(_USED, [_rows(texts)])}
    new = {use: text for use, text in texts.items() if use not in known and code_hash(text) == use[1]}
    if new:
        codes = {(academy, hashed): text for (academy, hashed, _learner), text in new.items()}
        rows = [{"academy": academy, "hash": hashed, "text": text} for (academy, hashed), text in codes.items()]
        execute(_INSERT, [json_rows(rows)])
        if execute(_USE, [_rows(new)]) < len(new):
            # An erasure has deleted one that was there a moment ago.
            execute(_INSERT, [json_rows(rows)])
            execute(_USE, [_rows(new)])


def _rows(uses: Iterable[_Use]) -> str:
    return json_rows({"academy": academy, "hash": hashed, "learner": learner} for academy, hashed, learner in uses)


def texts_of(academy_id: int | None, hashes: Collection[str]) -> Mapping[str, str]:
    """Return the kept code of an academy by its hash; hashes without one are left out."""
    return dict(fetch(_TEXTS, [sorted(set(hashes)), academy_id])) if hashes else {}


def forget_code(user_id: int) -> int:
    """Delete a learner's links to stored code; return how many codes, and delete those that were nobody else's."""
    ids = [code_id for (code_id,) in fetch(_FORGET, {"user": user_id})]
    execute(_DELETE_UNUSED, [ids])
    return len(ids)


def delete_unused() -> int:
    """Delete code of learners who were deleted; return how many."""
    return execute(_DELETE_ALL_UNUSED)
