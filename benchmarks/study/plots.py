"""The study's pictures: on white, to be readable on a dark page too, with Okabe and Ito's palette and distinct shapes for
colour-blind readers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.study.candidates import Candidate
from benchmarks.study.results import DEFAULT_SIGNALS, Sample, family_of
from benchmarks.study.tables import ROWS

mpl.use("svg")
# The files are reproducible: no random ids and no date; text stays text.
mpl.rcParams.update(
    {
        "svg.hashsalt": "learntrace",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
)

from matplotlib import pyplot as plt  # noqa: E402 (reads the settings above)

_LOOKS = (("#0072B2", "o"), ("#D55E00", "s"))


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None, "Creator": None}, facecolor="white")
    plt.close(figure)


def draw_comparison(main: Sequence[Sample], path: Path) -> None:
    """Draw the AUC of each candidate at its default, with 95 % intervals."""
    figure, axes = plt.subplots(figsize=(8, 6), layout="constrained")
    for number, (sample, (colour, shape)) in enumerate(zip(main, _LOOKS, strict=True)):
        estimates = [sample.auc(candidate) for candidate in ROWS]
        places = [row + 0.18 * (2 * number - 1) for row in range(len(ROWS))]
        below = [estimate.value - estimate.low for estimate in estimates]
        above = [estimate.high - estimate.value for estimate in estimates]
        axes.errorbar(
            [estimate.value for estimate in estimates],
            places,
            xerr=[below, above],
            fmt=shape,
            color=colour,
            capsize=2,
            markersize=5,
            label=f"{sample.course.homework} ({sample.students} students)",
        )
    axes.axvline(0.5, color="black", linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(ROWS)), [candidate.name for candidate in ROWS])
    axes.invert_yaxis()
    axes.set_xlim(0.2, 0.9)
    axes.set_xlabel("AUC with its 95 % interval; 0.5 is chance")
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    _save(figure, path)


def _along(signal: Candidate) -> tuple[list[Candidate], str]:
    """Return the candidates along the axis, and the name of their threshold.

    For stuck that is the failed attempts, as its minutes make next to no difference here.
    """
    family = family_of(signal)
    if signal.family == "stuck":
        minutes = signal.thresholds["minutes"]
        return [candidate for candidate in family if candidate.thresholds["minutes"] == minutes], "attempts"
    return family, next(iter(signal.thresholds))


def _draw_family(axes: Any, sample: Sample, family: Sequence[Candidate], name: str, number: int) -> None:
    colour, shape = _LOOKS[number]
    thresholds = [candidate.thresholds[name] for candidate in family]
    estimates = [sample.auc(candidate) for candidate in family]
    axes.fill_between(
        thresholds,
        [estimate.low for estimate in estimates],
        [estimate.high for estimate in estimates],
        color=colour,
        alpha=0.15,
        linewidth=0,
        hatch=("", "//")[number],
    )
    axes.plot(
        thresholds,
        [estimate.value for estimate in estimates],
        color=colour,
        marker=shape,
        markersize=4,
        linestyle=("-", "--")[number],
        label=sample.course.homework,
    )


def draw_thresholds(main: Sequence[Sample], path: Path) -> None:
    """Draw the AUC of each signal by its threshold, with 95 % intervals, and the default."""
    figure, panels = plt.subplots(2, 2, figsize=(8, 6), layout="constrained", sharey=True)
    for axes, signal in zip(panels.flat, DEFAULT_SIGNALS, strict=True):
        family, name = _along(signal)
        for number, sample in enumerate(main):
            _draw_family(axes, sample, family, name, number)
        axes.axhline(0.5, color="black", linewidth=0.8, linestyle=":")
        axes.axvline(signal.thresholds[name], color="grey", linewidth=1)
        axes.set_title(signal.family)
        axes.set_xlabel(name)
    for axes in panels[:, 0]:
        axes.set_ylabel("AUC")
    panels[0, 0].legend(frameon=False, loc="upper right")
    panels[0, 0].set_ylim(0.3, 0.75)
    figure.supxlabel("grey line: the default; bands: 95 % intervals", fontsize=9)
    _save(figure, path)
