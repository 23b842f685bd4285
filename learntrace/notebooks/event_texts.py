"""What a page of events, or of rejected events, holds as the text that is stored, within a budget of bytes a page.

An event may have 64 KiB and a page 1,000 of them, which would take half a gigabyte as objects. So no event becomes objects,
and PostgreSQL shortens what is beyond the budget.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from learntrace.core.sql import fetch

MOST_A_PAGE: Final = 8 * 1024 * 1024
"""Once the events of a page have this many bytes, all further ones are shortened."""
_MOST_TEXT: Final = 1024

_EVENTS = """
WITH texts AS MATERIALIZED (
    SELECT e.id, w.place, octet_length(e.object::text || e.result::text || e.context::text) AS bytes
      FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS w(id, place) JOIN events e USING (id)
), summed AS (
    SELECT id, bytes, sum(bytes) OVER (ORDER BY place) <= %(page)s AS whole FROM texts
)
SELECT s.id, s.bytes, s.whole,
       CASE WHEN s.whole THEN e.object::text
            ELSE jsonb_strip_nulls(jsonb_build_object(
                     'type', e.object -> 'type', 'id', e.object -> 'id', 'notebook', e.object -> 'notebook',
                     'assignment', e.object -> 'assignment'))::text END,
       CASE WHEN s.whole THEN e.result::text
            ELSE jsonb_strip_nulls(jsonb_build_object(
                     'outcome', e.result -> 'outcome', 'error_name', e.result -> 'error_name'))::text END,
       CASE WHEN s.whole THEN e.context::text ELSE '{}' END
  FROM summed s JOIN events e USING (id)
"""
_REJECTED = """
SELECT r.id, octet_length(r.raw), sum(octet_length(r.raw)) OVER (ORDER BY w.place) <= %(page)s AS whole,
       CASE WHEN sum(octet_length(r.raw)) OVER (ORDER BY w.place) <= %(page)s THEN r.raw
            ELSE left(r.raw, %(text)s) END
  FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS w(id, place) JOIN notebooks_rejectedevent r USING (id)
"""


@dataclass(frozen=True, slots=True)
class EventTexts:
    """The JSON texts of an event's object, result and context. `size`: their bytes as stored; `whole`: not shortened."""

    object: msgspec.Raw
    result: msgspec.Raw
    context: msgspec.Raw
    size: int
    whole: bool


@dataclass(frozen=True, slots=True)
class RejectedText:
    """What was sent, or its beginning. `size`: the bytes of all that is kept; `whole`: not shortened."""

    text: str
    size: int
    whole: bool


def event_texts(ids: Sequence[uuid.UUID], *, page: int = MOST_A_PAGE) -> dict[uuid.UUID, EventTexts]:
    """Return the texts of events by id; the ids' order decides which are shortened once the page has `page` bytes."""
    rows = fetch(_EVENTS, {"ids": list(ids), "page": page})
    return {
        event_id: EventTexts(_raw(about), _raw(result), _raw(context), size, whole)
        for event_id, size, whole, about, result, context in rows
    }


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


def rejected_texts(ids: Sequence[int], *, page: int = MOST_A_PAGE) -> dict[int, RejectedText]:
    """Return what is kept of rejected events by id, shortened as by `event_texts`."""
    rows = fetch(_REJECTED, {"ids": list(ids), "page": page, "text": _MOST_TEXT})
    return {row: RejectedText(text, size, whole) for row, size, whole, text in rows}
