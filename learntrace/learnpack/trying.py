"""What ignore rules would have done to the webhooks that came last, before anybody stores them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from django.db import connection

from learntrace.accounts.models import Academy
from learntrace.learnpack import ignore
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.search import Search, find

MOST: Final = 1000
"""How many webhooks rules are tried on."""

# What rules look at: of a payload of several 100 KB a few words. A missing key is as good as null there, but for `event`.
_FACTS = """
SELECT w.id, jsonb_build_object('user_id', w.payload -> 'user_id', 'package_id', w.payload -> 'package_id',
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
        """Those that were processed and would have been ignored."""
        return [row for row in self.rows if row.status == Webhook.Status.DONE]


@dataclass(frozen=True)
class Trial:
    """What rules match of the last `tried` webhooks: each of `rules` by itself, the older form, and all together."""

    tried: int
    rules: tuple[Hits, ...]
    older_form: Hits
    together: Hits


def try_rules(academy: Academy, config: Mapping[str, Any]) -> Trial:
    """Ask rules, stored or not, about the academy's last webhooks; three queries."""
    rows = find(Search(academy), None, MOST).rows
    facts = _facts_of(rows)
    rules = config.get("rules")
    singles = [{"rules": [rule]} for rule in rules] if isinstance(rules, list) else []
    older = {field: config[field] for field in ignore.FIELDS if field in config}

    def hits(asked: Mapping[str, Any]) -> Hits:
        return Hits([row for row in rows if row.pk in facts and ignore.match(asked, facts[row.pk], row.asset_id)])

    return Trial(len(rows), tuple(map(hits, singles)), hits(older), hits(config))


def _facts_of(rows: Sequence[Webhook]) -> dict[int, dict[str, Any]]:
    events = {row.pk: row.event for row in rows}
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, [list(events)])
        return {pk: {**msgspec.json.decode(facts), "event": events[pk]} for pk, facts in cursor.fetchall()}
