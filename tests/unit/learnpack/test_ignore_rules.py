import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learntrace.learnpack.ignore.rules import FIELDS, IgnoreRulesError, clean, match
from learntrace.learnpack.payloads import as_text, choose_asset
from learntrace.learnpack.processing.outcomes import DEDUPLICATED, Outcome, ignored
from learntrace.learnpack.webhook_refs import WebhookRefs, read_refs
from tests.support.recorded_cases import recorded, required

BATCH = {"user_id": 42, "slug": "ex", "package_slug": "pk", "package_id": 7, "asset_id": 11}
LEGACY = "Ignored by academy learnpack_features.telemetry_webhook_ignore ({})."
RULE = "Ignored by academy learnpack_features.telemetry_webhook_ignore rule ({})."

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["rules", *FIELDS]), inner, max_size=4),
    max_leaves=10,
)
FIELD_LISTS = st.dictionaries(
    st.sampled_from(FIELDS), st.lists(st.sampled_from([42, "42", 7, 11, "ex", "pk", "batch", 1, "x", None])), max_size=4
)
CONFIGS = st.builds(lambda rules, legacy: {"rules": rules, **legacy}, st.lists(FIELD_LISTS, max_size=3), FIELD_LISTS)


def reason(config: Any, payload: Any, asset_id: int | None) -> str | None:
    """The English sentence of what matches, as the row keeps it."""
    matched = match(config, refs_of(payload), asset_id)
    return ignored(matched).text() if matched else None


def refs_of(payload: Any) -> WebhookRefs:
    """As of a row: real clients' batches have no event, and the inbox takes only texts and numbers for one."""
    event = payload.get("event", "batch")
    return read_refs("" if event is None or isinstance(event, bool) else as_text(event), payload)


def reason_of(case: Any) -> str | None:
    assets = {asset["id"]: asset["lang"] for asset in case["assets"]}
    return reason(case["cfg"], case["payload"], choose_asset(refs_of(case["payload"]).asset_ids, assets))


@required("ignore-rule")
def test_a_recorded_rule_gives_its_reason(case: dict[str, Any]) -> None:
    assert reason_of(case) == case["expect"]["reason"]


def test_a_batch_without_an_event_key_is_the_event_batch() -> None:
    assert reason_of(recorded("ign-27")) == LEGACY.format("events")
    assert reason({"events": ["batch"]}, {**BATCH, "event": None}, None) is None
    assert reason({"events": ["batch"]}, {**BATCH, "event": "compile"}, None) is None


@required("ignore-body")
def test_recorded_body(case: dict[str, Any]) -> None:
    if "cleaned" in case["expect"]:
        assert clean(case["body"]) == case["expect"]["cleaned"]
        return
    with pytest.raises(IgnoreRulesError) as error:
        clean(case["body"])
    assert error.value.slug == case["expect"]["slug"]
    assert error.value.detail == str(error.value) == case["expect"]["detail"]


def test_null_is_refused_so_that_nobody_clears_all_rules_by_accident() -> None:
    with pytest.raises(IgnoreRulesError) as error:
        clean(recorded("ignbody-00")["body"])
    assert error.value.slug == "invalid-telemetry-webhook-ignore-body"
    assert error.value.detail == "Request body must be a JSON object"


@pytest.mark.parametrize(
    ("body", "detail", "field", "index"),
    [
        ({"rules": 1, "events": 1}, "`rules` must be a list", "rules", None),
        ({"rules": [{}, None]}, "`rules[1]` must be an object", None, 1),
        ({"rules": [{}, {"events": "x"}]}, "`events` must be a list", "events", 1),
        ({"asset_ids": {}}, "`asset_ids` must be a list", "asset_ids", None),
    ],
)
def test_an_error_carries_what_a_translation_needs(
    body: dict[str, Any], detail: str, field: str | None, index: int | None
) -> None:
    with pytest.raises(IgnoreRulesError) as error:
        clean(body)
    assert (error.value.detail, error.value.field, error.value.index) == (detail, field, index)
    assert error.value.template.format(field=field, index=index) == detail


def test_cleaning_drops_what_is_unknown_null_or_empty_and_keeps_elements_as_sent() -> None:
    body = {"rules": [{"foo": [1]}, {}, {"events": [], "user_ids": None}], "user_ids": [True, {"a": 1}], "x": 1}
    assert clean(body) == {"rules": [{"events": []}], "user_ids": [True, {"a": 1}]}


