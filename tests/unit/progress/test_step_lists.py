"""On which steps and titles learners agree."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learntrace.progress.step_lists import LEAST_LEARNERS, agreed_steps, steps_of_manifest

A, B, C = ("a", "Aims"), ("b", "Basics"), ("c", "Closures")


@pytest.mark.parametrize(
    ("lists", "agreed"),
    [
        ([], []),
        ([([A, B], 2)], []),
        ([([A, B], 3)], [A, B]),
        ([([A, B], 3), ([C], 3)], []),
        ([([A, B], 4), ([C], 3)], [A, B]),
        ([([A], 2), ([A, B], 2)], [A]),
        ([([B, A], 3), ([A, B, C], 4)], [("b", "Basics"), ("a", "Aims"), C]),
        ([([("a", "Aims")], 2), ([("a", "CLASS CANCELLED")], 2)], [("a", "")]),
        ([([("a", "Aims")], 3), ([("a", "CLASS CANCELLED")], 2)], [A]),
    ],
)
def test_a_step_counts_that_three_learners_and_more_than_half_have(lists: list[Any], agreed: list[Any]) -> None:
    found = agreed_steps(lists)
    assert sorted(found) == sorted(agreed)


def test_the_order_is_that_of_most() -> None:
    assert agreed_steps([([A, B, C], 5), ([C, B, A], 1)]) == [A, B, C]


_LISTS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), unique_by=lambda step: step[0]),
        st.integers(1, 6),
    ),
    max_size=5,
)


@given(_LISTS)
def test_nobody_adds_a_step_or_a_title_without_the_others(lists: list[Any]) -> None:
    total = sum(learners for _steps, learners in lists)
    for slug, title in agreed_steps(lists):
        having = sum(learners for steps, learners in lists if slug in dict(steps))
        titled = sum(learners for steps, learners in lists if (slug, title) in steps)
        assert having >= LEAST_LEARNERS
        assert 2 * having > total
        assert not title or (titled >= LEAST_LEARNERS and 2 * titled > total)


@pytest.mark.parametrize(
    ("manifest", "steps"),
    [
        (None, []),
        ({"steps": []}, []),
        ({"steps": [{"slug": "a", "title": "Aims"}, {"slug": " b "}, "c"]}, [A, ("b", ""), ("c", "")]),
        ({"exercises": [{"slug": "a", "title": "Aims"}, {"slug": "a", "title": "Again"}]}, [A]),
        ({"steps": {"a": 1}, "lessons": [{"slug": "a", "title": 1}]}, [("a", "")]),
        ({"steps": [1, None, {"title": "x"}, {"slug": ""}, ["a"]]}, []),
    ],
)
def test_the_steps_of_a_manifest(manifest: Any, steps: list[Any]) -> None:
    assert steps_of_manifest(manifest) == steps
