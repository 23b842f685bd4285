"""Floors: a course begun again starts at nothing, what is too old isn't kept, and what was erased doesn't come back."""

import io
import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from learntrace.accounts.academy_settings import SIGNAL, merge_features
from learntrace.accounts.models import Cohort
from learntrace.accounts.roster.items import RosterError
from learntrace.config.commands.roster import import_roster
from learntrace.core.errors import FieldProblem
from learntrace.dashboard.components.earlier_runs import earlier_run_lines
from learntrace.measures.activity import Activity
from learntrace.notebooks.models import Event
from learntrace.personal import erasing
from learntrace.progress.corrections.attempt_retention import FEATURE, delete_old_attempts
from learntrace.progress.corrections.course_runs import Course, begin_course_runs, overlap
from learntrace.progress.models import Activity as ActivityRow
from learntrace.progress.models import CourseRun, EarlierRun, Floor, Progress
from learntrace.progress.recording import recomputation, recording, sources
from learntrace.progress.recording.activity_store import LearnerActivity
from learntrace.signals.models import Concern, Signal
from tests.integration.progress.test_exclusions import everything, recompute, without_ids
from tests.integration.progress.test_recording import TAGS, a_lesson, take
from tests.support.builders import (
    NOW,
    Api,
    Cast,
    make_academy,
    make_asset,
    make_assignment,
    make_cohort,
    make_task,
    make_user,
)
from tests.support.csv_files import read_csv

pytestmark = pytest.mark.django_db

SPRING, FALL = (date(2026, 2, 1), date(2026, 6, 30)), (date(2026, 9, 1), date(2026, 12, 20))


@pytest.fixture
def lesson(cast: Cast) -> None:
    asset = make_asset("lesson-03", academy=cast.academy)
    for tag in TAGS:
        make_assignment(cast.academy, asset, tag)


def cohort(cast: Cast, slug: str, days: tuple[date, date | None]) -> Cohort:
    made = make_cohort(slug, cast.academy)
    made.starts_on, made.ends_on = days
    made.save()
    return made


def moved(activities: Sequence[Activity], to: datetime) -> list[Activity]:
    """The same doings at another time, with other ids."""
    by = to - NOW
    return [replace(one, id=str(uuid.uuid4()), at=one.at + by) for one in activities]


SPRING_LESSON = moved(a_lesson(1), datetime(2026, 3, 2, 9, tzinfo=UTC))
FALL_LESSON = moved(a_lesson(2), datetime(2026, 10, 2, 9, tzinfo=UTC))


def again(activities: Sequence[Activity]) -> list[Activity]:
    """The same doings at the same time, with other ids."""
    return moved(activities, NOW)


