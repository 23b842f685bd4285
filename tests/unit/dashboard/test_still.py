"""Order that holds still: what is shown keeps its place, what is new comes below."""

import pytest
from django.test import RequestFactory

from learntrace.dashboard.components.still import Held, held, shown_before


def hold(wanted: str, shown: str, everywhere: str | None = None) -> Held[str]:
    rows = None if everywhere is None else list(everywhere)
    return held(list(wanted), str, list(shown), rows)


@pytest.mark.parametrize(
    ("wanted", "shown", "rows", "moved"),
    [
        ("abc", "", "abc", 0),
        ("abc", "abc", "abc", 0),
        ("cab", "abc", "abc", 3),
        ("bac", "abc", "abc", 2),
        ("xabc", "abc", "abcx", 4),
        ("abcx", "abc", "abcx", 0),
        ("ac", "abc", "ac", 0),
        ("", "abc", "", 0),
        ("abc", "aabba", "abc", 0),
        ("abc", "zzz", "abc", 0),
    ],
)
def test_what_is_shown_keeps_its_place(wanted: str, shown: str, rows: str, moved: int) -> None:
    found = hold(wanted, shown)
    assert ("".join(found.rows), found.moved) == (rows, moved)


def test_of_several_pages_what_is_shown_stays_on_its_page() -> None:
    found = hold("xy", "ab", "xyab")
    assert ("".join(found.rows), found.moved) == ("ab", 2)


@pytest.mark.parametrize(
    ("header", "keys"),
    [
        ("", []),
        ("learners=4,5;concerns=7", ["4", "5"]),
        ("concerns=7;learners=", []),
        ("learners", []),
        (";;=;learners=,4,,5", ["4", "5"]),
        ("learners=" + "1," * 9000, ["1"] * 500),
    ],
)
def test_the_header_is_read_whatever_it_holds(header: str, keys: list[str]) -> None:
    request = RequestFactory().get("/class", headers={"Learntrace-Order": header})
    assert shown_before(request, "learners") == keys
