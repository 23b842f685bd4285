"""Validate one event: plain values in, the columns of its row out; without a database."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from learntrace.measures import timestamps
from learntrace.measures.clock import BEHIND, correction, is_ahead
from learntrace.notebooks.validation.allowed import ERROR, EVENT, MAX_WORD, OBJECT, RESULT, allowed, words
from learntrace.notebooks.validation.rejections import (
    INVALID_CONTEXT,
    INVALID_ID,
    INVALID_OBJECT,
    INVALID_RESULT,
    INVALID_TIMESTAMP,
    NOT_AN_OBJECT,
    UNKNOWN_VERB,
    Rejection,
    excerpt,
)

Row = dict[str, Any]

VERBS = (
    "executed",
    "opened",
    "closed",
    "saved",
    "focused",
    "blurred",
    "added",
    "removed",
    "pasted",
    "restarted",
    "interrupted",
)
TYPES = ("cell", "notebook")
OUTCOMES = ("ok", "error", "aborted")
# What a cell is of its assignment: the work, which is also meant where an event says nothing, or what checks it.
WORK, CHECK = "work", "check"
PARTS = (CHECK, WORK)
PREFIX = "assignment:"

# A session, an id and an assignment of these lengths fit an index entry together, in any script.
MAX_NAME = 200
MAX_PATH = 1000
MAX_ERROR_NAME = 500
MAX_ERROR_VALUE = 2000  # a longer one is cut
MAX_LIST = 200

CLOCK_AHEAD = "clock-ahead"
CLOCK_BEHIND = "clock-behind"
CLOCK_CORRECTED = "clock-corrected"
MALFORMED_ASSIGNMENT = "malformed-assignment"
MALFORMED_CODE_HASH = "malformed-code-hash"
MALFORMED_SENT_AT = "malformed-sent-at"
NEGATIVE_DURATION = "negative-duration"
NO_SESSION = "no-session"
NO_OUTCOME = "no-outcome"
OTHER_CELL = "other-cell"
REPLACED_CHARACTERS = "replaced-characters"
UNKNOWN_ASSIGNMENT = "unknown-assignment"
FLAGS: Mapping[str, str] = {
    CLOCK_AHEAD: "The learner's clock was more than 5 minutes ahead of ours.",
    CLOCK_BEHIND: "The event was older than 30 days when it came.",
    CLOCK_CORRECTED: "The learner's clock was wrong, and told so: the event counts at its corrected time.",
    MALFORMED_ASSIGNMENT: "The assignment isn't `assignment:` and words of a-z and 0-9 with hyphens between.",
    MALFORMED_CODE_HASH: "The code hash isn't 64 hexadecimal digits.",
    MALFORMED_SENT_AT: "`sent_at` isn't a date and time in ISO 8601, and corrects nothing.",
    NEGATIVE_DURATION: "`result.duration_ms` is below 0, as when a clock was set back.",
    NO_SESSION: "The event names no session.",
    NO_OUTCOME: "An execution without an outcome.",
    OTHER_CELL: "The cell isn't the published one of the assignment, but perhaps a copy.",
    REPLACED_CHARACTERS: "Characters of a text that can't be stored were replaced by U+FFFD.",
    UNKNOWN_ASSIGNMENT: "The academy has published notebooks, and none of them has this assignment.",
}


@dataclass(frozen=True, slots=True)
class Clock:
    """How far the clock that stamped an event was ahead of ours as it was sent; None where that isn't known, or is little.

    `legible` is false where the client told a time that can't be read.
    """

    ahead: timedelta | None = None
    legible: bool = True


UNTOLD: Final = Clock()

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
TAG = re.compile(r"assignment:[a-z0-9]+(?:-[a-z0-9]+)*")
_BROWSER_TIME = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check(event: object, now: datetime) -> Row:
    """Return the columns of an event's row, with `actor` as the client named it or None.

    Raises Rejection.
    """
    return check_counting(event, now)[0]


def check_counting(event: object, now: datetime, clock: Clock = UNTOLD) -> tuple[Row, int]:
    """Return the columns of an event's row, and how many keys were dropped.

    Implausible times and the like are flagged, not refused, and what an event may not carry (`validation.allowed`) is dropped.
    Raises Rejection.
    """
    if not isinstance(event, dict):
        raise Rejection(NOT_AN_OBJECT)
    flags: list[str] = [] if clock.legible else [MALFORMED_SENT_AT]
    dropped = [len(event) - len(event.keys() & EVENT)]
    row: Row = {
        "id": event_id(event),
        "verb": _verb(event.get("verb")),
        "occurred_at": _moment(event.get("timestamp"), now, clock, flags).isoformat(),
        "actor": event.get("actor"),
    }
    row |= _object(event.get("object"), flags, dropped)
    row["result"] = _result(event.get("result"), row["verb"], flags, dropped)
    row["context"], lost = words(_section(event.get("context"), "context", INVALID_CONTEXT))
    row["session_id"] = _text(event, "session_id", MAX_NAME, INVALID_CONTEXT)
    if row["session_id"] is None:
        flags.append(NO_SESSION)
    row["flags"] = flags
    if clock.ahead is not None:
        row["clock"] = (clock.ahead, now)
    return row, sum(dropped) + lost


def event_id(event: dict[str, Any]) -> str:
    given = event.get("id")
    if not isinstance(given, str) or not _UUID.fullmatch(given):
        raise Rejection(INVALID_ID, value=excerpt(given))
    return given.lower()


def _verb(given: object) -> str:
    if not isinstance(given, str) or given not in VERBS:
        raise Rejection(UNKNOWN_VERB, value=excerpt(given), known=", ".join(VERBS))
    return given


def _moment(given: object, now: datetime, clock: Clock, flags: list[str]) -> datetime:
    # Numbers and bare dates, which LearnPack's clients may send, are refused: seconds and milliseconds would look alike.
    moment = parse_time(given)
    if moment is None:
        raise Rejection(INVALID_TIMESTAMP, value=excerpt(given))
    happened_at = moment
    if clock.ahead is not None and (offset := correction(moment, now, clock.ahead)):
        happened_at = moment - offset
    if is_ahead(happened_at, now):
        flags.append(CLOCK_AHEAD)
    elif now - happened_at > BEHIND:
        flags.append(CLOCK_BEHIND)
    return moment


def parse_time(given: object) -> datetime | None:
    """Return a date and time in ISO 8601; None for anything else."""
    if isinstance(given, str) and len(given) > 10 and given[4] == "-":
        return _parse_browser_time(given) or timestamps.parse(given)
    return None


def _parse_browser_time(given: str) -> datetime | None:
    # Ten times as fast as the parser of all forms.
    try:
        return datetime.fromisoformat(given) if _BROWSER_TIME.fullmatch(given) else None
    except ValueError:
        return None


def _object(given: object, flags: list[str], dropped: list[int]) -> Row:
    """Return the columns that come from `object`; its code is removed later, unless the academy collects source."""
    if not isinstance(given, dict):
        raise Rejection(INVALID_OBJECT, place="object", expected="object")
    kept, lost = allowed(given, OBJECT)
    dropped.append(lost)
    if kept.get("type") is not None and kept["type"] not in TYPES:
        raise Rejection(INVALID_OBJECT, place="object.type", expected=" | ".join(TYPES))
    object_id = _text(kept, "id", MAX_NAME, INVALID_OBJECT, "object.")
    _text(kept, "notebook", MAX_PATH, INVALID_OBJECT, "object.")
    code_hash = _text(kept, "code_hash", MAX_NAME, INVALID_OBJECT, "object.")
    if code_hash is not None:
        code_hash = code_hash.lower()
        if not _SHA256.fullmatch(code_hash):
            flags.append(MALFORMED_CODE_HASH)
    tags = kept.get("tags")
    if tags is not None and not (
        isinstance(tags, list) and len(tags) <= MAX_LIST and all(isinstance(tag, str) for tag in tags)
    ):
        raise Rejection(INVALID_OBJECT, place="object.tags", expected="texts")
    if tags:
        kept["tags"] = [tag[:MAX_WORD] for tag in tags]
    _normalize_assignment(kept, flags)
    _check_part(kept)
    if not isinstance(kept.get("code"), str | None):
        raise Rejection(INVALID_OBJECT, place="object.code", expected="text")
    return {"object": kept, "object_id": object_id, "code_hash": code_hash}


def _normalize_assignment(kept: dict[str, Any], flags: list[str]) -> None:
    """Give the assignment its prefix; drop the key where it is empty."""
    if "assignment" not in kept:
        return
    assignment = _text(kept, "assignment", MAX_NAME - len(PREFIX), INVALID_OBJECT, "object.", prefix=PREFIX)
    if assignment is None:
        del kept["assignment"]
        return
    kept["assignment"] = with_prefix(assignment)
    if not TAG.fullmatch(kept["assignment"]):
        flags.append(MALFORMED_ASSIGNMENT)


def _check_part(kept: dict[str, Any]) -> None:
    """Drop the part where it says nothing; a check has to say what it checks."""
    part = kept.get("part")
    if part is None or part == "":
        kept.pop("part", None)
    elif part not in PARTS:
        raise Rejection(INVALID_OBJECT, place="object.part", expected=" | ".join(PARTS))
    elif part == CHECK and "assignment" not in kept:
        raise Rejection(INVALID_OBJECT, place="object.assignment", expected="check")


def with_prefix(tag: str) -> str:
    """Return an assignment's tag with its prefix, as events hold it."""
    return tag if tag.startswith(PREFIX) else PREFIX + tag


