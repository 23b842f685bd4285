"""Engagement and frustration, per step and in total, from the state in a batch (contract section 4).

Algorithm 1.0. Constants and the order of operations are those of the reference: floats are rounded to two places, and
another order would round some halves the other way.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple, TypedDict

import msgspec

from learntrace.measures.timestamps import EPOCH, parse

ALGORITHM_VERSION = 1.0

# Seconds that count as full (100 %), and the most that a step left open can have taken.
STEP_ENGAGED = 3600
STEP_STUCK = 1800
OPEN_STEP_CAP = 1800
PLATFORM_ENGAGED = 36_000
INCOMPLETE_STUCK = 18_000
# Counts that count as full.
STEP_STRUGGLES = 20
AVERAGE_STRUGGLES = 10
SESSIONS = 5
INTERACTIONS = 100

SKIPPED_FRUSTRATION = 25.0

# The last millisecond of the year 9999.
_LATEST = 253_402_300_799_999

Run = Mapping[str, Any]
"""One compilation or one run of the tests, as written by the client."""


class IndicatorError(ValueError):
    """The payload has a shape from which no indicator can be computed.

    `place` is a path into the payload ("steps[3].compilations"), `expected` what has to be there ("a list"). The message
    joins both into one sentence that may be shown to people.
    """

    def __init__(self, place: str, expected: str) -> None:
        super().__init__(f"{place} must be {expected}")
        self.place = place
        self.expected = expected


class _Step(NamedTuple):
    slug: Any
    status: str
    time_spent: float  # seconds; an int where it is a constant, as in the reference
    comp_struggles: int
    test_struggles: int
    interactions: int


class _RunRead(TypedDict, total=False):
    """What is read of a run; source code and outputs, which are most of a payload, are not."""

    exit_code: Any
    exitCode: Any
    started_at: Any
    starting_at: Any
    ended_at: Any
    ending_at: Any


class _StepRead(TypedDict, total=False):
    slug: Any
    opened_at: Any
    completed_at: Any
    compilations: list[_RunRead] | None
    tests: list[_RunRead] | None


class _PayloadRead(TypedDict, total=False):
    last_interaction_at: Any
    tutorial_started_at: Any
    workout_session: Any
    steps: list[_StepRead] | None


_decoder = msgspec.json.Decoder(_PayloadRead)


def indicators_of(text: str) -> dict[str, Any]:
    """Return the `indicators` of a payload's JSON text, of which only what they depend on is decoded.

    Raises `IndicatorError` as that does.
    """
    try:
        payload: Mapping[str, Any] = _decoder.decode(text)
    except msgspec.ValidationError:
        # Of another shape: decoded whole, the place in the error can be told.
        payload = msgspec.json.decode(text)
    return indicators(payload)


def indicators(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Compute the metrics and indicators of a batch (contract section 4).

    Returns `{"algo_version", "global": {"metrics", "indicators"}, "steps": [{"slug", "metrics", "indicators"}]}`, in
    the order of the payload's steps; durations are seconds, rates and indicators 0 to 100. Missing or null lists are
    empty and missing times unknown; a negative duration (a clock was set back) counts as 0.

    Raises `IndicatorError` if a list or an object is something else, and no other error, whatever the JSON is. The
    payload is not changed.
    """
    last_interaction = parse(payload.get("last_interaction_at"))
    steps = [
        _read_step(entry, f"steps[{index}]", last_interaction)
        for index, entry in enumerate(_objects(payload, "steps", "steps"))
    ]
    metrics = _global_metrics(payload, steps, last_interaction)
    return {
        "algo_version": ALGORITHM_VERSION,
        "global": {"metrics": _rounded(metrics), "indicators": _global_indicators(metrics)},
        "steps": [_step_result(step) for step in steps],
    }


def _list(holder: Mapping[str, Any], key: str, path: str) -> list[Any]:
    value = holder.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise IndicatorError(path, "a list")
    return value


def _objects(holder: Mapping[str, Any], key: str, path: str) -> list[Any]:
    entries = _list(holder, key, path)
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise IndicatorError(f"{path}[{index}]", "an object")
    return entries


def _read_step(entry: Mapping[str, Any], path: str, last_interaction: datetime | None) -> _Step:
    compilations = _objects(entry, "compilations", f"{path}.compilations")
    tests = _objects(entry, "tests", f"{path}.tests")
    slug = entry.get("slug")
    interactions = len(compilations) + len(tests)
    opened = parse(entry.get("opened_at"))
    if opened is None:
        return _Step(slug, "unread", 0, 0, 0, interactions)
    completed = parse(entry.get("completed_at"))
    if completed is not None:
        struggles = (_failures_before_success(compilations), _failures_before_success(tests))
        return _Step(slug, "completed", _seconds(opened, completed), *struggles, interactions)
    if not interactions:
        return _Step(slug, "skipped", _open_time(opened, last_interaction), 0, 0, 0)
    last = _last_end([*compilations, *tests]) or last_interaction
    return _Step(slug, "attempted", _open_time(opened, last), _failures(compilations), _failures(tests), interactions)


def _seconds(start: datetime, end: datetime) -> float:
    return max((end - start).total_seconds(), 0)


def _open_time(opened: datetime, last: datetime | None) -> float:
    """Return the seconds spent in a step that was never completed, capped because the time of leaving it is unknown."""
    return 0 if last is None else min(_seconds(opened, last), OPEN_STEP_CAP)


