"""Measures over the API: per assignment, learner, asset and cohort, and how each number came about."""

from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from learntrace.accounts.models import Membership, User
from learntrace.measures.activity import Failure
from learntrace.measures.error_groups import group_of
from learntrace.progress.models import Progress
from learntrace.progress.reports.learner_assets import learner_assets_of
from learntrace.progress.reports.selection import Selection
from learntrace.registry.models import Asset
from tests.support.builders import (
    NOW,
    Api,
    Cast,
    make_academy,
    make_asset,
    make_assignment,
    make_attempts,
    make_cohort,
    make_signal,
    make_task,
    make_translations,
    make_user,
)

BASE = "/v1/progress/academy"
ASSIGNMENTS, LEARNERS = f"{BASE}/assignment", f"{BASE}/learner"
FIRST, SECOND = "assignment:lesson-03-exercise-1", "assignment:lesson-03-exercise-2"


@pytest.fixture
def lesson(cast: Cast) -> Asset:
    """A notebook with two assignments."""
    asset = make_asset("lesson-03", academy=cast.academy, aliases=("old-lesson",))
    make_assignment(cast.academy, asset, FIRST, title="First", position=0)
    make_assignment(cast.academy, asset, SECOND, title="Second", position=1)
    return asset


@pytest.fixture
def learners(cast: Cast) -> list[User]:
    """Three more of the owner's class, in the order of their names."""
    return [
        make_user(name, "student", cast.academy, first_name=name.title(), last_name=last)
        for name, last in (("ben", "Alpha"), ("cleo", "Beta"), ("dan", "Gamma"))
    ]


def rows(api: Api, path: str, **headers: str) -> Any:
    answer = api.get(path, **headers)
    assert answer.status_code == 200, answer.content
    return answer.json()


def row_of(found: list[dict[str, Any]], key: str, value: object) -> dict[str, Any]:
    (row,) = [row for row in found if row[key] == value]
    return row


