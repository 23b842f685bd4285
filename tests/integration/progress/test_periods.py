"""Figures over a period equal a recount from the attempts, in pages, CSV files and the API."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from statistics import median
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.test import Client, RequestFactory
from django.urls import resolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learntrace.accounts.models import Academy, CohortLearner
from learntrace.config.demo.class_events import tag_of
from learntrace.config.demo.cs1 import read_homework
from learntrace.dashboard.layout.page import AcademyPage, Reach
from learntrace.measures import learner_measures
from learntrace.measures.activity import ABORTED, ASKED, COMPLETED, ERROR, OK, Activity, Failure
from learntrace.measures.error_groups import group_of, variant_of
from learntrace.progress.models import Progress
from learntrace.progress.periods.period import ALL_TIMES, Period
from learntrace.progress.recording import recording
from learntrace.progress.recording.activity_store import LearnerActivity
from learntrace.progress.reports.assignments import assignments_of
from learntrace.progress.reports.errors import errors_on, with_variants
from learntrace.progress.reports.learner_assignments import learner_assignments
from learntrace.progress.reports.learners import learner_rows
from learntrace.progress.reports.selection import Selection
from learntrace.progress.summaries.cohorts import compare
from tests.support.builders import NOW, Api, Cast, make_cohort, make_task, make_user

BASE = "/v1/progress/academy"
TAG = tag_of("hw03")
X, TOTAL, KEY = (
    Failure("NameError", "name 'x' is not defined"),
    Failure("NameError", "name 'total' is not defined"),
    Failure("KeyError", "'a'"),
)
Work = Mapping[int, Sequence[Activity]]

KINDS: Mapping[str, Mapping[str, Any]] = {
    "ok": {"outcome": OK},
    "test": {"outcome": OK, "part": "test"},
    "x": {"outcome": ERROR, "failures": (X,)},
    "x and total": {"outcome": ERROR, "failures": (X, TOTAL)},
    "key": {"outcome": ERROR, "failures": (KEY, KEY)},
    "aborted": {"outcome": ABORTED},
    "failed check": {"outcome": ERROR, "part": "check", "failures": (X,)},
    "check": {"outcome": OK, "part": "check"},
    "asked": {"verb": ASKED},
    "completed": {"verb": COMPLETED},
}


def activity(minute: float, kind: str, number: int = 0) -> Activity:
    return Activity(str(uuid4()), NOW + timedelta(minutes=minute), number, assignment=TAG, **KINDS[kind])


def record(academy: Academy, work: Work) -> None:
    with transaction.atomic():
        new = [LearnerActivity(user_id, academy.pk, one) for user_id, own in work.items() for one in own]
        recording.record("notebook", new)


def within(activities: Iterable[Activity], period: Period) -> list[Activity]:
    kept = [
        one
        for one in activities
        if (period.since is None or one.at >= period.since) and (period.until is None or one.at < period.until)
    ]
    return sorted(kept, key=lambda one: one.order)


def assert_equals_a_recount(academy: Academy, work: Work, period: Period) -> None:
    """Compare the reports over a period with the measures of the period's activities, folded alone."""
    selection = Selection(academy, period=period)
    alone = {user_id: within(own, period) for user_id, own in work.items()}
    folded = {user_id: learner_measures.of(own) for user_id, own in alone.items() if own}
    rows = {row.learner.pk: row for row in learner_assignments(selection, TAG)}
    for user_id in work:
        row, recount = rows[user_id], folded.get(user_id)
        told = (
            row.attempts,
            row.errors,
            row.checks,
            row.failed_checks,
            row.questions,
            row.active_time,
            row.last_seen_at,
        )
        assert told == (
            (0, 0, 0, 0, 0, 0.0, None)
            if recount is None
            else (
                recount.attempts,
                recount.errors,
                recount.checks,
                recount.failed_checks,
                recount.questions,
                recount.active_seconds,
                recount.last_seen_at,
            )
        )
    stored = Progress.objects.filter(academy=academy, assignment=TAG, done_at__isnull=False)
    done = len(within([activity_at(at) for at in stored.values_list("done_at", flat=True) if at], period))
    seen = [row for row in assignments_of(selection) if row.assignment == TAG]
    if not folded:
        assert seen == []
        return
    [of_class] = seen
    assert (of_class.learners_seen, of_class.learners_done) == (len(folded), done)
    assert (of_class.attempts, of_class.errors) == tuple(
        sum(getattr(one, name) for one in folded.values()) for name in ("attempts", "errors")
    )
    assert of_class.median_active_time == pytest.approx(median(one.active_seconds for one in folded.values()))
    of_learners = {row.learner.pk: row for row in learner_rows(selection)}
    assert {user_id: of_learners[user_id].attempts for user_id in work} == {
        user_id: folded[user_id].attempts if user_id in folded else 0 for user_id in work
    }
    assert_errors_equal_a_recount(academy, alone, period)


