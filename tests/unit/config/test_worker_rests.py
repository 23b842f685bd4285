"""How long a worker lets rows of a queue gather that takes few at a time."""

from learntrace.config.runtime.worker import LONGEST_REST_SECONDS, REST_SECONDS, rest_seconds


def test_a_queue_rests_in_proportion_to_what_its_turn_cost_within_limits() -> None:
    assert rest_seconds(0.001) == REST_SECONDS
    assert rest_seconds(0.02) == 0.08
    assert rest_seconds(5.0) == LONGEST_REST_SECONDS