class TestAssignments:
    def test_each_one_tells_how_the_class_does(
        self, cast: Cast, teacher: Api, lesson: Asset, learners: list[User]
    ) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "xx-")
        make_attempts(learners[0], cast.academy, FIRST, "xy", seconds=30)
        make_task(learners[1], "lesson-03")
        found = rows(teacher, ASSIGNMENTS)
        assert found == [
            {
                "assignment": FIRST, "title": "First", "asset": {"id": lesson.pk, "slug": "lesson-03"},
                "learners": 3, "learners_seen": 2, "learners_done": 1, "completion_rate": 33.33, "attempts": 5,
                "errors": 4, "median_active_time": 75.0, "last_seen_at": "2026-11-22T10:32:00Z",
                "top_errors": [
                    {
                        "group": group_of(Failure("XError", "it broke")).digest, "name": "XError", "message": "it broke",
                        "count": 3, "learners": 2, "solved": 1, "median_seconds": 120.0,
                    },
                    {
                        "group": group_of(Failure("YError", "it broke")).digest, "name": "YError", "message": "it broke",
                        "count": 1, "learners": 1, "solved": 0, "median_seconds": None,
                    },
                ],
            },
            {
                "assignment": SECOND, "title": "Second", "asset": {"id": lesson.pk, "slug": "lesson-03"},
                "learners": 3, "learners_seen": 0, "learners_done": 0, "completion_rate": 0.0, "attempts": 0,
                "errors": 0, "median_active_time": None, "last_seen_at": None, "top_errors": [],
            },
        ]  # fmt: skip

    def test_the_denominator_is_the_cohort_where_one_is_named(
        self, cast: Cast, teacher: Api, lesson: Asset, learners: list[User]
    ) -> None:
        cohort = make_cohort("fall", cast.academy)
        for learner in learners[:2]:
            make_task(learner, "something-else", cohort=cohort)
        make_attempts(learners[0], cast.academy, FIRST, "-")
        make_attempts(cast.owner, cast.academy, FIRST, "x")
        for name in ("fall", cohort.pk):
            row = rows(teacher, f"{ASSIGNMENTS}?cohort={name}")[0]
            assert (row["learners"], row["learners_seen"], row["completion_rate"], row["attempts"]) == (2, 1, 50.0, 1)
        assert rows(teacher, f"{ASSIGNMENTS}?cohort=nobodys")[0]["learners"] == 0

    def test_a_cohort_of_another_academy_is_none_of_ours(self, cast: Cast, teacher: Api, lesson: Asset) -> None:
        cohort = make_cohort("theirs", cast.elsewhere)
        make_task(cast.owner, "x", cohort=cohort)
        assert rows(teacher, f"{ASSIGNMENTS}?cohort=theirs")[0]["learners"] == 0

    def test_learners_are_named_by_id_or_name_and_only_ours_are_found(
        self, cast: Cast, teacher: Api, lesson: Asset
    ) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "x-")
        make_attempts(cast.strange_learner, cast.elsewhere, FIRST, "x")
        for name in ("ada", cast.owner.pk):
            row = rows(teacher, f"{ASSIGNMENTS}?learner={name}")[0]
            assert (row["learners"], row["learners_done"], row["completion_rate"]) == (1, 1, 100.0)
        row = rows(teacher, f"{ASSIGNMENTS}?learner=lee,{cast.strange_learner.pk}")[0]
        assert (row["learners"], row["attempts"]) == (0, 0)

    def test_what_nobody_published_is_listed_last_and_without_an_asset(
        self, cast: Cast, teacher: Api, lesson: Asset, learners: list[User]
    ) -> None:
        make_attempts(cast.owner, cast.academy, "assignment:stray", "x")
        make_attempts(learners[0], cast.academy, "assignment:stray", "-")
        found = rows(teacher, ASSIGNMENTS)
        assert [row["assignment"] for row in found] == [FIRST, SECOND, "assignment:stray"]
        assert (found[2]["asset"], found[2]["learners"], found[2]["completion_rate"]) == (None, 2, 50.0)
        assert [row["assignment"] for row in rows(teacher, f"{ASSIGNMENTS}?asset=lesson-03")] == [FIRST, SECOND]

    def test_an_asset_is_named_by_slug_id_alias_or_translation(self, cast: Cast, teacher: Api, lesson: Asset) -> None:
        english, spanish = make_translations(us="intro", es="intro-es")
        make_assignment(cast.academy, english, "intro/01-hello")
        for name in ("lesson-03", "old-lesson", lesson.pk):
            assert [row["assignment"] for row in rows(teacher, f"{ASSIGNMENTS}?asset={name}")] == [FIRST, SECOND]
        for name in ("intro", "intro-es", spanish.pk):
            assert [row["assignment"] for row in rows(teacher, f"{ASSIGNMENTS}?asset={name}")] == ["intro/01-hello"]
        assert len(rows(teacher, f"{ASSIGNMENTS}?asset=intro,lesson-03")) == 3
        assert rows(teacher, f"{ASSIGNMENTS}?asset=nothing") == []

    def test_a_task_on_a_translation_or_an_alias_makes_one_of_the_class(
        self, cast: Cast, teacher: Api, learners: list[User]
    ) -> None:
        english, _spanish = make_translations(us="intro", es="intro-es")
        make_assignment(cast.academy, english, "intro/01-hello")
        make_task(cast.owner, "intro-es")
        make_task(learners[0], "intro")
        make_task(cast.strange_learner, "intro")
        assert rows(teacher, ASSIGNMENTS)[0]["learners"] == 2

    def test_at_most_five_errors_the_most_frequent_first(self, cast: Cast, teacher: Api, lesson: Asset) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "aabbbcdefgg")
        errors = rows(teacher, ASSIGNMENTS)[0]["top_errors"]
        assert [(error["name"], error["count"]) for error in errors] == [
            ("BError", 3), ("AError", 2), ("GError", 2), ("CError", 1), ("DError", 1),
        ]  # fmt: skip

    def test_it_is_sorted_and_paged(self, cast: Cast, teacher: Api, lesson: Asset) -> None:
        make_attempts(cast.owner, cast.academy, SECOND, "xx", seconds=7)
        answer = teacher.get(f"{ASSIGNMENTS}?sort=-attempts&limit=1")
        assert [row["assignment"] for row in answer.json()["results"]] == [SECOND]
        assert (answer["X-Total-Count"], answer.json()["count"]) == ("2", 2)
        assert [row["assignment"] for row in rows(teacher, f"{ASSIGNMENTS}?sort=median_active_time")] == [SECOND, FIRST]
        assert [row["assignment"] for row in rows(teacher, f"{ASSIGNMENTS}?sort=-median_active_time")] == [
            SECOND,
            FIRST,
        ]
        assert teacher.get(f"{ASSIGNMENTS}?limit=5&offset=7").json()["results"] == []

    def test_a_class_of_three_hundred_takes_few_queries(
        self, cast: Cast, teacher: Api, lesson: Asset, learners: list[User]
    ) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "x")
        with CaptureQueriesContext(
            connection,
        ) as small:
            rows(teacher, ASSIGNMENTS)
        for number in range(20):
            asset = make_asset(f"more-{number}", academy=cast.academy)
            make_assignment(cast.academy, asset, f"more-{number}/step")
            for learner in learners:
                make_attempts(learner, cast.academy, f"more-{number}/step", "x-")
        with CaptureQueriesContext(connection) as large:
            assert len(rows(teacher, f"{ASSIGNMENTS}?limit=100")["results"]) == 22
        assert len(large) <= len(small) <= 16


