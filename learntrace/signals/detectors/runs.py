"""Runs of attempts, which detectors keep in their states, and the findings made of them.

A run is plain JSON: the id of its first attempt as `key`, the number of attempts as `count`, their ids as `evidence`, when
it became a finding as `opened_at`, and what its detector adds. A state's `open` says that there is something to resolve.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from learntrace.measures.activity import ASKED, Activity, Failure
from learntrace.signals.detectors.base import Change, Finding, Resolved, Seen, State, with_evidence

Run = dict[str, Any]

# Some messages print a whole table; a sentence needs only the beginning.
LONGEST_MESSAGE = 200


def begin(attempt: Activity, **more: Any) -> Run:
    """Return a run that begins with an attempt, which `grow` has yet to count."""
    return {"key": attempt.id, "count": 0, "evidence": [], "opened_at": None, **more}


def grow(run: Run, attempt: Activity) -> None:
    """Count an attempt and add it to the evidence."""
    run["count"] += 1
    run["evidence"] = with_evidence(run["evidence"], attempt.id)


def report(state: State, run: Run, activity: Activity, severity: int, facts: dict[str, Any]) -> Seen:
    """Return the run as a finding at an activity, which opens it if it isn't open."""
    if state.get("asked"):
        facts = {**facts, "asked": state["asked"]}
    state["open"] = True
    run["opened_at"] = run["opened_at"] or activity.at.isoformat()
    return Seen(
        Finding(
            key=run["key"],
            opened_at=datetime.fromisoformat(run["opened_at"]),
            last_seen_at=activity.at,
            count=run["count"],
            evidence=list(run["evidence"]),
            severity=severity,
            facts=dict(facts),
            assignment=activity.assignment,
        )
    )


def count_question(state: State, activity: Activity) -> None:
    """Count a question to the assistant, which a finding tells as its fact `asked`."""
    if activity.verb == ASKED:
        state["asked"] = state.get("asked", 0) + 1


def resolve(state: State, activity: Activity) -> Iterator[Change]:
    """Resolve what is open in the group, if anything is, by an activity; questions are counted anew from there."""
    state.pop("asked", None)
    if state.pop("open", False):
        yield Resolved(activity.at, activity.id)


def error_facts(failures: tuple[Failure, ...]) -> dict[str, Any]:
    """Return the first failure's `error_name` and `error_message`, and both as `error` for a sentence.

    Empty where neither is known.
    """
    if not failures:
        return {}
    name, message = failures[0].name.strip(), failures[0].message.strip()
    if len(message) > LONGEST_MESSAGE:
        message = message[: LONGEST_MESSAGE - 1] + "…"
    error = ": ".join(part for part in (name, message) if part)
    return {"error": error, "error_name": name, "error_message": message} if error else {}
