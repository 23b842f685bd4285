"""A learner's attempts as marks in time: idle time folded, on lanes of assignments, with signals above. Reads nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

# A pause longer than this is another session, drawn as a gap of one width; within one, pauses up to LONGEST count.
SESSION = timedelta(minutes=30)
LONGEST = timedelta(minutes=5)
_SECONDS_PER_PIXEL = 10
_NEIGHBOURS = 7.0
_FOLD = 36.0
_LEFT = 8.0
_LANE = 22
_TOP = 40
MOST_LANES = 40


@dataclass(frozen=True)
class Attempt:
    """An attempt at an assignment: `errors` are told as "name: message"."""

    id: str
    at: datetime
    key: str
    outcome: str
    errors: tuple[str, ...] = ()
    session: str = ""
    code: str = ""


@dataclass(frozen=True)
class Mark:
    """An attempt or a signal as drawn; places in pixels."""

    x: str
    y: str
    state: str
    title: str
    at: datetime
    address: str = ""
    evidence: bool = False


@dataclass(frozen=True)
class Lane:
    """An assignment's line."""

    name: str
    y: str
    text_y: str
    address: str


@dataclass(frozen=True)
class Timeline:
    """All of it; `folds` are where another session begins, each with its time."""

    width: int
    height: int
    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]
    signals: tuple[Mark, ...]
    folds: tuple[tuple[str, datetime], ...]
    hidden_lanes: int = 0


def places(moments: Sequence[datetime]) -> list[float]:
    """Where moments in their order stand, in pixels: pauses count up to LONGEST, another session begins after a fold."""
    found = [_LEFT]
    for before, after in pairwise(moments):
        gap = after - before
        worked = max(min(gap, LONGEST).total_seconds() / _SECONDS_PER_PIXEL, _NEIGHBOURS)
        step = _FOLD if gap > SESSION else worked
        found.append(found[-1] + step)
    return found[: len(moments)]


def timeline_of(
    attempts: Sequence[Attempt],
    names: Mapping[str, tuple[str, str]],
    signals: Iterable[tuple[datetime, str, str, str]] = (),
    evidence: frozenset[str] = frozenset(),
) -> Timeline:
    """Lay out attempts in their order.

    `names` gives each assignment's name and address, `signals` are (opened at, shape, title, address), `evidence` the
    ids of attempts to point out.
    """
    keys = list(dict.fromkeys(one.key for one in attempts))
    shown = {key: place for place, key in enumerate(keys[:MOST_LANES])}
    xs = places([one.at for one in attempts])
    lanes = tuple(
        Lane(names[key][0], str(_TOP + place * _LANE), str(_TOP + place * _LANE + 4), names[key][1])
        for key, place in shown.items()
    )
    marks = tuple(
        Mark(
            f"{x - 5:.1f}", str(_TOP + shown[one.key] * _LANE - 5), one.outcome, "; ".join(one.errors), one.at,
            evidence=one.id in evidence,
        )
        for one, x in zip(attempts, xs, strict=True) if one.key in shown
    )  # fmt: skip
    folds = tuple(
        (f"{x - _FOLD / 2:.1f}" if place else "1.0", one.at)
        for place, (one, x) in enumerate(zip(attempts, xs, strict=True))
        if place == 0 or one.at - attempts[place - 1].at > SESSION
    )
    above = tuple(
        Mark(f"{_place_at(at, attempts, xs) - 6:.1f}", "18", shape, title, at, address)
        for at, shape, title, address in signals if attempts and at >= attempts[0].at
    )  # fmt: skip
    width = int(max(xs, default=_LEFT)) + 48
    return Timeline(
        width, _TOP + len(shown) * _LANE - 4, lanes, marks, above, folds, hidden_lanes=len(keys) - len(shown)
    )


def _place_at(moment: datetime, attempts: Sequence[Attempt], xs: Sequence[float]) -> float:
    """At the last attempt that was not later."""
    return max((x for one, x in zip(attempts, xs, strict=True) if one.at <= moment), default=_LEFT)