def activity_at(at: datetime) -> Activity:
    return Activity("", at, 0)


def assert_errors_equal_a_recount(academy: Academy, alone: Work, period: Period) -> None:
    told = with_variants(academy.pk, errors_on(academy.pk, [TAG], None, 1000, period), None, period)
    figures = {row.text: (row.learners, row.times, row.solved, row.median_seconds) for row in told}
    recount = counted_again(alone)
    assert {text: figure[:3] for text, figure in figures.items()} == {text: own[:3] for text, own in recount.items()}
    for text, figure in figures.items():
        assert figure[3] == pytest.approx(recount[text][3])
    for row in told:
        assert sum(variant.times for variant in row.variants) == row.times or row.variant_count > len(row.variants)


def counted_again(work: Work) -> dict[str, tuple[int, int, int, float | None]]:
    """Learners, times, solved and median of each group, counted from the attempts in the plainest way."""
    met: dict[str, list[tuple[int, float | None]]] = defaultdict(list)
    for own in work.values():
        failed = [one for one in own if one.failed]
        for text in {group_of(failure).text for one in failed for failure in one.failures}:
            shows = [(one.at, {variant_of(f) for f in one.failures if group_of(f).text == text}) for one in failed]
            first = next(number for number, one in enumerate(own) if one.failed and text in _texts(one))
            after = [one.at for one in own[first + 1 :] if one.outcome == OK or one.verb == COMPLETED]
            met[text].append(
                (
                    sum(len(variants) for _at, variants in shows),
                    (after[0] - own[first].at).total_seconds() if after else None,
                )
            )
    return {
        text: (
            len(learners),
            sum(times for times, _seconds in learners),
            len(solved := [seconds for _times, seconds in learners if seconds is not None]),
            median(solved) if solved else None,
        )
        for text, learners in met.items()
    }


def _texts(one: Activity) -> set[str]:
    return {group_of(failure).text for failure in one.failures}


_WORK = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 60).map(lambda half: half / 2), st.sampled_from(sorted(KINDS))),
    min_size=1,
    max_size=25,
)
_END = st.none() | st.integers(-2, 122).map(lambda quarter: NOW + timedelta(minutes=quarter / 4))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=_WORK, since=_END, until=_END)
def test_figures_over_any_period_equal_a_recount(
    cast: Cast, told: list[tuple[int, float, str]], since: datetime | None, until: datetime | None
) -> None:
    if since is not None and until is not None and until < since:
        since, until = until, since
    with transaction.atomic():
        users = [make_user(f"learner{number}-{uuid4().hex[:8]}", "student", cast.academy).pk for number in range(3)]
        work: dict[int, list[Activity]] = defaultdict(list)
        for number, (learner, minute, kind) in enumerate(told):
            work[users[learner]].append(activity(minute, kind, number))
        record(cast.academy, work)
        assert_equals_a_recount(cast.academy, work, Period(since, until))
        transaction.set_rollback(True)


