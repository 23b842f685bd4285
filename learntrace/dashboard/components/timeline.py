"""A learner's attempts on a time axis: a lane an assignment, signals above. Reads nothing.

The axis is to scale: as long takes as many pixels everywhere, with ticks at round times. Only a long gap is folded: it has a
fixed width, its length is written in it, and the time at which it goes on.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from django.utils import timezone

from learntrace.dashboard.components.labels import age

# A longer gap is folded.
LONGEST = timedelta(minutes=30)
# Attempts stand about so far from each other; more seconds a pixel where a picture would become too wide.
_NEIGHBOURS = 9.0
_LEAST_SECONDS_PER_PIXEL, _MOST_SECONDS_PER_PIXEL = 1.0, 10.0
_WIDEST = 12_000.0
_FOLD = 60.0
# A few attempts do not fill the width: minutes that look like an hour mislead.
_LEAST_SPAN = 240.0
_TICKS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30))
_BETWEEN_TICKS = 70.0
_DAY, _MOMENT = timedelta(days=1), timedelta(microseconds=1)
# A tick so near to the beginning of a part would stand in the time there.
_FIRST_LABEL = 54.0
# From where to where the labels reach: a time at the beginning of a part and one at a tick, a day and one with its year.
# That of a fold ends before its middle, and has so many pixels for each character.
_TIME_REACH, _TICK_REACH, _GAP_END, _CHARACTER = (-5.0, 32.0), (-18.0, 18.0), -6.0, 7.0
_DAY_REACH, _YEAR_REACH = (-5.0, 42.0), (-5.0, 80.0)
# Left and right of the picture, in which a label at its end reaches (progress.css).
_MARGIN, _END_MARGIN = 8, 48
# Room for a name between the marks of two lanes, where it stands above its own (progress.css).
_LANE = 26
_HEADING = 20
# Above the lanes: the days, the times, the signals, and room for the first lane's name.
_SIGNALS = 36
_TOP = 62
_LONGEST_LABEL = 34
MOST_LANES = 40
# Where there is room for a label: nowhere, on a screen, which scrolls, or also on paper, whose width the picture is pressed
# into. So many pixels are beside the lanes' names there.
NOWHERE, ON_SCREEN, ON_PAPER = "", "screen", "paper"
_PAPER = 380.0


@dataclass(frozen=True)
class Attempt:
    """An attempt at an assignment; `errors` are texts like "name: message"."""

    id: str
    at: datetime
    key: str
    outcome: str
    errors: tuple[str, ...] = ()
    session: str = ""
    code: str = ""
    part: str = ""


@dataclass(frozen=True)
class Mark:
    """An attempt or a signal as drawn: the position of its centre, `x` in percent, `y` in pixels."""

    x: str
    y: str
    state: str
    title: str
    at: datetime
    url: str = ""
    evidence: bool = False


@dataclass(frozen=True)
class Lane:
    """An assignment's line; its label leaves out the asset, which the heading names."""

    name: str
    label: str
    y: str
    text_y: str
    url: str


@dataclass(frozen=True)
class Fold:
    """A folded gap: its middle `x`, its length in seconds, and where and at which time it goes on.

    The first part of a timeline has no gap before it, and no length. `timed` and `measured` say where there is room for the
    time and for the length.
    """

    x: str
    after: str
    at: datetime
    seconds: float | None
    timed: str = ON_PAPER
    measured: str = ON_PAPER


@dataclass(frozen=True)
class Day:
    """Where a day begins on the axis: with a part, or at a `midnight` within one; and where there is room for its name.

    `backwards` says that the name ends there, as it would reach beyond the picture's end.
    """

    x: str
    at: datetime
    midnight: bool
    dated: str
    of_year: bool = False
    backwards: bool = False


@dataclass(frozen=True)
class Timeline:
    """A whole timeline; `width` is the least width in pixels.

    `headings` are (asset, y), `ticks` are (x, time, where there is room for it).
    """

    width: int
    height: int
    headings: tuple[tuple[str, str], ...]
    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]
    signals: tuple[Mark, ...]
    days: tuple[Day, ...]
    folds: tuple[Fold, ...]
    ticks: tuple[tuple[str, datetime, str], ...]
    hidden_lanes: int = 0


@dataclass(frozen=True)
class _Axis:
    """The places of moments in pixels from the first, with the scale that they have in common."""

    moments: Sequence[datetime]
    places: Sequence[float]
    seconds_per_pixel: float

    def place_of(self, moment: datetime) -> float:
        """Return the place of any moment from the first one on; one inside a fold stands at its end."""
        index = max(bisect_right(self.moments, moment) - 1, 0)
        place = self.places[index] + (moment - self.moments[index]).total_seconds() / self.seconds_per_pixel
        following = self.places[index + 1] if index + 1 < len(self.places) else math.inf
        return min(place, following)