def _result(given: object, verb: str, flags: list[str], dropped: list[int]) -> Row:
    result, lost = allowed(_without_outputs(_section(given, "result", INVALID_RESULT)), RESULT)
    dropped.append(lost)
    outcome = result.get("outcome")
    if outcome is None:
        if verb == "executed":
            flags.append(NO_OUTCOME)
    elif outcome not in OUTCOMES:
        raise Rejection(INVALID_RESULT, place="result.outcome", expected=" | ".join(OUTCOMES))
    if not result:
        return result
    _text(result, "error_name", MAX_ERROR_NAME, INVALID_RESULT, "result.")
    _cut(result, "error_value", "result.")
    _number(result, "duration_ms", whole=False)
    if (result.get("duration_ms") or 0) < 0:
        flags.append(NEGATIVE_DURATION)
    _number(result, "execution_count", whole=True)
    _number(result, "characters", whole=True)
    if result.get("errors") is not None:
        result["errors"] = _errors(result["errors"], dropped)
    return result


def _without_outputs(result: Row) -> Row:
    """Return a result without its outputs, which are not stored.

    An error among them is the run's error, whatever the kernel replied: `%%time` shows a traceback and the reply is ok, and
    executors that get no reply call every failure aborted. Text on stderr is none.
    """
    if "outputs" not in result:
        return result
    outputs = result["outputs"]
    if outputs is not None and not isinstance(outputs, list):
        raise Rejection(INVALID_RESULT, place="result.outputs", expected="list")
    kept = {name: value for name, value in result.items() if name != "outputs"}
    raised = [output for output in outputs or () if isinstance(output, dict) and output.get("output_type") == "error"]
    if raised and kept.get("outcome") in (None, *OUTCOMES):
        kept["outcome"] = "error"
        if not kept.get("error_name") and not kept.get("errors"):
            name, value = (text if isinstance(text := raised[-1].get(key), str) else "" for key in ("ename", "evalue"))
            kept["error_name"], kept["error_value"] = name[:MAX_ERROR_NAME], value
    return kept


