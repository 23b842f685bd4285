"""Whatever the OpenAPI schema allows, and much that it doesn't, is answered without a 500, by the real server."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from learntrace.signals.stream import PATH as STREAM_PATH
from tests.faults.installation import Installation

TEACHER_KEY, LEARNER_KEY = "a" * 40, "b" * 40
ROSTER = {
    "academies": [{"id": 1, "slug": "downtown", "name": "Downtown"}],
    "users": [{"id": 1, "username": "teacher"}, {"id": 2, "username": "learner"}],
    "memberships": [{"user": 1, "academy": 1, "role": "admin"}, {"user": 2, "academy": 1, "role": "student"}],
    "tokens": [{"user": 1, "key": TEACHER_KEY}, {"user": 2, "key": LEARNER_KEY}],
    "assets": [{"id": 1, "slug": "intro", "title": "Intro", "graded": True, "academy": 1}],
    "tasks": [{"id": 1, "user": 2, "title": "Intro", "associated_slug": "intro", "task_type": "EXERCISE"}],
}  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    folder = Path(tempfile.mkdtemp(prefix="learntrace-schema-"))
    folder.chmod(0o755)
    one = Installation(folder / "home")
    try:
        one.start()
        roster = folder / "roster.json"
        roster.write_text(json.dumps(ROSTER))
        assert one.command("roster", "import", str(roster)).wait(60) == 0
        yield one
    finally:
        one.clear()
        shutil.rmtree(folder, ignore_errors=True)


def _operations() -> list[Any]:
    document = SchemaGenerator().get_schema(request=None, public=True)
    operations = [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]
    # The stream's answer never ends; it has tests of its own.
    return [operation for operation in operations if operation.path != STREAM_PATH]


@pytest.mark.parametrize("operation", _operations(), ids=lambda operation: operation.label)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
def test_no_request_is_answered_with_a_500(operation: Any, data: st.DataObject, installation: Installation) -> None:
    case = data.draw(operation.as_strategy(generation_mode=data.draw(st.sampled_from(GenerationMode))))
    for key in (TEACHER_KEY, LEARNER_KEY):
        answer = case.call(
            base_url=f"http://127.0.0.1:{installation.port}",
            headers={"Authorization": f"Token {key}", "Academy": "1"}, timeout=20,
        )  # fmt: skip
        # 503 is what /health/ready says of an installation that isn't ready.
        assert answer.status_code < 500 or answer.status_code == 503, (
            f"{case.as_curl_command()}: {answer.content[:500]!r}"
        )
        assert b"Traceback" not in answer.content


def test_the_schema_is_the_same_for_everybody(installation: Installation) -> None:
    status, document = installation.get("/openapi.json")
    assert status == 200
    assert document["openapi"].startswith("3.")
    assert "/v1/assignment/me/telemetry" in document["paths"]
