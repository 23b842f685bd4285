import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from learntrace.accounts.models import Membership
from learntrace.assignments.models import AssignmentTelemetry
from tests.support.builders import (
    NOW,
    Api,
    Cast,
    make_academy,
    make_asset,
    make_cast,
    make_telemetry,
    make_translations,
    make_user,
    translate,
)

FIELDS = [
    "id", "telemetry", "engagement_score", "frustration_score", "metrics_algo_version", "metrics", "total_time",
    "completion_rate", "user", "asset_slug", "created_at", "updated_at",
]  # fmt: skip


def path(user_id: int, slug: str = "intro") -> str:
    return f"/v1/assignment/academy/asset/{slug}/user/{user_id}/telemetry"


def test_post_makes_the_row_and_then_changes_only_what_is_sent(cast: Cast, teacher: Api) -> None:
    first = teacher.post(path(cast.owner.pk), {"engagement_score": 12.5, "telemetry": {"steps": []}})
    assert first.status_code == 201
    body = first.json()
    assert list(body) == FIELDS
    row = AssignmentTelemetry.objects.get()
    assert {name: body[name] for name in FIELDS[:10]} == {
        "id": row.pk,
        "telemetry": {"steps": []},
        "engagement_score": 12.5,
        "frustration_score": None,
        "metrics_algo_version": None,
        "metrics": None,
        "total_time": None,
        "completion_rate": None,
        "user": cast.owner.pk,
        "asset_slug": "intro",
    }
    second = teacher.post(path(cast.owner.pk), {"completion_rate": 100, "metrics": {"a": 1}})
    assert second.status_code == 200
    assert second.json()["id"] == row.pk
    assert (second.json()["engagement_score"], second.json()["completion_rate"]) == (12.5, 100.0)
    assert second.json()["updated_at"] > body["updated_at"]


def test_put_changes_only_what_is_sent(cast: Cast, teacher: Api) -> None:
    row = make_telemetry(cast.owner, "intro", engagement_score=5, last_interaction_at=NOW, receipt=7)
    answer = teacher.put(path(cast.owner.pk), {"frustration_score": 0, "metrics_algo_version": 1.0, "telemetry": None})
    assert answer.status_code == 200
    assert list(answer.json()) == FIELDS
    row.refresh_from_db()
    assert (row.engagement_score, row.frustration_score, row.metrics_algo_version, row.telemetry) == (5, 0, 1.0, None)
    assert (row.last_interaction_at, row.receipt) == (NOW, 7), "a staff write doesn't change the order of batches"


@pytest.mark.parametrize("method", ["put", "post"])
@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"engagement_score": 12.5},
        {"total_time": "00:01:30", "telemetry": {"steps": [1], "done": True}, "completion_rate": None},
    ],
)
def test_a_write_that_changes_nothing_is_no_write(cast: Cast, teacher: Api, method: str, sent: dict[str, Any]) -> None:
    """By the time of its last change, a record is known as written by staff after the last batch."""
    stored: dict[str, Any] = {
        "engagement_score": 12.5,
        "total_time": timedelta(seconds=90),
        "telemetry": {"done": True, "steps": [1]},
    }
    before = make_telemetry(cast.owner, "intro", **stored).updated_at
    answer = getattr(teacher, method)(path(cast.owner.pk), sent)
    assert answer.status_code == 200
    row = AssignmentTelemetry.objects.get()
    assert (row.updated_at, row.telemetry) == (before, stored["telemetry"])


@pytest.mark.parametrize("sent", [{"completion_rate": 1}, {"telemetry": {"done": 1}}, {"telemetry": None}])
def test_a_write_that_changes_something_is_one(cast: Cast, teacher: Api, sent: dict[str, Any]) -> None:
    before = make_telemetry(cast.owner, "intro", telemetry={"done": True}).updated_at
    assert teacher.put(path(cast.owner.pk), sent).status_code == 200
    row = AssignmentTelemetry.objects.get()
    assert row.updated_at > before
    assert {name: getattr(row, name) for name in sent} == sent


def test_put_makes_no_row(cast: Cast, teacher: Api) -> None:
    answer = teacher.put(path(cast.owner.pk), {})
    detail = f"Assignment telemetry not found for asset intro and user {cast.owner.pk}"
    assert answer.status_code == 404
    assert answer.json() == {"detail": detail, "status_code": 404, "slug": "telemetry-not-found"}