def _errors(given: object, dropped: list[int]) -> list[Row]:
    """Return the errors that a compiler reports, checked."""
    if not isinstance(given, list) or len(given) > MAX_LIST or not all(isinstance(error, dict) for error in given):
        raise Rejection(INVALID_RESULT, place="result.errors", expected="errors")
    errors = []
    for error in given:
        kept, lost = allowed(error, ERROR)
        errors.append(kept)
        dropped.append(lost)
    for index, error in enumerate(errors):
        place = f"result.errors[{index}]."
        if _text(error, "name", MAX_ERROR_NAME, INVALID_RESULT, place) is None:
            raise Rejection(INVALID_RESULT, place=f"{place}name", expected="text")
        _cut(error, "value", place)
    return errors


def _section(given: object, name: str, code: str) -> Row:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Rejection(code, place=name, expected="object")
    return given


def _text(holder: Row, name: str, longest: int, code: str, place: str = "", prefix: str = "") -> str | None:
    """Return a text of at most `longest` characters after its prefix; None where it is absent or empty."""
    given = holder.get(name)
    if given is None or given == "" or (prefix and given == prefix):
        return None
    if not isinstance(given, str):
        raise Rejection(code, place=place + name, expected="text")
    if len(given.removeprefix(prefix)) > longest:
        raise Rejection(code, place=place + name, expected="short")
    return given


def _cut(holder: Row, name: str, place: str) -> None:
    given = holder.get(name)
    if given is None:
        return
    if not isinstance(given, str):
        raise Rejection(INVALID_RESULT, place=place + name, expected="text")
    if len(given) > MAX_ERROR_VALUE:
        holder[name] = given[:MAX_ERROR_VALUE]


def _number(result: Row, name: str, *, whole: bool) -> None:
    given = result.get(name)
    if given is None:
        return
    if isinstance(given, bool) or not isinstance(given, int if whole else int | float):
        raise Rejection(INVALID_RESULT, place=f"result.{name}", expected="whole" if whole else "number")
