"""Marking tasks by stored telemetry, and recomputing all statistics."""

from datetime import datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from learntrace.accounts.models import User
from learntrace.assignments import completed_exercises
from learntrace.assignments.models import AssignmentTelemetry, Task
from learntrace.assignments.telemetry_stats import sync_telemetry_stats
from learntrace.registry.models import Asset, TranslationGroup
from tests.support.builders import make_academy, make_cohort, make_graded_asset, make_task, make_user

pytestmark = pytest.mark.django_db
MARK, SYNC = "mark_learnpack_exercises_as_completed_based_on_telemetry", "sync_all_asset_telemetries"


@pytest.fixture
def ada() -> User:
    return User.objects.create(username="ada")


@pytest.fixture(autouse=True)
def assets() -> None:
    group = TranslationGroup.objects.create()
    Asset.objects.create(slug="intro", graded=True, translation_group=group)
    Asset.objects.create(slug="intro-es", translation_group=group)
    Asset.objects.create(slug="free", graded=False)


def task(user: User, slug: str, task_type: str = "EXERCISE", **columns: str) -> Task:
    return Task.objects.create(user=user, title=slug, associated_slug=slug, task_type=task_type, **columns)


def telemetry(user: User, slug: str, rate: float | None) -> None:
    AssignmentTelemetry.objects.create(user=user, asset_slug=slug, completion_rate=rate, telemetry={})


def run(name: str, *arguments: str) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue().strip()


class TestMark:
    def test_completes_exercises_under_every_slug_of_the_group(self, ada: User) -> None:
        tasks = [task(ada, "intro"), task(ada, "intro-es")]
        telemetry(ada, "intro", 100)
        assert run(MARK) == "Marked 2 tasks as completed (1 complete telemetry rows)."
        for one in tasks:
            one.refresh_from_db()
            assert (one.task_status, one.revision_status) == ("DONE", "APPROVED")
            assert one.description == "You have completed all steps on this exercise"
            assert one.delivered_at == one.reviewed_at is not None

    def test_leaves_other_tasks_alone(self, ada: User) -> None:
        grace = User.objects.create(username="grace")
        others = [task(ada, "intro", "PROJECT"), task(grace, "intro"), task(ada, "free"), task(ada, "unknown")]
        for slug in ("intro", "free", "unknown"):
            telemetry(ada, slug, 100)
        before = list(Task.objects.order_by("pk").values())
        assert run(MARK) == "Marked 0 tasks as completed (1 complete telemetry rows)."
        assert list(Task.objects.order_by("pk").values()) == before
        assert len(others) == 4

    @pytest.mark.parametrize(
        ("rate", "arguments", "marked"),
        [
            (99.999, (), 1), (99.99, (), 0), (None, (), 0), (80, ("--completion-threshold", "80"), 1),
            (79.9, ("--completion-threshold", "80"), 0),
        ],
    )  # fmt: skip
    def test_looks_at_the_threshold(self, ada: User, rate: float, arguments: tuple[str, ...], marked: int) -> None:
        task(ada, "intro")
        telemetry(ada, "intro", rate)
        assert run(MARK, *arguments).startswith(f"Marked {marked} tasks")

    def test_changes_only_what_is_not_done_yet(self, ada: User) -> None:
        task(ada, "intro")
        telemetry(ada, "intro", 100)
        run(MARK)
        before = list(Task.objects.values())
        assert run(MARK).startswith("Marked 0 tasks")
        assert list(Task.objects.values()) == before

    def test_dry_run_counts_and_changes_nothing(self, ada: User) -> None:
        task(ada, "intro")
        telemetry(ada, "intro", 100)
        assert run(MARK, "--dry-run") == "Would mark 1 tasks as completed (1 complete telemetry rows)."
        assert Task.objects.get().task_status == "PENDING"

    def test_reaches_every_batch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(completed_exercises, "BATCH_SIZE", 2)
        for number in range(5):
            user = User.objects.create(username=str(number))
            task(user, "intro")
            telemetry(user, "intro", 100)
        assert run(MARK).startswith("Marked 5 tasks")

    @pytest.mark.parametrize("threshold", ["101", "-1", "x", "nan"])
    def test_refuses_a_threshold_that_is_no_percentage(self, threshold: str) -> None:
        with pytest.raises(CommandError, match="0 to 100"):
            run(MARK, f"--completion-threshold={threshold}")


class TestSyncAll:
    def test_recomputes_every_asset_with_telemetry(self, ada: User) -> None:
        telemetry(ada, "intro", 50)
        assert run(SYNC) == "Recomputed the statistics of 2 assets, 0 failed."
        for slug in ("intro", "intro-es"):
            [day] = Asset.objects.get(slug=slug).telemetry_stats["days"].values()
            assert day["completion_avg"] == 50
        assert Asset.objects.get(slug="free").telemetry_stats is None

    def test_dry_run_counts_and_changes_nothing(self, ada: User) -> None:
        telemetry(ada, "intro", 50)
        assert run(SYNC, "--dry-run") == "Would recompute the statistics of 2 assets."
        assert Asset.objects.get(slug="intro").telemetry_stats is None

    def test_one_that_fails_stops_no_other(self, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
        telemetry(ada, "intro", 50)
        broken = Asset.objects.get(slug="intro").pk

        def sync_or_fail(asset_id: int, now: datetime) -> bool:
            if asset_id == broken:
                raise ValueError("broken")
            return sync_telemetry_stats(asset_id, now)

        monkeypatch.setattr(
            "learntrace.assignments.management.commands.sync_all_asset_telemetries.sync_telemetry_stats", sync_or_fail
        )
        with pytest.raises(CommandError, match="broken"):
            run(SYNC)
        assert Asset.objects.get(slug="intro-es").telemetry_stats is not None


def test_a_record_marks_no_task_of_an_academy_that_does_not_own_it() -> None:
    """Staff of the owner may have written the record: it isn't theirs to say what is done elsewhere."""
    ours, theirs = make_academy(), make_academy()
    both = make_user("", "student", ours, theirs)
    make_graded_asset("arrays", academy=ours)
    tasks = [make_task(both, "arrays", cohort=make_cohort(f"c-{academy.pk}", academy)) for academy in (ours, theirs)]
    telemetry(both, "arrays", 100)
    run(MARK)
    for row, status in zip(tasks, ("DONE", "PENDING"), strict=True):
        row.refresh_from_db()
        assert row.task_status == status
