"""Frustration, batch after batch: opened, counted, resolved and withdrawn by the scores of LearnPack's telemetry."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from learntrace.accounts.academy_settings import merge_settings
from learntrace.accounts.models import User
from learntrace.assignments.models import AssignmentTelemetry
from learntrace.core import live_events
from learntrace.core.models import LiveEvent
from learntrace.learnpack.attempts.derivation import take_attempts
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import drain
from learntrace.progress.recording.recording import lock_learners, tell_also, together
from learntrace.progress.stale_queue import mark_stale
from learntrace.signals.documents import signal_document
from learntrace.signals.frustration import evaluate_scores
from learntrace.signals.models import Notification, Signal
from tests.support.builders import Cast, make_academy, make_asset, make_task, make_user
from tests.support.notifications import make_rule
from tests.support.recorded_cases import RECORDED

SLUG = "python-loops"
LINES = [json.loads(line)["body"] for line in (RECORDED / "recorded_cli_requests.jsonl").read_text().splitlines()]
BATCH = [body for body in LINES if "event" not in body][-1]
START = datetime(2021, 3, 1, 9, tzinfo=UTC)
SHOWN = ("state", "count", "key", "evidence", "resolved_by", "asset_slug", "assignment")


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def batch(
    user: User,
    receipt: int | None,
    frustration: float | None,
    engagement: float | None = 10,
    slug: str = SLUG,
    **at: Any,
) -> None:
    """The learner's telemetry as the drain writes it."""
    scores: dict[str, Any] = {
        "frustration_score": frustration,
        "engagement_score": engagement,
        "receipt": receipt,
        "telemetry": {},
    }
    defaults = {**scores, "last_interaction_at": at.get("at", minute(receipt or 0))}
    AssignmentTelemetry.objects.update_or_create(user=user, asset_slug=slug, defaults=defaults)


def look(cast: Cast, *users: User, slug: str = SLUG, academy: int | None = 0) -> list[live_events.Change]:
    users = users or (cast.owner,)
    with transaction.atomic():
        lock_learners([user.pk for user in users])
        told = evaluate_scores({(user.pk, slug): cast.academy.pk if academy == 0 else academy for user in users})
        live_events.say(told)
    return told


def bring(
    cast: Cast, receipt: int, frustration: float | None, engagement: float | None = 10, **at: Any
) -> list[live_events.Change]:
    batch(cast.owner, receipt, frustration, engagement, **at)
    return look(cast)


def shown() -> list[tuple[Any, ...]]:
    return list(Signal.objects.order_by("pk").values_list(*SHOWN))


def test_a_batch_with_high_frustration_and_low_engagement_opens_it(cast: Cast) -> None:
    make_asset(SLUG, title="Loops in Python")
    told, concern = bring(cast, 7, 72.5)
    assert (concern.kind, concern.data["state"], concern.data["asset"]) == ("concern", "open", SLUG)
    assert shown() == [("open", 1, "7", ["webhook:7"], "", SLUG, None)]
    signal = Signal.objects.get()
    assert (signal.opened_at, signal.last_seen_at, signal.academy) == (minute(7), minute(7), cast.academy)
    assert [entry["what"] for entry in signal.history] == ["opened"]
    sentence = "Ada Lovelace seems frustrated by Loops in Python: frustration 72.5 and engagement 10 of 100"
    assert told.data["sentence"] == sentence
    assert LiveEvent.objects.get(kind="signal").data["id"] == signal.pk
    assert "Loops in Python" in signal_document(signal, cast.owner, "es")["sentence"]


@pytest.mark.parametrize(("frustration", "engagement"), [(59.9, 10), (60, 30.1), (None, 10), (90, None)])
def test_other_scores_open_nothing(cast: Cast, frustration: float | None, engagement: float | None) -> None:
    assert bring(cast, 7, frustration, engagement) == []
    assert shown() == []


def test_each_batch_that_still_says_so_counts_once(cast: Cast) -> None:
    bring(cast, 7, 60, 30)
    bring(cast, 8, 80)
    assert bring(cast, 8, 80) == []
    bring(cast, 11, 65)
    assert shown() == [("open", 3, "7", ["webhook:7", "webhook:8", "webhook:11"], "", SLUG, None)]
    signal = Signal.objects.get()
    assert (signal.opened_at, signal.last_seen_at, signal.facts["frustration"]) == (minute(7), minute(11), 65)


