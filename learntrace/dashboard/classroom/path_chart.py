"""The class's path as a chart, a sentence and a table: where the median learner and the middle half of the class are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from learntrace.dashboard.classroom.grid import Column, Learner, groups_of
from learntrace.measures.class_path import ClassPath, Reached, Way, path_of_ways, way_of
from learntrace.progress.class_cells.cells import derive, same

HEIGHT = 128
_EDGE = 6
# Labels that are nearer than this, in pixels, would touch each other.
_LEAST_GAP = 14
_LONGEST_TICK = 18
_ROWS = 6
# A time with its day, as "28 Nov 23:57", has no room in the middle.
_SHORT_TIME = 8


@dataclass(frozen=True)
class Tick:
    """A label beside the chart; `y` in pixels."""

    label: str
    y: str


@dataclass(frozen=True)
class PathRow:
    """A row of the table behind the chart."""

    at: str
    lower: str
    median: str
    upper: str


@dataclass(frozen=True)
class PathChart:
    """The chart: `band` and `line` are within 100 times `height`; `times` are the labels of its beginning and its middle."""

    sentence: str
    begun: str
    ticks: Sequence[Tick]
    band: str
    line: str
    times: Sequence[str]
    rows: Sequence[PathRow]
    height: int = HEIGHT


def path_chart(columns: Sequence[Column], learners: Sequence[Learner], now: datetime) -> PathChart | None:
    """Return the path of these learners through these assignments; None where nobody has begun, or there is no way to go."""
    if len(columns) < 2:
        return None
    keys = same(tuple(column.key for column in columns))

    def way(learner: Learner) -> Way | None:
        return way_of({key: cell.first_seen_at for key, cell in learner.cells.items() if cell.first_seen_at}, keys)

    path = path_of_ways([derive(learner.cells, "way", keys, partial(way, learner)) for learner in learners], now)
    if path is None:
        return None
    labels = _labels(columns)
    lines = {rank: _line([getattr(point, rank) for point in path.points], len(columns)) for rank in Reached._fields[1:]}
    return PathChart(
        sentence=_sentence(path.now, labels),
        begun=_begun(path),
        ticks=_ticks(columns),
        band=" ".join([*lines["upper"], *reversed(lines["lower"])]),
        line=" ".join(lines["median"]),
        times=_times(path),
        rows=[_row(point, path, labels) for point in _some(path.points)],
    )


def _labels(columns: Sequence[Column]) -> list[str]:
    """Return the names of how many assignments were reached: none first."""
    several = len(groups_of(columns)) > 1
    return [_("not started"), *(column.full_label if several else column.label for column in columns)]


def _sentence(now: Reached, labels: Sequence[str]) -> str:
    names = {"median": labels[now.median], "lower": labels[now.lower], "upper": labels[now.upper]}
    values = {**names, "place": now.median, "all": len(labels) - 1}
    if now.lower == now.upper:
        return _("The median learner and the middle half have reached “%(median)s” (%(place)s of %(all)s).") % values
    return (
        _(
            "The median learner has reached “%(median)s” (%(place)s of %(all)s), the middle half “%(lower)s” to "
            "“%(upper)s”."
        )
        % values
    )


def _begun(path: ClassPath) -> str:
    return ngettext(
        "%(begun)s of %(count)s learner has begun.", "%(begun)s of %(count)s learners have begun.", path.learners
    ) % {"begun": path.begun, "count": path.learners}


def _ticks(columns: Sequence[Column]) -> list[Tick]:
    """Return labels from the bottom to the top: the first assignment of each lesson, of a single lesson its assignments."""
    groups = groups_of(columns)
    if len(groups) > 1:
        starts = [columns.index(group.columns[0]) + 1 for group in groups]
        named = [(start, group.title or _("Other assignments")) for start, group in zip(starts, groups, strict=True)]
    else:
        named = [(place, column.label) for place, column in enumerate(columns, 1)]
    least = _LEAST_GAP * len(columns) / (HEIGHT - 2 * _EDGE)
    ticks: list[Tick] = []
    last = -least
    for place, label in named:
        if place - last >= least:
            ticks.append(Tick(_cut(label), f"{_down(place, len(columns)):.1f}"))
            last = place
    return ticks


def _cut(label: str) -> str:
    return label if len(label) <= _LONGEST_TICK else f"{label[: _LONGEST_TICK - 1].rstrip()}…"


def _line(places: Sequence[int], count: int) -> list[str]:
    """Return the corners of a line that steps up where an assignment was reached."""
    corners: list[str] = []
    for index, place in enumerate(places):
        x = 100 * index / (len(places) - 1) if len(places) > 1 else 100.0
        if corners and place != places[index - 1]:
            corners.append(f"{x:.2f},{_down(places[index - 1], count):.1f}")
        corners.append(f"{x:.2f},{_down(place, count):.1f}")
    return corners if len(places) > 1 else [corners[0].replace("100.00", "0.00"), *corners]


def _down(place: int, count: int) -> float:
    return HEIGHT - _EDGE - (HEIGHT - 2 * _EDGE) * place / count


def _some(points: Sequence[Reached]) -> list[Reached]:
    """Return a few of the points at equal times, the last one among them."""
    step = max((len(points) - 1) // _ROWS, 1)
    return list(points[::-step])[::-1] if len(points) > 1 else list(points)


def _times(path: ClassPath) -> list[str]:
    """Return the labels of the beginning and, where there is room, of the middle."""
    if len(path.points) < 2:
        return []
    labels = [_time(path.points[at], path) for at in (0, len(path.points) // 2)]
    return labels if max(map(len, labels)) < _SHORT_TIME else labels[:1]


def _row(point: Reached, path: ClassPath, labels: Sequence[str]) -> PathRow:
    return PathRow(_time(point, path), labels[point.lower], labels[point.median], labels[point.upper])


def _time(point: Reached, path: ClassPath) -> str:
    """Return a time of the chart; with its day where the chart is of more than half a day."""
    if point is path.now:
        return _("now")
    local = timezone.localtime(point.at)
    long = path.now.at - path.points[0].at
    if long < timedelta(hours=12):
        return f"{local:%H:%M}"
    return date_format(local, "j M" if long > timedelta(days=4) else "j M H:i")
