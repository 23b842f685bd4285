"""Small charts as the numbers of an SVG: lines without axes, and one value among others."""

from collections.abc import Sequence
from dataclasses import dataclass

SPARK_WIDTH, SPARK_HEIGHT = 120, 24


@dataclass(frozen=True)
class Spark:
    """A line over time without axes; `trace` and `under` are paths within `width` times `height` pixels."""

    trace: str
    under: str
    width: int = SPARK_WIDTH
    height: int = SPARK_HEIGHT


def sparkline(values: Sequence[float | None], top: float = 0.0) -> Spark:
    """Return a line from the oldest value to the newest; None leaves a gap. The height stands for at least `top`."""
    most = max([top, *(value for value in values if value is not None)], default=0.0) or 1.0
    step = SPARK_WIDTH / max(1, len(values) - 1)
    traces: list[str] = []
    unders: list[str] = []
    run: list[tuple[float, float]] = []
    for index, value in enumerate([*values, None]):
        if value is not None:
            run.append((index * step, SPARK_HEIGHT - 1 - (SPARK_HEIGHT - 2) * value / most))
            continue
        if run:
            # A single value between gaps would be invisible: it is drawn as a dash.
            points = run if len(run) > 1 else [run[0], (run[0][0] + 1.5, run[0][1])]
            line = " ".join(f"{x:.1f} {y:.1f}" for x, y in points)
            traces.append(f"M{line}")
            unders.append(f"M{points[0][0]:.1f} {SPARK_HEIGHT} {line} {points[-1][0]:.1f} {SPARK_HEIGHT}z")
        run = []
    return Spark("".join(traces), "".join(unders))


@dataclass(frozen=True)
class Tick:
    """A value on the scale; `x` in percent of the width."""

    x: str
    title: str
    mine: bool


@dataclass(frozen=True)
class Strip:
    """A value among others: a tick for each on a common scale from 0 to `top`."""

    ticks: tuple[Tick, ...]
    top: float
    value: float | None
    place: int | None
    count: int


def strip_of(values: Sequence[tuple[str, float | None]], mine: str, least_top: float = 0.0) -> Strip:
    """Compare the value of `mine` with all (name, value); `place` counts from the highest. None is no value."""
    known = [(name, value) for name, value in values if value is not None]
    top = max([least_top, *(value for _name, value in known)], default=0.0) or 1.0
    value = dict(known).get(mine)
    ticks = [Tick(f"{100 * at / top:.2f}%", name, name == mine) for name, at in known]
    # The own tick is drawn last, above the others.
    ticks.sort(key=lambda tick: tick.mine)
    place = None if value is None else 1 + sum(other > value for _name, other in known)
    return Strip(tuple(ticks), top, value, place, len(known))