def test_figures_of_the_real_class_over_its_days_equal_a_recount(cast: Cast) -> None:
    work: dict[int, list[Activity]] = defaultdict(list)
    users: dict[str, int] = {}
    for number, one in enumerate(read_homework("hw03")):
        if one.student not in users and len(users) == 60:
            continue
        user = users.setdefault(one.student, 0) or make_user(one.student[:30], "student", cast.academy).pk
        users[one.student] = user
        work[user].append(replace(one.activity("hw03", number), id=str(uuid4()), assignment=TAG))
    record(cast.academy, work)
    times = sorted(one.at for own in work.values() for one in own)
    for part in (0.2, 0.5, 0.9):
        middle = times[int(len(times) * part)]
        for period in (Period(since=middle), Period(until=middle), Period(middle - timedelta(days=1), middle)):
            assert_equals_a_recount(cast.academy, work, period)


def test_the_api_takes_the_ends_of_a_period(cast: Cast, teacher: Api) -> None:
    work = {cast.owner.pk: [activity(0, "x"), activity(10, "x"), activity(20, "ok")]}
    record(cast.academy, work)
    ends = "since=" + (NOW + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    tag = TAG.removeprefix("assignment:")
    [row] = teacher.get(f"{BASE}/assignment/{tag}/learner?{ends}").json()
    assert (row["attempts"], row["errors"], row["state"], row["error_quotient"]) == (2, 1, "done", None)
    [error] = teacher.get(f"{BASE}/assignment/{tag}/error?{ends}").json()
    assert (error["times"], error["solved"]) == (1, 1)
    attempts = teacher.get(f"{BASE}/assignment/{tag}/learner/{cast.owner.pk}/attempt?{ends}").json()
    assert len(attempts) == 2
    refused = teacher.get(f"{BASE}/assignment?{ends}&explain=true")
    assert (refused.status_code, refused.json()["slug"]) == (400, "invalid-filter")
    assert teacher.get(f"{BASE}/assignment?since=2026-02-02&until=2026-02-01").status_code == 400


# Pages and CSV files


@pytest.fixture
def staff(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.colleague)
    client.cookies["learntrace_zone"] = "Europe/Madrid"
    return client


def shown(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return unescape(answer.content.decode())


@pytest.fixture
def worked(cast: Cast) -> dict[int, list[Activity]]:
    """A learner with an attempt before noon in Madrid, and two after it."""
    work = {cast.owner.pk: [activity(0, "x"), activity(10, "x and total"), activity(20, "ok")]}
    record(cast.academy, work)
    return work


def after_the_first() -> str:
    madrid = (NOW + timedelta(minutes=5)).astimezone(ZoneInfo("Europe/Madrid"))
    return f"range=custom&since={madrid:%Y-%m-%dT%H:%M:%S}"


def test_every_page_of_figures_tells_those_of_the_chosen_dates_and_its_links_keep_them(
    cast: Cast, staff: Client, worked: Work
) -> None:
    chosen, tag, learner = after_the_first(), TAG.removeprefix("assignment:"), cast.owner.pk
    kept = chosen.removeprefix("range=custom&")
    for path, link in {
        "/assignments": f"/assignment/{tag}?{kept}",
        f"/assignment/{tag}": f"/assignment/{tag}/learner/{learner}?{kept}",
        f"/assignment/{tag}/learner/{learner}": f"/learner/{learner}?{kept}",
        "/learners": f"/learner/{learner}?{kept}",
        f"/learner/{learner}": f"/assignment/{tag}/learner/{learner}?{kept}",
    }.items():
        text = shown(staff, f"{path}?{chosen}")
        assert 'data-part="range"' in text, path
        assert f'href="{link}"' in text, path
        assert f'href="/learners?{kept}"' in text, "the navigation keeps them too"
        assert 'data-part="range"' not in shown(staff, path), "all times need no note"


def test_csv_files_are_of_the_chosen_dates(cast: Cast, staff: Client, worked: Work) -> None:
    chosen, tag, learner = after_the_first(), TAG.removeprefix("assignment:"), cast.owner.pk

    def column(path: str, name: str) -> list[str]:
        content = staff.get(f"{path}{'&' if '?' in path else '?'}{chosen}&format=csv").content.decode("utf-8-sig")
        return [row[name] for row in csv.DictReader(content.splitlines())]

    assert column("/assignments", "Attempts") == ["2"]
    assert column(f"/assignment/{tag}", "Attempts") == ["2"]
    assert column(f"/assignment/{tag}?table=errors", "Times") == ["2"]
    assert len(column(f"/assignment/{tag}/learner/{learner}", "Outcome")) == 2
    assert column(f"/learner/{learner}", "Attempts") == ["2"]
    assert (
        dict(zip(column("/learners", "User name"), column("/learners", "Attempts"), strict=True))[cast.owner.username]
        == "2"
    )


def test_dates_of_a_cohort_can_be_chosen_where_it_is_and_stay_chosen_on_other_pages(
    cast: Cast, staff: Client, worked: Work
) -> None:
    cohort = make_cohort("morning", cast.academy)
    cohort.starts_on, cohort.ends_on = NOW.date() + timedelta(days=1), NOW.date() + timedelta(days=2)
    cohort.save()
    CohortLearner.objects.create(cohort=cohort, user=cast.owner)
    assert 'value="cohort"' not in shown(staff, "/learners")
    text = shown(staff, "/learners?cohort=morning&range=cohort")
    assert '<option value="cohort" selected>' in text
    link = f"/learner/{cast.owner.pk}?range=cohort&cohort=morning"
    assert f'href="{link}"' in text
    assert "No attempts on these dates" in shown(staff, link)


def test_dates_that_are_none_are_told_beside_the_form_and_all_figures_are_shown(staff: Client, worked: Work) -> None:
    for wrong in ("since=2026-02-02&until=2026-02-01", "range=custom&since=yesterday"):
        text = shown(staff, f"/learners?{wrong}")
        assert 'role="alert"' in text
        assert 'data-part="range"' not in text


def test_a_link_to_evidence_leads_out_of_the_chosen_dates(cast: Cast) -> None:
    request = RequestFactory().get("/learners?range=today")
    request.resolver_match = resolve("/learners")
    page = AcademyPage(request, cast.colleague, Reach((cast.academy,), cast.academy))
    assert page.address("learners-one", 1) == "/learner/1?range=today"
    assert "range" not in page.address("assignments-attempts", "a", 1, signal="b")
    assert "range" not in page.address("settings")


def test_cohorts_side_by_side_count_what_was_done_on_the_chosen_dates(cast: Cast, staff: Client, worked: Work) -> None:
    cohort = make_cohort("morning", cast.academy)
    make_task(cast.owner, "lesson", cohort=cohort)
    for ends, attempts, done in (
        ("", "3", "1.0"),
        (after_the_first(), "2", "1.0"),
        ("since=2026-01-01&until=2026-01-02", "0", "0.0"),
    ):
        content = staff.get(f"/reports/cohorts?{ends}&format=csv").content.decode("utf-8-sig")
        [row] = csv.DictReader(content.splitlines())
        assert (row["Attempts"], row["Share completed"]) == (attempts, done)


@pytest.mark.parametrize("day", range(-1, 5))
def test_cohorts_side_by_side_count_the_same_from_measures_and_from_attempts(cast: Cast, day: int) -> None:
    """Also where learners began before their cohort did, one of them with all attempts before it."""
    cohort, late = make_cohort("morning", cast.academy), make_user("late", "student", cast.academy)
    days = {cast.owner.pk: range(4), late.pk: range(1)}
    work = {
        user_id: [
            activity(1440 * one + minute, kind, 60 * one + minute) for one in own for minute, kind in enumerate(KINDS)
        ]
        for user_id, own in days.items()
    }
    record(cast.academy, work)
    for user in (cast.owner, late):
        make_task(user, "lesson", cohort=cohort)
    cohort.starts_on = (NOW + timedelta(days=day)).date()
    cohort.save()
    always = Period(NOW - timedelta(days=9), NOW + timedelta(days=9))
    ((measured,), (counted,)) = (compare(cast.academy, [cohort], None, period) for period in (ALL_TIMES, always))
    assert (measured.attempts, measured.failed, measured.active) == (counted.attempts, counted.failed, counted.active)
    assert measured.active == (2 if day <= 0 else 1 if day <= 3 else 0)