class TestLearnersOfAnAssignment:
    PATH = f"{ASSIGNMENTS}/{FIRST}/learner"

    def test_everybody_of_the_class_is_there_also_who_has_not_started(
        self, cast: Cast, teacher: Api, lesson: Asset, learners: list[User]
    ) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "xx.-x")
        make_attempts(learners[0], cast.academy, FIRST, "x-")
        make_task(learners[1], "lesson-03")
        found = rows(teacher, self.PATH)
        assert [row["learner"]["username"] for row in found] == ["ben", "cleo", "ada"]
        assert found[2] == {
            "learner": {"id": cast.owner.pk, "username": "ada", "first_name": "Ada", "last_name": "Lovelace"},
            "state": "done", "since": "2026-11-22T10:33:00Z", "done_because": "ran", "done_by": "run",
            "done_at": "2026-11-22T10:33:00Z", "trying_again": True, "attempts": 4, "errors": 3, "active_time": 240.0,
            "error_quotient": pytest.approx(1 / 3), "repeated_error_density": 0.5, "checks": 0, "failed_checks": 0,
            "questions": 0, "asked_before": [], "last_outcome": "error",
            "last_seen_at": "2026-11-22T10:34:00Z", "signals": [], "due_at": None, "extended": False, "timeliness": "",
        }  # fmt: skip
        assert found[1] == {
            "learner": {"id": learners[1].pk, "username": "cleo", "first_name": "Cleo", "last_name": "Beta"},
            "state": "not_started", "since": None, "done_because": None, "done_by": None, "done_at": None,
            "trying_again": False, "attempts": 0, "errors": 0, "active_time": 0.0, "error_quotient": None,
            "repeated_error_density": 0.0, "checks": 0, "failed_checks": 0, "questions": 0, "asked_before": [],
            "last_outcome": None, "last_seen_at": None, "signals": [], "due_at": None, "extended": False, "timeliness": "",
        }  # fmt: skip
        assert found[0]["state"] == "done"

    @pytest.mark.parametrize("tag", ["lesson-03-exercise-1", FIRST, "assignment%3Alesson-03-exercise-1"])
    def test_the_tag_may_stand_without_its_prefix(self, cast: Cast, teacher: Api, lesson: Asset, tag: str) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "x")
        assert len(rows(teacher, f"{ASSIGNMENTS}/{tag}/learner")) == 1

    @pytest.mark.parametrize("tag", ["intro/learner", "intro%2Flearner", "intro-es/learner", "old-intro/learner"])
    def test_a_step_holds_a_slash_and_swallows_no_other_address(self, cast: Cast, teacher: Api, tag: str) -> None:
        english, _spanish = make_translations(us="intro", es="intro-es")
        english.aliases.create(slug="old-intro")
        make_assignment(cast.academy, english, "intro/learner")
        make_attempts(cast.owner, cast.academy, "intro/learner", "x-")
        assert [row["state"] for row in rows(teacher, f"{ASSIGNMENTS}/{tag}/learner")] == ["done"]
        assert len(rows(teacher, f"{ASSIGNMENTS}/{tag}/learner/{cast.owner.pk}/attempt")) == 2

    def test_open_signals_are_named_and_concerns_make_one_struggle(
        self, cast: Cast, teacher: Api, lesson: Asset, learners: list[User]
    ) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "xxx")
        Progress.objects.update(concerns=["consecutive_errors"], trouble_since=NOW)
        make_signal(cast.owner, cast.academy)
        make_signal(cast.owner, cast.academy, kind="rapid_fire", state="acknowledged")
        make_signal(cast.owner, cast.academy, kind="stuck", state="resolved")
        make_signal(cast.owner, cast.academy, kind="stuck", assignment=SECOND)
        make_signal(cast.owner, cast.elsewhere, kind="wheel_spinning")
        (row,) = rows(teacher, self.PATH)
        assert (row["state"], row["signals"]) == ("struggling", ["consecutive_errors", "rapid_fire"])

    def test_it_is_filtered_by_state_cohort_and_learner(
        self, cast: Cast, teacher: Api, lesson: Asset, learners: list[User]
    ) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "x")
        make_attempts(learners[0], cast.academy, FIRST, "-")
        make_task(learners[1], "lesson-03", cohort=make_cohort("fall", cast.academy))

        def names(query: str) -> list[str]:
            return [row["learner"]["username"] for row in rows(teacher, f"{self.PATH}?{query}")]

        assert names("state=done") == ["ben"]
        assert names("state=working,not_started") == ["cleo", "ada"]
        assert names("cohort=fall") == ["cleo"]
        assert names("learner=dan,ada") == ["dan", "ada"]
        assert names("cohort=fall&learner=ada") == []
        assert names("sort=state") == ["ada", "cleo", "ben"]
        assert names("sort=-last_seen_at,username") == ["ada", "ben", "cleo"]

    def test_an_unknown_assignment_is_none(self, teacher: Api, lesson: Asset, cast: Cast) -> None:
        make_attempts(cast.strange_learner, cast.elsewhere, "assignment:theirs", "x")
        for tag in ("nothing", "assignment:", "a/b/c", "x" * 2000, "%F0%9F%92%A5", "assignment:theirs", "%20"):
            answer = teacher.get(f"{ASSIGNMENTS}/{tag}/learner")
            assert (answer.status_code, answer.json()["slug"]) == (404, "assignment-not-found"), tag

    def test_markup_and_right_to_left_names_are_told_as_they_are(self, cast: Cast, teacher: Api) -> None:
        cast.owner.first_name, cast.owner.last_name = "<script>alert(1)</script>", "\u0645\u0631\u062d\u0628\u0627"
        cast.owner.save()
        make_attempts(cast.owner, cast.academy, "assignment:<b>x</b>", "x")
        (row,) = rows(teacher, f"{ASSIGNMENTS}/%3Cb%3Ex%3C/b%3E/learner")
        assert (row["learner"]["first_name"], row["learner"]["last_name"]) == (
            "<script>alert(1)</script>",
            "\u0645\u0631\u062d\u0628\u0627",
        )

    def test_a_large_class_takes_few_queries(self, cast: Cast, teacher: Api, lesson: Asset) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "x")
        with CaptureQueriesContext(connection) as small:
            rows(teacher, self.PATH)
        for number in range(25):
            learner = make_user(f"learner-{number}", "student", cast.academy)
            make_attempts(learner, cast.academy, FIRST, "x")
            make_task(make_user(f"absent-{number}", "student", cast.academy), "lesson-03")
        with CaptureQueriesContext(connection) as large:
            assert len(rows(teacher, f"{self.PATH}?limit=100")["results"]) == 51
        assert len(large) <= len(small) + 1 <= 17


