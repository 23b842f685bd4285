"""A learner's scores beside those of the class, on the teachers' page."""

import pytest
from django.test import Client

from learntrace.assignments.score_bands import Band, class_bands
from learntrace.dashboard.learners.scores import score_line
from tests.support.builders import Cast, make_asset, make_telemetry, make_user


def test_the_band_is_the_middle_half_of_the_academys_learners(cast: Cast) -> None:
    make_asset("intro", academy=cast.academy)
    for place, score in enumerate((10.0, 20.0, 30.0, 40.0, None)):
        learner = make_user(f"u{place}", "student", cast.academy)
        make_telemetry(learner, "intro", engagement_score=score, frustration_score=None if place else 50.0)
    make_telemetry(cast.strange_learner, "intro", engagement_score=100.0)
    found = class_bands(cast.academy, ["intro", "nothing"])
    assert found == {"engagement": {"intro": Band(17.5, 32.5)}, "frustration": {}}


def test_a_gap_stays_a_gap_and_scores_stay_within_the_picture() -> None:
    scores = [("a", "A", 0.0), ("b", "B", 100.0), ("c", "C", None), ("d", "D", 250.0)]
    line = score_line(scores, {"b": Band(25.0, 75.0)})
    assert [(point.title, point.x, point.y) for point in line.points] == [
        ("A", "4.00%", "90.0"), ("B", "34.67%", "6.0"), ("D", "96.00%", "6.0"),
    ]  # fmt: skip
    assert line.segments == (("4.00%", "90.0", "34.67%", "6.0"),)
    assert (line.points[1].band_top, line.points[1].band_bottom, line.banded) == ("27.0", "69.0", True)
    assert score_line([("a", "A", 50.0)], {}).points[0].x == "50.00%"
    assert score_line([], {}).points == ()


@pytest.mark.parametrize("others", [0, 4])
def test_the_page_says_what_the_band_is_where_there_is_one(cast: Cast, others: int) -> None:
    make_asset("intro", academy=cast.academy, title="Intro")
    make_telemetry(cast.owner, "intro", engagement_score=80.0, frustration_score=20.0)
    for place in range(others):
        make_telemetry(make_user(f"u{place}", "student", cast.academy), "intro", engagement_score=50.0 + place)
    client = Client()
    client.force_login(cast.colleague)
    page = client.get(f"/learner/{cast.owner.pk}").content.decode()
    assert "<title>Intro: 80.00" in page
    assert ("The faint bars are the middle half of the class." in page) is (others > 0)
    assert page.count('class="band"') == (1 if others else 0)