def test_the_first_newer_batch_that_says_otherwise_resolves_it_and_a_later_one_opens_another(cast: Cast) -> None:
    bring(cast, 7, 80)
    bring(cast, 9, 80, 31)
    first = Signal.objects.get()
    assert (first.state, first.resolved_by, first.resolved_at) == ("resolved", "webhook:9", minute(9))
    assert [entry["what"] for entry in first.history] == ["opened", "resolved"]
    assert bring(cast, 9, 80, 31) == []
    assert bring(cast, 10, 10) == []
    bring(cast, 12, 90)
    assert [row[:3] for row in shown()] == [("resolved", 1, "7"), ("open", 1, "12")]


def test_of_many_batches_the_evidence_is_bounded(cast: Cast) -> None:
    for receipt in range(1, 206):
        bring(cast, receipt, 80)
    signal = Signal.objects.get()
    assert (signal.count, len(signal.evidence)) == (205, 200)
    assert (signal.evidence[0], signal.evidence[-1]) == ("webhook:1", "webhook:205")


def test_what_a_teacher_has_acknowledged_stays_so_while_it_lasts(cast: Cast) -> None:
    bring(cast, 7, 80)
    Signal.objects.update(state="acknowledged", acknowledged_at=timezone.now(), acknowledged_by=cast.colleague)
    told, concern = bring(cast, 8, 80)
    assert concern.data["state"] == "acknowledged"
    assert (told.data["state"], told.data["acknowledged_by"]["username"]) == ("acknowledged", "grace")
    bring(cast, 9, 0)
    assert Signal.objects.get().state == "resolved"


def test_a_batch_without_a_time_is_of_now(cast: Cast) -> None:
    before = timezone.now()
    bring(cast, 7, 80, at=None)
    assert Signal.objects.get().opened_at >= before
    bring(cast, 8, 80)  # of years ago, by its client's clock
    signal = Signal.objects.get()
    assert (signal.count, signal.last_seen_at >= signal.opened_at) == (2, True)


class TestTurnedOff:
    def test_nothing_opens(self, cast: Cast) -> None:
        merge_settings(cast.academy, {"signal_features": {"frustration": {"enabled": False}}})
        assert bring(cast, 7, 80) == []
        assert shown() == []

    def test_what_stands_is_withdrawn_and_seen_again_when_it_is_on_again(self, cast: Cast) -> None:
        bring(cast, 7, 80)
        merge_settings(cast.academy, {"signal_features": {"frustration": {"enabled": False}}})
        bring(cast, 8, 80)
        assert [row[:3] for row in shown()] == [("withdrawn", 1, "7")]
        merge_settings(cast.academy, {"signal_features": {"frustration": {"enabled": True}}})
        bring(cast, 8, 80)
        assert [row[:3] for row in shown()] == [("withdrawn", 1, "7"), ("open", 1, "8")]
        merge_settings(cast.academy, {"signal_features": {"frustration": {"enabled": False}}})
        look(cast)
        merge_settings(cast.academy, {"signal_features": {"frustration": {"enabled": True}}})
        look(cast)
        assert [row[:3] for row in shown()] == [("withdrawn", 1, "7"), ("open", 1, "8")]
        assert [entry["what"] for entry in Signal.objects.get(key="8").history] == ["opened", "withdrawn", "seen-again"]


def test_an_academy_sets_its_own_thresholds(cast: Cast) -> None:
    merge_settings(cast.academy, {"signal_features": {"frustration": {"frustration": 90, "engagement": 5}}})
    bring(cast, 7, 89, 5)
    assert shown() == []
    bring(cast, 8, 90, 5)
    assert len(shown()) == 1


def test_what_staff_has_written_is_no_batch_and_what_is_gone_is_withdrawn(cast: Cast) -> None:
    batch(cast.owner, None, 95)
    assert look(cast) == []
    bring(cast, 7, 80)
    AssignmentTelemetry.objects.all().delete()
    look(cast)
    assert Signal.objects.get().state == "withdrawn"


