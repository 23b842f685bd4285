"""Telemetry under former and translated slugs comes under the one where it belongs; the newest document wins whole."""

import threading
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from learntrace.accounts.models import User
from learntrace.assignments import reconciliation
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.core.progress_line import ProgressLine
from learntrace.registry.models import Asset, AssetAlias, TranslationGroup

pytestmark = pytest.mark.django_db
EARLY, LATE = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)
RECONCILE, RENAME = "reconcile_canonical_telemetry", "update_telemetry_assets_slug"


@pytest.fixture
def ada() -> User:
    return User.objects.create(username="ada")


@pytest.fixture
def intro() -> Asset:
    """The canonical asset; intro-es and intro-it are its translations, introduction its former slug."""
    group = TranslationGroup.objects.create()
    intro = Asset.objects.create(pk=301, slug="intro", translation_group=group)
    spanish = Asset.objects.create(pk=302, slug="intro-es", translation_group=group)
    Asset.objects.create(pk=303, slug="intro-it", translation_group=group)
    AssetAlias.objects.create(asset=intro, slug="introduction")
    AssetAlias.objects.create(asset=spanish, slug="introduccion")
    return intro


def telemetry(user: User, slug: str, word: str = "", **columns: Any) -> AssignmentTelemetry:
    return AssignmentTelemetry.objects.create(user=user, asset_slug=slug, telemetry={"word": word or slug}, **columns)


def stored() -> dict[tuple[str, str], str]:
    rows = AssignmentTelemetry.objects.values_list("user__username", "asset_slug", "telemetry__word")
    return {(user, slug): word for user, slug, word in rows}


def run(name: str, *arguments: str) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue().strip()


@pytest.mark.usefixtures("intro")
class TestReconcile:
    @pytest.mark.parametrize("slug", ["intro-es", "introduction", "introduccion"])
    def test_a_row_under_another_slug_is_moved_whole(self, ada: User, slug: str) -> None:
        row = telemetry(ada, slug, "kept", completion_rate=50, last_interaction_at=EARLY, receipt=9)
        assert run(RECONCILE).startswith("Moved 1 telemetry rows to their canonical slug, 0 gave way")
        after = AssignmentTelemetry.objects.get()
        assert (after.pk, after.asset_slug, after.telemetry) == (row.pk, "intro", {"word": "kept"})
        assert (after.completion_rate, after.receipt, after.updated_at) == (50, 9, row.updated_at)

    @pytest.mark.parametrize("winner", ["intro", "intro-es", "introduction"])
    def test_of_several_rows_the_last_interaction_wins(self, ada: User, winner: str) -> None:
        for slug in ("intro", "intro-es", "introduction"):
            moment = LATE if slug == winner else EARLY
            telemetry(ada, slug, last_interaction_at=moment, receipt=1 if slug == winner else 100)
        run(RECONCILE)
        assert stored() == {("ada", "intro"): winner}

    def test_at_the_same_interaction_the_later_receipt_wins(self, ada: User) -> None:
        telemetry(ada, "intro", last_interaction_at=EARLY, receipt=2)
        telemetry(ada, "intro-es", last_interaction_at=EARLY, receipt=3)
        run(RECONCILE)
        assert stored() == {("ada", "intro"): "intro-es"}

    def test_a_missing_interaction_is_the_oldest_and_then_the_last_write_wins(self, ada: User) -> None:
        telemetry(ada, "intro-es", last_interaction_at=EARLY)
        telemetry(ada, "intro", receipt=100)
        grace = User.objects.create(username="grace")
        telemetry(grace, "intro-es")
        telemetry(grace, "intro")
        run(RECONCILE)
        assert stored() == {("ada", "intro"): "intro-es", ("grace", "intro"): "intro"}

    def test_other_rows_and_learners_are_left_alone(self, ada: User) -> None:
        grace = User.objects.create(username="grace")
        telemetry(ada, "intro-es")
        telemetry(ada, "loops")
        telemetry(grace, "intro")
        run(RECONCILE)
        assert stored() == {("ada", "intro"): "intro-es", ("ada", "loops"): "loops", ("grace", "intro"): "intro"}

    def test_dry_run_counts_and_changes_nothing(self, ada: User) -> None:
        telemetry(ada, "intro", last_interaction_at=EARLY)
        telemetry(ada, "intro-es", last_interaction_at=LATE)
        before = list(AssignmentTelemetry.objects.order_by("pk").values())
        told = run(RECONCILE, "--dry-run")
        assert told == ("Would move 1 telemetry rows to their canonical slug, 1 gave way to a newer one (1 learners).")
        assert list(AssignmentTelemetry.objects.order_by("pk").values()) == before

    def test_again_changes_nothing(self, ada: User) -> None:
        telemetry(ada, "intro-es")
        run(RECONCILE)
        assert run(RECONCILE).startswith("Moved 0 telemetry rows")


@pytest.mark.usefixtures("intro")
class TestRename:
    def test_an_alias_gives_way_to_the_assets_slug_and_not_to_the_canonical_one(self, ada: User) -> None:
        telemetry(ada, "introduccion")
        telemetry(ada, "intro-it")
        assert run(RENAME).startswith("Moved 1 telemetry rows to their asset's slug")
        assert stored() == {("ada", "intro-es"): "introduccion", ("ada", "intro-it"): "intro-it"}

    def test_it_merges_with_the_row_that_is_there(self, ada: User) -> None:
        telemetry(ada, "introduction", last_interaction_at=LATE)
        telemetry(ada, "intro", last_interaction_at=EARLY)
        run(RENAME, "--dry-run")
        assert len(stored()) == 2
        run(RENAME)
        assert stored() == {("ada", "intro"): "introduction"}


@pytest.mark.django_db(transaction=True)
def test_a_row_that_a_worker_stores_meanwhile_is_merged_too(
    ada: User, intro: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry(ada, "intro-es", last_interaction_at=EARLY)
    order = reconciliation._order
    stored_meanwhile: list[Any] = []

    def order_late(row: AssignmentTelemetry) -> Any:
        if not stored_meanwhile:
            thread = threading.Thread(target=store)
            stored_meanwhile.append(thread)
            thread.start()
            thread.join()
        return order(row)

    def store() -> None:
        telemetry(ada, "intro", "newest", last_interaction_at=LATE)
        connection.close()

    monkeypatch.setattr(reconciliation, "_order", order_late)
    run(RECONCILE)
    assert stored() == {("ada", "intro"): "newest"}


@pytest.mark.django_db(transaction=True)
def test_a_kill_leaves_each_learner_done_or_as_before(ada: User, intro: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    users = [ada, *(User.objects.create(username=f"user{number}") for number in range(3))]
    for user in users:
        telemetry(user, "intro", last_interaction_at=EARLY)
        telemetry(user, "intro-es", last_interaction_at=LATE)
    advance = ProgressLine.advance

    def killed(progress: Any, count: int = 1) -> None:
        advance(progress, count)
        if progress.done == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(ProgressLine, "advance", killed)
    with pytest.raises(KeyboardInterrupt):
        run(RECONCILE)
    counts = [AssignmentTelemetry.objects.filter(user=user).count() for user in users]
    assert counts == [1, 1, 2, 2]
    monkeypatch.undo()
    run(RECONCILE)
    assert set(stored().values()) == {"intro-es"}
    assert len(stored()) == 4
