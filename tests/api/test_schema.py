"""Whatever the OpenAPI schema allows, and much that it doesn't, is answered as it says, by the real server."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from learntrace.signals.stream.app import PATH as STREAM_PATH
from tests.faults.installation import Installation
from tests.support.soak import MINUTES, scaled

TEACHER_KEY, LEARNER_KEY, LEAVER_KEY = ("c0ffee" * 6 + end for end in ("1111", "2222", "3333"))
# What ends keys is asked with one that nothing else needs: after it the others would open nothing.
ENDS_KEYS = ("/v1/auth/logout", "/v1/auth/user/me/token/{token_id}")
ROSTER = {
    "academies": [{"id": 1, "slug": "downtown", "name": "Downtown"}],
    "users": [{"id": 1, "username": "teacher"}, {"id": 2, "username": "learner"}, {"id": 3, "username": "leaver"}],
    "memberships": [{"user": 1, "academy": 1, "role": "admin"}, {"user": 2, "academy": 1, "role": "student"},
                    {"user": 3, "academy": 1, "role": "student"}],
    "tokens": [{"user": 1, "key": TEACHER_KEY}, {"user": 2, "key": LEARNER_KEY}, {"user": 3, "key": LEAVER_KEY}],
    "assets": [{"id": 1, "slug": "intro", "title": "Intro", "graded": True, "academy": 1}],
    "tasks": [{"id": 1, "user": 2, "title": "Intro", "associated_slug": "intro", "task_type": "EXERCISE"}],
}  # fmt: skip

load_all_checks()
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    folder = Path(tempfile.mkdtemp(prefix="learntrace-schema-"))
    folder.chmod(0o755)
    one = Installation(folder / "home")
    try:
        one.prepare()
        one.start()
        roster = folder / "roster.json"
        roster.write_text(json.dumps(ROSTER))
        assert one.command("roster", "import", str(roster)).wait(60) == 0
        yield one
    finally:
        one.clear()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """One connection for all requests, as clients have one."""
    with requests.Session() as session:
        yield session


# Two checks of schemathesis don't hold by contract: a bad `limit`, `offset`, `sort` or `envelope` counts as none, so that old
# clients go on, and what a schema can't say of a value (an academy that one belongs to, a date that exists) is refused.
TOLERATED = [
    check for check in CHECKS.get_all() if check.__name__ in ("negative_data_rejection", "positive_data_acceptance")
]
# Seconds. An answer takes milliseconds, but in `make test` the machine has other work to do.
HANGING = 2.0 if MINUTES else 20.0
GROWTH = 150  # MiB that the processes may take more after thousands of requests


def _schema() -> Any:
    document = SchemaGenerator().get_schema(request=None, public=True)
    # The stream's answer never ends; it has tests of its own.
    return schemathesis.openapi.from_dict(document).exclude(path=STREAM_PATH)


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Token {key}", "Academy": "1"}


def _operations() -> list[Any]:
    results: Iterable[Any] = _schema().get_all_operations()
    return [result.ok() for result in results]


def assert_as_the_schema_says(case: Any, answer: Any) -> None:
    """Run all checks on an answer, unless the request could be read by no operation.

    503 is what /health/ready says of an installation that isn't ready.
    """
    assert b"Traceback" not in answer.content
    if answer.status_code != 503 and b"This request can't be read." not in answer.content:
        case.validate_response(answer, excluded_checks=TOLERATED)


@pytest.mark.parametrize("operation", _operations(), ids=lambda operation: operation.label)
@settings(max_examples=scaled(20, 12), deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
def test_whatever_is_asked_is_answered_as_the_schema_says(
    operation: Any, data: st.DataObject, installation: Installation, session: requests.Session
) -> None:
    case = data.draw(operation.as_strategy(generation_mode=data.draw(st.sampled_from(GenerationMode))))
    for key in (LEAVER_KEY,) if operation.path in ENDS_KEYS else (TEACHER_KEY, LEARNER_KEY):
        base = f"http://127.0.0.1:{installation.port}"
        assert_as_the_schema_says(
            case, case.call(base_url=base, session=session, headers=_headers(key), timeout=HANGING)
        )


def test_requests_that_follow_from_answers_are_answered_as_the_schema_says(installation: Installation) -> None:
    """What an answer names is asked for, changed and deleted next; the processes' memory stays as it is."""

    class Machine(_schema().as_state_machine()):  # type: ignore[misc]  # a class that is made at run time
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            base = f"http://127.0.0.1:{installation.port}"
            key = LEAVER_KEY if case.operation.path in ENDS_KEYS else TEACHER_KEY
            return {"base_url": base, "headers": _headers(key), "timeout": HANGING}

        def validate_response(self, response: Any, case: Any, *_arguments: Any, **_options: Any) -> None:
            assert_as_the_schema_says(case, response)

    before = _memory(installation)
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=scaled(20, 100),
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
    grown = _memory(installation) - before
    print(f"memory of all processes: {before} MiB before, {grown:+} MiB after")
    assert grown < GROWTH
    assert installation.get("/v1/auth/user/me", TEACHER_KEY)[0] == 200, "all was asked with a key that opens something"


def _memory(installation: Installation) -> int:
    """Return the MiB that all processes of an installation hold by themselves (shared pages count once)."""
    total = 0
    assert installation.serve is not None
    for process in psutil.Process(installation.serve.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().uss
    return total >> 20


def test_the_schema_is_the_same_for_everybody(installation: Installation) -> None:
    status, document = installation.get("/openapi.json")
    assert status == 200
    assert document["openapi"].startswith("3.")
    assert "/v1/assignment/me/telemetry" in document["paths"]
