"""Runs of attempts, which detectors keep in their states, and the findings made of them.

A run is plain JSON: the id of its first attempt as `key`, the number of attempts as `count`, their ids as `evidence`, when
it became a finding as `opened_at`, and what its detector adds. A state's `open` says that there is something to resolve.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from learntrace.measures.activity import ASKED, Activity, Failure
from learntrace.measures.error_groups import group_of, variant_of
from learntrace.measures.failures import NO_NAMES
from learntrace.signals.detectors.base import Change, Finding, Resolved, Seen, State, with_evidence

Run = dict[str, Any]

# Some messages print a whole table; a sentence needs only the beginning.
LONGEST_MESSAGE = 200
# A compiler may report thousands of errors; a state keeps the first of them.
MOST_FAILURES = 100


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


def shares(run: Run, attempt: Activity) -> bool:
    """Keep those errors of a run that a failed attempt shares too; return whether there are any.

    Errors are the same when their groups are (`measures.error_groups`). An attempt that shares none leaves the run as it is.
    """
    met = _met(attempt)
    shared = [
        [group, variant if variant == _variant(met[group]) else _VARIES]
        for group, variant in run["shared"]
        if group in met
    ]
    if shared:
        run["shared"] = shared
    return bool(shared)


def begin_sharing(attempt: Activity, **more: Any) -> Run:
    """Return a run whose attempts share errors, those of the first to begin with."""
    shared = [[group, _variant(failure)] for group, failure in _met(attempt).items()]
    return begin(attempt, shared=shared, **more)


def shared_facts(run: Run, attempt: Activity) -> dict[str, Any]:
    """Return the facts of the first error that all attempts of a run share; `attempt` is one of them. Empty without one.

    Where the attempts told different variants of it, the error is told as its group.
    """
    if not run["shared"]:
        return {}
    group, variant = run["shared"][0]
    failure = _met(attempt)[group]
    told = group_of(failure)
    facts = _facts(told.kind, told.pattern) if variant == _VARIES else error_facts((failure,))
    return {**facts, "error_group": group}


_VARIES = ""


def _met(attempt: Activity) -> dict[str, Failure]:
    """Return the errors of an attempt by the digests of their groups, of each group the first."""
    met: dict[str, Failure] = {}
    for failure in attempt.failures[:MOST_FAILURES]:
        met.setdefault(group_of(failure).digest, failure)
    return met


@lru_cache(maxsize=2048)
def _variant(failure: Failure) -> str:
    """Return a variant's digest: a message may be of any length, a state may not."""
    variant = variant_of(failure)
    return blake2b(f"{variant.name}\n{variant.message}".encode(), digest_size=8).hexdigest()


def error_facts(failures: tuple[Failure, ...]) -> dict[str, Any]:
    """Return the first failure's `error_name` and `error_message`, and both as `error` for a sentence.

    Without the code that a compiler shows below its message. Empty where neither is known.
    """
    if not failures:
        return {}
    variant = variant_of(failures[0])
    return _facts(variant.name, variant.message)


def _facts(name: str, message: str) -> dict[str, Any]:
    name, message = "" if name in NO_NAMES else name.strip(), message.strip()
    if len(message) > LONGEST_MESSAGE:
        message = message[: LONGEST_MESSAGE - 1] + "…"
    error = ": ".join(part for part in dict.fromkeys((name, message)) if part)
    return {"error": error, "error_name": name, "error_message": message} if error else {}