class TestACourseBegunAgain:
    def test_it_starts_at_nothing_and_the_earlier_run_stays_to_be_seen(self, cast: Cast, lesson: None) -> None:
        task = make_task(cast.owner, "lesson-03", cohort=cohort(cast, "spring", SPRING))
        take(cast.owner, cast.academy, SPRING_LESSON)
        begin_course_runs()
        before = everything(cast.owner)
        assert Floor.objects.count() == 0
        # The roster moves the task to the new cohort.
        task.cohort = cohort(cast, "fall", FALL)
        task.save()
        assert begin_course_runs().learners == 1
        assert begin_course_runs().learners == 0
        assert not Progress.objects.filter(user=cast.owner).exists()
        assert not Signal.objects.filter(user=cast.owner).exclude(state="withdrawn").exists()
        runs = EarlierRun.objects.filter(user=cast.owner).order_by("assignment")
        assert {run.course for run in runs} == {"Spring"}
        measured = {run.assignment: (run.measures["attempts"], run.measures["error_quotient"]) for run in runs}
        assert measured == {row[0]: (row[1], row[8 + 1]) for row in before["measures"]}
        take(cast.owner, cast.academy, FALL_LESSON)
        twin = make_user("twin", "student", cast.academy)
        take(twin, cast.academy, again(FALL_LESSON))
        assert without_ids(everything(cast.owner)) == without_ids(everything(twin))

    def test_what_was_before_and_is_told_again_or_late_is_not_counted(
        self, cast: Cast, lesson: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        task = make_task(cast.owner, "lesson-03", cohort=cohort(cast, "spring", SPRING))
        take(cast.owner, cast.academy, SPRING_LESSON[:30])
        begin_course_runs()
        task.cohort = cohort(cast, "fall", FALL)
        task.save()
        begin_course_runs()
        frozen = list(EarlierRun.objects.order_by("pk").values())
        take(cast.owner, cast.academy, [*SPRING_LESSON, *FALL_LESSON])
        twin = make_user("twin", "student", cast.academy)
        take(twin, cast.academy, again(FALL_LESSON))
        assert len(everything(cast.owner)["measures"]) == len(everything(twin)["measures"])
        assert [row[1:] for row in everything(cast.owner)["measures"]] == [
            row[1:] for row in everything(twin)["measures"]
        ]
        assert list(EarlierRun.objects.order_by("pk").values()) == frozen
        derived = [LearnerActivity(cast.owner.pk, cast.academy.pk, one) for one in [*SPRING_LESSON, *FALL_LESSON]]
        source = sources.Source("notebook", lambda user_id: derived, lambda assignment: [])
        monkeypatch.setattr(recomputation, "SOURCES", {"notebook": source})
        assert recompute(cast.owner) == recomputation.Changed()

    def test_moving_the_learner_back_brings_all_back(self, cast: Cast, lesson: None) -> None:
        spring, fall = cohort(cast, "spring", SPRING), cohort(cast, "fall", FALL)
        task = make_task(cast.owner, "lesson-03", cohort=spring)
        take(cast.owner, cast.academy, SPRING_LESSON)
        begin_course_runs()
        before = everything(cast.owner)
        task.cohort = fall
        task.save()
        begin_course_runs()
        task.cohort = spring
        task.save()
        begin_course_runs()
        assert everything(cast.owner) == before
        assert not EarlierRun.objects.exists()
        assert not Floor.objects.exists()

    def test_a_third_run_leaves_two_behind(self, cast: Cast, lesson: None) -> None:
        task = make_task(cast.owner, "lesson-03", cohort=cohort(cast, "spring", SPRING))
        take(cast.owner, cast.academy, SPRING_LESSON)
        for slug, days in (("summer", (date(2026, 7, 1), date(2026, 7, 30))), ("fall", FALL)):
            begin_course_runs()
            task.cohort = cohort(cast, slug, days)
            task.save()
            begin_course_runs()
            start = datetime(days[0].year, days[0].month, days[0].day, 9, tzinfo=UTC)
            take(cast.owner, cast.academy, moved(a_lesson(3), start))
        assert set(EarlierRun.objects.values_list("course", flat=True)) == {"Spring", "Summer"}
        assert CourseRun.objects.count() == 3

    def test_a_cohort_that_begins_later_changes_nothing_yet(self, cast: Cast, lesson: None) -> None:
        make_task(cast.owner, "lesson-03", cohort=cohort(cast, "spring", SPRING))
        take(cast.owner, cast.academy, SPRING_LESSON)
        day = timezone.now().date() + timedelta(days=1)
        make_task(cast.owner, "lesson-03", cohort=cohort(cast, "next", (day, None)))
        begin_course_runs()
        assert Progress.objects.exists()
        assert not Floor.objects.exists()

    def test_other_courses_and_other_learners_are_left_alone(self, cast: Cast, lesson: None) -> None:
        spring = cohort(cast, "spring", SPRING)
        make_task(cast.owner, "lesson-03", cohort=spring)
        other = make_user("ben", "student", cast.academy)
        make_task(other, "lesson-03", cohort=spring)
        for learner in (cast.owner, other):
            take(learner, cast.academy, again(SPRING_LESSON))
        begin_course_runs()
        make_task(cast.owner, "another", cohort=cohort(cast, "fall", FALL))
        before = everything(cast.owner), everything(other)
        begin_course_runs()
        assert (everything(cast.owner), everything(other)) == before


class TestEarlierRunsAreSeen:
    def test_by_the_api_and_on_the_learners_pages(self, cast: Cast, lesson: None, teacher: Api, client: Client) -> None:
        task = make_task(cast.owner, "lesson-03", cohort=cohort(cast, "spring", SPRING))
        take(cast.owner, cast.academy, SPRING_LESSON)
        begin_course_runs()
        task.cohort = cohort(cast, "fall", FALL)
        task.save()
        begin_course_runs()
        told = teacher.get(f"/v1/progress/academy/learner/{cast.owner.pk}").json()
        assert {one["state"] for one in told["by_assignment"]} == {"not_started"}
        assert [(one["course"], one["cause"], one["measures"]["attempts"]) for one in told["earlier_runs"]] == [
            ("Spring", "course_run", run.measures["attempts"]) for run in EarlierRun.objects.order_by("assignment")
        ]
        client.force_login(cast.colleague)
        assert "Earlier course runs" in client.get(f"/learner/{cast.owner.pk}").content.decode()
        attempts = f"/assignment/{TAGS[0].removeprefix('assignment:')}/learner/{cast.owner.pk}"
        assert 'class="earlier"' in client.get(attempts).content.decode()
        client.force_login(cast.owner)
        assert 'id="earlier"' in client.get("/me").content.decode()
        names = [one.name for one in earlier_run_lines(EarlierRun.objects.order_by("assignment"))]
        for page in ("/me", f"/learner/{cast.owner.pk}"):
            rows = read_csv(client, page, "earlier")
            assert [(row["Assignment"], row["Course"]) for row in rows] == [(name, "Spring") for name in names]
            client.force_login(cast.colleague)


class TestDatesAndMovesAtOnce:
    """Dates are given and tasks are moved before anybody has looked at the cohorts."""

    def test_in_one_roster(self, cast: Cast, lesson: None, tmp_path: Path) -> None:
        make_task(cast.owner, "lesson-03", cohort=make_cohort("spring", cast.academy))
        take(cast.owner, cast.academy, SPRING_LESSON)
        days = [{"starts_on": str(first), "ends_on": str(last)} for first, last in (SPRING, FALL)]
        slugs = ("spring", "fall")
        task = {"user": "ada", "associated_slug": "lesson-03", "task_type": "EXERCISE", "cohort": "fall"}
        path = tmp_path / "roster.json"
        cohorts = [{"slug": slug, "academy": "downtown", **day} for slug, day in zip(slugs, days, strict=True)]
        path.write_text(json.dumps({"cohorts": cohorts, "tasks": [task]}))
        import_roster(path)
        begin_course_runs()
        assert EarlierRun.objects.filter(user=cast.owner).count() == len(TAGS)
        assert not Progress.objects.filter(user=cast.owner).exists()

    @pytest.mark.django_db(transaction=True)
    def test_in_the_admin(self, cast: Cast, lesson: None) -> None:
        spring = make_cohort("spring", cast.academy)
        task = make_task(cast.owner, "lesson-03", cohort=spring)
        take(cast.owner, cast.academy, SPRING_LESSON)
        spring.starts_on, spring.ends_on = SPRING
        spring.save()
        task.cohort = cohort(cast, "fall", FALL)
        task.save()
        begin_course_runs()
        assert EarlierRun.objects.filter(user=cast.owner).count() == len(TAGS)


class TestOverlaps:
    def test_a_roster_that_makes_them_is_refused_whole(self, cast: Cast, lesson: None, tmp_path: Path) -> None:
        make_task(cast.owner, "lesson-03", cohort=cohort(cast, "spring", SPRING))
        for number, starts_on in enumerate(("2026-06-01", "2026-07-01")):
            roster = {
                "cohorts": [{"slug": "summer", "academy": "downtown", "starts_on": starts_on, "ends_on": "2026-08-01"}],
                "tasks": [{"user": "ada", "associated_slug": "lesson-04", "task_type": "EXERCISE", "cohort": "summer"}],
            }
            path = tmp_path / "roster.json"
            path.write_text(json.dumps(roster))
            if number == 0:
                for dry_run in (True, False):
                    with pytest.raises(RosterError, match=r"ada is in Spring .* whose dates overlap"):
                        import_roster(path, dry_run=dry_run)
                assert not Cohort.objects.filter(slug="summer").exists()
            else:
                import_roster(path)
                assert Cohort.objects.get(slug="summer").starts_on == date(2026, 7, 1)

    def test_a_cohort_that_ends_before_it_starts_is_refused(self, cast: Cast, tmp_path: Path) -> None:
        path = tmp_path / "roster.json"
        days = {"starts_on": "2026-06-01", "ends_on": "2026-05-01"}
        path.write_text(json.dumps({"cohorts": [{"slug": "x", "academy": "downtown", **days}]}))
        with pytest.raises(RosterError, match="can't end before it starts"):
            import_roster(path)
        path.write_text(json.dumps({"cohorts": [{"slug": "x", "academy": "downtown", "starts_on": "soon"}]}))
        with pytest.raises(RosterError, match="must be a date such as"):
            import_roster(path)

    def test_a_learner_in_two_cohorts_that_overlap_is_told_and_left_as_is(self, cast: Cast, lesson: None) -> None:
        make_task(cast.owner, "lesson-03", cohort=cohort(cast, "spring", SPRING))
        take(cast.owner, cast.academy, SPRING_LESSON)
        make_task(cast.owner, "lesson-04", cohort=cohort(cast, "summer", (date(2026, 6, 1), None)))
        before = everything(cast.owner)
        out = io.StringIO()
        call_command("begin_course_runs", stdout=out)
        assert "ada is in Spring (from 2026-02-01 to 2026-06-30) and in Summer" in out.getvalue()
        assert everything(cast.owner) == before
        assert not Floor.objects.exists()

    def test_who_is_moved_to_a_cohort_at_the_same_time_goes_on(self, cast: Cast, lesson: None) -> None:
        task = make_task(cast.owner, "lesson-03", cohort=cohort(cast, "morning", SPRING))
        take(cast.owner, cast.academy, SPRING_LESSON)
        begin_course_runs()
        before = everything(cast.owner)
        task.cohort = cohort(cast, "evening", (date(2026, 3, 15), date(2026, 7, 30)))
        task.save()
        begin_course_runs()
        assert everything(cast.owner) == before
        assert not Floor.objects.exists()

    def test_an_open_course_ends_when_the_next_begins(self) -> None:
        first, second = Course(date(2026, 1, 1), "a"), Course(date(2026, 5, 1), "b", date(2026, 6, 1))
        assert overlap([second, first]) is None
        assert overlap([first, Course(date(2026, 1, 1), "c")]) is not None
        assert overlap([second, Course(date(2026, 6, 1), "c")]) is not None


class TestRetention:
    def test_attempts_are_kept_unless_an_academy_says_otherwise(self, cast: Cast) -> None:
        take(cast.owner, cast.academy, SPRING_LESSON)
        assert delete_old_attempts() == 0
        assert ActivityRow.objects.count() == len(SPRING_LESSON)

    def test_what_is_too_old_goes_with_its_measures_kept_and_does_not_come_back(self, cast: Cast) -> None:
        elsewhere = make_academy("elsewhere-2")
        other = make_user("ben", "student", elsewhere)
        take(other, elsewhere, again(SPRING_LESSON))
        take(cast.owner, cast.academy, SPRING_LESSON)
        merge_features(cast.academy, {FEATURE: 60}, SIGNAL)
        assert delete_old_attempts(SPRING_LESSON[-1].at + timedelta(days=59)) == 0
        assert delete_old_attempts(SPRING_LESSON[-1].at + timedelta(days=61)) == len(TAGS)
        assert not ActivityRow.objects.filter(user=cast.owner, assignment__isnull=False).exists()
        assert not Progress.objects.filter(user=cast.owner).exists()
        assert EarlierRun.objects.filter(user=cast.owner, cause="retention").count() == len(TAGS)
        take(cast.owner, cast.academy, SPRING_LESSON)
        assert not ActivityRow.objects.filter(user=cast.owner, assignment__isnull=False).exists()
        assert ActivityRow.objects.filter(user=other).count() == len(SPRING_LESSON)

    def test_events_signals_and_concerns_go_with_the_attempts(self, cast: Cast) -> None:
        end = SPRING_LESSON[-1].at
        own = {"user": cast.owner, "academy": cast.academy}
        for tag, at in (
            (TAGS[0], SPRING_LESSON[0].at),
            (TAGS[0], end + timedelta(days=90)),
            ("kept", SPRING_LESSON[0].at),
        ):
            told = {"id": uuid.uuid4(), "actor": "ada", "verb": "executed", "object": {"assignment": tag}}
            Event.objects.create(occurred_at=at, **told, **own)
            signal = {"kind": "stuck", "severity": 2, "count": 1, "state": Signal.State.RESOLVED, "last_seen_at": at}
            Signal.objects.create(group=str(at), key=tag, assignment=tag, opened_at=at, **signal, **own)
        for tag in (TAGS[1], "kept"):
            Concern.objects.create(assignment=tag, **own)
        Concern.objects.update(created_at=end)
        take(cast.owner, cast.academy, SPRING_LESSON)
        merge_features(cast.academy, {FEATURE: 60}, SIGNAL)
        delete_old_attempts(end + timedelta(days=61))
        kept = {(TAGS[0], end + timedelta(days=90)), ("kept", SPRING_LESSON[0].at)}
        assert {(event.object["assignment"], event.occurred_at) for event in Event.objects.all()} == kept
        assert set(Signal.objects.filter(kind="stuck").values_list("assignment", "last_seen_at")) == kept
        assert list(Concern.objects.values_list("assignment", flat=True)) == ["kept"]

    @pytest.mark.parametrize("days", [0, 29, 1.5, True, "90", 10**9])
    def test_a_number_of_days_that_can_not_be_is_refused(self, cast: Cast, days: Any) -> None:
        with pytest.raises(FieldProblem, match="keep_attempts_days"):
            merge_features(cast.academy, {FEATURE: days}, SIGNAL)


class TestErasure:
    def test_what_was_erased_and_is_told_again_is_not_stored(self, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
        take(cast.owner, cast.academy, SPRING_LESSON)
        erasing.erase(cast.owner)
        ahead = moved(a_lesson(1)[:5], timezone.now() + timedelta(minutes=1))
        derived = [LearnerActivity(cast.owner.pk, cast.academy.pk, one) for one in [*SPRING_LESSON, *ahead]]
        source = sources.Source("packages", lambda user_id: derived, lambda assignment: [])
        monkeypatch.setattr(recomputation, "SOURCES", {"packages": source})
        with transaction.atomic():
            recording.record("packages", derived)
        assert ActivityRow.objects.filter(user=cast.owner).count() == 5
        assert recompute(cast.owner) == recomputation.Changed()

    def test_earlier_runs_are_erased_too(self, cast: Cast, lesson: None) -> None:
        task = make_task(cast.owner, "lesson-03", cohort=cohort(cast, "spring", SPRING))
        take(cast.owner, cast.academy, SPRING_LESSON)
        begin_course_runs()
        task.cohort = cohort(cast, "fall", FALL)
        task.save()
        begin_course_runs()
        erasing.erase(cast.owner)
        assert not EarlierRun.objects.exists()
        assert not Floor.objects.exists()
