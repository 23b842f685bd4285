"""The usual event: what nearly all events look like, checked by msgspec at once instead of key by key.

`validation.event` decides what an event may be. An event that this module knows passes there with the same row, no flag and
nothing dropped; every other one is None here, and checked there.
"""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from learntrace.measures.clock import BEHIND, is_ahead
from learntrace.notebooks.validation.allowed import MAX_WORD
from learntrace.notebooks.validation.event import (
    CHECK,
    MAX_ERROR_NAME,
    MAX_ERROR_VALUE,
    MAX_LIST,
    MAX_NAME,
    MAX_PATH,
    OUTCOMES,
    PARTS,
    TYPES,
    VERBS,
    Row,
)

_Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
_Word = Annotated[str, Meta(max_length=MAX_WORD)]
_UUID: Final = r"^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z"
_TIME: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z\Z"
_TAG: Final = r"^assignment:[a-z0-9]+(?:-[a-z0-9]+)*\Z"
# A part or outcome that isn't given is as usual as one of these.
_TYPES: Final = frozenset({*TYPES, UNSET})
_PARTS: Final = frozenset({*PARTS, UNSET})
_OUTCOMES: Final = frozenset({*OUTCOMES, UNSET})
_VERBS: Final = frozenset(VERBS)


class _Object(msgspec.Struct, forbid_unknown_fields=True):
    type: str | UnsetType = UNSET
    id: _Name | UnsetType = UNSET
    notebook: Annotated[str, Meta(max_length=MAX_PATH)] | UnsetType = UNSET
    assignment: Annotated[str, Meta(pattern=_TAG, max_length=MAX_NAME)] | UnsetType = UNSET
    part: str | UnsetType = UNSET
    tags: Annotated[list[_Word], Meta(max_length=MAX_LIST)] | UnsetType = UNSET
    code_hash: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")] | UnsetType = UNSET
    code: str | UnsetType = UNSET


class _Result(msgspec.Struct, forbid_unknown_fields=True):
    outcome: str | UnsetType = UNSET
    error_name: Annotated[str, Meta(max_length=MAX_ERROR_NAME)] | UnsetType = UNSET
    error_value: Annotated[str, Meta(max_length=MAX_ERROR_VALUE)] | UnsetType = UNSET
    duration_ms: Annotated[int, Meta(ge=0)] | Annotated[float, Meta(ge=0)] | UnsetType = UNSET
    execution_count: int | UnsetType = UNSET
    characters: int | UnsetType = UNSET


class _Context(msgspec.Struct, forbid_unknown_fields=True):
    frontend: _Word | UnsetType = UNSET
    version: _Word | UnsetType = UNSET
    kernel: _Word | UnsetType = UNSET


class _Usual(msgspec.Struct, forbid_unknown_fields=True):
    id: Annotated[str, Meta(pattern=_UUID)]
    verb: str
    timestamp: Annotated[str, Meta(pattern=_TIME)]
    object: _Object
    session_id: _Name
    result: _Result | UnsetType = UNSET
    context: _Context | UnsetType = UNSET
    actor: str | UnsetType | None = UNSET


def usual_row(event: object, now: datetime) -> Row | None:
    """Return the row of a decoded event, None for an event that isn't a usual one. The row shares the event's objects."""
    try:
        usual = msgspec.convert(event, _Usual)
        moment = datetime.fromisoformat(usual.timestamp)
    except ValueError:  # msgspec's too
        return None
    if not _is_plain(usual) or is_ahead(moment, now) or now - moment > BEHIND or not isinstance(event, dict):
        return None
    about = usual.object
    return {
        "id": usual.id.lower(),
        "verb": usual.verb,
        "occurred_at": moment.isoformat(),
        "actor": event.get("actor"),
        "object": event["object"],
        "object_id": None if about.id is UNSET else about.id,
        "code_hash": None if about.code_hash is UNSET else about.code_hash,
        "result": event.get("result", {}),
        "context": event.get("context", {}),
        "session_id": usual.session_id,
        "flags": [],
    }


def _is_plain(usual: _Usual) -> bool:
    """Whether the words are known ones, an execution has an outcome, and a check says what it checks."""
    about, result = usual.object, usual.result
    outcome = UNSET if result is UNSET else result.outcome
    return (
        usual.verb in _VERBS
        and about.type in _TYPES
        and about.part in _PARTS
        and outcome in _OUTCOMES
        and not (outcome is UNSET and usual.verb == "executed")
        and not (about.part == CHECK and about.assignment is UNSET)
    )
