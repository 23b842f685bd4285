"""A learner's scores beside those of the class, on the teachers' page."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from learntrace.assignments.score_bands import Band, class_bands
from learntrace.dashboard.learners.scores import Score, score_chart
from tests.support.builders import Cast, make_asset, make_telemetry, make_user

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def test_the_band_is_the_middle_half_of_the_academys_learners(cast: Cast) -> None:
    make_asset("intro", academy=cast.academy)
    for place, score in enumerate((10.0, 20.0, 30.0, 40.0, None)):
        learner = make_user(f"u{place}", "student", cast.academy)
        make_telemetry(learner, "intro", engagement_score=score, frustration_score=None if place else 50.0)
    make_telemetry(cast.strange_learner, "intro", engagement_score=100.0)
    found = class_bands(cast.academy, ["intro", "nothing"])
    assert found == {"engagement": {"intro": Band(17.5, 32.5)}, "frustration": {}}


def test_scores_stand_where_their_time_is_and_stay_within_the_picture() -> None:
    day = timedelta(days=1)
    values = ((0.0, 0), (100.0, 3), (None, 5), (250.0, 10))
    scores = [Score(title.lower(), title, *_at(*value)) for title, value in zip("ABCD", values, strict=True)]
    chart = score_chart(scores, {"b": Band(25.0, 75.0)})
    assert [(point.title, point.x, point.y) for point in chart.points] == [
        ("A", "4.00%", "90.0"),
        ("B", "31.60%", "6.0"),
        ("D", "96.00%", "6.0"),
    ]
    assert [x for x, _at in chart.ticks] == ["4.00%", "34.67%", "65.33%", "96.00%"]
    assert [at - NOW for _x, at in chart.ticks] == [0 * day, 10 * day / 3, 20 * day / 3, 10 * day]
    assert (chart.points[1].band_top, chart.points[1].band_bottom, chart.banded) == ("27.0", "69.0", True)
    assert score_chart([Score("a", "A", 50.0, NOW)], {}).points[0].x == "50.00%"
    assert score_chart([], {}).points == score_chart([Score("a", "A", None, NOW)], {}).points == ()


def _at(value: float | None, days: int) -> tuple[float | None, datetime]:
    return value, NOW + timedelta(days=days)


@pytest.mark.parametrize("others", [0, 4])
def test_the_page_says_what_the_band_is_where_there_is_one(cast: Cast, others: int) -> None:
    make_asset("intro", academy=cast.academy, title="Intro")
    make_telemetry(cast.owner, "intro", engagement_score=80.0, frustration_score=20.0)
    for place in range(others):
        make_telemetry(make_user(f"u{place}", "student", cast.academy), "intro", engagement_score=50.0 + place)
    client = Client()
    client.force_login(cast.colleague)
    page = client.get(f"/learner/{cast.owner.pk}").content.decode()
    assert re.search(r"<title>Intro, \d+ \w+, \d\d:\d\d: 80\.00", page)
    assert ("The faint bars are the middle half of the class." in page) is (others > 0)
    assert page.count('class="band"') == (1 if others else 0)