class TestAttempts:
    def test_they_come_in_the_learners_order_with_those_that_were_aborted(
        self, cast: Cast, teacher: Api, lesson: Asset
    ) -> None:
        ids = make_attempts(cast.owner, cast.academy, FIRST, "x .-")
        found = rows(teacher, f"{ASSIGNMENTS}/{FIRST}/learner/{cast.owner.pk}/attempt")
        assert [(row["id"], row["outcome"]) for row in found] == [
            (ids[0], "error"),
            (ids[2], "aborted"),
            (ids[3], "ok"),
        ]
        assert found[0] == {
            "id": ids[0], "at": "2026-11-22T10:30:00Z", "part": None, "outcome": "error",
            "failures": [{"name": "XError", "message": "it broke"}], "session_id": "session-1", "object_id": "cell-1",
            "code_hash": "a" * 64, "excluded": None, "earlier_run": False,
        }  # fmt: skip

    def test_they_are_paged_and_say_whether_they_count(self, cast: Cast, teacher: Api, lesson: Asset) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "x." * 30)
        path = f"{ASSIGNMENTS}/{FIRST}/learner/{cast.owner.pk}/attempt"
        page = rows(teacher, f"{path}?limit=2&offset=4&explain=1")
        assert (page["count"], len(page["results"])) == (60, 2)
        assert [row["explain"]["counts"]["inputs"] for row in page["results"]] == [{"counts": True}, {"counts": False}]

    def test_somebody_of_the_academy_without_attempts_has_an_empty_list(
        self, cast: Cast, teacher: Api, lesson: Asset
    ) -> None:
        assert rows(teacher, f"{ASSIGNMENTS}/{FIRST}/learner/{cast.owner.pk}/attempt") == []

    @pytest.mark.parametrize("number", ["0", str(2**31), str(2**63 - 1), str(2**63), "9" * 40])
    def test_nobody_is_not_found(self, teacher: Api, lesson: Asset, number: str) -> None:
        for path in (f"{ASSIGNMENTS}/{FIRST}/learner/{number}/attempt", f"{LEARNERS}/{number}"):
            answer = teacher.get(path)
            assert (answer.status_code, answer.json()["slug"]) == (404, "learner-not-found")


