from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from learntrace.registry.models import Asset
from tests.support.builders import Api, Cast, Response, make_asset, make_translations, make_user

STAFF = "/v1/registry/academy/asset"
PUBLIC = "/v1/registry/asset"
FIELDS = [
    "id", "slug", "title", "lang", "asset_type", "category", "status", "visibility", "url", "readme_url", "difficulty",
    "duration", "description", "graded", "interactive", "external", "preview", "learnpack_id", "learnpack_deploy_url",
    "manifest", "config", "translations", "technologies", "academy", "telemetry_stats", "sync_status", "last_synch_at",
    "created_at", "updated_at",
]  # fmt: skip
STATS = {
    "days": {
        "2026-11-22": {"total_sessions": 2, "completion_avg": 50.0, "engagement_avg": 20.5, "frustration_avg": 3.0},
        "2026-11-21": {"total_sessions": 1, "completion_avg": 40.0, "engagement_avg": 10.5, "frustration_avg": 1.0},
    },
    "last_sync_at": "2026-11-22T10:30:00Z",
}


def action(slug: str, name: str = "sync_telemetry_stats") -> str:
    return f"{STAFF}/{slug}/action/{name}"


def slugs(answer: Response) -> list[str]:
    return [asset["slug"] for asset in answer.json()]


def test_an_asset_has_the_contracts_fields_in_their_order(cast: Cast, teacher: Api) -> None:
    asset = make_asset("intro", academy=cast.academy, technologies=["python"], manifest={"a": 1}, telemetry_stats=STATS)
    answer = teacher.get(f"{STAFF}/intro")
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == FIELDS
    assert (body["id"], body["academy"], body["technologies"], body["manifest"]) == (
        asset.pk, cast.academy.pk, ["python"], {"a": 1}
    )  # fmt: skip
    assert body["telemetry_stats"] == STATS
    assert list(body["telemetry_stats"]) == ["last_sync_at", "days"]
    assert list(body["telemetry_stats"]["days"]) == ["2026-11-21", "2026-11-22"]
    assert list(body["telemetry_stats"]["days"]["2026-11-22"]) == [
        "frustration_avg", "engagement_avg", "completion_avg", "total_sessions"
    ]  # fmt: skip
    assert body["translations"] == {"us": "intro"}
    assert body["created_at"].endswith("Z")


def test_public_answers_hold_statistics_only_when_asked_for_them(cast: Cast, settings: Settings) -> None:
    settings.PUBLIC_STATISTICS_LEARNERS = 0
    make_asset("intro", telemetry_stats=STATS)
    without = [field for field in FIELDS if field != "telemetry_stats"]
    assert list(Api().get(f"{PUBLIC}/intro").json()) == without
    assert list(Api().get(PUBLIC).json()[0]) == without
    assert Api().get(f"{PUBLIC}/intro?expand=telemetry_stats").json()["telemetry_stats"] == STATS
    assert list(Api().get(f"{PUBLIC}?expand=other,telemetry_stats").json()[0]) == FIELDS


def test_days_of_few_learners_are_for_staff_only(cast: Cast, teacher: Api) -> None:
    """Means over a handful of people tell of each of them."""
    figures = {"frustration_avg": 5.0, "engagement_avg": 50.0, "completion_avg": 10.0}
    days = {"2026-11-20": {**figures, "total_sessions": 4}, "2026-11-21": {**figures, "total_sessions": 5}}
    make_asset("small", academy=cast.academy, telemetry_stats={"last_sync_at": "2026-11-22T02:00:00Z", "days": days})
    for path in (f"{PUBLIC}/small", PUBLIC):
        answer = Api().get(f"{path}?expand=telemetry_stats").json()
        shown = answer if isinstance(answer, dict) else answer[0]
        assert list(shown["telemetry_stats"]["days"]) == ["2026-11-21"]
    assert list(teacher.get(f"{STAFF}/small").json()["telemetry_stats"]["days"]) == list(days)


