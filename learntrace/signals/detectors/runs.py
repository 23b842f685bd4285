"""A run of attempts that a detector keeps in its state, and the finding that it makes.

A run is plain JSON: the id of its first attempt as `key`, how many there are as `count`, their ids as `evidence`, when it
became a finding as `opened_at`, and what its detector adds. A state's `open` says that there is something to resolve.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from learntrace.metrics.attempts import Activity, Failure
from learntrace.signals.detection import Change, Finding, Resolved, Seen, State, with_evidence

Run = dict[str, Any]

# Some messages print a whole table; a sentence needs their beginning.
LONGEST_MESSAGE = 200


def begun(attempt: Activity, **more: Any) -> Run:
    """A run that begins with that attempt, which is yet to be counted."""
    return {"key": attempt.id, "count": 0, "evidence": [], "opened_at": None, **more}


def grow(run: Run, attempt: Activity) -> None:
    run["count"] += 1
    run["evidence"] = with_evidence(run["evidence"], attempt.id)


def see(state: State, run: Run, activity: Activity, severity: int, facts: dict[str, Any]) -> Seen:
    """The run as it is seen at that activity, which opens it if it isn't open."""
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


def resolve(state: State, activity: Activity) -> Iterator[Change]:
    """That activity ends what is open in the group, if anything is."""
    if state.pop("open", False):
        yield Resolved(activity.at, activity.id)


def error_facts(failures: tuple[Failure, ...]) -> dict[str, Any]:
    """The first of the failures: `error_name` and `error_message`, and both as `error` for a sentence, without which
    neither is known."""
    if not failures:
        return {}
    name, message = failures[0].name.strip(), failures[0].message.strip()
    if len(message) > LONGEST_MESSAGE:
        message = message[: LONGEST_MESSAGE - 1] + "…"
    error = ": ".join(part for part in (name, message) if part)
    return {"error": error, "error_name": name, "error_message": message} if error else {}
