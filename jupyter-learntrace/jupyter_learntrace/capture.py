"""Reduce the events that a browser posts to what may be sent: the source becomes a hash, unknown keys are dropped.

Every key that is sent is named here. Learntrace judges the values, because it keeps a refused event with the reason where
staff can see it. Only an event that can't be kept is refused here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_learntrace.messages import Sentence, _

# The limits of Learntrace, which would refuse more.
MOST_BYTES = 64 * 1024
MOST_ERROR_VALUE = 2000
# Collected source leaves room for the rest of its event; of longer source only the hash is sent.
MOST_SOURCE = 48 * 1024

OBJECT = ("type", "id", "notebook", "assignment", "part", "tags")
RESULT = ("outcome", "error_name", "error_value", "errors", "duration_ms", "execution_count", "characters")
CONTEXT = ("frontend", "version", "kernel")

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class CapturedEvent:
    """An event that can be kept: its id and its JSON as it will be sent."""

    id: str
    body: str


class Unacceptable(Exception):
    """An event can't be kept. `code` is one of Learntrace's codes of rejection."""

    def __init__(self, code: str, sentence: Sentence) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


def capture_event(event: object, *, with_source: bool = False) -> CapturedEvent:
    """Return the event as it will be sent. Raises Unacceptable."""
    if not isinstance(event, dict):
        raise Unacceptable("not-an-object", _("An event has to be a JSON object."))
    identifier = event.get("id")
    if not isinstance(identifier, str) or not _UUID.fullmatch(identifier):
        raise Unacceptable("invalid-id", _("The id of an event has to be a UUID."))
    try:
        kept = _clean(_replace_unstorable(event), with_source)
        body = json.dumps(kept, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        # A number like 1e999, or lists nested too deeply.
        raise Unacceptable("invalid-object", _("The event can't be written as JSON.")) from None
    if len(body.encode()) > MOST_BYTES:
        raise Unacceptable("too-large", _("The event is larger than %(limit)s KiB.", limit=MOST_BYTES // 1024))
    return CapturedEvent(kept["id"], body)


def _clean(event: dict[str, Any], with_source: bool) -> dict[str, Any]:
    kept: dict[str, Any] = {key: event[key] for key in ("id", "verb", "timestamp", "session_id") if key in event}
    kept["id"] = kept["id"].lower()
    if "object" in event:
        kept["object"] = _clean_object(event["object"], with_source)
    if "result" in event:
        kept["result"] = _clean_result(event["result"])
    if "context" in event:
        kept["context"] = _select(event["context"], CONTEXT)
    return kept


def code_hash(source: str) -> str:
    """Return the SHA-256 (hex) of the source without its kind of line ends, trailing blanks and trailing blank lines."""
    lines = [line.rstrip() for line in re.split("\r\n|\r|\n", source)]
    return hashlib.sha256("\n".join(lines).rstrip("\n").encode()).hexdigest()


def _replace_unstorable(value: Any) -> Any:
    """Replace what UTF-8 or PostgreSQL can't hold (lone surrogates and NUL) by U+FFFD, at every depth."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_replace_unstorable(item) for item in value]
    if isinstance(value, dict):
        return {_replace_unstorable(key): _replace_unstorable(item) for key, item in value.items()}
    return value


def _select(value: object, keys: tuple[str, ...]) -> Any:
    # A value that isn't an object stays as it is: Learntrace rejects it with a reason.
    return {key: value[key] for key in keys if key in value} if isinstance(value, Mapping) else value


def _clean_object(value: object, with_source: bool) -> Any:
    kept = _select(value, OBJECT)
    source = value.get("source") if isinstance(value, Mapping) else None
    if isinstance(source, str):
        kept["code_hash"] = code_hash(source)
        if with_source and len(json.dumps(source, ensure_ascii=False).encode()) <= MOST_SOURCE:
            kept["code"] = source
    return kept


def _clean_result(value: object) -> Any:
    kept = _select(value, RESULT)
    if isinstance(kept, dict):
        if isinstance(kept.get("error_value"), str):
            kept["error_value"] = kept["error_value"][:MOST_ERROR_VALUE]
        if isinstance(kept.get("errors"), list):
            kept["errors"] = [_clean_error(error) for error in kept["errors"]]
    return kept


def _clean_error(value: object) -> Any:
    kept = _select(value, ("name", "value"))
    if isinstance(kept, dict) and isinstance(kept.get("value"), str):
        kept["value"] = kept["value"][:MOST_ERROR_VALUE]
    return kept
