"""The activities that are stored of learners on assets, and how far the documents were read that told them."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from learntrace.core.sql import execute, fetch, json_rows
from learntrace.learnpack.attempts.positions import Position
from learntrace.learnpack.attempts.run_identity import Subject
from learntrace.learnpack.processing.streaming import SOURCE

_OF_ASKED = "a.user_id = asked.user_id AND a.source = %(source)s AND starts_with(a.assignment, asked.asset_slug || '/')"
# Learner by learner, whatever the planner thinks of a table that has just grown: of one without statistics it would read all.
_STORED = f"""
SELECT asked.user_id, asked.asset_slug, stored.id::text, stored.assignment
  FROM jsonb_to_recordset(%(asked)s::jsonb) AS asked(user_id bigint, asset_slug text)
 CROSS JOIN LATERAL (SELECT a.id, coalesce(a.told_as, a.assignment) AS assignment
                       FROM progress_activity a WHERE {_OF_ASKED} OFFSET 0) AS stored
"""  # noqa: S608 (only texts of this module)
# What `_STORED` would return, as one number: whatever adds, deletes or renames any of them, the number is another one. Of
# each asset, up to one more than the limit.
_HASH = "hashtextextended(coalesce(a.told_as, a.assignment), uuid_hash_extended(a.id, 0))"
_FINGERPRINT = f"""
SELECT count(*) AS number, coalesce(bit_xor(one), 0) AS fingerprint
  FROM (SELECT {_HASH} AS one FROM progress_activity a WHERE {_OF_ASKED} LIMIT %(limit)s) AS first_ones
"""  # noqa: S608 (only texts of this module)
_POSITIONS = f"""
SELECT asked.user_id, asked.asset_slug, counted.number, counted.fingerprint, p.state
  FROM jsonb_to_recordset(%(asked)s::jsonb) AS asked(user_id bigint, asset_slug text)
 CROSS JOIN LATERAL ({_FINGERPRINT}) AS counted
  LEFT JOIN learnpack_readingposition p
    ON p.user_id = asked.user_id AND p.asset_slug = asked.asset_slug AND p.fingerprint = counted.fingerprint
"""  # noqa: S608 (only texts of this module)
# The number of what was stored, changed by what has been added since: the learner's activities are not read again.
_KEEP = f"""
INSERT INTO learnpack_readingposition (user_id, asset_slug, fingerprint, state)
SELECT asked.user_id, asked.asset_slug, asked.fingerprint # added.fingerprint, decode(asked.state, 'base64')
  FROM jsonb_to_recordset(%(asked)s::jsonb)
    AS asked(user_id bigint, asset_slug text, state text, number bigint, fingerprint bigint, added uuid[])
 CROSS JOIN LATERAL (SELECT count(*) AS number, coalesce(bit_xor({_HASH}), 0) AS fingerprint
                       FROM (SELECT * FROM progress_activity WHERE id = ANY(asked.added) OFFSET 0) AS a
                      WHERE {_OF_ASKED}) AS added
 WHERE asked.number + added.number <= %(most)s
 ORDER BY 1, 2
ON CONFLICT (user_id, asset_slug) DO UPDATE SET fingerprint = excluded.fingerprint, state = excluded.state
"""  # noqa: S608 (only texts of this module)
_PRESENT = "SELECT a.id::text FROM progress_activity a WHERE a.id = ANY(%s::uuid[])"

_decode = msgspec.msgpack.Decoder(Position).decode


@dataclass(frozen=True)
class Standing:
    """How many activities of a subject are stored, their fingerprint, and the position up to which its documents were read,
    if it holds.
    """

    number: int = 0
    fingerprint: int = 0
    position: Position | None = None


def stored_activities(subjects: Iterable[Subject]) -> dict[Subject, dict[str, str]]:
    """Return the assignments of the activities that are stored, by their ids."""
    stored: dict[Subject, dict[str, str]] = {}
    asked = {"asked": json_rows(set(subjects)), "source": SOURCE}
    for user_id, slug, activity_id, assignment in fetch(_STORED, asked):
        stored.setdefault(Subject(user_id, slug), {})[activity_id] = assignment
    return stored


def standings(subjects: Iterable[Subject], most: int) -> Mapping[Subject, Standing]:
    """Return how each subject stands, whose learner's lock is held; with more than `most` activities, one more is counted.

    Those with more have no position.
    """
    asked = {"asked": json_rows(set(subjects)), "source": SOURCE, "limit": most + 1}
    return {
        Subject(user_id, slug): Standing(number, fingerprint, _decoded(state) if number <= most else None)
        for user_id, slug, number, fingerprint, state in fetch(_POSITIONS, asked)
    }


def _decoded(state: bytes | memoryview | None) -> Position | None:
    try:
        return None if state is None else _decode(state)
    except msgspec.DecodeError:  # as another version of ours wrote it
        return None


def keep_positions(
    positions: Mapping[Subject, Position],
    standing: Mapping[Subject, Standing],
    added: Mapping[Subject, Sequence[str]],
    most: int,
) -> None:
    """Store positions in the open transaction, which has recorded what the documents tell; none with more activities.

    `standing` is how the subjects stood before that, and `added` the ids that were recorded, none of which was stored then.
    """
    rows = [
        {
            "user_id": subject.user_id,
            "asset_slug": subject.asset_slug,
            "state": base64.b64encode(msgspec.msgpack.encode(position)).decode(),
            "number": standing[subject].number,
            "fingerprint": standing[subject].fingerprint,
            "added": added.get(subject, ()),
        }
        for subject, position in positions.items()
    ]
    if rows:
        execute(_KEEP, {"asked": json_rows(rows), "source": SOURCE, "most": most})


def present(ids: Iterable[str]) -> set[str]:
    """Return those of the ids that stored activities have."""
    asked = list(ids)
    return {identifier for (identifier,) in fetch(_PRESENT, [asked])} if asked else set()
