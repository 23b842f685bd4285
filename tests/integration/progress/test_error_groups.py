"""Groups of errors: one table, from which Class now, the assignment's page, its CSV file and the API tell the same."""

import re
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.test import Client

from learntrace.accounts.models import Academy, User
from learntrace.config.demo.class_events import tag_of
from learntrace.config.demo.cs1 import Compilation, read_homework
from learntrace.dashboard.templatetags import pages as page_filters
from learntrace.measures.activity import COMPLETED, ERROR, OK, Activity, Failure
from learntrace.measures.error_groups import group_of, variant_of
from learntrace.progress.corrections import exclusions, floors
from learntrace.progress.recording import recording
from learntrace.progress.recording.activity_store import LearnerActivity
from learntrace.progress.reports.activity_rate import last_half_hour
from learntrace.progress.reports.errors import ErrorRow, errors_on, recent_errors, with_variants
from tests.support.builders import NOW, Api, Cast, make_asset, make_assignment, make_user
from tests.support.csv_files import read_csv

BASE = "/v1/progress/academy"
TAG = tag_of("hw03")
X, TOTAL = Failure("NameError", "name 'x' is not defined"), Failure("NameError", "name 'total' is not defined")
JAVAC = "class, interface, or enum expected"
UNDEFINED = "NameError: name '…' is not defined"


def attempt(minute: float, *failures: Failure, key: str = TAG, **more: Any) -> Activity:
    at = NOW + timedelta(minutes=minute)
    outcome = ERROR if failures else OK
    return Activity(str(uuid4()), at, int(minute * 60), assignment=key, outcome=outcome, failures=failures, **more)


def take(user: User, academy: Academy, *activities: Activity) -> None:
    with transaction.atomic():
        recording.record("notebook", [LearnerActivity(user.pk, academy.pk, one) for one in activities])


def row_on(academy: Academy, key: str = TAG) -> ErrorRow:
    [row] = errors_on(academy.pk, [key], None, 100)
    return row


# One group


def test_variants_are_one_group_whose_figures_are_their_sums(cast: Cast) -> None:
    ben = make_user("ben", "student", cast.academy)
    take(cast.owner, cast.academy, attempt(0, X), attempt(1, TOTAL), attempt(5))
    take(ben, cast.academy, attempt(2, X, TOTAL))
    [row] = with_variants(cast.academy.pk, [row_on(cast.academy)], None)
    assert (row.text, row.learners, row.times, row.solved, row.median_seconds) == (UNDEFINED, 2, 4, 1, 300.0)
    assert {(one.text, one.learners, one.times) for one in row.variants} == {
        ("NameError: name 'x' is not defined", 2, 2),
        ("NameError: name 'total' is not defined", 2, 2),
    }


def test_the_code_below_a_compilers_message_makes_no_other_error(cast: Cast) -> None:
    alone, with_code = Failure(JAVAC), Failure(JAVAC, f"{JAVAC}\n}}\n^")
    take(cast.owner, cast.academy, attempt(0, alone), attempt(1, with_code), attempt(2))
    row = row_on(cast.academy)
    assert (row.text, row.learners, row.times, row.solved) == (JAVAC, 1, 2, 1)


@pytest.mark.parametrize(
    "success",
    [attempt(9), attempt(9, part="test"), replace(attempt(9), verb=COMPLETED, outcome=None), attempt(9, part="check")],
    ids=["ran", "test", "the client says so", "check"],
)
def test_who_succeeded_or_was_done_after_meeting_it_solved_it(cast: Cast, success: Activity) -> None:
    take(cast.owner, cast.academy, attempt(-3), attempt(0, X))
    assert row_on(cast.academy).solved == 0
    take(cast.owner, cast.academy, success)
    assert (row_on(cast.academy).solved, row_on(cast.academy).median_seconds) == (1, 540.0)
    take(cast.owner, cast.academy, attempt(12, X), attempt(13))
    assert (row_on(cast.academy).solved, row_on(cast.academy).median_seconds) == (1, 540.0), "it was solved once"


def test_a_late_success_solves_what_was_met_before_it(cast: Cast) -> None:
    take(cast.owner, cast.academy, attempt(0, X), attempt(8, X))
    take(cast.owner, cast.academy, attempt(4))
    assert row_on(cast.academy).median_seconds == 240.0


def test_an_aborted_run_and_a_failed_check_solve_nothing(cast: Cast) -> None:
    take(cast.owner, cast.academy, attempt(0, X))
    take(cast.owner, cast.academy, replace(attempt(1), outcome="aborted"), attempt(2, X, part="check"))
    row = row_on(cast.academy)
    assert (row.times, row.solved) == (1, 0)