class TestLearners:
    def test_each_student_tells_how_it_goes(
        self, cast: Cast, teacher: Api, lesson: Asset, learners: list[User]
    ) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "xx-")
        make_attempts(cast.owner, cast.academy, SECOND, "yy")
        make_attempts(cast.owner, cast.academy, "assignment:stray", "-")
        make_signal(cast.owner, cast.academy)
        make_signal(cast.owner, cast.academy, assignment=None, kind="falling_behind")
        make_signal(cast.owner, cast.academy, state="withdrawn")
        found = rows(teacher, LEARNERS)
        assert [row["learner"]["username"] for row in found] == ["ben", "cleo", "dan", "ada"]
        assert found[3] == {
            "learner": {"id": cast.owner.pk, "username": "ada", "first_name": "Ada", "last_name": "Lovelace"},
            "assignments": 2, "done": 1, "completion_rate": 50.0, "attempts": 6, "errors": 4, "active_time": 180.0,
            "error_quotient": pytest.approx((0.5 + 1) / 2), "repeated_error_density": 1.0, "open_signals": 2,
            "last_seen_at": "2026-11-22T10:32:00Z",
        }  # fmt: skip
        assert (found[0]["assignments"], found[0]["completion_rate"], found[0]["error_quotient"]) == (0, 0.0, None)

    def test_an_asset_narrows_all_numbers(self, cast: Cast, teacher: Api, lesson: Asset, learners: list[User]) -> None:
        other = make_asset("lesson-04", academy=cast.academy)
        make_assignment(cast.academy, other, "assignment:lesson-04-exercise-1")
        make_attempts(cast.owner, cast.academy, FIRST, "-")
        make_attempts(cast.owner, cast.academy, "assignment:lesson-04-exercise-1", "xx")
        make_signal(cast.owner, cast.academy, assignment="assignment:lesson-04-exercise-1")
        make_task(learners[0], "lesson-03")
        found = rows(teacher, f"{LEARNERS}?asset=lesson-03")
        assert [row["learner"]["username"] for row in found] == ["ben", "ada"]
        ada = found[1]
        assert (ada["assignments"], ada["done"], ada["attempts"], ada["open_signals"]) == (2, 1, 1, 0)
        assert rows(teacher, f"{LEARNERS}?asset=lesson-04")[0]["open_signals"] == 1
        assert rows(teacher, f"{LEARNERS}?learner=ada")[0]["assignments"] == 3

    def test_one_learner_comes_with_each_assignment(self, cast: Cast, teacher: Api, lesson: Asset) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "x-")
        make_attempts(cast.owner, cast.academy, "assignment:stray", "x")
        make_signal(cast.owner, cast.academy, assignment="assignment:stray")
        one = rows(teacher, f"{LEARNERS}/{cast.owner.pk}")
        told = [(row["assignment"], row["title"], row["state"], row["signals"]) for row in one["by_assignment"]]
        assert told == [
            (FIRST, "First", "done", []), (SECOND, "Second", "not_started", []),
            ("assignment:stray", "", "working", ["consecutive_errors"]),
        ]  # fmt: skip
        assert one["by_assignment"][0]["asset"] == {"id": lesson.pk, "slug": "lesson-03"}
        narrowed = rows(teacher, f"{LEARNERS}/{cast.owner.pk}?asset=lesson-03")
        assert [row["assignment"] for row in narrowed["by_assignment"]] == [FIRST, SECOND]

    def test_who_has_left_is_still_seen_by_what_was_done(
        self, cast: Cast, teacher: Api, lesson: Asset, learners: list[User]
    ) -> None:
        make_attempts(learners[0], cast.academy, FIRST, "x")
        Membership.objects.filter(user__in=learners).update(status="INACTIVE")
        assert [row["learner"]["username"] for row in rows(teacher, LEARNERS)] == ["ben", "ada"]

    def test_many_learners_take_few_queries(self, cast: Cast, teacher: Api, lesson: Asset) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "x")
        with CaptureQueriesContext(connection) as small:
            rows(teacher, f"{LEARNERS}?explain=1")
        for number in range(25):
            make_attempts(make_user(f"learner-{number}", "student", cast.academy), cast.academy, FIRST, "x")
        with CaptureQueriesContext(connection) as large:
            assert len(rows(teacher, f"{LEARNERS}?explain=1&limit=50")["results"]) == 26
        assert len(large) <= len(small) <= 20


