"""What a browser posts, cleaned into what may be sent: the source becomes a hash, and nothing else comes along.

Every key that leaves is named here. Whether the values make sense is Learntrace's to say, because there a refused event
is kept with its reason where staff can see it; here only that is refused which can't be kept.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .messages import Sentence, _

# The limits of Learntrace, which would refuse more.
MOST_BYTES = 64 * 1024
MOST_ERROR_VALUE = 2000
# Source that the academy collects leaves room for the rest of its event; longer source is told by its hash alone.
MOST_SOURCE = 48 * 1024

OBJECT = ("type", "id", "notebook", "assignment", "tags")
RESULT = ("outcome", "error_name", "error_value", "errors", "duration_ms", "execution_count", "characters")
CONTEXT = ("frontend", "version", "kernel")

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Captured:
    """An event that can be kept: its id, and its JSON as it will be sent."""

    id: str
    body: str


class Unacceptable(Exception):
    """An event can't be kept, whatever Learntrace would say. `code` is one of Learntrace's."""

    def __init__(self, code: str, sentence: Sentence) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


def captured(event: object, *, with_source: bool = False) -> Captured:
    """The event as it will be sent; raises Unacceptable."""
    if not isinstance(event, dict):
        raise Unacceptable("not-an-object", _("An event has to be a JSON object."))
    identifier = event.get("id")
    if not isinstance(identifier, str) or not _UUID.fullmatch(identifier):
        raise Unacceptable("invalid-id", _("The id of an event has to be a UUID."))
    try:
        kept = _cleaned(_storable(event), with_source)
        body = json.dumps(kept, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        # 1e999, or lists in lists in lists.
        raise Unacceptable("invalid-object", _("The event can't be written as JSON.")) from None
    if len(body.encode()) > MOST_BYTES:
        raise Unacceptable("too-large", _("The event is larger than %(limit)s KiB.", limit=MOST_BYTES // 1024))
    return Captured(kept["id"], body)


def _cleaned(event: dict[str, Any], with_source: bool) -> dict[str, Any]:
    kept: dict[str, Any] = {key: event[key] for key in ("id", "verb", "timestamp", "session_id") if key in event}
    kept["id"] = kept["id"].lower()
    if "object" in event:
        kept["object"] = _object(event["object"], with_source)
    if "result" in event:
        kept["result"] = _result(event["result"])
    if "context" in event:
        kept["context"] = _only(event["context"], CONTEXT)
    return kept


def code_hash(source: str) -> str:
    """SHA-256 (hex) of the source, whatever its line ends, blanks at line ends and blank lines at its end."""
    lines = [line.rstrip() for line in re.split("\r\n|\r|\n", source)]
    return hashlib.sha256("\n".join(lines).rstrip("\n").encode()).hexdigest()


def _storable(value: Any) -> Any:
    """Without what neither UTF-8 nor PostgreSQL can hold: NUL and lone surrogates become U+FFFD."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(one) for key, one in value.items()}
    return value


def _only(value: object, keys: tuple[str, ...]) -> Any:
    # What is no object stays as it is: Learntrace refuses it, with its reason.
    return {key: value[key] for key in keys if key in value} if isinstance(value, Mapping) else value


def _object(value: object, with_source: bool) -> Any:
    kept = _only(value, OBJECT)
    source = value.get("source") if isinstance(value, Mapping) else None
    if isinstance(source, str):
        kept["code_hash"] = code_hash(source)
        if with_source and len(json.dumps(source, ensure_ascii=False).encode()) <= MOST_SOURCE:
            kept["code"] = source
    return kept


def _result(value: object) -> Any:
    kept = _only(value, RESULT)
    if isinstance(kept, dict):
        if isinstance(kept.get("error_value"), str):
            kept["error_value"] = kept["error_value"][:MOST_ERROR_VALUE]
        if isinstance(kept.get("errors"), list):
            kept["errors"] = [_error(one) for one in kept["errors"]]
    return kept


def _error(value: object) -> Any:
    kept = _only(value, ("name", "value"))
    if isinstance(kept, dict) and isinstance(kept.get("value"), str):
        kept["value"] = kept["value"][:MOST_ERROR_VALUE]
    return kept
