"""The payloads of a page of the webhook log as the text that is stored, within a budget of bytes a page.

No payload becomes Python objects: 5 MiB of JSON would take 130 MiB as objects. What is large is shortened by PostgreSQL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from learntrace.core.http.hidden_source import without_source
from learntrace.core.sql import fetch
from learntrace.learnpack.webhook_log.queries import WebhookNotFound

MOST_WHOLE: Final = 64 * 1024
"""A payload of more bytes is shortened in lists."""
MOST_A_PAGE: Final = 8 * 1024 * 1024
"""Once the payloads of a page have this many bytes, all further ones are shortened."""
MOST_ASKED_FOR: Final = 16 * 1024 * 1024
"""A payload of more bytes is shortened even where a request asks for the whole of it."""
_MOST_VALUE, _MOST_KEYS, _MOST_KEY = 1024, 40, 100

# `payload || '{}'` is the payload unpacked, which costs milliseconds; as text it costs half a second for 5 MiB. So a text is
# made only where the unpacked size allows for it: `1e300` in six bytes has 301 digits as a text, hence both are compared.
_TEXTS = """
WITH sized AS MATERIALIZED (
    SELECT w.id, w.place, pg_column_size(p.payload || '{}') AS unpacked,
           CASE WHEN pg_column_size(p.payload || '{}') <= %(whole)s THEN octet_length(p.payload::text) END AS length
      FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS w(id, place)
      JOIN learnpack_webhook p USING (id)
), summed AS (
    SELECT id, greatest(unpacked, length) AS bytes, length <= %(whole)s AS fits,
           sum(CASE WHEN length <= %(whole)s THEN length ELSE 0 END) OVER (ORDER BY place) AS so_far
      FROM sized
)
SELECT s.id, s.bytes, (s.fits AND s.so_far <= %(page)s) IS TRUE AS whole,
       CASE WHEN s.fits AND s.so_far <= %(page)s THEN w.payload::text
            ELSE (SELECT jsonb_object_agg(left(k.key, %(key)s), v.value)::text
                    FROM (SELECT w.payload || '{}' AS payload OFFSET 0) AS unpacked
                   CROSS JOIN LATERAL jsonb_object_keys(
                         CASE jsonb_typeof(unpacked.payload) WHEN 'object' THEN unpacked.payload ELSE '{}' END
                   ) WITH ORDINALITY AS k(key, place)
                   CROSS JOIN LATERAL (
                         SELECT CASE WHEN pg_column_size(unpacked.payload -> k.key) > %(value)s
                                     THEN to_jsonb(format('... %%s bytes',
                                                          pg_column_size(unpacked.payload -> k.key)))
                                     WHEN octet_length((unpacked.payload -> k.key)::text) > %(value)s
                                     THEN to_jsonb(format('... %%s bytes',
                                                          octet_length((unpacked.payload -> k.key)::text)))
                                     ELSE unpacked.payload -> k.key END AS value) AS v
                   WHERE k.place <= %(keys)s)
       END
  FROM summed s JOIN learnpack_webhook w ON w.id = s.id
"""


@dataclass(frozen=True, slots=True)
class PayloadText:
    """A row's payload as JSON text. `size`: the bytes of the stored payload; `whole`: the text is all of it."""

    text: msgspec.Raw
    size: int
    whole: bool


def payload_texts(
    ids: Sequence[int], *, source: bool, whole: int = MOST_WHOLE, page: int = MOST_A_PAGE
) -> dict[int, PayloadText]:
    """Return the payloads of rows by the rows' ids; the ids' order decides which are whole once the page is full.

    `source`: whether they are told with the code in them, as where the academy collects source.

    A payload of more than `whole` bytes, or beyond `page` bytes in all, is shortened: it keeps its first keys, and a
    large value is replaced by a text that says how many bytes it has.
    """
    limits = {"whole": whole, "page": page, "value": _MOST_VALUE, "keys": _MOST_KEYS, "key": _MOST_KEY}
    rows = fetch(_TEXTS, {"ids": list(ids), **limits})
    texts = {}
    for row, size, is_whole, text in rows:
        raw = msgspec.Raw((text or "{}").encode())
        texts[row] = PayloadText(raw if source else without_source(raw), size, is_whole)
    return texts


def payload_text(webhook_id: int, most: int = MOST_ASKED_FOR, *, source: bool) -> msgspec.Raw:
    """Return the payload of a row, whole unless it has more than `most` bytes.

    Raises WebhookNotFound for a row that doesn't exist, or has been deleted since it was read.
    """
    found = payload_texts([webhook_id], source=source, whole=most, page=most).get(webhook_id)
    if found is None:
        raise WebhookNotFound
    return found.text
