"""Operations of the OpenAPI schema that are no Django API views: the inboxes, the stream, health and metrics."""

from typing import Any

from learntrace.learnpack.inbox.openapi import INGEST
from learntrace.learnpack.inbox.source import LearnPackInbox
from learntrace.notebooks.inbox.openapi import EVENTS
from learntrace.notebooks.inbox.source import EventsInbox
from learntrace.signals.stream.app import PATH as STREAM_PATH
from learntrace.signals.stream.openapi import STREAM


def _operation(name: str, summary: str, *codes: str, text: bool = False) -> dict[str, Any]:
    kind, schema = ("text/plain", {"type": "string"}) if text else ("application/json", {"type": "object"})
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "tags": ["operations"],
            "security": [{}],
            "responses": {
                code: {"description": "Yes." if code == "200" else "No.", "content": {kind: {"schema": schema}}}
                for code in codes
            },
        }
    }


def add_operations(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add the operations that no API view describes; a postprocessing hook of drf-spectacular."""
    result["paths"] |= {
        LearnPackInbox.path: INGEST,
        EventsInbox.path: EVENTS,
        STREAM_PATH: STREAM,
        "/health/live": _operation("health_live", "Does this process answer?", "200"),
        "/health/ready": _operation("health_ready", "Are requests taken and worked on?", "200", "503"),
        "/metrics": _operation("metrics", "Figures for Prometheus: this machine, or by token", "200", "403", text=True),
    }
    result["paths"] = dict(sorted(result["paths"].items()))
    return result