class TestGroups:
    def test_each_asset_tells_how_its_class_does(
        self, cast: Cast, teacher: Api, lesson: Asset, learners: list[User]
    ) -> None:
        for key in (FIRST, SECOND):
            make_attempts(cast.owner, cast.academy, key, "x-")
        make_attempts(learners[0], cast.academy, FIRST, "-x", seconds=20)
        make_task(learners[1], "lesson-03")
        make_asset("without-assignments", academy=cast.academy)
        assert rows(teacher, f"{BASE}/asset") == [
            {
                "asset": {"id": lesson.pk, "slug": "lesson-03", "title": "lesson-03".title()}, "assignments": 2,
                "learners": 3, "learners_seen": 2, "learners_done": 1, "done": 3, "completion_rate": 50.0,
                "attempts": 6, "errors": 3, "median_active_time": 70.0, "last_seen_at": "2026-11-22T10:31:00Z",
            }
        ]  # fmt: skip

    def test_each_cohort_is_measured_by_its_tasks(
        self, cast: Cast, teacher: Api, lesson: Asset, learners: list[User]
    ) -> None:
        fall, _empty = make_cohort("fall", cast.academy), make_cohort("winter", cast.academy)
        make_cohort("theirs", cast.elsewhere)
        for learner in learners[:2]:
            make_task(learner, "old-lesson", cohort=fall)
        make_attempts(learners[0], cast.academy, FIRST, "x-")
        make_attempts(learners[0], cast.academy, "assignment:stray", "xxx")
        make_attempts(cast.owner, cast.academy, FIRST, "-")
        found = rows(teacher, f"{BASE}/cohort")
        assert [row["cohort"]["slug"] for row in found] == ["fall", "winter"]
        assert found[0] == {
            "cohort": {"id": fall.pk, "slug": "fall", "name": "Fall"}, "assignments": 2, "learners": 2,
            "learners_seen": 1, "learners_done": 0, "done": 1, "completion_rate": 25.0, "attempts": 2, "errors": 1,
            "median_active_time": 60.0, "last_seen_at": "2026-11-22T10:31:00Z",
        }  # fmt: skip
        assert (found[1]["learners"], found[1]["completion_rate"], found[1]["median_active_time"]) == (0, 0.0, None)
        assert rows(teacher, f"{BASE}/cohort?learner=cleo&cohort=fall")[0]["learners"] == 1
        assert rows(teacher, f"{BASE}/cohort?asset=nothing&cohort=fall")[0]["assignments"] == 0

    @pytest.mark.parametrize("group", ["asset", "cohort"])
    def test_the_number_of_groups_costs_no_queries(self, cast: Cast, teacher: Api, group: str) -> None:
        def grow(number: int) -> None:
            asset = make_asset(f"asset-{number}", academy=cast.academy)
            make_assignment(cast.academy, asset, f"asset-{number}/step")
            make_task(cast.owner, asset.slug, cohort=make_cohort(f"cohort-{number}", cast.academy))
            make_attempts(cast.owner, cast.academy, f"asset-{number}/step", "x")

        grow(0)
        with CaptureQueriesContext(connection) as small:
            rows(teacher, f"{BASE}/{group}?explain=1")
        for number in range(1, 8):
            grow(number)
        with CaptureQueriesContext(connection) as large:
            assert len(rows(teacher, f"{BASE}/{group}?explain=1")) == 8
        assert len(large) <= len(small) <= 14


