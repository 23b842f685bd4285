"""The stream's part of the OpenAPI schema: it is answered before Django, so no view describes it."""

from typing import Any

from learntrace.signals.stream.rows import KINDS

_EXAMPLE = """retry: 2000
id: 1041
event: hello
data: {"now": "2026-11-22T10:30:00.123Z"}

id: 1042
event: progress
data: {"learner": 123, "assignment": "assignment:lesson-03-exercise-1", "state": "working", "attempts": 3, "errors": 3}

"""


def _parameter(name: str, place: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": {"type": "string"}, "description": description}


def _refusal(description: str, name: str = "Refusal") -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


STREAM: dict[str, Any] = {
    "get": {
        "operationId": "signal_academy_stream_retrieve",
        "summary": "Follow what changes in an academy",
        "description": "Server-sent events for as long as the client stays: `hello` first, then what changes, each with "
        f"its id ({', '.join(KINDS)}). A client that comes again with the last id gets what it missed; `reset` tells it to "
        "load everything anew. A comment every 15 seconds of silence keeps the connection alive. The session of who has "
        "signed in on a page opens it too.",
        "tags": ["signal"],
        "security": [{"token": []}, {"hub": []}],
        "parameters": [
            _parameter("Academy", "header", "the academy's id"),
            _parameter("academy", "query", "the same, for clients that can't send headers"),
            _parameter("kinds", "query", f"of {', '.join(KINDS)}, commas between; all unless told"),
            _parameter("Last-Event-ID", "header", "the last id that the client has got"),
            _parameter("last_event_id", "query", "the same, for clients that can't send headers"),
        ],
        "responses": {
            "200": {
                "description": "Events, until the client leaves or may no longer see them.",
                "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
            },
            "400": _refusal("An unknown kind, or an academy that is no number."),
            "401": _refusal("No key, or one that opens nothing.", "InvalidToken"),
            "403": _refusal("No such capability in the academy."),
            "429": _refusal("The user has as many streams open as one may have."),
            "503": _refusal(
                "No place for another stream, or the database is away; come again after Retry-After seconds."
            ),
        },
    }
}
