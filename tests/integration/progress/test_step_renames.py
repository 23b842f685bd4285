"""Former steps stay to be seen, and a rename that staff confirms joins two histories, as exactly as it is undone."""

import io
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

from learntrace.accounts.models import User
from learntrace.measures.activity import Activity
from learntrace.progress.catalogue import publish_assignments
from learntrace.progress.corrections import exclusions, step_renames
from learntrace.progress.models import Activity as ActivityRow
from learntrace.progress.models import Assignment, FormerStep, Progress, StepRename
from learntrace.progress.reports.assignments import assignments_of
from learntrace.progress.reports.selection import Selection
from learntrace.registry.models import Asset
from tests.integration.progress.test_exclusions import everything, meant, without_ids
from tests.integration.progress.test_recording import a_lesson, take
from tests.support.builders import NOW, Api, Cast, make_asset, make_user

pytestmark = pytest.mark.django_db

OLD, NEW, OTHER = "intro/01-hello", "intro/01-greeting", "intro/02-loops"
RENAME = "/v1/progress/academy/step-rename"


def publish(asset: Asset, *steps: tuple[str, str]) -> None:
    with transaction.atomic():
        publish_assignments(asset.academy_id or 0, asset.pk, [(key, title, n) for n, (key, title) in enumerate(steps)])


def on(key: str, activities: list[Activity], later: timedelta = timedelta()) -> list[Activity]:
    """The same doings at a step, with other ids."""
    return [replace(one, id=str(uuid.uuid4()), assignment=key, at=one.at + later) for one in activities]


BEFORE, AFTER = on(OLD, a_lesson(1)), on(NEW, a_lesson(2), timedelta(days=1))


@pytest.fixture
def renamed(cast: Cast) -> Asset:
    """A package whose first step was renamed after the learner had worked on it."""
    asset = make_asset("intro", academy=cast.academy)
    publish(asset, (OLD, "Hello"), (OTHER, "Loops"))
    Assignment.objects.update(published_at=NOW)
    take(cast.owner, cast.academy, BEFORE)
    publish(asset, (NEW, "Hello"), (OTHER, "Loops"))
    take(cast.owner, cast.academy, AFTER)
    return asset


def rows_of(user: User) -> list[Any]:
    return list(ActivityRow.objects.filter(user=user).order_by("id").values_list("id", "assignment", "told_as"))


class TestAFormerStep:
    def test_it_is_shown_with_its_attempts_and_in_no_denominator(
        self, cast: Cast, renamed: Asset, teacher: Api, client: Client
    ) -> None:
        assert [row.assignment for row in assignments_of(Selection(cast.academy))] == [NEW, OTHER]
        told = teacher.get(f"/v1/progress/academy/learner/{cast.owner.pk}").json()
        assert told["assignments"] == 2
        attempts = teacher.get(
            f"/v1/progress/academy/assignment/{OLD}/learner/{cast.owner.pk}/attempt?limit=1000"
        ).json()
        assert attempts["count"] == sum(one.outcome is not None for one in BEFORE)
        client.force_login(cast.colleague)
        page = client.get("/asset/intro").content.decode()
        assert "Former steps" in page
        assert OLD in page
        assert client.get(f"/assignment/{OLD}").status_code == 200

    def test_one_that_comes_back_is_former_no_longer(self, cast: Cast, renamed: Asset) -> None:
        assert [step.key for step in FormerStep.objects.all()] == [OLD]
        publish(renamed, (OLD, "Hello"), (OTHER, "Loops"))
        assert [step.key for step in FormerStep.objects.all()] == [NEW]


