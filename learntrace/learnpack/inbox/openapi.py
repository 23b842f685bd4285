"""The inbox in the OpenAPI schema: requests are answered before Django, so there is no view to describe."""

from typing import Any

_ID = {"oneOf": [{"type": "integer"}, {"type": "string"}], "nullable": True}

_BATCH: dict[str, Any] = {
    "type": "object",
    "description": "A batch (the whole state of a learner on an asset) or, with `event`, a streaming event. Anything "
    "else that a client adds is kept.",
    "additionalProperties": True,
    "properties": {
        "slug": {"type": "string", "maxLength": 200, "description": "the package's slug; a streaming event's step"},
        "package_slug": {"type": "string", "maxLength": 200},
        "package_id": _ID,
        "user_id": {**_ID, "description": "the token's user, unless the token is a service's"},
        "academy_id": _ID,
        "asset_id": {**_ID, "description": "one id, or several with commas between"},
        "event": {"type": "string", "maxLength": 60, "description": "streaming events only"},
        "tutorial_started_at": {"type": "number", "description": "epoch milliseconds"},
        "last_interaction_at": {"type": "number", "description": "epoch milliseconds; orders batches"},
        "workout_session": {"type": "array", "items": {"type": "object"}},
        "steps": {"type": "array", "items": {"type": "object"}},
    },
    "example": {
        "slug": "python-hello-tutorial",
        "user_id": 1234,
        "tutorial_started_at": 1795311098460,
        "last_interaction_at": 1795311136085,
        "workout_session": [{"started_at": 1795311098460}],
        "steps": [
            {
                "slug": "01-hello-world", "position": 1, "opened_at": 1795311106303,
                "compilations": [{"starting_at": 1795311107245, "ended_at": 1795311107598, "exitCode": 0}],
                "tests": [{"starting_at": 1795311113737, "ended_at": 1795311114376, "exitCode": 0}],
            }
        ],
    },
}  # fmt: skip


def _refusal(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}},
    }


def _query(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "string"}, "description": description}


INGEST: dict[str, Any] = {
    "post": {
        "operationId": "assignment_me_telemetry_create",
        "summary": "Send telemetry",
        "description": "Takes what LearnPack's clients send. `ok` means that the row is durable; it is processed within "
        "moments. Query parameters are merged over the body. Bodies may be packed with gzip.",
        "tags": ["assignment"],
        "security": [{"token": []}],
        "parameters": [
            _query("asset_id", "the asset's id, or several with commas between"),
            _query("academy", "the academy whose ignore rules are asked"),
            {"name": "Academy", "in": "header", "schema": {"type": "string"}, "description": "the same, as a header"},
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _BATCH}}},
        "responses": {
            "200": {
                "description": "Durable.",
                "content": {"text/plain": {"schema": {"type": "string", "enum": ["ok"]}}},
            },
            "400": {
                "description": "What was sent can't be taken; the text names the place.",
                "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/FieldErrors"}},
                    "text/plain": {"schema": {"type": "string"}},
                },
            },
            "401": {
                "description": "No key, or one that opens nothing.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/InvalidToken"}}},
            },
            "403": _refusal("No permission to upload, or telemetry of another user."),
            "413": _refusal("The body is larger than the limit."),
            "415": _refusal("The body is packed with something else than gzip."),
            "503": _refusal("Not confirmed as stored; send it again after Retry-After seconds."),
        },
    }
}