def test_in_another_academy_it_is_another_one_and_the_old_one_is_withdrawn(cast: Cast) -> None:
    bring(cast, 7, 80)
    batch(cast.owner, 8, 80)
    other = make_academy("uptown")
    look(cast, academy=other.pk)
    assert list(Signal.objects.order_by("pk").values_list("academy__slug", "state", "key")) == [
        ("downtown", "withdrawn", "7"),
        ("uptown", "open", "8"),
    ]
    batch(cast.owner, 9, 80)
    assert look(cast, academy=None) != []  # the one in uptown is over; whom no academy sees is told to nobody
    assert Signal.objects.get(academy=None).state == "open"


def test_a_class_takes_no_more_queries_than_a_learner(cast: Cast) -> None:
    users = [make_user(f"learner-{number}", "student", cast.academy) for number in range(20)]
    for number, user in enumerate(users):
        batch(user, 100 + number, 80)
    with CaptureQueriesContext(connection) as one:
        look(cast, users[0])
    with CaptureQueriesContext(connection) as many:
        look(cast, *users)
    assert Signal.objects.count() == len(users)
    assert len(many) <= len(one)


def test_a_teacher_is_notified_once(cast: Cast) -> None:
    make_rule(cast.colleague, cast.academy, kinds=["frustration"])
    now = timezone.now()
    bring(cast, 7, 80, at=now)
    bring(cast, 8, 80, at=now + timedelta(seconds=9))
    assert Notification.objects.count() == 1


def test_what_is_recorded_together_tells_it_at_the_end(cast: Cast) -> None:
    batch(cast.owner, 7, 80)
    with transaction.atomic(), together():
        lock_learners([cast.owner.pk])
        tell_also(evaluate_scores({(cast.owner.pk, SLUG): cast.academy.pk}))
        assert not LiveEvent.objects.exists()
    assert LiveEvent.objects.filter(kind="signal").count() == 1


class TestFromTheInbox:
    """From webhooks, through the drain, to signals: a recorded batch, under thresholds that it fulfils."""

    SLUG = "python-hello-tutorial"

    @pytest.fixture(autouse=True)
    def _package(self, cast: Cast) -> None:
        make_asset(self.SLUG, id=145, academy=cast.academy, graded=True)
        make_task(cast.owner, self.SLUG)
        self.wants(cast, 0)

    def wants(self, cast: Cast, frustration: int) -> None:
        merge_settings(
            cast.academy, {"signal_features": {"frustration": {"frustration": frustration, "engagement": 100}}}
        )

    def receive(self, cast: Cast, later: int) -> Webhook:
        at = BATCH["last_interaction_at"] + later
        payload = BATCH | {"user_id": cast.owner.pk, "last_interaction_at": at, "asset_id": "145"}
        row = Webhook.objects.create(is_streaming=False, event="batch", student=cast.owner, payload=payload)
        drain.drain_webhooks()
        while take_attempts():
            pass
        return row

    def test_a_batch_is_looked_at_together_with_its_attempts(self, cast: Cast) -> None:
        first, second = self.receive(cast, 0), self.receive(cast, 1000)
        signal = Signal.objects.get(kind="frustration")
        assert (signal.state, signal.academy, signal.asset_slug) == ("open", cast.academy, self.SLUG)
        assert signal.evidence == [f"webhook:{first.pk}", f"webhook:{second.pk}"]
        assert LiveEvent.objects.filter(kind="signal", data__id=signal.pk).count() == 2
        self.wants(cast, 101)
        third = self.receive(cast, 2000)
        signal.refresh_from_db()
        assert (signal.state, signal.resolved_by) == ("resolved", f"webhook:{third.pk}")

    def test_what_a_notebook_tells_of_an_asset_is_no_batch(self, cast: Cast) -> None:
        self.receive(cast, 0)
        AssignmentTelemetry.objects.update(telemetry={"agent": "jupyter"}, receipt=99_999)
        mark_stale("learnpack", [(cast.owner.pk, self.SLUG)])
        take_attempts()
        assert Signal.objects.get(kind="frustration").count == 1