class TestARename:
    def test_it_is_proposed_joins_the_histories_and_is_undone_exactly(
        self, cast: Cast, renamed: Asset, teacher: Api
    ) -> None:
        (row,) = teacher.get("/v1/progress/academy/former-step?asset=intro").json()
        assert (row["assignment"], row["proposed"], row["rename"]) == (OLD, NEW, None)
        before, rows = everything(cast.owner), rows_of(cast.owner)
        answer = teacher.post(RENAME, {"old": OLD, "new": NEW})
        assert answer.status_code == 201, answer.content
        assert {one[1] for one in rows_of(cast.owner)} == {NEW}
        twin = make_user("twin", "student", cast.academy)
        take(twin, cast.academy, on(NEW, [*BEFORE, *AFTER]))
        assert without_ids(everything(cast.owner)) == without_ids(everything(twin))
        assert teacher.get("/v1/progress/academy/former-step").json()[0]["rename"]["new"] == NEW
        assert teacher.delete(f"{RENAME}/{answer.json()['id']}").status_code == 200
        assert rows_of(cast.owner) == rows
        assert everything(cast.owner)["measures"] == before["measures"]

    def test_what_comes_later_under_the_old_name_is_read_as_the_new_one(self, cast: Cast, renamed: Asset) -> None:
        step_renames.rename(cast.academy, OLD, NEW, None)
        late = on(OLD, a_lesson(3)[:10], timedelta(days=2))
        take(cast.owner, cast.academy, late)
        assert ActivityRow.objects.filter(assignment=NEW, told_as=OLD).count() == len(BEFORE) + 10
        assert not Progress.objects.filter(assignment=OLD).exists()
        step_renames.undo(cast.academy, StepRename.objects.get().pk, None)
        assert ActivityRow.objects.filter(assignment=OLD).count() == len(BEFORE) + 10

    def test_a_step_that_is_renamed_twice_is_read_as_the_last_one(self, cast: Cast, renamed: Asset) -> None:
        first = step_renames.rename(cast.academy, OLD, NEW, None)
        publish(renamed, ("intro/01-hi", "Hello"), (OTHER, "Loops"))
        step_renames.rename(cast.academy, NEW, "intro/01-hi", None)
        assert {one[1] for one in rows_of(cast.owner)} == {"intro/01-hi"}
        step_renames.undo(cast.academy, first.pk, None)
        assert {one[1] for one in rows_of(cast.owner)} == {OLD, "intro/01-hi"}

    def test_an_exclusion_at_the_old_name_stays_one(self, cast: Cast, renamed: Asset) -> None:
        exclusions.exclude(cast.academy, meant(cast.owner, assignment=OLD), "junk", None, None)
        before = everything(cast.owner)["measures"]
        row = step_renames.rename(cast.academy, OLD, NEW, None)
        assert everything(cast.owner)["measures"] == before
        step_renames.undo(cast.academy, row.pk, None)
        assert everything(cast.owner)["measures"] == before

    def test_what_was_excluded_of_the_joined_step_stays_excluded_of_both(self, cast: Cast, renamed: Asset) -> None:
        rename = step_renames.rename(cast.academy, OLD, NEW, None)
        made = exclusions.exclude(cast.academy, meant(cast.owner, assignment=NEW), "junk", None, None)
        step_renames.undo(cast.academy, rename.pk, None)
        assert not Progress.objects.filter(user=cast.owner, assignment__in=[OLD, NEW], attempts__gt=0).exists()
        exclusions.lift(cast.academy, exclusions.made_together_with(cast.academy, made[0]), None)
        counted = dict(Progress.objects.filter(user=cast.owner).values_list("assignment", "attempts"))
        assert set(counted) == {OLD, NEW}


class TestARenameIsRefused:
    def test_where_both_steps_were_worked_on(self, cast: Cast, renamed: Asset, teacher: Api, client: Client) -> None:
        take(cast.owner, cast.academy, on(OLD, a_lesson(3), timedelta(days=2)))
        before = rows_of(cast.owner), everything(cast.owner)
        answer = teacher.post(RENAME, {"old": OLD, "new": NEW})
        assert (answer.status_code, answer.json()["slug"]) == (400, "rename-refused")
        assert "Both steps were worked on: ada tried" in answer.json()["detail"]
        client.force_login(cast.colleague)
        page = client.post("/asset/intro/rename", {"old": OLD, "new": NEW}, follow=True)
        assert "Both steps were worked on" in page.content.decode()
        assert (rows_of(cast.owner), everything(cast.owner)) == before
        assert not StepRename.objects.exists()

    @pytest.mark.parametrize(
        ("old", "new", "sentence"),
        [
            (OTHER, NEW, "is still a step"),
            ("intro/99", NEW, "isn't a former step"),
            (OLD, "intro/99", "isn't a step of the same package"),
            (OLD, 5, "must name steps"),
        ],
    )
    def test_for_what_it_names(self, renamed: Asset, teacher: Api, old: str, new: Any, sentence: str) -> None:
        answer = teacher.post(RENAME, {"old": old, "new": new})
        assert answer.status_code == 400
        assert sentence in answer.json()["detail"]

    def test_from_another_academy(self, cast: Cast, renamed: Asset) -> None:
        stranger = Api(cast.stranger, cast.elsewhere)
        assert stranger.post(RENAME, {"old": OLD, "new": NEW}).status_code == 400
        row = step_renames.rename(cast.academy, OLD, NEW, None)
        assert stranger.delete(f"{RENAME}/{row.pk}").status_code == 404
        assert stranger.get("/v1/progress/academy/former-step").json() == []


class TestThePageAndTheCommand:
    def test_the_page_proposes_joins_and_undoes(self, cast: Cast, renamed: Asset, client: Client) -> None:
        client.force_login(cast.colleague)
        assert f'value="{NEW}" selected' in client.get("/asset/intro").content.decode()
        page = client.post("/asset/intro/rename", {"old": OLD, "new": NEW}, follow=True).content.decode()
        assert f"read as {NEW}" in page
        client.post("/asset/intro/rename", {"undo": StepRename.objects.get().pk})
        assert StepRename.objects.get().undone_at is not None
        client.force_login(make_user("ann", "assistant", cast.academy))
        assert 'name="old"' not in client.get("/asset/intro").content.decode()
        assert client.post("/asset/intro/rename", {"old": OLD, "new": NEW}).status_code == 403

    def test_the_command_lists_joins_and_undoes(self, cast: Cast, renamed: Asset) -> None:
        assert f"perhaps {NEW}" in run("downtown")
        assert "Would read" in run("downtown", OLD, NEW, "--dry-run")
        assert not StepRename.objects.exists()
        run("downtown", OLD, NEW)
        assert f"read as {NEW}" in run("downtown")
        with pytest.raises(CommandError, match="already joined with another step"):
            run("downtown", OLD, NEW)
        run("downtown", OLD, "--undo")
        assert {one[1] for one in rows_of(cast.owner)} == {OLD, NEW}


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rename_step", *arguments, stdout=out)
    return out.getvalue()
