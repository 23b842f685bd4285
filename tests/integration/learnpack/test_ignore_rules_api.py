import json
from typing import Any

import pytest

from learntrace.accounts.academy_settings import merge_features
from learntrace.accounts.models import Academy, AcademySettings
from tests.support.builders import Api, Cast, make_user
from tests.support.recorded_cases import required

IGNORE = "/v1/assignment/academy/learnpack/telemetry-webhook-ignore"
BODY = {
    "detail": "Request body must be a JSON object",
    "status_code": 400,
    "slug": "invalid-telemetry-webhook-ignore-body",
}


def stored(academy: Academy) -> Any:
    return AcademySettings.objects.get(academy=academy).learnpack_features


def test_without_rules_there_is_an_empty_object(cast: Cast, teacher: Api) -> None:
    assert (teacher.get(IGNORE).status_code, teacher.get(IGNORE).json()) == (200, {})
    merge_features(cast.academy, {"other": 1})
    assert teacher.get(IGNORE).json() == {}


@required("ignore-body")
def test_a_recorded_body_is_stored_or_refused_as_recorded(cast: Cast, teacher: Api, case: dict[str, Any]) -> None:
    answer = teacher("PUT", IGNORE, raw=json.dumps(case["body"]).encode())
    expected = case["expect"]
    if "cleaned" in expected:
        assert (answer.status_code, answer.json()) == (200, expected["cleaned"])
        assert teacher.get(IGNORE).json() == expected["cleaned"]
    else:
        assert answer.status_code == expected["status"]
        assert answer.json() == {"detail": expected["detail"], "status_code": 400, "slug": expected["slug"]}
        assert teacher.get(IGNORE).json() == {}


def test_put_replaces_the_whole_and_keeps_the_siblings(cast: Cast, teacher: Api) -> None:
    merge_features(cast.academy, {"telemetry_webhook_ignore": {"events": ["a"], "rules": []}, "sibling": {"x": 1}})
    answer = teacher.put(IGNORE, {"user_ids": [1, "2", None, 3.5]})
    assert answer.json() == {"user_ids": [1, "2", None, 3.5]}
    assert stored(cast.academy) == {"telemetry_webhook_ignore": {"user_ids": [1, "2", None, 3.5]}, "sibling": {"x": 1}}
    assert teacher.put(IGNORE, {}).json() == {}
    assert stored(cast.academy) == {"telemetry_webhook_ignore": {}, "sibling": {"x": 1}}


@pytest.mark.parametrize("raw", [b"", b"  \n", b"null", b"[]", b'"x"', b"1", b"true"])
def test_a_put_without_an_object_clears_nothing(cast: Cast, teacher: Api, raw: bytes) -> None:
    merge_features(cast.academy, {"telemetry_webhook_ignore": {"events": ["a"]}})
    answer = teacher("PUT", IGNORE, raw=raw)
    assert (answer.status_code, answer.json()) == (400, BODY)
    assert stored(cast.academy) == {"telemetry_webhook_ignore": {"events": ["a"]}}


@pytest.mark.parametrize("raw", [b"{", b'{"events": ["a\\u0000"]}', b'{"events": [NaN]}', b"\xff"])
def test_malformed_json_clears_nothing(cast: Cast, teacher: Api, raw: bytes) -> None:
    merge_features(cast.academy, {"telemetry_webhook_ignore": {"events": ["a"]}})
    answer = teacher("PUT", IGNORE, raw=raw)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("JSON parse error - ")
    assert stored(cast.academy) == {"telemetry_webhook_ignore": {"events": ["a"]}}


def test_a_second_bad_rule_is_named_by_its_place(cast: Cast, teacher: Api) -> None:
    answer = teacher.put(IGNORE, {"rules": [{"events": ["a"]}, "x"]})
    assert answer.json()["detail"] == "`rules[1]` must be an object"


def test_rules_of_one_academy_are_its_own(cast: Cast, teacher: Api) -> None:
    teacher.put(IGNORE, {"events": ["a"]})
    assert Api(cast.stranger, cast.elsewhere).get(IGNORE).json() == {}


def test_an_assistant_reads_the_rules_but_may_not_change_them(cast: Cast, teacher: Api) -> None:
    assistant = Api(make_user("tom", "assistant", cast.academy), cast.academy)
    teacher.put(IGNORE, {"events": ["a"]})
    assert assistant.get(IGNORE).json() == {"events": ["a"]}
    answer = assistant.put(IGNORE, {})
    assert answer.status_code == 403
    assert "don't have this capability: crud_telemetry for academy" in answer.json()["detail"]
