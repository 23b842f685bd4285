"""The inbox of events in the OpenAPI schema: the front door answers it before Django, so no view describes it."""

from typing import Any

from learntrace.notebooks.inbox.batch_parser import MAX_EVENTS
from learntrace.notebooks.validation.event import MAX_LIST, MAX_NAME, MAX_PATH, OUTCOMES, TYPES, VERBS
from learntrace.notebooks.validation.rejections import SENTENCES

_NAME = {"type": "string", "maxLength": MAX_NAME, "nullable": True}
_NUMBER = {"type": "number", "nullable": True}
_WHOLE = {"type": "integer", "nullable": True}
_ERROR = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "value": {"type": "string", "nullable": True}},
}
_SENT_AT = {
    "type": "string",
    "format": "date-time",
    "nullable": True,
    "description": "the present time by the clock that stamped the events, as they are sent; corrects a wrong one",
}

_EXAMPLE = {
    "id": "8d2c6a9e-3b55-4f0e-9d6f-0b1f5f6f2c11",
    "verb": "executed",
    "timestamp": "2026-11-22T10:30:00.123Z",
    "session_id": "5f0e8d2c-6a9e-4b55-9d6f-2c110b1f5f6f",
    "object": {
        "type": "cell",
        "id": "a1b2c3d4",
        "notebook": "lesson_03.ipynb",
        "assignment": "assignment:lesson-03-exercise-1",
        "tags": ["assignment:lesson-03-exercise-1"],
        "code_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    },
    "result": {
        "outcome": "error",
        "error_name": "NameError",
        "error_value": "name 'x' is not defined",
        "duration_ms": 12,
        "execution_count": 7,
    },
    "context": {"frontend": "lab", "version": "4.6.6", "kernel": "python3"},
}
_EVENT: dict[str, Any] = {
    "type": "object",
    "description": "What else a client adds to object, result and context is kept.",
    "required": ["id", "verb", "timestamp", "object"],
    "properties": {
        "id": {"type": "string", "format": "uuid", "description": "made by the client; the same id counts once"},
        "verb": {"type": "string", "enum": list(VERBS)},
        "timestamp": {"type": "string", "format": "date-time"},
        "sent_at": _SENT_AT,
        "actor": {**_NAME, "description": "the learner's user name; of somebody else only by a service"},
        "session_id": _NAME,
        "object": {
            "type": "object",
            "properties": {
                "type": {"type": "string", "enum": list(TYPES), "nullable": True},
                "id": _NAME,
                "notebook": {"type": "string", "maxLength": MAX_PATH, "nullable": True},
                "assignment": {**_NAME, "description": "the tag, with or without `assignment:`"},
                "tags": {"type": "array", "items": {"type": "string"}, "maxItems": MAX_LIST, "nullable": True},
                "code_hash": {**_NAME, "description": "SHA-256 of the cell's source in hexadecimal digits"},
                "code": {"type": "string", "nullable": True, "description": "kept where the academy collects source"},
            },
        },
        "result": {
            "type": "object",
            "nullable": True,
            "properties": {
                "outcome": {"type": "string", "enum": list(OUTCOMES), "nullable": True},
                "error_name": {"type": "string", "nullable": True},
                "error_value": {"type": "string", "nullable": True},
                "errors": {
                    "type": "array",
                    "items": _ERROR,
                    "nullable": True,
                    "description": "what a compiler reports",
                },
                "duration_ms": _NUMBER,
                "execution_count": _WHOLE,
                "characters": _WHOLE,
            },
        },
        "context": {"type": "object", "nullable": True, "description": "frontend, version, kernel"},
    },
    "example": _EXAMPLE,
}
_BATCH: dict[str, Any] = {"type": "array", "items": _EVENT, "minItems": 1, "maxItems": MAX_EVENTS}
_BODY = {
    "oneOf": [_BATCH, {"type": "object", "required": ["events"], "properties": {"events": _BATCH, "sent_at": _SENT_AT}}]
}

_REJECTED: dict[str, Any] = {
    "type": "object",
    "required": ["index", "id", "code", "detail"],
    "properties": {
        "index": {"type": "integer", "description": "the event's place in the request, from 0"},
        "id": {"type": "string", "nullable": True},
        "code": {"type": "string", "enum": list(SENTENCES)},
        "detail": {"type": "string"},
    },
}
_TAKEN: dict[str, Any] = {
    "type": "object",
    "required": ["accepted", "duplicates", "rejected"],
    "properties": {
        "accepted": {"type": "integer"},
        "duplicates": {"type": "integer", "description": "events that were there already, or twice in the request"},
        "rejected": {"type": "array", "items": _REJECTED},
    },
}


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _refusal(description: str, name: str = "Refusal") -> dict[str, Any]:
    return _answer(description, {"$ref": f"#/components/schemas/{name}"})


EVENTS: dict[str, Any] = {
    "post": {
        "operationId": "notebook_me_events_create",
        "summary": "Send notebook events",
        "description": "Takes what learners did in notebooks. Each event counts by itself: one that can't be taken is "
        "told and kept for staff, and costs no other. The answer comes once all is durable; events that are sent again "
        "are duplicates. Bodies may be packed with gzip.",
        "tags": ["notebook"],
        "security": [{"token": []}, {"hub": []}],
        "parameters": [
            {"name": "Academy", "in": "header", "schema": {"type": "string"}, "description": "the events' academy"}
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}},
        "responses": {
            "200": _answer("Durable.", _TAKEN),
            "400": _refusal("No JSON, or no list of 1 to 500 events."),
            "401": _refusal("No key, or one that opens nothing.", "InvalidToken"),
            "403": _refusal("No permission to upload, not a member of the academy, or the learner has said no."),
            "413": _refusal("The body is larger than the limit."),
            "415": _refusal("The body is packed with something else than gzip."),
            "503": _refusal("Not confirmed as stored; send it again after Retry-After seconds."),
        },
    }
}
