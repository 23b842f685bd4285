"""The range of dates of a page: presets, times in the reader's zone, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone

from learntrace.accounts.models import Academy
from learntrace.core.errors import Problem
from learntrace.core.time_zones import zone_of
from learntrace.dashboard.components.date_range import date_range_of, figures_range, kept_in_links, with_times


def asked(query: str) -> HttpRequest:
    return RequestFactory().get(f"/page?{query}")


@pytest.mark.parametrize(("name", "length"), [("1h", 3600), ("24h", 86_400), ("7d", 604_800)])
def test_a_preset_ends_now_and_is_stronger_than_times(name: str, length: int) -> None:
    request = asked(f"range={name}&since=2001-01-01&until=2001-01-02&other=1")
    dates = date_range_of(request)
    assert dates.since is not None
    assert abs(timezone.now() - dates.since - timedelta(seconds=length)) < timedelta(seconds=10)
    assert (dates.chosen, dates.until, dates.since_field) == (name, None, "")
    with_times(request, dates)
    assert request.GET["other"] == "1"
    assert datetime.fromisoformat(request.GET["since"]) == dates.since
    assert "until" not in request.GET


@pytest.mark.parametrize("named", ["", "range=custom&"])
def test_times_are_of_the_readers_zone_and_are_shown_as_they_were_chosen(named: str) -> None:
    with timezone.override(zone_of("America/New_York")):
        dates = date_range_of(asked(f"{named}since=2026-01-01T10:00&until=2026-01-02T10:00"))
        assert dates.since == datetime(2026, 1, 1, 15, tzinfo=UTC)
        assert (dates.chosen, dates.since_field, dates.until_field) == (
            "custom",
            "2026-01-01T10:00:00",
            "2026-01-02T10:00:00",
        )
        assert date_range_of(asked(f"{named}since=2026-01-01T10:00Z")).since == datetime(2026, 1, 1, 10, tzinfo=UTC)


def test_any_time_is_chosen_where_nothing_is_named_and_where_a_page_looks_back_by_itself() -> None:
    for query in ("", "range=", "range=never", "since=&until="):
        dates = date_range_of(asked(query))
        assert (dates.chosen, dates.since, dates.until) == ("", None, None)
    assert date_range_of(asked(""), default="7d").chosen == "7d"
    assert date_range_of(asked("range="), default="7d").chosen == ""


@pytest.mark.parametrize("query", ["since=yesterday", "until=2026-99-99", "since=2026-01-02&until=2026-01-01"])
def test_what_is_no_range_is_refused(query: str) -> None:
    with pytest.raises(Problem) as refused:
        date_range_of(asked(query))
    assert refused.value.slug == "invalid-filter"


def test_figures_are_of_whole_days_of_the_readers_zone() -> None:
    with timezone.override(zone_of("America/New_York")):
        for name, days in (("today", 1), ("7-days", 7), ("30-days", 30)):
            dates = figures_range(asked(f"range={name}"), Academy())
            assert dates.since is not None
            begins = timezone.localtime(dates.since)
            assert (begins.date(), begins.hour) == (timezone.localdate() - timedelta(days=days - 1), 0)
            assert dates.until is None


def test_what_is_no_range_is_told_and_figures_are_of_all_times() -> None:
    dates = figures_range(asked("since=2026-01-02&until=2026-01-01"), Academy())
    assert dates.problem
    assert not dates.period


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("range=today&since=2026-01-01&sort=errors", {"range": "today"}),
        ("range=custom&since=2026-01-01T10:00&until=", {"since": "2026-01-01T10:00"}),
        ("range=cohort&cohort=morning", {"range": "cohort", "cohort": "morning"}),
        ("range=&cohort=morning", {}),
    ],
)
def test_links_keep_the_range_and_nothing_else(query: str, kept: dict[str, str]) -> None:
    assert kept_in_links(asked(query)) == kept
