import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from django.core.asgi import get_asgi_application
from pytest_django import Settings

from learntrace.accounts.models import User
from learntrace.assignments.models import Task
from tests.support.asgi import asgi_client
from tests.support.builders import Api, Cast, make_task, make_webhook

TASKS = "/v1/assignment/user/me/task"
LOG = "/v1/assignment/academy/learnpack/webhook"
SETTINGS = "/v1/auth/academy/settings"
HOST = "http://testserver"


@pytest.fixture
def tasks(cast: Cast) -> list[Task]:
    return [make_task(cast.owner, f"task-{number:02}") for number in range(25)][::-1]


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows]


def test_a_list_is_bare_and_has_twenty_rows(tasks: list[Task], learner: Api) -> None:
    answer = learner.get(TASKS)
    assert ids(answer.json()) == [task.pk for task in tasks[:20]]
    assert {name: answer.headers[name] for name in ("X-Total-Count", "X-Per-Page", "X-Page")} == {
        "X-Total-Count": "25",
        "X-Per-Page": "20",
        "X-Page": "1",
    }
    assert answer.headers["Link"] == (
        f'<{HOST}{TASKS}?limit=20&offset=20>; rel="next", <{HOST}{TASKS}?limit=20&offset=5>; rel="last"'
    )


def test_limit_or_offset_brings_the_envelope(tasks: list[Task], learner: Api) -> None:
    answer = learner.get(f"{TASKS}?limit=5&offset=10&task_type=EXERCISE,QUIZ").json()
    assert list(answer) == ["count", "first", "next", "previous", "last", "results"]
    base = f"{HOST}{TASKS}?limit=5"
    assert answer["count"] == 25
    assert answer["first"] == f"{base}&task_type=EXERCISE,QUIZ"
    assert answer["next"] == f"{base}&offset=15&task_type=EXERCISE,QUIZ"
    assert answer["previous"] == f"{base}&offset=5&task_type=EXERCISE,QUIZ"
    assert answer["last"] == f"{base}&offset=20&task_type=EXERCISE,QUIZ"
    assert ids(answer["results"]) == [task.pk for task in tasks[10:15]]


def test_the_first_page_has_no_previous_and_the_last_no_next_link(tasks: list[Task], learner: Api) -> None:
    start = learner.get(f"{TASKS}?limit=10").json()
    assert (start["first"], start["previous"]) == (None, None)
    second = learner.get(f"{TASKS}?limit=10&offset=7").json()
    assert second["previous"] == second["first"] == f"{HOST}{TASKS}?limit=10"
    end = learner.get(f"{TASKS}?limit=10&offset=20").json()
    assert (end["next"], end["last"]) == (None, None)
    assert learner.get(f"{TASKS}?limit=10&offset=15").json()["next"] is None


@pytest.mark.parametrize(
    ("query", "envelope", "limit", "offset"),
    [
        ("limit=", False, 20, 0),
        ("offset=", False, 20, 0),
        ("limit=abc", True, 20, 0),
        ("limit=0", True, 20, 0),
        ("limit=-3", True, 20, 0),
        ("limit=3.5", True, 20, 0),
        ("offset=abc", True, 20, 0),
        ("offset=-1", True, 20, 0),
        ("offset=99999999999999999999999999", True, 20, 25),
        ("offset=24", True, 20, 24),
        ("limit=5000", True, 25, 0),
        ("limit=99999999999999999999999999", True, 25, 0),
        ("envelope=true", True, 20, 0),
        ("envelope=false&limit=3", False, 3, 0),
        ("envelope=&limit=3", True, 3, 0),
    ],
)
def test_whatever_the_client_asks_for_there_is_a_page(
    tasks: list[Task], learner: Api, query: str, envelope: bool, limit: int, offset: int
) -> None:
    answer = learner.get(f"{TASKS}?{query}")
    assert answer.status_code == 200
    body = answer.json()
    assert isinstance(body, dict) == envelope
    assert ids(body["results"] if envelope else body) == [task.pk for task in tasks[offset : offset + limit]]


def test_a_page_has_a_thousand_rows_at_most(cast: Cast, teacher: Api) -> None:
    assert teacher.get(f"{LOG}?limit=1001").headers["X-Per-Page"] == "1000"


def test_sort_replaces_the_default(tasks: list[Task], learner: Api) -> None:
    assert ids(learner.get(f"{TASKS}?sort=title").json()) == [task.pk for task in tasks[::-1][:20]]
    answer = learner.get(f"{TASKS}?sort=title,-user__password")
    assert answer.status_code == 400
    assert "user__password" in answer.json()["detail"]


MISSING = "Missing academy_id parameter expected for the endpoint url or 'Academy' header"


def test_a_request_that_names_no_academy_is_refused(cast: Cast) -> None:
    answer = Api(cast.colleague).get(LOG)
    assert (answer.status_code, answer.json()) == (403, {"detail": MISSING, "status_code": 403})


@pytest.mark.parametrize("value", ["downtown", "1.0", "-1", "1,2", "²"])
def test_an_academy_is_named_by_digits(cast: Cast, value: str) -> None:
    answer = Api(cast.colleague).get(f"{LOG}?academy={value}")
    detail = f"Academy ID needs to be an integer: {value}"
    assert answer.status_code == 400
    assert answer.json() == {"detail": detail, "status_code": 400, "slug": "invalid-academy-id"}


