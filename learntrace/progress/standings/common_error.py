"""What those who don't get on with an assignment met there last, and whether it is the same for most of them."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from learntrace.core.sql import fetch
from learntrace.measures.error_groups import one_line
from learntrace.measures.failures import NO_NAMES

_LATEST = """
SELECT DISTINCT ON (p.user_id) p.user_id, e.kind, e.pattern, e.name, e.message, e.group_digest
  FROM progress_progress p JOIN progress_errorcount e ON e.progress_id = p.id
 WHERE p.academy_id = %(academy)s AND p.assignment = %(key)s AND p.user_id = ANY(%(learners)s)
 ORDER BY p.user_id, e.last_at DESC, e.id DESC
"""


@dataclass(frozen=True, slots=True)
class CommonError:
    """An error that more than half of some learners met last; `everybody` says that all of them did."""

    text: str
    everybody: bool


def common_error(academy_id: int, key: str, learner_ids: Collection[int]) -> CommonError | None:
    """Return the error that most of the learners met last on an assignment; None where no more than half share one."""
    if not learner_ids:
        return None
    rows = fetch(_LATEST, {"academy": academy_id, "key": key, "learners": sorted(learner_ids)})
    groups = Counter(digest for *_texts, digest in rows)
    if not groups:
        return None
    digest, met = groups.most_common(1)[0]
    if 2 * met <= len(learner_ids):
        return None
    mine = [row for row in rows if row[-1] == digest]
    # As it was met where all met the same, else what the variants of its group share.
    variants = {(name, message) for _user, _kind, _pattern, name, message, _digest in mine}
    _user, kind, pattern, name, message, _digest = mine[0]
    text = one_line(name, message) if len(variants) == 1 else one_line(kind, pattern)
    # What failed without a message has a name of ours, which is no word for people.
    return None if text in NO_NAMES else CommonError(text, met == len(learner_ids))
