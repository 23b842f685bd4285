"""Publishing notebooks and reading what is published."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from learntrace.accounts.models import Academy, User
from learntrace.notebooks.models import Notebook, NotebookAssignment
from learntrace.registry.models import Asset
from tests.support.builders import NOW, Api, Cast, make_asset, make_attempts, make_notebook, make_user

NOTEBOOKS = "/v1/notebook/academy/notebook"
TAG = "assignment:lesson-03-exercise-1"
BODY = {
    "title": "Lists", "path": "course/lesson_03.ipynb", "lang": "us",
    "assignments": [
        {"tag": TAG, "cell_id": "c1", "title": "First"}, {"tag": "lesson-03-exercise-2", "cell_id": None},
    ],
}  # fmt: skip


def tagged(*tags: str) -> dict[str, Any]:
    return {**BODY, "assignments": [{"tag": tag} for tag in tags]}


def test_publishing_makes_a_graded_exercise_with_its_assignments(cast: Cast, teacher: Api) -> None:
    answer = teacher.put(f"{NOTEBOOKS}/lesson-03", BODY)
    assert answer.status_code == 200, answer.content
    asset = Asset.objects.get(slug="lesson-03")
    assert (asset.asset_type, asset.graded, asset.academy, asset.title, asset.lang, asset.status, asset.visibility) == (
        "EXERCISE", True, cast.academy, "Lists", "us", "PUBLISHED", "PRIVATE",
    )  # fmt: skip
    told = answer.json()
    assert told.pop("created_at").endswith("Z")
    assert told.pop("updated_at").endswith("Z")
    assert told == {
        "slug": "lesson-03", "asset": asset.pk, "title": "Lists", "path": "course/lesson_03.ipynb", "lang": "us",
        "assignments": [
            {"tag": TAG, "cell_id": "c1", "title": "First", "check": False, "last_seen_at": None},
            {"tag": "assignment:lesson-03-exercise-2", "cell_id": "", "title": "", "check": False, "last_seen_at": None},
        ],
    }  # fmt: skip
    assert teacher.get(f"{NOTEBOOKS}/lesson-03").json()["assignments"] == told["assignments"]


def test_publishing_again_changes_what_is_there(cast: Cast, teacher: Api) -> None:
    teacher.put(f"{NOTEBOOKS}/lesson-03", BODY)
    kept = NotebookAssignment.objects.get(tag=TAG)
    answer = teacher.put(f"{NOTEBOOKS}/lesson-03", {**tagged("new", TAG), "title": None, "path": "moved.ipynb"})
    assert [one["tag"] for one in answer.json()["assignments"]] == ["assignment:new", TAG]
    assert (answer.json()["title"], answer.json()["path"]) == ("Lists", "moved.ipynb")
    assert NotebookAssignment.objects.get(tag=TAG).pk == kept.pk
    assert Asset.objects.count() == Notebook.objects.count() == 1
    teacher.put(f"{NOTEBOOKS}/lesson-03", tagged())
    assert not NotebookAssignment.objects.exists()


def test_without_a_title_the_slug_is_one(teacher: Api) -> None:
    answer = teacher.put(f"{NOTEBOOKS}/lesson-03", {"path": "x.ipynb", "assignments": []})
    assert (answer.status_code, answer.json()["title"], answer.json()["lang"]) == (200, "lesson-03", None)


def test_a_tag_of_a_second_notebook_is_refused_by_the_firsts_name(cast: Cast, teacher: Api) -> None:
    teacher.put(f"{NOTEBOOKS}/lesson-03", BODY)
    answer = teacher.put(f"{NOTEBOOKS}/lesson-04", tagged("new", "lesson-03-exercise-1"))
    assert answer.status_code == 400
    (message,) = answer.json()["assignments"]
    assert message == f"assignments[1].tag: {TAG} is already published by the notebook lesson-03"
    assert not Asset.objects.filter(slug="lesson-04").exists(), "all or nothing"
    teacher.put(f"{NOTEBOOKS}/lesson-03", tagged())
    assert teacher.put(f"{NOTEBOOKS}/lesson-04", tagged("new", TAG)).status_code == 200


def test_another_academy_may_have_the_same_tag(cast: Cast, teacher: Api) -> None:
    stranger = Api(cast.stranger, cast.elsewhere)
    assert teacher.put(f"{NOTEBOOKS}/lesson-03", BODY).status_code == 200
    assert stranger.put(f"{NOTEBOOKS}/lesson-03-e", BODY).status_code == 200
    assert len(stranger.get(NOTEBOOKS).json()) == 1


@pytest.mark.parametrize(
    ("assignments", "part"),
    [
        ([{"tag": TAG}, {"tag": "Lesson 3"}], "assignments[1].tag: assignment:Lesson 3 must be"),
        ([{"tag": "assignment:assignment:x"}], "assignments[0].tag"),
        ([{"tag": "a--b"}], "assignments[0].tag"),
        ([{"tag": "a_b"}], "assignments[0].tag"),
        ([{"tag": "ejercicio-ñ"}], "assignments[0].tag"),
        ([{"tag": "a" * 195}], "assignments[0].tag"),
        (
            [{"tag": "a"}, {"tag": "b"}, {"tag": "assignment:a"}],
            "assignments[2].tag: assignment:a is already the tag of",
        ),
    ],
)
def test_a_bad_tag_is_told_with_its_index(teacher: Api, assignments: list[dict[str, str]], part: str) -> None:
    answer = teacher.put(f"{NOTEBOOKS}/lesson-03", {**BODY, "assignments": assignments})
    assert answer.status_code == 400
    assert part in answer.json()["assignments"][0]
    assert not Notebook.objects.exists()


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"path": "x"}, {"assignments": []}, {**BODY, "path": ""}, {**BODY, "path": "x" * 1001},
     {**BODY, "title": "x" * 201}, {**BODY, "lang": "x" * 11}, {**BODY, "assignments": {}}, tagged(""),
     {**BODY, "assignments": [7]}, {**BODY, "assignments": [{}]}, {**BODY, "assignments": [{"tag": 7, "title": []}]},
     tagged(*(f"t-{number}" for number in range(501)))],
)  # fmt: skip
def test_fields_that_do_not_fit_are_refused(teacher: Api, body: Any) -> None:
    answer = teacher.put(f"{NOTEBOOKS}/lesson-03", body)
    assert answer.status_code == 400, answer.content
    assert not Asset.objects.exists()


def test_a_slug_of_another_academys_asset_or_of_no_academys_is_refused(cast: Cast, teacher: Api) -> None:
    for slug, academy in (("theirs", cast.elsewhere), ("nobodys", None)):
        asset = make_asset(slug, academy=academy, title="Title")
        make_asset(f"alias-of-{slug}", academy=academy, aliases=(f"old-{slug}",))
        for name in (slug, f"old-{slug}"):
            answer = teacher.put(f"{NOTEBOOKS}/{name}", BODY)
            assert (answer.status_code, answer.json()["slug"]) == (400, "slug-taken")
        asset.refresh_from_db()
        assert asset.title == "Title"


@pytest.mark.parametrize("fields", [{"asset_type": "LESSON"}, {"learnpack_id": 7}])
def test_an_asset_of_another_kind_is_refused(cast: Cast, teacher: Api, fields: dict[str, Any]) -> None:
    make_asset("lesson-03", academy=cast.academy, **fields)
    answer = teacher.put(f"{NOTEBOOKS}/lesson-03", BODY)
    assert (answer.status_code, answer.json()["slug"]) == (400, "not-a-notebook")


def test_an_asset_of_ones_own_becomes_the_notebook_also_by_its_alias(cast: Cast, teacher: Api) -> None:
    make_asset("lesson-03", academy=cast.academy, aliases=("old",), asset_type="EXERCISE")
    assert teacher.put(f"{NOTEBOOKS}/old", BODY).json()["slug"] == "lesson-03"
    assert teacher.get(f"{NOTEBOOKS}/old").json()["slug"] == "lesson-03"
    assert Asset.objects.get().graded


@pytest.mark.parametrize("slug", ["a b", "x" * 201, "a%09b", "a%E2%80%AEb", "%E2%80%8B"])
def test_a_slug_has_no_blanks_nothing_hidden_and_an_end(teacher: Api, slug: str) -> None:
    answer = teacher.put(f"{NOTEBOOKS}/{slug}", BODY)
    assert (answer.status_code, list(answer.json())) == (400, ["slug"])


def test_the_list_tells_when_each_assignment_was_last_seen(
    cast: Cast, teacher: Api, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        make_notebook(f"lesson-{number}", cast.academy, f"assignment:t-{number}")
    for ago in (3, 1, 2):
        make_attempts(cast.owner, cast.academy, "assignment:t-1", "x", NOW - timedelta(days=ago))
    make_attempts(cast.strange_learner, cast.elsewhere, "assignment:t-2", "x")
    make_notebook("foreign", cast.elsewhere, "assignment:t-1")
    with django_assert_max_num_queries(8):
        found = teacher.get(NOTEBOOKS).json()
    assert [notebook["slug"] for notebook in found] == [f"lesson-{number}" for number in (4, 3, 2, 1, 0)]
    seen = {one["tag"]: one["last_seen_at"] for notebook in found for one in notebook["assignments"]}
    assert seen.pop("assignment:t-1") == (NOW - timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert set(seen.values()) == {None}
    assert teacher.get(f"{NOTEBOOKS}?limit=2&sort=slug").json()["results"][0]["slug"] == "lesson-0"


def test_a_notebook_that_is_none_is_not_found(cast: Cast, teacher: Api) -> None:
    make_asset("plain", academy=cast.academy)
    make_notebook("foreign", cast.elsewhere)
    for slug in ("plain", "foreign", "missing"):
        answer = teacher.get(f"{NOTEBOOKS}/{slug}")
        assert (answer.status_code, answer.json()["slug"]) == (404, "notebook-not-found")


def test_an_assistant_reads_and_does_not_publish(cast: Cast) -> None:
    helper = Api(make_user("helper", "assistant", cast.academy), cast.academy)
    make_notebook("lesson-03", cast.academy)
    assert helper.get(f"{NOTEBOOKS}/lesson-03").status_code == 200
    assert helper.put(f"{NOTEBOOKS}/lesson-03", BODY).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_of_notebooks_that_publish_one_tag_at_once_one_gets_it(cast: Cast) -> None:
    academies = {cast.academy: cast.colleague, cast.elsewhere: cast.stranger}
    answers = []
    barrier = threading.Barrier(8)

    def put(slug: str, academy: Academy, user: User) -> None:
        api = Api(user, academy)
        barrier.wait(60)
        answers.append((academy.pk, slug, api.put(f"{NOTEBOOKS}/{slug}", tagged("only-one"))))
        connection.close()

    threads = [
        threading.Thread(target=put, args=(f"{'same' if number == 0 else number}", academy, user))
        for academy, user in academies.items()
        for number in (0, f"{academy.slug}-1", f"{academy.slug}-2", f"{academy.slug}-3")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answer.status_code for _academy, _slug, answer in answers) == [200, 200, 400, 400, 400, 400, 400, 400]
    assert sorted(NotebookAssignment.objects.values_list("academy_id", flat=True)) == sorted(
        academy.pk for academy in academies
    )
    assert Asset.objects.filter(slug="same").count() <= 1
