"""The class's path: whole learners at each rank, from where the class began or went on after a pause."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from learntrace.measures.class_path import class_path

NOW = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
KEYS = ["a", "b", "c", "d"]


def ago(**minutes: int) -> dict[str, datetime]:
    return {key: NOW - timedelta(minutes=count) for key, count in minutes.items()}


def test_nobody_has_begun() -> None:
    assert class_path([], KEYS, NOW) is None
    assert class_path([{}, ago(elsewhere=3)], KEYS, NOW) is None


def test_who_looks_back_has_still_reached_what_was_reached() -> None:
    path = class_path([ago(c=30, a=10)], KEYS, NOW)
    assert path is not None
    assert {(point.lower, point.median, point.upper) for point in path.points} == {(3, 3, 3)}


def test_the_line_begins_where_the_class_went_on_after_a_pause() -> None:
    yesterday = 24 * 60
    learners = [ago(a=yesterday, b=yesterday - 30, c=40), ago(a=yesterday, b=20), ago(a=yesterday)]
    path = class_path([*learners, {}], KEYS, NOW)
    assert path is not None
    assert path.points[0].at == NOW - timedelta(minutes=40)
    assert (path.points[0].median, path.now.median, path.now.upper) == (1, 2, 3)
    assert (path.begun, path.learners) == (3, 4)


def test_one_who_looked_in_long_before_does_not_stretch_the_line() -> None:
    learners = [ago(a=5000), *(ago(a=60 - n) for n in range(20))]
    path = class_path(learners, KEYS, NOW)
    assert path is not None
    assert path.points[0].at >= NOW - timedelta(minutes=60)


@given(st.lists(st.dictionaries(st.sampled_from(KEYS), st.integers(0, 3000)), min_size=1))
def test_it_never_goes_back_and_its_ranks_keep_their_order(learners: list[dict[str, int]]) -> None:
    path = class_path([ago(**learner) for learner in learners], KEYS, NOW)
    if path is None:
        assert not any(learners)
        return
    assert path.points[-1].at == NOW
    for point in path.points:
        assert 0 <= point.lower <= point.median <= point.upper <= len(KEYS)
    for rank in ("lower", "median", "upper"):
        places = [getattr(point, rank) for point in path.points]
        assert places == sorted(places)
