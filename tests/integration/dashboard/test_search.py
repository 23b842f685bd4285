"""Search while one types: what is suggested, to whom, and that nobody is told of learners of other cohorts."""

from typing import Any

import pytest
from django.test import Client

from learntrace.accounts.models import Cohort, Membership, Token, User
from tests.support.builders import (
    NOW,
    Cast,
    make_asset,
    make_assignment,
    make_attempts,
    make_graded_asset,
    make_task,
    make_user,
)

pytestmark = pytest.mark.django_db
TAG = "assignment:lesson-03-exercise-1"


def suggested(client: Client, text: str, kind: str = "all") -> dict[str, list[dict[str, Any]]]:
    answer = client.get("/search/suggest", {"q": text, "kind": kind})
    assert answer.status_code == 200
    return {group["title"]: group["items"] for group in answer.json()["groups"]}


@pytest.fixture
def staff(cast: Cast) -> Client:
    asset = make_graded_asset("intro", academy=cast.academy, title="Introduction")
    make_assignment(cast.academy, asset, TAG, published_at=NOW, title="Loops")
    make_attempts(cast.owner, cast.academy, TAG, "xx-")
    client = Client()
    client.force_login(cast.colleague)
    return client


@pytest.mark.parametrize(
    ("text", "group", "title"),
    [
        ("lovel", "Learners", "Ada Lovelace"),
        ("ada@", "Learners", "Ada Lovelace"),
        ("introd", "Assets", "Introduction"),
        ("intr", "Assets", "Introduction"),
        ("loops", "Assignments", "Loops"),
        ("assignment:lesson-03", "Assignments", "Loops"),
    ],
)
def test_names_slugs_and_tags_are_suggested(cast: Cast, staff: Client, text: str, group: str, title: str) -> None:
    User.objects.filter(pk=cast.owner.pk).update(email="ada@example.org")
    assert [item["title"] for item in suggested(staff, text)[group]] == [title]


def test_staff_are_no_learners_unless_they_have_worked_here(cast: Cast, staff: Client) -> None:
    assert "Learners" not in suggested(staff, cast.colleague.username)
    make_attempts(cast.colleague, cast.academy, TAG, "x")
    assert [item["value"] for item in suggested(staff, cast.colleague.username)["Learners"]] == [
        cast.colleague.username
    ]


def test_ids_aliases_and_texts_of_errors_are_suggested(cast: Cast, staff: Client) -> None:
    asset = make_asset("new-slug", academy=cast.academy, aliases=("former-slug",))
    assert suggested(staff, "former-sl")["Assets"][0]["value"] == "new-slug"
    assert "new-slug" in [item["value"] for item in suggested(staff, str(asset.pk))["Assets"]]
    assert suggested(staff, f"id:{cast.owner.pk}")["Learners"][0]["value"] == "ada"
    errors = suggested(staff, "xerror broke")["Errors"]
    assert errors[0]["url"] == "/assignment/lesson-03-exercise-1"
    assert "1 learner" in errors[0]["note"]
    assert "XError" in staff.get("/search?q=xerror+broke").content.decode()


def test_pickers_suggest_what_their_field_takes(cast: Cast, staff: Client) -> None:
    make_user("101", "student", cast.academy, first_name="Ada", last_name="Numbers")
    assert [item["value"] for item in suggested(staff, "ada", "learner")["Learners"]] == ["ada", "name:101"]
    assert [item["value"] for item in suggested(staff, "intr", "asset")["Assets"]] == ["intro"]
    assert [item["value"] for item in suggested(staff, "lovelace", "account")["Accounts"]] == ["ada"]
    assert suggested(staff, "", "learner") == {}


def test_nobody_is_told_of_other_academies_or_of_other_cohorts(cast: Cast, staff: Client) -> None:
    make_asset("secret-of-elsewhere", academy=cast.elsewhere)
    for kind in ("all", "learner", "asset", "account"):
        assert suggested(staff, "elsewhere", kind) == {}
    limited = make_user("tina", "teacher", cast.academy)
    cohort = Cohort.objects.create(slug="fall", name="Fall", academy=cast.academy)
    make_task(make_user("bo", "student", cast.academy, first_name="Bo"), "intro", cohort=cohort)
    membership = Membership.objects.get(user=limited)
    membership.only_cohorts = True
    membership.save()
    membership.cohorts.add(cohort)
    client = Client()
    client.force_login(limited)
    assert suggested(client, "lovelace") == {}
    assert suggested(client, "xerror broke") == {}
    assert suggested(client, "lovelace", "learner") == {}
    assert suggested(client, "lovelace", "account") == {}
    assert [item["title"] for item in suggested(client, "bo", "learner")["Learners"]] == [
        User.objects.get(username="bo").display_name
    ]


def test_only_staff_search_and_any_text_is_answered(cast: Cast, staff: Client) -> None:
    for text in ("%", "'; --", "x" * 5000, "a b c d e f g h i j k", "\ud7ff\ue000"):
        suggested(staff, text)
    # A text that can't be stored is in no name: refused for all pages alike.
    assert staff.get("/search/suggest", {"q": "\0"}).status_code == 400
    learner = Client()
    learner.force_login(cast.owner)
    assert learner.get("/search/suggest?q=ada").status_code == 403
    assert Client().get("/search/suggest?q=ada").status_code == 302


def test_search_has_no_key_in_it(cast: Cast, staff: Client) -> None:
    token, _key = Token.issue(cast.owner, name="hidden name")
    assert suggested(staff, token.prefix) == {}
    assert suggested(staff, "hidden name") == {}
