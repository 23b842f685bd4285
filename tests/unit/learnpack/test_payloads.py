import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learntrace.learnpack.payloads import (
    asset_id_candidates,
    asset_id_raw,
    choose_asset,
    natural_id,
    package_id,
)
from tests.support.recorded_cases import batch, required

BIGGEST = 2**63 - 1
HUGE = 10**5000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(10**400),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["asset_id", "asset_ids", "package", "payload", "package_id"]), inner)
    ),
    max_leaves=10,
)


@required("asset-id-raw")
def test_recorded_raw_value(case: dict[str, Any]) -> None:
    assert asset_id_raw(case["payload"]) == case["expect"]


@required("asset-resolution")
def test_recorded_resolution(case: dict[str, Any]) -> None:
    candidates = asset_id_candidates(case["asset_id"])
    assert candidates == case["expect"]["candidates"]
    assets = {asset["id"]: asset["lang"] for asset in case["assets"]}
    assert choose_asset(candidates, assets) == case["expect"]["asset_id"]


@pytest.mark.parametrize(
    ("payload", "raw"),
    [
        ({"asset_id": 1, "asset_ids": [2]}, 1),
        ({"asset_id": [1, "2"]}, "1,2"),
        ({"payload": {"package": {"asset_id": [3714, 3795]}}}, "3714,3795"),
        ({"payload": {"package": {"asset_ids": [1]}}, "package": {"asset_id": 2}}, "1"),
        ({"payload": {"package": {}}, "package": {"asset_id": 2}}, 2),
        ({"package": {"asset_id": None, "asset_ids": [3]}}, "3"),
        ({"asset_id": 0, "package": {"asset_id": 2}}, 0),
        ({"payload": [], "package": "x"}, None),
        ({}, None),
    ],
)
def test_the_raw_value_is_the_first_that_is_not_null(payload: dict[str, Any], raw: int | str | None) -> None:
    assert asset_id_raw(payload) == raw


@pytest.mark.parametrize(
    ("raw", "candidates"),
    [
        (7, [7]),
        (True, []),
        (False, []),
        (None, []),
        ("", []),
        (" , ,", []),
        ("987.0", []),
        (987.0, []),
        ("10,,11", [10, 11]),
        ({"id": 1}, []),
        ([1, 2, 3], []),
        (2**63, []),
        (f"1,{2**63},{BIGGEST}", [1, BIGGEST]),
        pytest.param(HUGE, [], id="an int of 5001 digits"),
        pytest.param("9" * 5000 + ",5", [5], id="5000 digits"),
    ],
)
def test_candidates_are_the_ints_that_the_database_can_hold(raw: Any, candidates: list[int]) -> None:
    assert asset_id_candidates(raw) == candidates


def test_a_list_with_elements_that_are_no_ids_still_gives_the_others() -> None:
    raw = asset_id_raw({"asset_ids": [None, True, 1.0, [9, 8, 7], {"a": 1}, HUGE, "5", 6]})
    assert asset_id_candidates(raw) == [5, 6]


def test_english_comes_first_then_the_lowest_id() -> None:
    assets = {1: "es", 2: None, 3: " EN ", 4: "us", 5: "it"}
    assert choose_asset([5, 4, 3, 2, 1], assets) == 3
    assert choose_asset([5, 2, 1], assets) == 1
    assert choose_asset([99], assets) is None
    assert choose_asset([], assets) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (13190, 13190),
        ("13190", 13190),
        (" 7 ", 7),
        (7.0, 7),
        (0, 0),
        (-3, -3),
        (True, None),
        (None, None),
        ("7.0", None),
        ("x", None),
        ("", None),
        ([7], None),
        (float("nan"), None),
        (float("inf"), None),
        (BIGGEST, BIGGEST),
        (2**63, None),
        (1e300, None),
        pytest.param("9" * 5000, None, id="5000 digits"),
    ],
)
def test_a_package_id_is_what_int_makes_of_it(value: Any, number: int | None) -> None:
    assert package_id({"package_id": value}) == number


def test_a_payload_without_package_id_has_none() -> None:
    assert package_id({}) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (42, 42),
        ("42", 42),
        (" 42\n", 42),
        ("007", 7),
        (0, 0),
        (BIGGEST, BIGGEST),
        (-1, None),
        ("-1", None),
        ("+1", None),
        ("1_0", None),
        (42.0, None),
        ("42.0", None),
        (True, None),
        (None, None),
        ("", None),
        ("²", None),
        ("٤٢", None),
        ([42], None),
        (2**63, None),
        (str(2**63), None),
        pytest.param("9" * 5000, None, id="5000 digits"),
    ],
)
def test_a_user_id_is_a_natural_number_or_digits(value: object, number: int | None) -> None:
    assert natural_id(value) == number


@pytest.mark.parametrize(
    ("name", "user", "package"), [("learnpack_batch_1.json", 5043, None), ("learnpack_batch_2.json", 11714, 13190)]
)
def test_real_clients_are_read_whether_they_write_numbers_or_text(name: str, user: int, package: int | None) -> None:
    payload = batch(name)
    assert natural_id(payload["user_id"]) == user
    assert package_id(payload) == package


@given(st.dictionaries(st.sampled_from(["asset_id", "asset_ids", "package", "payload", "package_id"]), JSON))
def test_arbitrary_json_never_raises_nor_leaves_bigint_and_is_not_changed(payload: dict[str, Any]) -> None:
    before = copy.deepcopy(payload)
    ids = [*asset_id_candidates(asset_id_raw(payload)), package_id(payload), natural_id(payload.get("asset_id"))]
    assert all(number is None or -(2**63) <= number < 2**63 for number in ids)
    assert repr(payload) == repr(before)  # as text, because NaN differs from itself


@given(st.lists(st.integers(0, 9)), st.dictionaries(st.integers(0, 9), st.sampled_from(["us", "en", "es", None])))
def test_the_choice_exists_and_does_not_depend_on_the_order(
    candidates: list[int], assets: dict[int, str | None]
) -> None:
    chosen = choose_asset(candidates, assets)
    assert chosen is None or (chosen in candidates and chosen in assets)
    assert choose_asset(sorted(candidates), assets) == chosen
