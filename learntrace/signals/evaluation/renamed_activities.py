"""Activities that get other ids: signals and detectors' states name activities by them, and follow."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from learntrace.core.sql import execute, fetch, json_rows

_UUID: Final = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SIGNALS = """
SELECT id, json_build_array(key, resolved_by, evidence, facts, history)::text FROM signals_signal WHERE user_id = %s
"""
_STORE_SIGNALS = """
UPDATE signals_signal s
   SET key = r.named ->> 0, resolved_by = r.named ->> 1, evidence = r.named -> 2, facts = r.named -> 3,
       history = r.named -> 4
  FROM jsonb_to_recordset(%s::jsonb) AS r(id bigint, named jsonb) WHERE s.id = r.id
"""
_STATES = "SELECT id, state::text FROM signals_watch WHERE user_id = %s"
_STORE_STATES = """
UPDATE signals_watch w SET state = r.named FROM jsonb_to_recordset(%s::jsonb) AS r(id bigint, named jsonb) WHERE w.id = r.id
"""


def follow_renamed_activities(user_id: int, new_ids: Mapping[str, str]) -> None:
    """Put new ids in the place of old ones in all that names a learner's activities, in the open transaction.

    The learner's lock is held. Nothing else of signals and states changes.
    """
    for read, store in ((_SIGNALS, _STORE_SIGNALS), (_STATES, _STORE_STATES)):
        rows = [(row_id, text, _renamed(text, new_ids)) for row_id, text in fetch(read, [user_id])]
        if changed := [(row_id, text) for row_id, before, text in rows if text != before]:
            execute(store, [_rows(changed)])


def _renamed(text: str, new_ids: Mapping[str, str]) -> str:
    return _UUID.sub(lambda found: new_ids.get(found[0], found[0]), text)


def _rows(named: list[tuple[int, str]]) -> str:
    """Return rows whose `named` is the JSON in a text."""
    return json_rows({"id": row_id, "named": msgspec.Raw(text.encode())} for row_id, text in named)