class TestExplain:
    def test_nothing_is_explained_unasked(self, cast: Cast, teacher: Api, lesson: Asset) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "x")
        paths = (ASSIGNMENTS, f"{ASSIGNMENTS}/{FIRST}/learner", LEARNERS, f"{BASE}/asset", f"{ASSIGNMENTS}?explain=0")
        assert not any("explain" in row for path in paths for row in rows(teacher, path))

    def test_a_learners_numbers_can_be_repeated_by_hand(self, cast: Cast, teacher: Api, lesson: Asset) -> None:
        ids = make_attempts(cast.owner, cast.academy, FIRST, "xx.x-yx", seconds=400)
        (row,) = rows(teacher, f"{ASSIGNMENTS}/{FIRST}/learner?explain=1")
        explain = row["explain"]
        assert set(explain) == {
            "state", "done_at", "attempts", "checks", "questions", "errors", "active_time", "error_quotient",
            "repeated_error_density", "last_outcome", "last_seen_at",
        }  # fmt: skip
        assert all(one["agrees"] is True for one in explain.values())
        quotient = explain["error_quotient"]["inputs"]
        assert quotient["score"] == sum(pair["score"] for pair in quotient["scored"]) == 11 + 11 + 0 + 0 + 8
        assert row["error_quotient"] == quotient["score"] / (quotient["full_score"] * quotient["pairs"])
        assert [(pair["first"], pair["second"]) for pair in quotient["scored"]][:2] == [
            (ids[0], ids[1]),
            (ids[1], ids[3]),
        ]
        runs = explain["repeated_error_density"]["inputs"]["runs"]
        assert runs == [{"name": "XError", "message": "it broke", "repeats": 2, "density": 4 / 3}]
        assert row["repeated_error_density"] == sum(run["density"] for run in runs)
        gaps = explain["active_time"]["inputs"]
        assert row["active_time"] == sum(gap["counted"] for gap in gaps["gaps"]) == 6 * gaps["longest_gap"] == 1800
        assert explain["errors"]["events"] == [ids[0], ids[1], ids[3], ids[5], ids[6]]
        assert explain["attempts"]["inputs"] == {"attempts": 6, "aborted": 1}
        address = explain["attempts"]["details"]
        assert {row["id"] for row in rows(teacher, address)} == set(ids)
        assert "Jadud" in explain["error_quotient"]["source"]

    def test_a_number_that_does_not_follow_from_the_events_is_told(
        self, cast: Cast, teacher: Api, lesson: Asset
    ) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "xx")
        Progress.objects.update(error_quotient=0.1, attempts=9, repeated_error_density=7)
        (row,) = rows(teacher, f"{ASSIGNMENTS}/{FIRST}/learner?explain=true")
        assert {name for name, one in row["explain"].items() if not one["agrees"]} == {
            "error_quotient",
            "attempts",
            "repeated_error_density",
        }
        (row,) = rows(teacher, f"{ASSIGNMENTS}?explain=1&asset=lesson-03&sort=-attempts")[:1]
        assert (row["explain"]["attempts"]["agrees"], row["explain"]["errors"]["agrees"]) == (False, True)

    def test_who_has_not_started_is_explained_with_nothing(self, cast: Cast, teacher: Api, lesson: Asset) -> None:
        make_task(cast.owner, "lesson-03")
        (row,) = rows(teacher, f"{ASSIGNMENTS}/{FIRST}/learner?explain=1")
        assert all(one["agrees"] for one in row["explain"].values())
        assert row["explain"]["attempts"]["events"] == []

    def test_two_hundred_events_at_most_the_latest(self, cast: Cast, teacher: Api, lesson: Asset) -> None:
        ids = make_attempts(cast.owner, cast.academy, FIRST, "x" * 230, seconds=1)
        (row,) = rows(teacher, f"{ASSIGNMENTS}/{FIRST}/learner?explain=1")
        attempts = row["explain"]["attempts"]
        assert (attempts["events"], attempts["event_count"], attempts["agrees"]) == (ids[-200:], 230, True)
        explain = rows(teacher, f"{ASSIGNMENTS}?explain=1")[0]["explain"]
        assert (explain["attempts"]["events"], explain["attempts"]["event_count"]) == (ids[-200:], 230)
        assert explain["attempts"]["agrees"] is True

    def test_a_classs_numbers_name_the_learners_they_come_from(
        self, cast: Cast, teacher: Api, lesson: Asset, learners: list[User]
    ) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "xx-")
        make_attempts(learners[0], cast.academy, FIRST, "x", seconds=30)
        explain = rows(teacher, f"{ASSIGNMENTS}?explain=1")[0]["explain"]
        by_learner = Counter({one["learner"]: one["attempts"] for one in explain["attempts"]["inputs"]["by_learner"]})
        assert by_learner == {cast.owner.pk: 3, learners[0].pk: 1}
        assert explain["completion_rate"]["inputs"] == {"learners_done": 1, "learners": 2}
        assert explain["median_active_time"]["inputs"] == {"active_times": [0.0, 120.0]}
        assert explain["learners_done"]["inputs"] == {"learners": [cast.owner.pk]}
        assert len(rows(teacher, explain["attempts"]["details"])) == 2

    def test_a_learners_sums_name_their_assignments(self, cast: Cast, teacher: Api, lesson: Asset) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "xx-")
        make_attempts(cast.owner, cast.academy, SECOND, "x")
        (row,) = [row for row in rows(teacher, f"{LEARNERS}?explain=1") if row["attempts"]]
        explain = row["explain"]
        assert explain["error_quotient"]["inputs"] == {"by_assignment": [{"assignment": FIRST, "error_quotient": 0.5}]}
        assert {one["assignment"]: one["attempts"] for one in explain["attempts"]["inputs"]["by_assignment"]} == {
            FIRST: 3,
            SECOND: 1,
        }
        assert all(one.get("agrees", True) for one in explain.values())
        one = rows(teacher, f"{LEARNERS}/{cast.owner.pk}?explain=1")
        assert one["explain"]["attempts"]["agrees"]
        assert one["by_assignment"][0]["explain"]["error_quotient"]["inputs"]["score"] == 11
        assert rows(teacher, explain["open_signals"]["details"]) == []

    def test_groups_are_explained_by_their_learners(self, cast: Cast, teacher: Api, lesson: Asset) -> None:
        make_attempts(cast.owner, cast.academy, FIRST, "x-")
        make_task(cast.owner, "lesson-03", cohort=make_cohort("fall", cast.academy))
        for group in ("asset", "cohort"):
            explain = rows(teacher, f"{BASE}/{group}?explain=1")[0]["explain"]
            assert explain["completion_rate"]["inputs"] == {"done": 1, "assignments": 2, "learners": 1}
            assert explain["errors"]["inputs"] == {"by_learner": [{"learner": cast.owner.pk, "errors": 1}]}
            assert len(rows(teacher, explain["errors"]["details"])) == 1

    def test_a_page_of_explained_rows_is_short(self, cast: Cast, teacher: Api) -> None:
        for number in range(55):
            make_attempts(cast.owner, cast.academy, f"assignment:t-{number}", "x")
        assert len(rows(teacher, f"{ASSIGNMENTS}?limit=1000")["results"]) == 55
        assert len(rows(teacher, f"{ASSIGNMENTS}?limit=1000&explain=1")["results"]) == 50


