"""Turn a learner's activities on a notebook into the document that LearnPack would send.

The notebook's assignments are the steps, and the attempts their compilations, so that indicators, telemetry, statistics
and tasks apply to both. Plain values in, plain values out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from learntrace.assignments.telemetry_documents import NOTEBOOKS_AGENT
from learntrace.measures.activity import CLOSED, OK, Activity
from learntrace.measures.timestamps import EPOCH
from learntrace.notebooks.validation.event import PREFIX

# A document holds a step's latest attempts, which bounds the work on it. The indicators count failures in tens.
MOST_ATTEMPTS = 1000
# A longer pause ends a session, though the notebook stayed open.
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


def document(
    slug: str, user_id: int, steps: Sequence[Step], activities: Iterable[Activity], done: Mapping[str, datetime]
) -> Entry:
    """Return the LearnPack-shaped document of a learner on the notebook with that (canonical) slug.

    `{"slug", "user_id", "agent", "tutorial_started_at", "last_interaction_at", "steps", "workout_session"}`, times in
    epoch milliseconds, null where the learner did nothing. All steps are included, ordered by position. `opened_at` is the
    time of the learner's first activity of any kind on the step, `completed_at` when it was done first (`done`, by tag); each
    is missing where there is none. A compilation is an attempt that counts: aborted ones don't.
    Activities on other assignments don't count.
    """
    by_tag: dict[str, list[Activity]] = {step.tag: [] for step in steps}
    ordered = [
        activity
        for activity in sorted(activities, key=lambda activity: activity.order)
        if activity.assignment in by_tag
    ]
    for activity in ordered:
        by_tag[activity.assignment or ""].append(activity)
    return {
        "slug": slug,
        "user_id": user_id,
        "agent": NOTEBOOKS_AGENT,
        "tutorial_started_at": _milliseconds(ordered[0].at) if ordered else None,
        "last_interaction_at": _milliseconds(ordered[-1].at) if ordered else None,
        "steps": [
            _step(step, by_tag[step.tag], done.get(step.tag)) for step in sorted(steps, key=lambda step: step.position)
        ],
        "workout_session": [
            {"started_at": _milliseconds(span.start), "ended_at": _milliseconds(span.end)} for span in sessions(ordered)
        ],
    }


def sessions(activities: Sequence[Activity]) -> list[_Span]:
    """Return the learner's workout sessions, from activities in their order.

    The activities of one Jupyter session are one workout session; a pause of more than SESSION_GAP or a `closed` ends it
    and the next activity begins another. Sessions that overlap (two tabs) are merged: one person works in both.
    """
    spans: list[_Span] = []
    for session_activities in _by_session(activities).values():
        spans += _split(session_activities)
    merged: list[_Span] = []
    for span in sorted(spans, key=lambda span: (span.start, span.end)):
        if merged and span.start < merged[-1].end:
            merged[-1] = _Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _by_session(activities: Iterable[Activity]) -> Mapping[str | None, list[Activity]]:
    by_session: dict[str | None, list[Activity]] = {}
    for activity in activities:
        by_session.setdefault(activity.session_id, []).append(activity)
    return by_session


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


def _step(step: Step, activities: Sequence[Activity], completed_at: datetime | None) -> Entry:
    """Return one step of the document, from all of the learner's activities on it in their order."""
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
    if completed_at is not None:
        entry["completed_at"] = _milliseconds(completed_at)
    return entry


def _compilation(attempt: Activity) -> Entry:
    # An event has one time, at which the execution ended; no measure uses its duration.
    moment = _milliseconds(attempt.at)
    entry: Entry = {"started_at": moment, "ended_at": moment, "exit_code": 0 if attempt.outcome == OK else 1}
    if attempt.failures:
        entry["error"] = "; ".join(
            f"{failure.name}: {failure.message}" if failure.message else failure.name for failure in attempt.failures
        )
    return entry


def _milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)