def test_what_is_excluded_was_neither_met_nor_solved(cast: Cast) -> None:
    junk, success = attempt(0, X), attempt(9)
    take(cast.owner, cast.academy, junk, attempt(2, X), success)
    assert row_on(cast.academy).median_seconds == 540.0
    meant = exclusions.Meant(frozenset({cast.owner.pk}), activity_id=UUID(junk.id))
    made = exclusions.exclude(cast.academy, meant, "junk", cast.colleague, None)
    assert (row_on(cast.academy).times, row_on(cast.academy).median_seconds) == (1, 420.0)
    exclusions.lift(cast.academy, made, cast.colleague)
    assert (row_on(cast.academy).times, row_on(cast.academy).median_seconds) == (2, 540.0)


def test_what_lies_before_a_floor_was_met_in_another_course_run(cast: Cast) -> None:
    take(cast.owner, cast.academy, attempt(0, X), attempt(1), attempt(20, TOTAL), attempt(22))
    learner = floors.Learner(cast.owner.pk, cast.academy.pk)
    with transaction.atomic():
        recording.lock_learners([cast.owner.pk])
        floors.set_floor(learner, [""], NOW + timedelta(minutes=10), "course_run", "fall")
    [row] = with_variants(cast.academy.pk, [row_on(cast.academy)], None)
    assert (row.times, row.median_seconds, [one.message for one in row.variants]) == (1, 120.0, [TOTAL.message])


# The API


def test_the_api_lists_groups_of_the_class_with_their_variants_and_how_they_came_about(
    cast: Cast, teacher: Api
) -> None:
    ben = make_user("ben", "student", cast.academy)
    take(cast.owner, cast.academy, attempt(0, X), attempt(5))
    take(ben, cast.academy, attempt(1, TOTAL), attempt(2, X, key="assignment:lesson-04-exercise-1"))
    [row] = teacher.get(f"{BASE}/assignment/hw03-exercise-1/error?explain=1").json()
    assert (row["error"], row["learners"], row["times"], row["solved"]) == (UNDEFINED, 2, 2, 1)
    assert [variant["message"] for variant in row["variants"]] == [TOTAL.message, X.message]
    assert row["explain"]["solved"]["inputs"]["by_learner"][0]["learner"] == cast.owner.pk
    assert row["explain"]["median_seconds"]["inputs"] == {"seconds": [300.0]}
    everywhere = teacher.get(f"{BASE}/error").json()
    assert [(one["assignment"], one["group"]) for one in everywhere] == [
        (TAG, row["group"]),
        ("assignment:lesson-04-exercise-1", row["group"]),
    ]


def test_the_api_tells_of_the_learners_and_assets_that_were_asked_for(cast: Cast, teacher: Api) -> None:
    make_assignment(cast.academy, make_asset("hw03", academy=cast.academy), TAG)
    take(cast.owner, cast.academy, attempt(0, X), attempt(1, X, key="assignment:lesson-04-exercise-1"))
    assert len(teacher.get(f"{BASE}/error").json()) == 2
    assert [row["assignment"] for row in teacher.get(f"{BASE}/error?asset=hw03").json()] == [TAG]
    assert len(teacher.get(f"{BASE}/error?learner={cast.owner.username}").json()) == 2
    assert teacher.get(f"{BASE}/error?learner=nobody").json() == []
    assert teacher.get(f"{BASE}/assignment/nothing/error").status_code == 404
    assert Api(cast.owner, cast.academy).get(f"{BASE}/error").status_code == 403


def test_a_step_that_a_learner_made_up_is_told_to_no_class(cast: Cast, teacher: Api) -> None:
    take(cast.owner, cast.academy, attempt(0, X, key="package/made-up"))
    assert teacher.get(f"{BASE}/error").json() == []
    assert recent_errors(last_half_hour(cast.academy.pk, NOW + timedelta(minutes=1)), 5) == []


# The real class


def recorded_class(academy: Academy) -> dict[int, list[Activity]]:
    """The homework hw03 of the real class, in 29 minutes, so that all of it is of the last half hour."""
    compilations = read_homework("hw03")
    begun, ended = min(one.at for one in compilations), max(one.at for one in compilations)
    by_student: dict[str, list[Compilation]] = defaultdict(list)
    for one in compilations:
        by_student[one.student].append(one)
    done: dict[int, list[Activity]] = {}
    for student, own in by_student.items():
        user = make_user(student[:30], "student", academy)
        done[user.pk] = [_compressed(one, begun, ended, number) for number, one in enumerate(own)]
        take(user, academy, *done[user.pk])
    return done