def _times(runs: Sequence[Run], name: str, other_name: str) -> list[Any]:
    """Return the runs' times under either spelling: the CLI writes `starting_at`, the IDE `started_at`."""
    return [run.get(other_name) if (value := run.get(name)) is None else value for run in runs]


def _are_milliseconds(times: Sequence[Any]) -> bool:
    """Whether all are written as clients do: then they compare as they are, without being parsed one by one."""
    return all(type(time) is int and 0 <= time <= _LATEST for time in times)


def _in_order(runs: Sequence[Run]) -> Sequence[Run]:
    """Return runs by their starts, an unreadable one first."""
    starts = _times(runs, "started_at", "starting_at")
    if _are_milliseconds(starts) and all(earlier <= later for earlier, later in pairwise(starts)):
        return runs
    parsed = [parse(start) or EPOCH for start in starts]
    return [runs[place] for place in sorted(range(len(runs)), key=parsed.__getitem__)]


def _last_end(runs: Sequence[Run]) -> datetime | None:
    ends = _times(runs, "ended_at", "ending_at")
    if ends and _are_milliseconds(ends):
        return parse(max(ends))
    return max((end for end in map(parse, ends) if end is not None), default=None)


def _exit_codes(runs: Sequence[Run]) -> list[Any]:
    """Return the exit codes of the runs that have one. Null counts as one: the process was killed, which is a failure."""
    return [
        run["exit_code"] if "exit_code" in run else run["exitCode"]
        for run in runs
        if "exit_code" in run or "exitCode" in run
    ]


def _failures(runs: Sequence[Run]) -> int:
    return sum(code != 0 for code in _exit_codes(runs))


def _failures_before_success(runs: Sequence[Run]) -> int:
    codes = _exit_codes(_in_order(runs))
    return next((index for index, code in enumerate(codes) if code == 0), len(codes))


def _percent(value: float, full: float) -> float:
    """Return `value` as a percentage of `full`, 0 to 100; 0 if `full` is 0."""
    return min(value / full, 1) * 100 if full else 0


def _weighted(*terms: tuple[float, float]) -> float:
    """Return the sum of (percent, weight) terms, rounded to two places."""
    total = 0.0
    for percent, weight in terms:  # not sum(): since Python 3.12 it compensates, which rounds some halves differently
        total += percent * weight
    return round(total / 100 * 100, 2)  # not an identity on floats: the reference rounds its halves so


def _global_metrics(
    payload: Mapping[str, Any], steps: Sequence[_Step], last_interaction: datetime | None
) -> dict[str, float]:
    total = len(steps)
    completed = sum(step.status == "completed" for step in steps)
    started = parse(payload.get("tutorial_started_at"))
    time_on_incomplete: float = 0
    for step in steps:  # not sum(), see _weighted
        if step.status in {"attempted", "skipped"}:
            time_on_incomplete += step.time_spent
    return {
        "total_time_on_platform": 0
        if last_interaction is None or started is None
        else _seconds(started, last_interaction),
        "num_sessions": len(_list(payload, "workout_session", "workout_session")),
        "completion_rate": _percent(completed, total),
        "total_interactions": sum(step.interactions for step in steps),
        "steps_not_completed": total - completed,
        "time_on_incomplete": time_on_incomplete,
        "avg_comp_struggles": sum(step.comp_struggles for step in steps) / total if total else 0,
        "avg_test_struggles": sum(step.test_struggles for step in steps) / total if total else 0,
        "skipped_steps": sum(step.status == "skipped" for step in steps),
        "total_steps": total,
    }


def _global_indicators(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the indicators, from metrics that are not rounded yet."""
    return {
        "EngagementIndicator": _weighted(
            (_percent(metrics["total_time_on_platform"], PLATFORM_ENGAGED), 0.3),
            (_percent(metrics["num_sessions"], SESSIONS), 0.2),
            (metrics["completion_rate"], 0.3),
            (_percent(metrics["total_interactions"], INTERACTIONS), 0.2),
        ),
        "FrustrationIndicator": _weighted(
            (_percent(metrics["steps_not_completed"], metrics["total_steps"]), 0.3),
            (_percent(metrics["time_on_incomplete"], INCOMPLETE_STUCK), 0.2),
            (_percent(metrics["avg_comp_struggles"], AVERAGE_STRUGGLES), 0.2),
            (_percent(metrics["avg_test_struggles"], AVERAGE_STRUGGLES), 0.2),
            (_percent(metrics["skipped_steps"], metrics["total_steps"]), 0.1),
        ),
    }


def _step_result(step: _Step) -> dict[str, Any]:
    metrics = {
        "status": step.status,
        "time_spent": step.time_spent,
        "comp_struggles": step.comp_struggles,
        "test_struggles": step.test_struggles,
    }
    return {
        "slug": step.slug,
        "metrics": _rounded(metrics),
        "indicators": {"EngagementIndicator": _engagement(step), "FrustrationIndicator": _frustration(step)},
    }


def _engagement(step: _Step) -> float:
    if step.status in {"skipped", "unread"}:
        return 0
    return round(_percent(step.time_spent, STEP_ENGAGED), 2)


def _frustration(step: _Step) -> float:
    if step.status == "completed":
        return round(_percent(step.comp_struggles + step.test_struggles, STEP_STRUGGLES), 2)
    if step.status == "attempted":
        return round(_percent(step.time_spent, STEP_STUCK), 2)
    return SKIPPED_FRUSTRATION if step.status == "skipped" else 0.0


def _rounded(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, 2) if isinstance(value, float) else value for name, value in metrics.items()}