def test_a_rule_needs_all_of_its_fields_and_one_element_of_each() -> None:
    rules = {"rules": [{"events": ["batch", "x"], "user_ids": [1, 42]}]}
    assert reason(rules, BATCH, 11) == RULE.format("user_ids,events")
    assert reason(rules, {**BATCH, "user_id": 2}, 11) is None
    assert reason(rules, {**BATCH, "event": "y"}, 11) is None


@pytest.mark.parametrize("rule", [{}, {"foo": [1]}, {"user_ids": []}, {"user_ids": None, "events": ["batch"]}, 5, None])
def test_a_rule_that_is_empty_unknown_or_malformed_never_matches(rule: Any) -> None:
    assert reason({"rules": [rule]}, BATCH, 11) is None


def test_rules_come_before_the_legacy_lists() -> None:
    config = {"events": ["batch"], "rules": [{"user_ids": [1]}, {"asset_ids": [11]}, {"user_ids": [42]}]}
    assert reason(config, BATCH, 11) == RULE.format("asset_ids")
    assert reason(config, BATCH, None) == RULE.format("user_ids")
    assert reason(config, {**BATCH, "user_id": 2}, None) == LEGACY.format("events")


def test_the_first_legacy_list_in_the_contracts_order_gives_the_reason() -> None:
    config = {field: [42, 7, "ex", 11, "batch"] for field in reversed(FIELDS)}
    for field, gone in zip(FIELDS, ("user_id", "package_id", None, None, None), strict=True):
        assert reason({field: config[field]}, BATCH, 11) == LEGACY.format(field)
        if gone:
            assert reason({field: config[field]}, {**BATCH, gone: None}, 11) is None
    assert reason(config, BATCH, 11) == LEGACY.format("user_ids")


@pytest.mark.parametrize(
    ("config", "payload"),
    [
        ({"package_slugs": [" pk "]}, BATCH),
        ({"package_slugs": ["pk"]}, {"package_slug": " pk"}),
        ({"learnpack_package_ids": ["7"]}, BATCH),
        ({"learnpack_package_ids": [7]}, {"package_id": " 7 "}),
        ({"user_ids": [{}, [], None, 42]}, BATCH),
    ],
)
def test_texts_are_trimmed_and_ids_may_be_digits(config: dict[str, Any], payload: dict[str, Any]) -> None:
    assert reason(config, payload, None) is not None


@pytest.mark.parametrize(
    ("config", "payload"),
    [
        ({"package_slugs": [""]}, {"slug": ""}),
        ({"user_ids": [True]}, {"user_id": 1}),
        ({"learnpack_package_ids": [1]}, {"package_id": True}),
        ({"asset_ids": [None]}, {}),
        ({"rules": {"user_ids": [42]}}, BATCH),
        ([{"user_ids": [42]}], BATCH),
        (None, BATCH),
    ],
)
def test_nothing_matches_nothing(config: Any, payload: dict[str, Any]) -> None:
    assert reason(config, payload, None) is None


def test_numbers_too_long_for_python_to_write_out_match_nothing() -> None:
    huge = 10**5000
    config = {field: [huge, "9" * 5000] for field in FIELDS}
    assert reason(config, dict.fromkeys([*BATCH, "event"], huge), None) is None


def test_the_dedupe_reason_is_the_contracts() -> None:
    assert Outcome("IGNORED", DEDUPLICATED).text() == "Ignored because a more recent telemetry batch was obtained."


@given(JSON, st.dictionaries(st.sampled_from([*BATCH, "event"]), JSON), st.none() | st.integers())
def test_any_json_in_config_and_payload_never_raises(
    config: Any, payload: dict[str, Any], asset_id: int | None
) -> None:
    assert reason(config, payload, asset_id) is None or isinstance(reason(config, payload, asset_id), str)


@given(JSON)
def test_cleaning_any_json_raises_nothing_else_and_is_done_once(body: Any) -> None:
    before = copy.deepcopy(body)
    with suppress(IgnoreRulesError):
        cleaned = clean(body)
        assert clean(cleaned) == cleaned
    assert body == before


@given(CONFIGS)
def test_cleaning_does_not_change_what_is_ignored(config: dict[str, Any]) -> None:
    assert reason(clean(config), BATCH, 11) == reason(config, BATCH, 11)


@given(CONFIGS)
def test_the_order_of_keys_does_not_matter(config: dict[str, Any]) -> None:
    assert reason(dict(reversed(config.items())), dict(reversed(BATCH.items())), 11) == reason(config, BATCH, 11)
