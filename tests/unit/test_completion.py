import pytest

from learntrace.metrics.completion import assignment_rate, class_rate, learner_rate, state_of


@pytest.mark.parametrize(
    ("last_outcome", "attempts", "concerns", "seen", "state"),
    [
        (None, 0, (), False, "not_started"),
        (None, 0, (), True, "working"),
        ("error", 1, (), True, "working"),
        ("error", 4, ["consecutive_errors"], True, "struggling"),
        ("ok", 5, [], True, "done"),
        ("ok", 12, ["wheel_spinning"], True, "done"),
    ],
)
def test_how_a_learner_stands(last_outcome, attempts, concerns, seen, state):
    assert state_of(last_outcome, attempts, concerns, seen=seen) == state


def test_attempts_are_enough_to_have_been_seen():
    assert state_of("error", 2, ()) == "working"


def test_completion_is_of_what_is_published_not_of_what_was_seen():
    assert learner_rate({"a"}, ["a", "b", "c", "d"]) == 25
    assert learner_rate({"a", "withdrawn"}, ["a", "b"]) == 50
    assert learner_rate({"a"}, []) is None


def test_who_has_done_nothing_counts_in_the_class():
    assert class_rate([{"a", "b"}, {"a"}], 3, ["a", "b"]) == 50
    assert class_rate([], 3, ["a"]) == 0
    assert class_rate([], 0, ["a"]) is None
    assert class_rate([], 3, []) is None


def test_an_assignment_is_done_by_a_part_of_the_class():
    assert assignment_rate(1, 4) == 25
    assert assignment_rate(0, 0) is None
