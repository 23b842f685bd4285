"""Code behind attempts: kept once, for each academy by itself, shown on the attempts page, erased with its last learner."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client as Browser

from learntrace.accounts.academy_settings import NOTEBOOK, merge_features
from learntrace.accounts.models import Academy, User
from learntrace.core.personal_data import registered_datasets
from learntrace.measures.activity import ERROR, Activity
from learntrace.measures.code_hash import code_hash, without_blanks
from learntrace.notebooks.documents import activities as notebooks
from learntrace.personal import erasing
from learntrace.progress.models import Code, CodeUse
from learntrace.progress.recording import code_texts, recomputation, recording
from learntrace.progress.recording.activity_store import LearnerActivity
from tests.support.builders import NOW, Cast, make_asset, make_assignment, make_cast, make_stored_event, make_user

pytestmark = pytest.mark.django_db

KEY = "intro/one"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def ran(user: User, academy: Academy | None, source: str, seconds: int = 0) -> None:
    """An attempt, as a source records it."""
    done = Activity(
        id=str(uuid.uuid4()),
        at=NOW + timedelta(seconds=seconds),
        arrival=seconds,
        assignment=KEY,
        outcome=ERROR,
        session_id="s",
        object_id="compile",
        code_hash=code_hash(source),
    )
    with transaction.atomic():
        text = without_blanks(source)
        recording.record("learnpack", [LearnerActivity(user.pk, academy.pk if academy else None, done, text)])


def shown(academy: Academy, source: str) -> str | None:
    return code_texts.texts_of(academy.pk, [code_hash(source)]).get(code_hash(source))


def test_the_same_code_is_kept_once(cast: Cast) -> None:
    for number, source in enumerate(["print(1)\n", "print(1)  ", "print(1)", "print(2)"]):
        ran(cast.owner, cast.academy, source, number)
    assert sorted(Code.objects.values_list("text", flat=True)) == ["print(1)", "print(2)"]
    assert CodeUse.objects.count() == 2


def test_no_academy_sees_anothers_code(cast: Cast) -> None:
    ran(cast.owner, cast.academy, "secret = 1")
    assert shown(cast.academy, "secret = 1") == "secret = 1"
    assert shown(cast.elsewhere, "secret = 1") is None
    ran(cast.strange_learner, cast.elsewhere, "secret = 1")
    assert Code.objects.count() == 2


def test_code_under_a_hash_that_is_not_its_own_is_not_kept(cast: Cast) -> None:
    """A client may tell another's hash, whose attempts would then show this code."""
    for code, told in (("print('mine')", "print('theirs')"), ("print(3) \n", "print(3)")):
        make_stored_event(
            cast.owner,
            cast.academy,
            about={"assignment": "assignment:a-1", "code": code},
            code_hash=code_hash(told),
            result={"outcome": "ok"},
        )
    with transaction.atomic():
        recording.record(notebooks.SOURCE, notebooks.derive(cast.owner.pk))
    assert list(Code.objects.values_list("text", flat=True)) == ["print(3)"]


def test_very_long_code_is_left_where_it_is(cast: Cast) -> None:
    ran(cast.owner, cast.academy, "x" * (code_texts.MOST_CODE + 1))
    assert not Code.objects.exists()


def test_an_erasure_takes_code_that_was_the_learners_alone(cast: Cast) -> None:
    twin = make_user("twin", "student", cast.academy)
    for user in (cast.owner, twin):
        ran(user, cast.academy, "template = 1")
    ran(cast.owner, cast.academy, "mine = 1", 5)
    dataset = next(dataset for dataset in registered_datasets() if dataset.name == "code")
    assert [row["text"] for row in dataset.rows(cast.owner.pk)] == ["template = 1", "mine = 1"]
    erasure = erasing.erase(cast.owner, by_operator=True)
    assert erasure.counts["code"] == 2
    assert list(Code.objects.values_list("text", flat=True)) == ["template = 1"]
    assert dataset.count(cast.owner.pk) == 0
    erasing.erase(twin, by_operator=True)
    assert not Code.objects.exists()


def test_code_of_deleted_learners_is_cleaned_up(cast: Cast) -> None:
    ran(cast.owner, cast.academy, "print(1)")
    cast.owner.delete()
    assert code_texts.delete_unused() == 1


def test_the_attempts_page_shows_the_code_where_it_changed(cast: Cast) -> None:
    merge_features(cast.academy, {"collect_source": True}, NOTEBOOK)
    make_assignment(cast.academy, make_asset("intro"), KEY)
    for number, source in enumerate(["print('<b>')", "print('<b>')", "print(2)"]):
        ran(cast.owner, cast.academy, source, number)
    browser = Browser()
    browser.force_login(cast.colleague)
    page = browser.get(f"/assignment/{KEY}/learner/{cast.owner.pk}").content.decode()
    assert page.count("print(&#x27;&lt;b&gt;&#x27;)") == 1
    assert page.count("print(2)") == 1
    assert page.count("<summary>changed</summary>") == 1


def test_a_recomputation_keeps_code_that_a_source_still_has(cast: Cast) -> None:
    event: dict[str, Any] = {
        "about": {"assignment": "assignment:a-1", "code": "x = 1"},
        "code_hash": code_hash("x = 1"),
    }
    make_stored_event(cast.owner, cast.academy, **event)
    recomputation.recompute_learner(cast.owner.pk)
    Code.objects.all().delete()
    assert recomputation.recompute_learner(cast.owner.pk) == recomputation.Changed()
    assert shown(cast.academy, "x = 1") == "x = 1"
