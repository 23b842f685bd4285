"""From a learner's events on a notebook to the document that LearnPack would send (design, "One system, not two").

Its assignments are the steps and its attempts their compilations, so that indicators, telemetry, statistics and tasks
hold for both. Plain values in, plain values out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from learntrace.metrics.attempts import CLOSED, OK, Activity
from learntrace.metrics.timestamps import EPOCH
from learntrace.notebooks.checking import PREFIX

AGENT: Final = "jupyter"
# A step's latest attempts are told, which bounds the work on one document. The indicators count failures in tens.
MOST_ATTEMPTS = 1000
# Who did nothing for longer had left, though the notebook stayed open.
SESSION_GAP = timedelta(minutes=30)

Entry = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """A published assignment; the tag with its prefix."""

    tag: str
    title: str
    position: int


@dataclass(frozen=True)
class _Span:
    start: datetime
    end: datetime


def document(slug: str, user_id: int, steps: Sequence[Step], activities: Iterable[Activity]) -> Entry:
    """The LearnPack-shaped document of a learner on the notebook with that (canonical) slug.

    `{"slug", "user_id", "agent", "tutorial_started_at", "last_interaction_at", "steps", "workout_session"}`, times in
    epoch milliseconds, null where the learner did nothing. Every step is there, in the order of its position: one that
    nobody opened has no `opened_at`, which is the learner's first activity on it, of whatever kind. `completed_at` is
    since when the last attempt has been a success, and missing where it is none. A compilation is an attempt that
    counts: aborted ones are none. Activities on other assignments don't count.
    """
    by_tag: dict[str, list[Activity]] = {step.tag: [] for step in steps}
    for activity in sorted(activities, key=lambda one: one.order):
        if activity.assignment in by_tag:
            by_tag[activity.assignment].append(activity)
    seen = sorted((one for found in by_tag.values() for one in found), key=lambda one: one.order)
    return {
        "slug": slug,
        "user_id": user_id,
        "agent": AGENT,
        "tutorial_started_at": _milliseconds(seen[0].at) if seen else None,
        "last_interaction_at": _milliseconds(seen[-1].at) if seen else None,
        "steps": [_step(step, by_tag[step.tag]) for step in sorted(steps, key=lambda one: one.position)],
        "workout_session": [
            {"started_at": _milliseconds(span.start), "ended_at": _milliseconds(span.end)} for span in sessions(seen)
        ],
    }


def sessions(activities: Sequence[Activity]) -> list[_Span]:
    """The learner's workout sessions, from activities in their order.

    What one Jupyter session did is one, but for a gap of more than SESSION_GAP and for `closed`, which end it: what
    comes after it begins another. Two that overlap (two tabs) are one: it is one person who works.
    """
    spans: list[_Span] = []
    for activities_of_one in _by_session(activities).values():
        spans += _split(activities_of_one)
    merged: list[_Span] = []
    for span in sorted(spans, key=lambda one: (one.start, one.end)):
        if merged and span.start < merged[-1].end:
            merged[-1] = _Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _by_session(activities: Iterable[Activity]) -> Mapping[str | None, list[Activity]]:
    found: dict[str | None, list[Activity]] = {}
    for activity in activities:
        found.setdefault(activity.session_id, []).append(activity)
    return found


def _split(activities: Sequence[Activity]) -> list[_Span]:
    spans: list[_Span] = []
    ended = True
    for activity in activities:
        if ended or activity.at - spans[-1].end > SESSION_GAP:
            spans.append(_Span(activity.at, activity.at))
        else:
            spans[-1] = _Span(spans[-1].start, activity.at)
        ended = activity.verb == CLOSED
    return spans


def _step(step: Step, activities: Sequence[Activity]) -> Entry:
    """One step, from all that the learner did on it, in order."""
    attempts = [activity for activity in activities if activity.is_attempt][-MOST_ATTEMPTS:]
    entry: Entry = {
        "slug": step.tag.removeprefix(PREFIX),
        "title": step.title,
        "position": step.position,
        "is_testeable": False,
        "compilations": [_compilation(attempt) for attempt in attempts],
        "tests": [],
    }
    if activities:
        entry["opened_at"] = _milliseconds(activities[0].at)
    completed_at = _succeeding_since(attempts)
    if completed_at is not None:
        entry["completed_at"] = _milliseconds(completed_at)
    return entry


def _succeeding_since(attempts: Sequence[Activity]) -> datetime | None:
    since = None
    for attempt in attempts:
        if attempt.failed:
            since = None
        elif since is None:
            since = attempt.at
    return since


def _compilation(attempt: Activity) -> Entry:
    # An event is of one moment: what ran has just ended, and how long it took belongs to no measure.
    moment = _milliseconds(attempt.at)
    entry: Entry = {"started_at": moment, "ended_at": moment, "exit_code": 0 if attempt.outcome == OK else 1}
    if attempt.failures:
        entry["error"] = "; ".join(
            f"{failure.name}: {failure.message}" if failure.message else failure.name for failure in attempt.failures
        )
    return entry


def _milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)
