"""Which errors the learners of a class met in a window of times, by group and assignment, and who was active in it.

They are told from what this process remembers (`kept_errors`), else by PostgreSQL: of some assignments, which an index
finds, in a transaction that has written something, and of a class of which too much would have to be remembered.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from learntrace.core.sql import fetch
from learntrace.progress.catalogue import SHOWN_TO_CLASS, shown_keys
from learntrace.progress.class_window import ClassWindow
from learntrace.progress.counting import counts
from learntrace.signals.concerns.error_group import ReadError, read_error
from learntrace.signals.concerns.kept_errors import ErrorOn, Showing, errors_lately

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# The times as seconds: thousands of rows are read, and few of them are told.
_MET_OF = """
SELECT a.assignment, failure->>0, failure->>1, array_agg(a.user_id), extract(epoch FROM min(a.at))::float8,
       extract(epoch FROM max(a.at))::float8
  FROM progress_activity a CROSS JOIN LATERAL jsonb_array_elements(a.failures) AS failure
 WHERE a.academy_id = %(academy)s AND a.at > %(since)s AND a.at <= %(now)s AND a.outcome = 'error'
   AND a.part IS DISTINCT FROM 'check' AND a.assignment IS NOT NULL AND {shown} AND {counts}
   AND (%(learners)s::bigint[] IS NULL OR a.user_id = ANY(%(learners)s))
   AND (%(keys)s::text[] IS NULL OR a.assignment = ANY(%(keys)s))
 GROUP BY a.assignment, failure->>0, failure->>1
"""
_MET = _MET_OF.format(shown=SHOWN_TO_CLASS.format(academy="a.academy_id", key="a.assignment"), counts=counts("a"))
_ACTIVE = f"""
SELECT DISTINCT a.user_id
  FROM progress_activity a
 WHERE a.academy_id = %(academy)s AND a.at > %(since)s AND a.at <= %(now)s AND {counts("a")}
   AND (%(learners)s::bigint[] IS NULL OR a.user_id = ANY(%(learners)s))
"""  # noqa: S608 (no text from outside)


@dataclass(frozen=True)
class Met:
    """How an error was met in the window: its text, by which learners, how often, and from when to when.

    The text is the error's as it was met, where all met it as the same, else what its variants share.
    """

    text: str
    learners: frozenset[int]
    times: int
    first_at: datetime
    last_at: datetime


def errors_met(asked: ClassWindow, least: int) -> tuple[dict[ErrorOn, Met], frozenset[int]]:
    """Return how each error was met that so many learners met, its variants taken together, and who was active on anything.

    Who was active is not told where no error is.
    """
    if asked.learners is not None:
        asked = replace(asked, learners=frozenset(asked.learners))
    lately = errors_lately(asked.academy_id, asked.since, asked.now) if asked.keys is None else None
    if lately is not None and lately.showings is not None:
        return _of_kept(asked, lately.showings, least), _among(lately.active, asked.learners)
    met = _of_rows(fetch(_MET, asked.parameters()), least)
    if lately is not None:
        return met, _among(lately.active, asked.learners)
    return met, frozenset(user_id for (user_id,) in fetch(_ACTIVE, asked.parameters())) if met else frozenset()


def _among(found: frozenset[int], learners: Collection[int] | None) -> frozenset[int]:
    return found if learners is None else found.intersection(learners)


def _of_kept(asked: ClassWindow, showings: Mapping[ErrorOn, Sequence[Showing]], least: int) -> dict[ErrorOn, Met]:
    many = {}
    for place, own in showings.items():
        if len(own) >= least:
            if asked.learners is not None:
                own = [one for one in own if one.user_id in asked.learners]
            learners = frozenset(one.user_id for one in own)
            if len(learners) >= least:
                many[place] = _met_at(own, learners)
    shown = shown_keys(asked.academy_id, {place.assignment for place in many})
    return {place: met for place, met in many.items() if place.assignment in shown}


def _met_at(showings: Sequence[Showing], learners: frozenset[int]) -> Met:
    moments = [one.at for one in showings]
    errors = [read for one in showings for read in one.errors]
    return Met(_text_of(errors), learners, len(errors), min(moments), max(moments))


def _of_rows(rows: Iterable[tuple[Any, ...]], least: int) -> dict[ErrorOn, Met]:
    places: dict[ErrorOn, list[tuple[Any, ...]]] = defaultdict(list)
    for about, name, message, *told in rows:
        read = read_error(name, message)
        places[ErrorOn(about, read.group)].append((read, *told))
    return {
        place: _together(told)
        for place, told in places.items()
        if len(frozenset().union(*(learners for _read, learners, _first, _last in told))) >= least
    }


def _together(rows: Sequence[tuple[Any, ...]]) -> Met:
    """Return what rows of one error tell: the error, the learner of each time, and from when to when it was met."""
    reads, learners, first, last = zip(*rows, strict=True)
    return Met(
        _text_of(reads),
        frozenset().union(*learners),
        sum(map(len, learners)),
        _moment(min(first)),
        _moment(max(last)),
    )


def _text_of(reads: Iterable[ReadError]) -> str:
    """Return the text of errors of one group."""
    (one, *others) = {(read.text, read.group_text) for read in reads}
    return one[1] if others else one[0]


def _moment(seconds: float) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)