@pytest.mark.parametrize(
    "query", ["sort=nothing", "sort=-learner,secret", "state=dancing", "state=done,x"]
)  # fmt: skip
def test_what_no_filter_takes_is_refused(cast: Cast, teacher: Api, lesson: Asset, query: str) -> None:
    answer = teacher.get(f"{ASSIGNMENTS}/{FIRST}/learner?{query}")
    assert answer.status_code == 400
    assert "detail" in answer.json()


@pytest.mark.parametrize(
    "query",
    [f"asset={2**63}", f"cohort={'9' * 50}", f"learner={2**64}", "asset=%F0%9F%92%A5", "learner=%22,%27,%5C",
     "cohort=%E2%80%AE", "limit=-1&offset=x", f"offset={2**70}", "explain=maybe"],
)  # fmt: skip
@pytest.mark.parametrize(
    "path", [ASSIGNMENTS, f"{ASSIGNMENTS}/{FIRST}/learner", LEARNERS, f"{BASE}/asset", f"{BASE}/cohort"]
)
def test_odd_values_find_nothing_and_break_nothing(
    cast: Cast, teacher: Api, lesson: Asset, path: str, query: str
) -> None:
    make_attempts(cast.owner, cast.academy, FIRST, "x")
    assert teacher.get(f"{path}?{query}").status_code == 200


def test_nothing_of_another_academy_counts(cast: Cast, teacher: Api, lesson: Asset) -> None:
    make_attempts(cast.owner, cast.elsewhere, FIRST, "xxx")
    make_attempts(cast.strange_learner, None, FIRST, "xxx")
    stranger = Api(cast.stranger, cast.elsewhere)
    assert rows(teacher, ASSIGNMENTS)[0]["attempts"] == 0
    assert rows(teacher, f"{BASE}/asset")[0]["attempts"] == 0
    assert rows(teacher, f"{LEARNERS}?learner=ada")[0]["attempts"] == 0
    assert rows(stranger, ASSIGNMENTS)[0]["asset"] is None
    assert stranger.get(f"{ASSIGNMENTS}/{SECOND}/learner").status_code == 404
    assert rows(teacher, f"{ASSIGNMENTS}/{FIRST}/learner/{cast.owner.pk}/attempt") == []


def test_a_membership_in_a_third_academy_opens_nothing_there(cast: Cast) -> None:
    third = make_academy("third")
    make_attempts(cast.owner, third, FIRST, "x")
    assert Api(cast.colleague, third).get(ASSIGNMENTS).status_code == 403
    assert (
        row_of(rows(Api(make_user("ta", "assistant", third), third), ASSIGNMENTS), "assignment", FIRST)["errors"] == 1
    )


def test_definitions_are_told_in_the_clients_language(cast: Cast, teacher: Api, lesson: Asset) -> None:
    make_attempts(cast.owner, cast.academy, FIRST, "x", start=NOW)
    told = {
        language: rows(teacher, f"{ASSIGNMENTS}?explain=1", Accept_Language=language)[0]["explain"]["errors"][
            "definition"
        ]
        for language in ("en", "es")
    }
    assert told["en"] == "Attempts that failed."
    assert told["es"] == "Intentos que fallaron."


def test_sums_are_the_same_wherever_the_rows_lie(cast: Cast) -> None:
    """Tenths have no exact float: added one by one, their sum depends on the order."""
    asset = make_asset("sums", academy=cast.academy)
    numbers = [0.1, 0.2, 0.3]

    def sums(ordered: list[float]) -> list[tuple[float, float | None, float]]:
        Progress.objects.all().delete()
        for place, number in enumerate(ordered):
            key = f"sums/{place}"
            measures: dict[str, Any] = {
                "active_seconds": number,
                "error_quotient": number / 1e10,
                "repeated_error_density": number,
            }
            seen: dict[str, Any] = {"first_seen_at": NOW, "last_seen_at": NOW, "last_arrival": 1, "gap_seconds": 300}
            Progress.objects.create(user=cast.owner, academy=cast.academy, assignment=key, **measures, **seen)
        rows = learner_assets_of(Selection(cast.academy))
        return [(row.active_time, row.error_quotients, row.repeated_error_density) for row in rows]

    for number in range(len(numbers)):
        make_assignment(cast.academy, asset, f"sums/{number}", position=number)
    assert sums(numbers) == sums(numbers[::-1]) == sums(sorted(numbers))
