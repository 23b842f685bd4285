import threading
from typing import Any

import pytest
from django.db import connection

from learntrace.accounts.academy_settings import merge_features
from learntrace.accounts.models import Academy, AcademySettings
from tests.support.builders import Api, Cast, make_academy, make_user

SETTINGS = "/v1/auth/academy/settings"
IGNORE = "/v1/assignment/academy/learnpack/telemetry-webhook-ignore"


def stored(academy: Academy) -> Any:
    return AcademySettings.objects.get(academy=academy).learnpack_features


def test_before_anything_is_set_there_is_an_empty_object(cast: Cast, teacher: Api) -> None:
    answer = teacher.get(SETTINGS)
    assert answer.status_code == 200
    told = answer.json()
    assert told.pop("signal_features")["consecutive_errors"] == {"enabled": True, "errors": 3}
    assert list(told.items()) == [
        ("id", None),
        ("academy", {"id": cast.academy.pk, "slug": "downtown", "name": "Downtown"}),
        ("learnpack_features", {}),
        ("notebook_features", {"erasure": True, "collect_source": False, "opt_out": False}),
        ("page_features", {"language": "", "help_text": {"en": "", "es": ""}}),
        ("created_at", None),
        ("updated_at", None),
    ]
    assert not AcademySettings.objects.exists()


def test_put_makes_the_row_and_keeps_what_it_does_not_know(cast: Cast, teacher: Api) -> None:
    answer = teacher.put(SETTINGS, {"learnpack_features": {"anything": [1, {"a": None}]}})
    assert answer.status_code == 200
    assert answer.json()["id"] == AcademySettings.objects.get(academy=cast.academy).pk
    assert answer.json()["updated_at"].endswith("Z")
    assert answer.json()["learnpack_features"] == stored(cast.academy) == {"anything": [1, {"a": None}]}


def test_put_merges_shallowly_and_leaves_what_is_omitted(cast: Cast, teacher: Api) -> None:
    rules = {"rules": [{"events": ["x"]}]}
    merge_features(cast.academy, {"telemetry_webhook_ignore": rules, "a": {"deep": 1}, "b": 2})
    teacher.put(SETTINGS, {"learnpack_features": {"a": {"other": 1}}})
    assert stored(cast.academy) == {"telemetry_webhook_ignore": rules, "a": {"other": 1}, "b": 2}
    assert teacher.put(SETTINGS, {}).status_code == 200
    assert stored(cast.academy)["b"] == 2


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"learnpack_features": None}, {"learnpack_features": ["This field may not be null."]}),
        ({"learnpack_features": []}, {"learnpack_features": ['Expected a dictionary of items but got type "list".']}),
        ({"learnpack_features": "x"}, {"learnpack_features": ['Expected a dictionary of items but got type "str".']}),
        ([], {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
        ("x", {"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]}),
    ],
)
def test_what_is_no_object_is_refused(cast: Cast, teacher: Api, body: Any, errors: dict[str, list[str]]) -> None:
    answer = teacher.put(SETTINGS, body)
    assert (answer.status_code, answer.json()) == (400, errors)
    assert not AcademySettings.objects.exists()


def test_ignore_rules_are_checked_and_stored_cleaned(cast: Cast, teacher: Api) -> None:
    rules = {"rules": [{"events": ["x"], "other": 1}, {"user_ids": None}], "unknown": 1, "asset_ids": None}
    answer = teacher.put(SETTINGS, {"learnpack_features": {"telemetry_webhook_ignore": rules}})
    assert answer.json()["learnpack_features"] == {"telemetry_webhook_ignore": {"rules": [{"events": ["x"]}]}}


@pytest.mark.parametrize(
    ("rules", "slug", "detail"),
    [
        (None, "invalid-telemetry-webhook-ignore-body", "Request body must be a JSON object"),
        ([], "invalid-telemetry-webhook-ignore-body", "Request body must be a JSON object"),
        ({"events": 1}, "invalid-telemetry-webhook-ignore-field", "`events` must be a list"),
    ],
)
def test_bad_ignore_rules_change_nothing(cast: Cast, teacher: Api, rules: Any, slug: str, detail: str) -> None:
    merge_features(cast.academy, {"telemetry_webhook_ignore": {"events": ["x"]}})
    answer = teacher.put(SETTINGS, {"learnpack_features": {"telemetry_webhook_ignore": rules, "a": 1}})
    assert (answer.status_code, answer.json()) == (400, {"detail": detail, "status_code": 400, "slug": slug})
    assert stored(cast.academy) == {"telemetry_webhook_ignore": {"events": ["x"]}}


def test_who_may_read_may_not_change(cast: Cast) -> None:
    teacher = Api(make_user("tom", "teacher", cast.academy), cast.academy)
    assert teacher.get(SETTINGS).status_code == 200
    answer = teacher.put(SETTINGS, {"learnpack_features": {}})
    assert answer.status_code == 403
    assert "don't have this capability: crud_academy_auth_settings for academy" in answer.json()["detail"]


def test_something_else_in_the_column_is_no_fault(cast: Cast, teacher: Api) -> None:
    AcademySettings.objects.create(academy=cast.academy, learnpack_features=[1])
    assert teacher.get(SETTINGS).json()["learnpack_features"] == {}
    assert teacher.get(IGNORE).json() == {}
    assert teacher.put(SETTINGS, {"learnpack_features": {"a": 1}}).json()["learnpack_features"] == {"a": 1}


@pytest.mark.django_db(transaction=True)
def test_simultaneous_changes_lose_nothing() -> None:
    academy = make_academy("busy")
    together = threading.Barrier(8)

    def change(name: str) -> None:
        together.wait()
        try:
            merge_features(academy, {name: True})
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=(f"feature-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(stored(academy)) == {f"feature-{n}" for n in range(8)}


def test_notebook_features_are_merged_and_shown_with_their_defaults(cast: Cast, teacher: Api) -> None:
    answer = teacher.put(SETTINGS, {"notebook_features": {"opt_out": True}})
    assert (answer.status_code, answer.json()["notebook_features"]) == (
        200,
        {"erasure": True, "collect_source": False, "opt_out": True},
    )
    teacher.put(SETTINGS, {"notebook_features": {"collect_source": True}, "learnpack_features": {"a": 1}})
    row = AcademySettings.objects.get(academy=cast.academy)
    assert (row.notebook_features, row.learnpack_features) == ({"opt_out": True, "collect_source": True}, {"a": 1})
    assert teacher.get(SETTINGS).json()["notebook_features"] == {
        "erasure": True,
        "collect_source": True,
        "opt_out": True,
    }


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"opt_out": "yes"}, "`opt_out` must be true or false"),
        ({"collect_source": 1}, "`collect_source` must be true or false"),
        ({"collect_source": None}, "`collect_source` must be true or false"),
        ({"optout": True}, "Unknown feature `optout`; known are erasure, collect_source, opt_out"),
        (None, "This field may not be null."),
        ([], 'Expected a dictionary of items but got type "list".'),
    ],
)
def test_notebook_features_that_are_none_are_refused_and_nothing_is_stored(
    cast: Cast, teacher: Api, features: Any, message: str
) -> None:
    answer = teacher.put(SETTINGS, {"learnpack_features": {"a": 1}, "notebook_features": features})
    assert (answer.status_code, answer.json()) == (400, {"notebook_features": [message]})
    assert not AcademySettings.objects.exists()