def test_staff_sees_the_academys_assets_and_those_of_none(cast: Cast, teacher: Api) -> None:
    make_asset("ours", academy=cast.academy)
    make_asset("nobodys")
    make_asset("theirs", academy=cast.elsewhere)
    assert slugs(teacher.get(STAFF)) == ["nobodys", "ours"]
    assert teacher.get(f"{STAFF}/nobodys").status_code == 200
    answer = teacher.get(f"{STAFF}/theirs")
    assert answer.status_code == 404
    assert answer.json() == {"detail": "Asset theirs not found", "status_code": 404, "slug": "asset-not-found"}


def test_an_asset_is_found_by_slug_id_or_alias(cast: Cast, teacher: Api) -> None:
    asset = make_asset("intro", aliases=("introduction",))
    for name in ("intro", "INTRO", "introduction", str(asset.pk)):
        assert teacher.get(f"{STAFF}/{name}").json()["slug"] == "intro", name
        assert Api().get(f"{PUBLIC}/{name}").json()["slug"] == "intro", name


@pytest.mark.parametrize("name", ["nothing", "999999999999999999999999", "0" * 30 + "1", "9" * 5000, "%ff", "a%20b"])
def test_what_does_not_exist_is_not_found(cast: Cast, teacher: Api, name: str) -> None:
    assert teacher.get(f"{STAFF}/{name}").status_code == 404
    assert Api().get(f"{PUBLIC}/{name}").status_code == 404


def test_an_alias_goes_before_a_slug_and_digits_are_an_id_first(cast: Cast, teacher: Api) -> None:
    first = make_asset("first", aliases=("second",))
    make_asset("second")
    make_asset(str(first.pk))
    make_asset("2024")
    assert teacher.get(f"{STAFF}/second").json()["slug"] == "first"
    assert teacher.get(f"{STAFF}/{first.pk}").json()["slug"] == "first"
    assert teacher.get(f"{STAFF}/2024").json()["slug"] == "2024"


def test_the_public_sees_what_is_published_and_not_private(cast: Cast) -> None:
    make_asset("listed", academy=cast.elsewhere)
    unlisted = make_asset("unlisted", visibility="UNLISTED")
    make_asset("private", visibility="PRIVATE")
    make_asset("draft", status="DRAFT")
    assert slugs(Api().get(PUBLIC)) == ["listed"]
    codes = {name: Api().get(f"{PUBLIC}/{name}").status_code for name in ("listed", "unlisted", "private", "draft")}
    assert codes == {"listed": 200, "unlisted": 200, "private": 404, "draft": 404}
    assert Api().get(f"{PUBLIC}/{unlisted.pk}").status_code == 404, "an id can be guessed"
    assert Api().get(f"{PUBLIC}?status=DRAFT").json() == []


def test_translations_are_those_that_one_may_see(cast: Cast, teacher: Api) -> None:
    canonical, _spanish, italian, _german = make_translations(us="intro", es="intro-es", it="intro-it", de="intro-de")
    Asset.objects.filter(pk=italian.pk).update(academy=cast.elsewhere)
    Asset.objects.filter(slug="intro-de").update(visibility="PRIVATE")
    make_asset("intro-none", lang=None, translation_group=canonical.translation_group)
    expected = {"de": "intro-de", "es": "intro-es", "us": "intro"}
    assert teacher.get(f"{STAFF}/intro-es").json()["translations"] == expected
    assert Api().get(f"{PUBLIC}/intro").json()["translations"] == {"es": "intro-es", "it": "intro-it", "us": "intro"}


def test_a_list_asks_as_few_questions_for_many_as_for_one(cast: Cast, teacher: Api) -> None:
    make_translations(us="a", es="b")
    with CaptureQueriesContext(connection) as few:
        teacher.get(STAFF)
    for number in range(5):
        make_translations(us=f"a{number}", es=f"b{number}")
    with CaptureQueriesContext(connection) as many:
        assert len(teacher.get(STAFF).json()) == 12
    assert len(few) == len(many)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("asset_type=quiz", ["c"]),
        ("asset_type=QUIZ,LESSON", ["b", "c"]),
        ("lang=es", ["b"]),
        ("slug=a,c", ["a", "c"]),
        ("graded=true", ["a"]),
        ("graded=False", ["b", "c"]),
        ("like=LOO", ["a"]),
        ("like=b", ["b"]),
        ("like=%25", []),
        ("status=DRAFT", ["c"]),
        ("visibility=PRIVATE", ["b"]),
        ("asset_type=UNKNOWN", []),
        ("asset_type=", ["a", "b", "c"]),
        ("lang=es&graded=true", []),
    ],
)
def test_assets_are_filtered_by_the_query(cast: Cast, teacher: Api, query: str, expected: list[str]) -> None:
    make_asset("a", title="Loops", graded=True)
    make_asset("b", title="Lists", asset_type="LESSON", lang="es", visibility="PRIVATE")
    make_asset("c", title="Quiz", asset_type="QUIZ", status="DRAFT")
    assert slugs(teacher.get(f"{STAFF}?sort=slug&{query}")) == expected