def test_the_header_goes_before_the_query(cast: Cast) -> None:
    make_webhook(cast.owner)
    query = f"{LOG}?academy={cast.academy.pk}"
    assert Api(cast.colleague).get(query).status_code == 200
    assert Api(cast.colleague, cast.academy).get(f"{LOG}?academy=nonsense").status_code == 200
    assert Api(cast.colleague, cast.elsewhere).get(query).status_code == 403


@pytest.mark.parametrize("academy", [1, 2**63, "9" * 25])
def test_an_unknown_academy_is_told_like_a_missing_capability(cast: Cast, academy: int | str) -> None:
    answer = Api(cast.colleague)("GET", LOG, Academy=str(academy))
    detail = f"You (user: {cast.colleague.pk}) don't have this capability: read_assignment for academy {academy}"
    assert (answer.status_code, answer.json()) == (403, {"detail": detail, "status_code": 403})


@pytest.mark.parametrize(
    ("status", "detail"), [("DELETED", "This academy is deleted"), ("INACTIVE", "This academy is not active")]
)
def test_a_closed_academy_is_refused(cast: Cast, teacher: Api, status: str, detail: str) -> None:
    type(cast.academy).objects.filter(pk=cast.academy.pk).update(status=status)
    answer = teacher.get(LOG)
    assert (answer.status_code, answer.json()) == (403, {"detail": detail, "status_code": 403})


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": "\\u0000"}',
        b'{"a": "\\ud800"}',
        b"\xff\xfe",
        b'{"a": 1e999}',
        b'{"a": 99999999999999999999999}',
        b"[" * 5000,
        b"x=1&y=2",
    ],
)
def test_a_malformed_body_is_told_so(cast: Cast, teacher: Api, raw: bytes) -> None:
    answer = teacher("PUT", SETTINGS, raw=raw)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("JSON parse error - ")
    assert answer.json()["status_code"] == 400


@pytest.mark.parametrize("path", [SETTINGS, "/v1/assignment/academy/learnpack/telemetry-webhook-ignore"])
def test_a_body_over_the_limit_is_refused(cast: Cast, teacher: Api, settings: Settings, path: str) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = teacher("PUT", path, raw=b'{"a": "' + b"x" * 100 + b'"}')
    detail = "The request body is larger than the limit of 100 bytes"
    assert (answer.status_code, answer.json()) == (413, {"detail": detail, "status_code": 413})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("size", "errors"),
    [
        (10, {"password": ["This field is required."]}),
        (200, {"detail": "The request body is larger than the limit of 100 bytes", "status_code": 413}),
    ],
)
def test_a_body_in_chunks_is_read_too(settings: Settings, size: int, errors: dict[str, Any]) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"email": "'
        yield b"x" * size + b'"}'

    async def post() -> httpx.Response:
        async with asgi_client(get_asgi_application(), HOST) as client:
            return await client.post("/v1/auth/login/", content=chunks())

    assert asyncio.run(post()).json() == errors


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/assignment/task/abc", "/v1/assignment/task/-1", f"{TASKS}/"])
def test_an_unknown_address_is_answered_in_json(db: None, path: str) -> None:
    answer = Api().get(path)
    assert answer.status_code == 404
    assert answer.json() == {"detail": "There is nothing at this address.", "status_code": 404}


@pytest.mark.parametrize("path", ["/v1/registry/asset/a%00b", "/v1/registry/asset?like=%00"])
def test_a_nul_in_an_address_is_refused(db: None, path: str) -> None:
    answer = Api().get(path)
    assert (answer.status_code, answer.json()["status_code"]) == (400, 400)
    english = answer.json()["detail"]
    assert Api().get(path, Accept_Language="es").json()["detail"] != english
    assert Api().get(path).json()["detail"] == english, "not in the language of the request before"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "xx",
        "es;q=2",
        "es;q=abc",
        ";;;",
        "*",
        "\x7f",
        "es, ,en;q",
        "a" * 5000,
        "es;q=0",
        "-es",
        "en, es;q=0.9",
        "es_ES, es",
        ",",
    ],
)
def test_anything_malformed_is_english(cast: Cast, header: str) -> None:
    answer = Api(cast.colleague)("GET", LOG, Accept_Language=header)
    assert (answer.status_code, answer.json()["detail"]) == (403, MISSING)
    assert answer.headers["Content-Language"] == "en"


@pytest.mark.parametrize("header", ["es", "ES", "es-MX", "fr, es;q=0.5", "en;q=0.1, es;q=0.9", "en;q=0,es"])
def test_spanish_for_who_asks_for_it(cast: Cast, teacher: Api, header: str) -> None:
    answer = teacher("GET", "/v1/registry/academy/asset/nothing", Accept_Language=header)
    assert answer.headers["Content-Language"] == "es"
    assert answer.json()["detail"] == "Asset nothing no encontrado"


def test_the_users_setting_decides_where_the_client_says_nothing(cast: Cast, teacher: Api) -> None:
    User.objects.filter(pk=cast.colleague.pk).update(language="es")
    path = "/v1/registry/academy/asset/nothing"
    assert teacher.get(path).json()["detail"] == "Asset nothing no encontrado"
    assert teacher("GET", path, Accept_Language="en").json()["detail"] == "Asset nothing not found"
    assert Api(cast.owner, cast.academy).get(path).headers["Content-Language"] == "en", "and not the last one's"


def test_answers_are_json_whatever_the_client_accepts(cast: Cast, teacher: Api) -> None:
    for accept in ("text/html", "application/xml", "*/*", "nonsense"):
        answer = teacher("GET", LOG, Accept=accept)
        assert answer.headers["Content-Type"] == "application/json"
        json.loads(answer.content)