def test_refusals_are_in_spanish_for_who_asks_for_it(cast: Cast, teacher: Api) -> None:
    missing = teacher.put(path(cast.owner.pk), {}, Accept_Language="es-MX,en;q=0.5").json()
    assert missing["detail"] == f"Telemetría de tarea no encontrada para el recurso intro y usuario {cast.owner.pk}"
    unknown = teacher.put(path(1), {}, Accept_Language="es").json()
    assert unknown["detail"] == "Usuario con id 1 no encontrado"


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("user_id", [1, 2**63, 10**40])
def test_an_unknown_user_is_not_found(cast: Cast, teacher: Api, method: str, user_id: int) -> None:
    answer = teacher(method, path(user_id), {})
    assert answer.status_code == 404
    expected = {"detail": f"User with id {user_id} not found", "status_code": 404, "slug": "user-not-found"}
    assert answer.json() == expected


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_user_outside_the_academy_is_not_found(cast: Cast, teacher: Api, method: str) -> None:
    make_telemetry(cast.strange_learner, "intro")
    answer = teacher(method, path(cast.strange_learner.pk), {"engagement_score": 1})
    assert (answer.status_code, answer.json()["slug"]) == (404, "user-not-found")
    assert AssignmentTelemetry.objects.get().engagement_score is None


@pytest.mark.parametrize("slug", ["intro", "intro-es", "einfuehrung"])
def test_translations_and_aliases_are_the_canonical_row(cast: Cast, teacher: Api, slug: str) -> None:
    canonical, _spanish = make_translations(us="intro", es="intro-es")
    canonical.aliases.create(slug="einfuehrung")
    assert teacher.post(path(cast.owner.pk, slug), {}).json()["asset_slug"] == "intro"


def test_a_slug_that_no_asset_has_is_taken_as_it_is(cast: Cast, teacher: Api) -> None:
    assert teacher.post(path(cast.owner.pk, "Some-Thing"), {}).json()["asset_slug"] == "Some-Thing"


def test_a_slug_that_no_row_can_hold_is_not_found(cast: Cast, teacher: Api) -> None:
    answer = teacher.post(path(cast.owner.pk, "x" * 201), {})
    assert (answer.status_code, answer.json()["slug"]) == (404, "asset-not-found")


def test_what_somebody_in_two_academies_learned_elsewhere_is_not_shown_here(cast: Cast, teacher: Api) -> None:
    Membership.objects.create(user=cast.owner, academy=cast.elsewhere, role="student")
    make_asset("theirs", academy=cast.elsewhere)
    make_telemetry(cast.owner, "theirs")
    for method in ("POST", "PUT"):
        answer = teacher(method, path(cast.owner.pk, "theirs"), {})
        assert (answer.status_code, answer.json()["slug"]) == (404, "asset-not-found")
    make_asset("third-party", academy=make_academy("third"))
    assert teacher.post(path(cast.owner.pk, "third-party"), {}).status_code == 201


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("name", ["theirs", "alias", "translation"])
def test_an_asset_that_another_academy_keeps_to_itself_is_as_one_that_does_not_exist(
    cast: Cast, teacher: Api, method: str, both: bool, name: str
) -> None:
    """Also by the number of queries, whether or not the learner belongs to that academy too."""
    if both:
        Membership.objects.create(user=cast.owner, academy=cast.elsewhere, role="student")
    hidden = make_asset("theirs", academy=cast.elsewhere, visibility="PRIVATE", aliases=("alias",))
    translate(hidden, make_asset("translation", academy=cast.elsewhere, status="DRAFT", lang="es"))
    answers = []
    for slug in (name, "nothing"):
        with CaptureQueriesContext(connection) as queries:
            answer = teacher(method, path(cast.owner.pk, slug), {"engagement_score": 1})
        body = {key: value for key, value in answer.json().items() if key not in ("id", "created_at", "updated_at")}
        answers.append((answer.status_code, str(body).replace(slug, "?"), len(queries)))
    assert answers[0] == answers[1]
    assert AssignmentTelemetry.objects.count() == (0 if both or method == "PUT" else 2)


def test_of_somebody_in_two_academies_only_a_record_that_is_seen_here_is_changed_under_an_unknown_slug(
    cast: Cast, teacher: Api
) -> None:
    Membership.objects.create(user=cast.owner, academy=cast.elsewhere, role="student")
    assert teacher.post(path(cast.owner.pk, "gone"), {}).json()["slug"] == "asset-not-found"
    make_telemetry(cast.owner, "gone")
    assert teacher.post(path(cast.owner.pk, "gone"), {}).status_code == 200


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("90", "00:01:30"),
        (90, "00:01:30"),
        (90.5, "00:01:30.500000"),
        ("01:02:03", "01:02:03"),
        ("2:3", "00:02:03"),
        ("3 01:02:03.000004", "3 01:02:03.000004"),
        ("PT1H30M", "01:30:00"),
        ("P3DT4S", "3 00:00:04"),
        (None, None),
    ],
)
def test_the_total_time_is_told_as_it_is_stored(
    cast: Cast, teacher: Api, sent: float | str | None, told: str | None
) -> None:
    answer = teacher.post(path(cast.owner.pk), {"total_time": sent})
    assert answer.json()["total_time"] == told
    assert teacher.put(path(cast.owner.pk), {}).json()["total_time"] == told, "as it was stored"


