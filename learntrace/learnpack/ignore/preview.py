"""Preview of ignore rules: which of the latest webhooks rules would have ignored, before anybody stores them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from learntrace.accounts.models import Academy
from learntrace.core.sql import fetch
from learntrace.learnpack.ignore.rules import FIELDS, match
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.webhook_log.search import Search, find
from learntrace.learnpack.webhook_refs import WebhookRefs, read_refs

MOST: Final = 1000
"""How many webhooks rules are tried on."""

# What rules look at: a few words of a payload of several 100 KB.
_HEADS = """
SELECT w.id, w.event, jsonb_build_object('user_id', w.payload -> 'user_id', 'package_id', w.payload -> 'package_id',
                                         'package_slug', w.payload -> 'package_slug', 'slug', w.payload -> 'slug')::text
  FROM learnpack_webhook w
 WHERE w.id = ANY(%s) AND jsonb_typeof(w.payload) = 'object'
"""


@dataclass(frozen=True)
class Hits:
    """The webhooks that a rule matches, newest first, without their payloads."""

    rows: Sequence[Webhook]

    @property
    def done(self) -> list[Webhook]:
        """The webhooks that were processed and would have been ignored."""
        return [row for row in self.rows if row.status == Webhook.Status.DONE]


@dataclass(frozen=True)
class Trial:
    """What rules match of the last `tried` webhooks: each of `rules` by itself, the older form, and all together."""

    tried: int
    rules: tuple[Hits, ...]
    older_form: Hits
    together: Hits


def try_rules(academy: Academy, config: Mapping[str, Any]) -> Trial:
    """Apply rules, stored or not, to the academy's last webhooks; three queries."""
    rows = find(Search(academy), None, MOST).rows
    refs = _refs_of(rows)
    rules = config.get("rules")
    singles = [{"rules": [rule]} for rule in rules] if isinstance(rules, list) else []
    older = {field: config[field] for field in FIELDS if field in config}

    def hits(tried: Mapping[str, Any]) -> Hits:
        return Hits([row for row in rows if row.pk in refs and match(tried, refs[row.pk], row.asset_id)])

    return Trial(len(rows), tuple(map(hits, singles)), hits(older), hits(config))


def _refs_of(rows: Sequence[Webhook]) -> dict[int, WebhookRefs]:
    return {
        webhook_id: read_refs(event, msgspec.json.decode(head))
        for webhook_id, event, head in fetch(_HEADS, [[row.pk for row in rows]])
    }