def axis_of(moments: Sequence[datetime]) -> _Axis:
    """Return the axis of moments in their order: to scale, except that a gap of more than LONGEST has a fixed width."""
    gaps = [after - before for before, after in pairwise(moments)]
    worked = [gap.total_seconds() for gap in gaps if gap <= LONGEST]
    scale = _scale(worked)
    positions = [0.0]
    for gap in gaps:
        positions.append(positions[-1] + (_FOLD if gap > LONGEST else gap.total_seconds() / scale))
    return _Axis(moments, positions[: len(moments)], scale)


def _scale(seconds: Sequence[float]) -> float:
    """Return the seconds of a pixel: attempts of the usual pace stand side by side, in a picture that isn't too wide."""
    usual = sorted(seconds)[len(seconds) // 2] if seconds else 0.0
    wanted = min(max(usual / _NEIGHBOURS, _LEAST_SECONDS_PER_PIXEL), _MOST_SECONDS_PER_PIXEL)
    return max(wanted, sum(seconds) / _WIDEST)


class _Room:
    """The room along the axis: a label that would overprint one that stands there already is left out."""

    def __init__(self) -> None:
        self._begins: list[float] = []
        self._ends: list[float] = []

    def takes(self, place: float, reach: tuple[float, float]) -> bool:
        """Return whether there is room for a label at a place, and then take it."""
        begin, end = place + reach[0], place + reach[1]
        index = bisect_right(self._begins, begin)
        if (index and self._ends[index - 1] > begin) or (index < len(self._begins) and self._begins[index] < end):
            return False
        self._begins.insert(index, begin)
        self._ends.insert(index, end)
        return True


class _Rooms:
    """The room on a screen, and on paper, where the same place is nearer and a label is as long."""

    def __init__(self, span: float) -> None:
        self._screen, self._paper = _Room(), _Room()
        self._pressed = min(_PAPER / span, 1.0)

    def on_paper(self, place: float) -> float:
        """Return a place as it is on paper."""
        return place * self._pressed

    def takes(self, place: float, reach: tuple[float, float], only: str = ON_PAPER) -> str:
        """Return where there is room for a label, and take it there; `only` where something else is shown."""
        if only == NOWHERE or not self._screen.takes(place, reach):
            return NOWHERE
        return ON_PAPER if only == ON_PAPER and self._paper.takes(self.on_paper(place), reach) else ON_SCREEN


def _ticks(axis: _Axis) -> Iterator[tuple[float, datetime]]:
    """Yield round times with their places, apart from the labels of folds and of each other."""
    step = next(
        (step for step in _TICKS if step.total_seconds() / axis.seconds_per_pixel >= _BETWEEN_TICKS), _TICKS[-1]
    )
    for part in _parts(axis.moments):
        first, last = axis.moments[part.start], axis.moments[part.stop - 1]
        at = _rounded_up(first, step)
        while at <= last:
            place = axis.places[part.start] + (at - first).total_seconds() / axis.seconds_per_pixel
            if place - axis.places[part.start] >= _FIRST_LABEL:
                yield place, at
            at += step


def _rounded_up(moment: datetime, step: timedelta) -> datetime:
    local = timezone.localtime(moment)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + math.ceil((local - midnight) / step) * step


def _parts(moments: Sequence[datetime]) -> Iterator[range]:
    """Yield the indices of the moments between two folds."""
    start = 0
    for index, (before, after) in enumerate(pairwise(moments), start=1):
        if after - before > LONGEST:
            yield range(start, index)
            start = index
    if moments:
        yield range(start, len(moments))


def timeline_of(
    attempts: Sequence[Attempt],
    names: Mapping[str, tuple[str, str]],
    signals: Iterable[tuple[datetime, str, str, str]] = (),
    evidence: frozenset[str] = frozenset(),
    assets: Mapping[str, str] | None = None,
) -> Timeline:
    """Lay out attempts in their order.

    `names` maps each assignment to its name and URL, `signals` are (opened at, shape, title, URL), `evidence` the ids of
    attempts to point out, `assets` the titles of the assets whose assignments stand side by side, by assignment.
    """
    keys = _by_asset(dict.fromkeys(attempt.key for attempt in attempts), assets or {})
    lanes, headings, height = _lanes(keys[:MOST_LANES], names, assets or {})
    axis = axis_of([attempt.at for attempt in attempts])
    span = max(axis.places[-1] if attempts else 0.0, _LEAST_SPAN)
    xs = [_percent(place, span) for place in axis.places]
    rooms = _Rooms(span)
    days = _days(axis, span)
    dated = {timezone.localdate(day.at): day.dated for day in days}
    folds = _folds(axis, span, rooms, dated)
    above = tuple(
        Mark(_percent(axis.place_of(at), span), str(_SIGNALS), shape, title, at, url)
        for at, shape, title, url in signals
        if attempts and attempts[0].at <= at
    )
    return Timeline(
        width=int(span) + _MARGIN + _END_MARGIN,
        height=height,
        headings=headings,
        lanes=tuple(lanes.values()),
        marks=_marks(attempts, xs, lanes, evidence),
        signals=above,
        days=days,
        folds=folds,
        ticks=tuple(
            (_percent(place, span), at, where)
            for place, at in _ticks(axis)
            if (where := rooms.takes(place, _TICK_REACH, dated[timezone.localdate(at)]))
        ),
        hidden_lanes=len(keys) - len(lanes),
    )


def _days(axis: _Axis, span: float) -> tuple[Day, ...]:
    """Return the days in their order. Where there isn't room for all names, those that most of the axis belongs to have it."""
    begun = list(_begun_days(axis))
    ends = [place for place, _at, _midnight in begun[1:]] + [span]
    rooms, this_year = _Rooms(span), timezone.localdate().year
    days: dict[datetime, Day] = {}
    for (place, at, midnight), _end in sorted(zip(begun, ends, strict=False), key=lambda one: one[0][0] - one[1]):
        of_year = timezone.localdate(at).year != this_year
        begin, end = reach = _YEAR_REACH if of_year else _DAY_REACH
        backwards = rooms.on_paper(place) + end > rooms.on_paper(span) + _END_MARGIN
        dated = rooms.takes(place, (-end, -begin) if backwards else reach)
        days[at] = Day(_percent(place, span), at, midnight, dated, of_year, backwards)
    return tuple(days[at] for _place, at, _midnight in begun)


def _begun_days(axis: _Axis) -> Iterator[tuple[float, datetime, bool]]:
    """Yield where days begin, with the moment, and whether it is a midnight at which somebody was at work."""
    before = None
    for part in _parts(axis.moments):
        first, last = axis.moments[part.start], axis.moments[part.stop - 1]
        if timezone.localdate(first) != before:
            yield axis.places[part.start], first, False
        midnight = _rounded_up(first + _MOMENT, _DAY)
        while midnight <= last:
            yield axis.place_of(midnight), midnight, True
            midnight += _DAY
        before = timezone.localdate(last)


def _folds(axis: _Axis, span: float, rooms: _Rooms, dated: Mapping[date, str]) -> tuple[Fold, ...]:
    """Return the folds; times take the room first, those of new days before others, then lengths, which times tell, too.

    Where a day's name is left out, its times are: they would seem to be of the day before.
    """
    starts = [part.start for part in _parts(axis.moments)]
    days = [timezone.localdate(axis.moments[index]) for index in starts]
    timed: dict[int, str] = {}
    for number in sorted(range(len(starts)), key=lambda number: number > 0 and days[number] == days[number - 1]):
        timed[number] = rooms.takes(axis.places[starts[number]], _TIME_REACH, dated[days[number]])
    folds = []
    for number, index in enumerate(starts):
        at, place = axis.moments[index], axis.places[index]
        if index == 0:
            folds.append(Fold("0%", "0%", at, None, timed[number]))
            continue
        gap, middle = (at - axis.moments[index - 1]).total_seconds(), place - _FOLD / 2
        measured = rooms.takes(middle, (_GAP_END - _CHARACTER * len(age(gap)), _GAP_END))
        folds.append(Fold(_percent(middle, span), _percent(place, span), at, gap, timed[number], measured))
    return tuple(folds)


def _marks(
    attempts: Sequence[Attempt], xs: Sequence[str], lanes: Mapping[str, Lane], evidence: frozenset[str]
) -> tuple[Mark, ...]:
    return tuple(
        Mark(
            x,
            lanes[attempt.key].y,
            attempt.outcome,
            "; ".join(attempt.errors),
            attempt.at,
            evidence=attempt.id in evidence,
        )
        for attempt, x in zip(attempts, xs, strict=True)
        if attempt.key in lanes
    )


def shortened(text: str, most: int = _LONGEST_LABEL) -> str:
    """Return a text of at most `most` characters without its middle: names that begin alike differ at their ends."""
    kept = most - 1
    return text if len(text) <= most else f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def _asset(key: str) -> str:
    """Return the asset of a LearnPack step's key, empty for a notebook's."""
    return key.rpartition("/")[0]


def _heading(key: str, assets: Mapping[str, str]) -> str:
    """Return the title of an assignment's asset; empty where it has none."""
    return assets[key] if key in assets else _asset(key)


def _by_asset(keys: Iterable[str], assets: Mapping[str, str]) -> list[str]:
    """Return the keys in their order, an asset's side by side; first those without an asset and a heading."""
    groups: dict[str, list[str]] = {"": []}
    for key in keys:
        groups.setdefault(_heading(key, assets), []).append(key)
    return [key for group in groups.values() for key in group]


def _lanes(
    keys: Sequence[str], names: Mapping[str, tuple[str, str]], assets: Mapping[str, str]
) -> tuple[dict[str, Lane], tuple[tuple[str, str], ...], int]:
    """Return the lanes by key, the headings above them, and the total height."""
    lanes: dict[str, Lane] = {}
    headings = []
    y, before = _TOP, ""
    for key in keys:
        name, url = names[key]
        heading = _heading(key, assets)
        if heading != before:
            headings.append((shortened(heading), str(y + 4)))
            y += _HEADING
        before = heading
        label = shortened(name.removeprefix(f"{_asset(key)}/"))
        lanes[key] = Lane(name, label, str(y), str(y + 4), url)
        y += _LANE
    return lanes, tuple(headings), y - 4


def _percent(x: float, span: float) -> str:
    return f"{100 * x / span:.3f}%"