BAD_TIME = ["Duration has wrong format. Use one of these formats instead: [DD] [HH:[MM:]]ss[.uuuuuu]."]
BAD_NUMBER = ["A valid number is required."]
TOO_MUCH = ["Ensure this value is less than or equal to 100."]
TOO_LITTLE = ["Ensure this value is greater than or equal to 0."]


@pytest.mark.parametrize(
    ("field", "value", "errors"),
    [
        ("total_time", "soon", BAD_TIME),
        ("total_time", True, BAD_TIME),
        ("total_time", [1], BAD_TIME),
        ("total_time", {}, BAD_TIME),
        ("total_time", "nan", BAD_TIME),
        ("total_time", "999999999999999 00:00:00", ["The number of days must be between -999999999 and 999999999."]),
        ("total_time", "-1", ["Ensure this value is greater than or equal to 0:00:00."]),
        ("engagement_score", 100.1, TOO_MUCH),
        ("frustration_score", -0.1, TOO_LITTLE),
        ("completion_rate", 101, TOO_MUCH),
        ("completion_rate", "nan", BAD_NUMBER),
        ("completion_rate", "Infinity", BAD_NUMBER),
        ("engagement_score", "1e400", BAD_NUMBER),
        ("engagement_score", True, BAD_NUMBER),
        ("engagement_score", [], BAD_NUMBER),
        ("metrics_algo_version", "one", BAD_NUMBER),
        ("telemetry", [], ['Expected a dictionary of items but got type "list".']),
        ("metrics", "x", ['Expected a dictionary of items but got type "str".']),
    ],
)
def test_a_bad_value_is_named_and_changes_nothing(
    cast: Cast, teacher: Api, field: str, value: Any, errors: list[str]
) -> None:
    answer = teacher.post(path(cast.owner.pk), {field: value})
    assert (answer.status_code, answer.json()) == (400, {field: errors})
    assert not AssignmentTelemetry.objects.exists()


def test_who_owns_the_row_and_its_slug_cannot_be_written(cast: Cast, teacher: Api) -> None:
    body = {"id": 1, "user": cast.stranger.pk, "asset_slug": "other", "created_at": "2020-01-01", "receipt": 9}
    answer = teacher.post(path(cast.owner.pk), body)
    assert answer.status_code == 201
    row = AssignmentTelemetry.objects.get()
    assert (row.user_id, row.asset_slug, row.receipt) == (cast.owner.pk, "intro", None)
    assert row.pk != 1
    assert row.created_at.year > 2020


def test_a_number_that_json_lacks_is_told_as_null(cast: Cast, teacher: Api) -> None:
    row = make_telemetry(cast.owner, "intro", total_time=timedelta(hours=1))
    AssignmentTelemetry.objects.filter(pk=row.pk).update(engagement_score=float("nan"), completion_rate=float("inf"))
    body = teacher.put(path(cast.owner.pk), {}).json()
    assert (body["engagement_score"], body["completion_rate"]) == (None, None)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_other_methods_are_told_so(cast: Cast, teacher: Api, method: str) -> None:
    answer = teacher(method, path(cast.owner.pk))
    assert (answer.status_code, answer.json()["detail"]) == (405, f'Method "{method}" not allowed.')


def test_it_needs_crud_telemetry(cast: Cast) -> None:
    assistant = Api(make_user("tom", "assistant", cast.academy), cast.academy)
    answer = assistant.post(path(cast.owner.pk), {})
    assert answer.status_code == 403
    assert "don't have this capability: crud_telemetry for academy" in answer.json()["detail"]


@pytest.mark.django_db(transaction=True)
def test_simultaneous_posts_make_one_row() -> None:
    cast = make_cast()
    teacher = Api(cast.colleague, cast.academy)
    together = threading.Barrier(8)
    codes = []

    def post(number: int) -> None:
        together.wait()
        try:
            field = ("engagement_score", "frustration_score", "completion_rate")[number % 3]
            codes.append(teacher.post(path(cast.owner.pk), {field: 50}).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200] * 7 + [201]
    row = AssignmentTelemetry.objects.get()
    assert (row.engagement_score, row.frustration_score, row.completion_rate) == (50, 50, 50)
