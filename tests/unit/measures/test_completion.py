from learntrace.measures.completion import assignment_rate, class_rate, learner_rate


def test_completion_is_of_what_is_published_not_of_what_was_seen() -> None:
    assert learner_rate({"a"}, ["a", "b", "c", "d"]) == 25
    assert learner_rate({"a", "withdrawn"}, ["a", "b"]) == 50
    assert learner_rate({"a"}, []) is None


def test_who_has_done_nothing_counts_in_the_class() -> None:
    assert class_rate([{"a", "b"}, {"a"}], 3, ["a", "b"]) == 50
    assert class_rate([], 3, ["a"]) == 0
    assert class_rate([], 0, ["a"]) is None
    assert class_rate([], 3, []) is None


def test_an_assignment_is_done_by_a_part_of_the_class() -> None:
    assert assignment_rate(1, 4) == 25
    assert assignment_rate(0, 0) is None