def _compressed(one: Compilation, begun: datetime, ended: datetime, number: int) -> Activity:
    at = NOW + timedelta(minutes=29) * ((one.at - begun) / (ended - begun))
    return replace(one.activity("hw03", number), id=str(uuid4()), at=at, assignment=TAG)


Figures = tuple[int, int, int, float | None]


def counted_again(done: dict[int, list[Activity]]) -> dict[str, Figures]:
    """Learners, times, solved and median of each group, counted from the attempts in the plainest way."""
    met: dict[str, list[tuple[int, float | None]]] = defaultdict(list)
    for own in done.values():
        for text in {group_of(failure).text for activity in own for failure in activity.failures}:
            shows = [
                len({variant_of(failure) for failure in activity.failures if group_of(failure).text == text})
                for activity in own
            ]
            first = next(number for number, times in enumerate(shows) if times)
            solved = next((one.at for one in own[first:] if one.outcome == OK), None)
            seconds = None if solved is None else (solved - own[first].at).total_seconds()
            met[text].append((sum(shows), seconds))
    return {
        text: (
            len(learners),
            sum(times for times, _taken in learners),
            len(taken := [one for _times, one in learners if one is not None]),
            median(taken) if taken else None,
        )
        for text, learners in met.items()
    }


def figures(row: ErrorRow) -> Figures:
    return row.learners, row.times, row.solved, row.median_seconds


def of_json(rows: list[dict[str, Any]], text: str, times: str) -> dict[str, Figures]:
    return {row[text]: (row["learners"], row[times], row["solved"], row["median_seconds"]) for row in rows}


def on_page(client: Client) -> dict[str, list[str]]:
    """The rows of the assignment's page, as they are read."""
    page = client.get("/assignment/hw03-exercise-1").content.decode()
    table = page.partition('data-part="errors"')[2].partition("</table>")[0]
    rows = re.findall(r"<tr><th scope=\"row\"><code>(.*?)</code>.*?</th>(.*?)</tr>", table, re.DOTALL)
    return {unescape(text): re.findall(r"<td[^>]*>(.*?)</td>", cells) for text, cells in rows}


def as_read(told: Figures) -> list[str]:
    learners, times, solved, seconds = told
    return [
        page_filters.count(learners),
        page_filters.count(times),
        page_filters.duration(seconds),
        page_filters.count(solved),
    ]


def test_for_the_20_most_frequent_errors_of_the_real_class_every_place_says_the_same(cast: Cast, teacher: Api) -> None:
    make_assignment(cast.academy, make_asset("hw03", academy=cast.academy), TAG, title="Homework", position=0)
    expected = counted_again(recorded_class(cast.academy))
    most = sorted(expected, key=lambda text: (-expected[text][0], -expected[text][1], text))[:20]
    top = {text: expected[text] for text in most}
    assert most[0] == "';' expected"
    assert min(solved for _learners, _times, solved, _median in top.values()) > 0

    now = recent_errors(last_half_hour(cast.academy.pk, NOW + timedelta(minutes=29)), 20)
    assert {row.text: figures(row) for row in now} == top
    assert all(row.recent == row.learners for row in now)
    told = teacher.get(f"{BASE}/assignment/hw03-exercise-1/error?limit=20").json()["results"]
    assert of_json(told, "error", "times") == top
    everywhere = teacher.get(f"{BASE}/error?limit=20&explain=1").json()["results"]
    assert of_json(everywhere, "error", "times") == top
    assert all(row["explain"][name]["agrees"] for row in everywhere for name in ("learners", "times", "solved"))
    [assignment] = teacher.get(f"{BASE}/assignment").json()
    named = [{**row, "text": row["name"] or row["message"]} for row in assignment["top_errors"]]
    assert of_json(named, "text", "count") == {text: top[text] for text in most[:5]}

    client = Client()
    client.force_login(cast.colleague)
    page = on_page(client)
    assert {text: page[text] for text in most} == {text: as_read(told) for text, told in top.items()}
    rows = {row["Error"]: row for row in read_csv(client, "/assignment/hw03-exercise-1", "errors")}
    in_file = {
        text: (
            int(rows[text]["Learners"]), int(rows[text]["Times"]), int(rows[text]["Solved by"]),
            float(rows[text]["Median time to solve (s) (not rounded)"]),
        )
        for text in most
    }  # fmt: skip
    assert in_file == top
    class_now = unescape(client.get("/class").content.decode())
    for text in most[:5]:
        learners, times, solved, seconds = top[text]
        told = f"<code>{text}</code>" in class_now
        assert told, text
        assert f"{learners} learners in all ({page_filters.count(times)}\u00d7); {solved} solved it, in" in class_now
        assert f"in {page_filters.duration(seconds)} (median)" in class_now
