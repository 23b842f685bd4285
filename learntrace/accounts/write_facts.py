"""What the database says about those who send and those of whom something is told (`write_scope`); one query."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from learntrace.accounts.roles import served_academies
from learntrace.accounts.write_scope import NOWHERE, Learner, Sender
from learntrace.core.sql import fetch

# Every membership counts for what may be seen of a learner, but only an active role gives its capabilities.
_READ = """
SELECT u.id,
       coalesce(array_agg(m.academy_id) FILTER (WHERE m.id IS NOT NULL), '{}'),
       coalesce(array_agg(CASE WHEN m.status = 'ACTIVE' AND a.status <> 'DELETED' THEN m.role ELSE '' END)
                FILTER (WHERE m.id IS NOT NULL), '{}'),
       ARRAY(SELECT g.permission FROM accounts_grant g WHERE g.user_id = u.id)
  FROM accounts_user u
  LEFT JOIN accounts_membership m ON m.user_id = u.id
  LEFT JOIN accounts_academy a ON a.id = m.academy_id
 WHERE u.id = ANY(%s)
 GROUP BY u.id
"""


@dataclass(frozen=True)
class People:
    """The users that exist, with their academies and the academies that they serve (None: all)."""

    academies: Mapping[int, frozenset[int]]
    serves: Mapping[int, frozenset[int] | None]

    def __contains__(self, user_id: object) -> bool:
        return user_id in self.academies

    def learner(self, user_id: int | None) -> Learner:
        if user_id is None or user_id not in self.academies:
            return Learner(None)
        return Learner(user_id, self.academies[user_id])

    def sender(self, user_id: int | None, learner_id: int | None) -> Sender:
        """Return a sender. What somebody sent who was deleted since, or an old row without a sender, is the learner's own."""
        if user_id is None or user_id not in self.academies:
            return Sender(learner_id)
        return Sender(user_id, self.serves.get(user_id, NOWHERE))


def read_people(user_ids: Iterable[int | None]) -> People:
    """Read what is known of users; those that don't exist are left out."""
    wanted = sorted({user_id for user_id in user_ids if user_id is not None})
    return _people(fetch(_READ, [wanted]) if wanted else [])


def _people(rows: Iterable[tuple[Any, ...]]) -> People:
    academies, serves = {}, {}
    for user_id, joined, roles, granted in rows:
        academies[user_id] = frozenset(joined)
        serves[user_id] = served_academies(granted, zip(roles, joined, strict=True))
    return People(academies, serves)
