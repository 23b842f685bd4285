"""Deleting old webhooks and refusals, and clearing the queue."""

import threading
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from learntrace.intake.models import Refusal
from learntrace.intake.retention import delete_old_refusals
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.webhook_log.retention import clear_webhooks, delete_old_webhooks

pytestmark = pytest.mark.django_db


def webhook(status: str = "DONE", days_ago: float = 0) -> Webhook:
    created_at = timezone.now() - timedelta(days=days_ago)
    return Webhook.objects.create(is_streaming=False, event="batch", payload={}, status=status, created_at=created_at)


def refusal(days_ago: float) -> Refusal:
    created_at = timezone.now() - timedelta(days=days_ago)
    return Refusal.objects.create(path="/", status_code=401, reason="x", size=1, created_at=created_at)


def run(name: str, *arguments: str) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue().strip().splitlines()[-1]


class TestGarbageCollect:
    def test_deletes_what_is_older_than_thirty_days(self) -> None:
        kept = [webhook(days_ago=29), webhook("ERROR")]
        for status in ("DONE", "ERROR", "IGNORED"):
            webhook(status, days_ago=31)
        fresh = refusal(29)
        refusal(31)
        assert run("assignments_garbage_collect") == "Deleted 3 webhooks and 1 refusals older than 30 days."
        assert set(Webhook.objects.all()) == set(kept)
        assert list(Refusal.objects.all()) == [fresh]

    def test_never_deletes_what_is_pending(self) -> None:
        old = webhook("PENDING", days_ago=1000)
        run("assignments_garbage_collect", "--days", "1")
        assert list(Webhook.objects.all()) == [old]

    def test_deletes_the_oldest_first_and_stops_at_max(self) -> None:
        rows = [webhook(days_ago=days) for days in (40, 60, 50, 70)]
        assert run("assignments_garbage_collect", "--max", "3", "--batch-size", "2").startswith("Deleted 3 webhooks")
        assert list(Webhook.objects.all()) == [rows[0]]

    def test_dry_run_counts_only(self) -> None:
        for _ in range(3):
            webhook(days_ago=40)
        refusal(40)
        told = run("assignments_garbage_collect", "--dry-run", "--max", "2")
        assert told == "Would delete 2 webhooks and 1 refusals older than 30 days."
        assert Webhook.objects.count() == 3

    def test_again_finds_nothing(self) -> None:
        webhook(days_ago=40)
        run("assignments_garbage_collect")
        assert run("assignments_garbage_collect").startswith("Deleted 0 webhooks")

    @pytest.mark.parametrize("arguments", [("--days", "0"), ("--days", "x"), ("--batch-size", "-1"), ("--max", "0")])
    def test_refuses_numbers_that_make_no_sense(self, arguments: tuple[str, str]) -> None:
        with pytest.raises(CommandError, match="whole number above 0"):
            run("assignments_garbage_collect", *arguments)

    def test_refuses_more_days_than_there_are(self) -> None:
        with pytest.raises(CommandError, match="more than 36500 days"):
            run("assignments_garbage_collect", "--days", "99999999999")
        assert run("assignments_garbage_collect", "--days", "36500").startswith("Deleted 0 webhooks")

    def test_shows_progress_on_stderr_now_and_then(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr("learntrace.core.progress_line.time.monotonic", iter(range(0, 1000, 3)).__next__)
        for _ in range(8):
            webhook(days_ago=40)
        run("assignments_garbage_collect", "--batch-size", "1")
        assert capsys.readouterr().err.splitlines() == ["webhooks: 2", "webhooks: 4", "webhooks: 6", "webhooks: 8"]


class TestClearQueue:
    def test_without_a_terminal_it_refuses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin.isatty", lambda: False)
        webhook("PENDING")
        with pytest.raises(CommandError, match="--force"):
            run("clear_learnpack_telemetry_queue")
        assert Webhook.objects.count() == 1

    def test_with_force_it_deletes_what_is_pending(self) -> None:
        webhook("PENDING")
        done = webhook("DONE")
        assert run("clear_learnpack_telemetry_queue", "--force") == "Deleted 1 webhooks (status PENDING)."
        assert list(Webhook.objects.all()) == [done]

    @pytest.mark.parametrize(("status", "deleted"), [("DONE", 1), ("ERROR", 2), ("IGNORED", 0), ("ALL", 4)])
    def test_deletes_the_status_that_is_asked_for(self, status: str, deleted: int) -> None:
        for one in ("PENDING", "DONE", "ERROR", "ERROR"):
            webhook(one)
        dry = run("clear_learnpack_telemetry_queue", "--status", status, "--dry-run")
        assert dry == f"Would delete {deleted} webhooks (status {status})."
        told = run("clear_learnpack_telemetry_queue", "--status", status, "--force")
        assert told == f"Deleted {deleted} webhooks (status {status})."
        assert Webhook.objects.count() == 4 - deleted

    @pytest.mark.parametrize(("answer", "left"), [("yes", 0), ("y", 1), ("", 1)])
    def test_on_a_terminal_it_asks(self, monkeypatch: pytest.MonkeyPatch, answer: str, left: int) -> None:
        webhook("PENDING")
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        monkeypatch.setattr("builtins.input", lambda _question: answer)
        if left:
            with pytest.raises(CommandError, match="Nothing was deleted"):
                run("clear_learnpack_telemetry_queue")
        else:
            run("clear_learnpack_telemetry_queue")
        assert Webhook.objects.count() == left


@pytest.mark.django_db(transaction=True)
def test_rows_in_the_hands_of_a_worker_are_passed_over() -> None:
    held, free = webhook("PENDING", days_ago=40), webhook("PENDING", days_ago=40)
    counts = []

    def clear() -> None:
        counts.append(clear_webhooks("PENDING"))
        connection.close()

    with transaction.atomic():
        Webhook.objects.select_for_update().get(pk=held.pk)
        thread = threading.Thread(target=clear)
        thread.start()
        thread.join(timeout=60)
        assert not thread.is_alive()
    assert counts == [1]
    assert list(Webhook.objects.all()) == [held]
    assert free.pk != held.pk


@pytest.mark.django_db(transaction=True)
def test_what_was_deleted_before_a_kill_stays_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        webhook(days_ago=40)
        refusal(40)

    def killed(_progress: object, _count: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("learntrace.core.progress_line.ProgressLine.advance", killed)
    with pytest.raises(KeyboardInterrupt):
        run("assignments_garbage_collect", "--batch-size", "2")
    assert Webhook.objects.count() == 3


def test_the_schedules_functions_return_their_counts() -> None:
    webhook(days_ago=40)
    refusal(40)
    assert delete_old_webhooks(days=30, most=10) == 1
    assert delete_old_refusals(days=30) == 1
