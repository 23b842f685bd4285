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
# Fewer attempts don't fill the width: minutes that look like an hour mislead.
_LEAST_SPAN = 240.0
_MARGINS = 56
_LANE = 22
_HEADING = 20
_TOP = 40
_LONGEST_LABEL = 26
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
    """An attempt or a signal as drawn: the place of its middle, across in percent, down in pixels."""

    x: str
    y: str
    state: str
    title: str
    at: datetime
    address: str = ""
    evidence: bool = False


@dataclass(frozen=True)
class Lane:
    """An assignment's line; its label leaves out the asset, which a heading tells."""

    name: str
    label: str
    y: str
    text_y: str
    address: str


@dataclass(frozen=True)
class Timeline:
    """All of it: `width` is the least in pixels, as wider ones fit. `headings` are assets with their places down, `folds`
    where another session begins, each with its time."""

    width: int
    height: int
    headings: tuple[tuple[str, str], ...]
    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]
    signals: tuple[Mark, ...]
    folds: tuple[tuple[str, datetime], ...]
    hidden_lanes: int = 0


def places(moments: Sequence[datetime]) -> list[float]:
    """Where moments in their order stand, in pixels from the first.

    Pauses count up to LONGEST, another session begins after a fold.
    """
    found = [0.0]
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
    keys = _by_asset(dict.fromkeys(one.key for one in attempts))
    lanes, headings, height = _lanes(keys[:MOST_LANES], names)
    pixels = places([one.at for one in attempts])
    span = max(pixels[-1] if pixels else 0.0, _LEAST_SPAN)
    xs = [_percent(x, span) for x in pixels]
    marks = tuple(
        Mark(x, lanes[one.key].y, one.outcome, "; ".join(one.errors), one.at, evidence=one.id in evidence)
        for one, x in zip(attempts, xs, strict=True) if one.key in lanes
    )  # fmt: skip
    folds = tuple(
        (_percent(x - _FOLD / 2, span) if place else "-7", one.at)
        for place, (one, x) in enumerate(zip(attempts, pixels, strict=True))
        if place == 0 or one.at - attempts[place - 1].at > SESSION
    )
    above = tuple(
        Mark(_place_at(at, attempts, xs), "24", shape, title, at, address)
        for at, shape, title, address in signals if attempts and at >= attempts[0].at
    )  # fmt: skip
    return Timeline(
        int(span) + _MARGINS, height, headings, tuple(lanes.values()), marks, above, folds,
        hidden_lanes=len(keys) - len(lanes),
    )  # fmt: skip


def shortened(text: str, most: int = _LONGEST_LABEL) -> str:
    """A text of at most so many characters, without its middle: names that begin alike differ at their ends."""
    kept = most - 1
    return text if len(text) <= most else f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def _asset(key: str) -> str:
    """Of a LearnPack step's key, the asset; of a notebook's, nothing."""
    return key.rpartition("/")[0]


def _by_asset(keys: Iterable[str]) -> list[str]:
    """In their order, with an asset's steps side by side; first those of no asset, which have no heading."""
    groups: dict[str, list[str]] = {"": []}
    for key in keys:
        groups.setdefault(_asset(key), []).append(key)
    return [key for group in groups.values() for key in group]


def _lanes(
    keys: Sequence[str], names: Mapping[str, tuple[str, str]]
) -> tuple[dict[str, Lane], tuple[tuple[str, str], ...], int]:
    """The lanes by key, the headings above them, and the height of all."""
    lanes: dict[str, Lane] = {}
    headings = []
    y, before = _TOP, ""
    for key in keys:
        name, address = names[key]
        asset = _asset(key)
        if asset != before:
            headings.append((shortened(asset), str(y + 4)))
            y += _HEADING
        before = asset
        label = shortened(name.rpartition("/")[2] if asset else name)
        lanes[key] = Lane(name, label, str(y), str(y + 4), address)
        y += _LANE
    return lanes, tuple(headings), y - 4


def _percent(x: float, span: float) -> str:
    return f"{100 * x / span:.3f}%"


def _place_at(moment: datetime, attempts: Sequence[Attempt], xs: Sequence[str]) -> str:
    """At the last attempt that was not later."""
    return next((x for one, x in zip(reversed(attempts), reversed(xs), strict=True) if one.at <= moment), "0%")
