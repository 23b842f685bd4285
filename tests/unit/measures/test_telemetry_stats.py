import random
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from learntrace.measures.telemetry_stats import telemetry_stats_day
from tests.support.recorded_cases import required

SCORES = st.none() | st.floats(min_value=0, max_value=100)
ROWS = st.lists(
    st.fixed_dictionaries({"frustration_score": SCORES, "engagement_score": SCORES, "completion_rate": SCORES})
)
AVERAGES = ("frustration_avg", "engagement_avg", "completion_avg")


@required("asset-stats")
def test_the_recorded_statistics_are_computed(case: dict[str, Any]) -> None:
    assert telemetry_stats_day(case["rows"]) == case["expect"]


def test_nulls_count_as_sessions_but_not_in_the_means() -> None:
    rows = [
        {"frustration_score": 10.0, "engagement_score": None, "completion_rate": 0.0},
        {"frustration_score": None, "engagement_score": None, "completion_rate": 50.0},
    ]
    assert telemetry_stats_day(rows) == {
        "frustration_avg": 10.0,
        "engagement_avg": 0,
        "completion_avg": 25.0,
        "total_sessions": 2,
    }


def test_no_rows_are_all_zeros() -> None:
    assert telemetry_stats_day(iter([])) == {**dict.fromkeys(AVERAGES, 0), "total_sessions": 0}


@given(ROWS, st.randoms())
def test_means_lie_among_the_scores_and_the_order_of_rows_does_not_matter(rows: list[Any], chance: Random) -> None:
    day = telemetry_stats_day(rows)
    assert all(0 <= day[average] <= 100 for average in AVERAGES)
    assert telemetry_stats_day(random.Random(chance.random()).sample(rows, len(rows))) == day