def test_a_bad_filter_is_named(cast: Cast, teacher: Api) -> None:
    answer = teacher.get(f"{STAFF}?graded=maybe")
    assert answer.status_code == 400
    assert answer.json() == {"detail": "Invalid `graded` value(s): maybe", "status_code": 400, "slug": "invalid-filter"}


@pytest.mark.parametrize("body", [None, {}, {"anything": 1}])
def test_asking_for_new_statistics_queues_the_asset(
    cast: Cast,
    teacher: Api,
    body: dict[str, int] | None,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    announced: list[str] = []
    monkeypatch.setattr("learntrace.registry.sync.announce", announced.append)
    asset = make_asset("Intro", academy=cast.academy, telemetry_stats=STATS, sync_status="ERROR")
    with django_capture_on_commit_callbacks(execute=True):
        answer = teacher.put(action("iNTRO"), body)
        assert announced == []
    assert announced == ["telemetry-stats"]
    assert answer.status_code == 200
    assert list(answer.json()) == FIELDS
    assert (answer.json()["sync_status"], answer.json()["telemetry_stats"]) == ("PENDING", STATS)
    updated = asset.updated_at
    asset.refresh_from_db()
    assert (asset.sync_status, asset.updated_at) == ("PENDING", updated)


def test_an_asset_of_no_academy_can_be_queued_too(cast: Cast, teacher: Api) -> None:
    make_asset("intro")
    assert teacher.put(action("intro")).status_code == 200


def test_actions_know_no_alias_and_no_others_assets(cast: Cast, teacher: Api) -> None:
    make_asset("intro", aliases=("introduction",))
    make_asset("theirs", academy=cast.elsewhere)
    for slug in ("introduction", "theirs", "nothing"):
        answer = teacher.put(action(slug))
        assert answer.status_code == 404
        detail = f"This asset {slug} does not exist for this academy {cast.academy.pk}"
        assert answer.json() == {"detail": detail, "status_code": 404}
    assert not Asset.objects.exclude(sync_status=None).exists()


def test_another_action_is_invalid(cast: Cast, teacher: Api) -> None:
    make_asset("intro")
    answer = teacher.put(action("intro", "push"))
    assert (answer.status_code, answer.json()) == (400, {"detail": "Invalid action push", "status_code": 400})


@pytest.mark.parametrize("body", [[], "x", 1, True])
def test_an_actions_body_is_an_object(cast: Cast, teacher: Api, body: Any) -> None:
    make_asset("intro")
    assert teacher.put(action("intro"), body).status_code == 400
    assert Asset.objects.get().sync_status is None


def test_an_action_needs_crud_asset(cast: Cast) -> None:
    make_asset("intro")
    assistant = Api(make_user("tom", "assistant", cast.academy), cast.academy)
    assert assistant.get(f"{STAFF}/intro").status_code == 200
    answer = assistant.put(action("intro"))
    assert answer.status_code == 403
    assert "don't have this capability: crud_asset" in answer.json()["detail"]


def test_other_methods_are_told_so(cast: Cast, teacher: Api) -> None:
    make_asset("intro")
    answer = teacher.get(action("intro"))
    assert (answer.status_code, answer.json()["detail"]) == (405, 'Method "GET" not allowed.')
    assert Api().post(PUBLIC).json() == {"detail": 'Method "POST" not allowed.', "status_code": 405}
    assert teacher("HEAD", f"{STAFF}/intro").status_code == 200
    assert teacher("OPTIONS", f"{STAFF}/intro").status_code == 200
