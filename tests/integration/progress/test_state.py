"""What makes a learner done, stuck or struggling, from what clients send, and that a recomputation comes to the same."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from learntrace.accounts.models import User
from learntrace.assignments.models import Task
from learntrace.learnpack.attempts.derivation import take_attempts
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing import drain
from learntrace.measures.activity import Activity, Failure
from learntrace.progress.evidence import standing_of
from learntrace.progress.models import CheckedAssignment, Progress, Recomputation
from learntrace.progress.recording import recomputation
from learntrace.progress.recording.activity_store import LearnerActivity
from learntrace.progress.recording.recording import record
from learntrace.registry.models import Asset
from learntrace.signals.models import Notification, Signal
from tests.support.builders import Api, Cast, make_graded_asset, make_task, make_user
from tests.support.notifications import make_rule

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEY, OTHER = "assignment:lesson-03-exercise-1", "assignment:lesson-03-exercise-2"
NOTEBOOKS = "/v1/notebook/academy/notebook"
SLUG = "python-steps"


@pytest.fixture(autouse=True)
def package(cast: Cast) -> Asset:
    return make_graded_asset(SLUG, id=145, academy=cast.academy)


def run(
    user: User, cast: Cast, signs: str, key: str = KEY, *, start: datetime = START, every: float = 60, first: int = 0
) -> None:
    """Runs in a notebook, by their signs: x and - the work, c and C its check cell (C fails)."""
    with transaction.atomic():
        record("test", list(_runs(user, cast, signs, key, start, every, first)))


def _runs(
    user: User, cast: Cast, signs: str, key: str, start: datetime, every: float, first: int
) -> Iterator[LearnerActivity]:
    for number, sign in enumerate(signs, first):
        failed = sign in "xC"
        yield LearnerActivity(
            user.pk,
            cast.academy.pk,
            Activity(
                id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{user.pk} {key} {number} {start}")),
                at=start + timedelta(seconds=number * every),
                arrival=number,
                assignment=key,
                outcome="error" if failed else "ok",
                failures=(Failure("NameError", "x"),) if failed else (),
                session_id="s1",
                object_id="check" if sign in "cC" else "work",
                code_hash="a" * 64,
                part="check" if sign in "cC" else None,
            ),
        )


def send(user: User, *steps: dict[str, Any], at: datetime = START + timedelta(hours=2)) -> None:
    """A batch of LearnPack's client."""
    payload = {"slug": SLUG, "user_id": user.pk, "steps": list(steps), "last_interaction_at": ms(at), "asset_id": "145"}
    if not Task.objects.filter(user=user).exists():
        make_task(user, SLUG)
    Webhook.objects.create(is_streaming=False, event="batch", student=user, payload=payload)
    drain.drain_webhooks()
    while take_attempts():
        pass


def step(slug: str, compiles: str = "", tests: str = "", **fields: Any) -> dict[str, Any]:
    """A step that was opened; runs a minute apart, compiles before tests, "-" with exit code 0."""
    listed = [
        (index, sign, kind)
        for index, (sign, kind) in enumerate(
            [(sign, "compilations") for sign in compiles] + [(sign, "tests") for sign in tests], 1
        )
    ]
    runs: dict[str, list[dict[str, Any]]] = {"compilations": [], "tests": []}
    for index, sign, kind in listed:
        moment = ms(START + timedelta(minutes=index))
        runs[kind].append({"started_at": moment, "ended_at": moment, "exit_code": 0 if sign == "-" else 1})
    return {"slug": slug, "is_testeable": False, "opened_at": ms(START), **runs, **fields}


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def state(user: User, key: str = KEY) -> tuple[str, str | None, str | None]:
    standing = standing_of(Progress.objects.get(user=user, assignment=key))
    return standing.state, standing.done_because, standing.done_by


def open_kinds(user: User, key: str = KEY) -> set[str]:
    return set(Signal.objects.filter(user=user, assignment=key, state="open").values_list("kind", flat=True))


def recompute_waiting() -> int:
    """Do the recomputations that were queued, as workers do; how many there were."""
    Recomputation.objects.filter(done_at__isnull=True).update(due_at=timezone.now() - timedelta(seconds=1))
    count = 0
    while recomputation.take_recomputation():
        count += 1
    assert not Recomputation.objects.exclude(fault="").exists()
    return count


def nothing_changes(user: User) -> bool:
    with transaction.atomic():
        return recomputation.recompute_learner(user.pk) == recomputation.Changed()


class TestLearnPack:
    def test_a_reading_step_that_its_client_says_is_completed_is_done(self, cast: Cast) -> None:
        send(cast.owner, step("00-read", completed_at=ms(START + timedelta(minutes=3)), is_completed=True))
        assert state(cast.owner, f"{SLUG}/00-read") == ("done", "checked", "client")
        row = Progress.objects.get(assignment=f"{SLUG}/00-read")
        assert (row.done_at, row.attempts) == (START + timedelta(minutes=3), 0)

    def test_a_completion_without_a_time_is_told_once(self, cast: Cast) -> None:
        for hours in (2, 3):
            send(cast.owner, step("00-read", is_completed=True), at=START + timedelta(hours=hours))
        row = Progress.objects.get(assignment=f"{SLUG}/00-read")
        assert (row.done_at, row.done_because, row.last_seen_at) == (START, "checked", START)

    def test_a_test_that_passes_is_checked_and_a_compile_is_not(self, cast: Cast) -> None:
        send(
            cast.owner, step("01", compiles="--", is_testeable=True), step("02", tests="x-"), step("03", compiles="x-")
        )
        assert state(cast.owner, f"{SLUG}/01") == ("working", None, None)
        assert state(cast.owner, f"{SLUG}/02") == ("done", "checked", "test")
        assert state(cast.owner, f"{SLUG}/03") == ("done", "ran", "run")

    def test_a_step_that_ever_had_a_test_keeps_it(self, cast: Cast) -> None:
        send(cast.owner, step("01", tests="x"))
        other = make_user("ben", "student", cast.academy)
        send(other, step("01", compiles="-"))
        assert state(other, f"{SLUG}/01") == ("working", None, None)

    def test_who_only_compiled_is_looked_at_again_when_a_test_appears(self, cast: Cast) -> None:
        send(cast.owner, step("01", compiles="-"))
        assert state(cast.owner, f"{SLUG}/01")[0] == "done"
        send(make_user("ben", "student", cast.academy), step("01", tests="x"))
        assert recompute_waiting() == 1
        assert state(cast.owner, f"{SLUG}/01") == ("working", None, None)

    def test_quizzes_are_attempts(self, cast: Cast) -> None:
        answers = [{"started_at": ms(START + timedelta(minutes=n)), "status": status}
                   for n, status in enumerate(("ERROR", "ERROR", "SUCCESS", "unknown"), 1)]  # fmt: skip
        send(cast.owner, step("03", quiz_submissions=answers))
        row = Progress.objects.get(assignment=f"{SLUG}/03")
        assert (row.attempts, row.errors, row.done_by, row.error_quotient) == (3, 2, "quiz", 0.5)

    def test_questions_are_counted_and_told_in_sentences(self, cast: Cast, teacher: Api) -> None:
        asked = [{"started_at": ms(START + timedelta(minutes=minutes))} for minutes in (0.5, 1.5, 1.6, 5.5)]
        send(cast.owner, step("03", compiles="x" * 12, ai_interactions=asked))
        row = Progress.objects.get(assignment=f"{SLUG}/03")
        assert (row.questions, row.asked_before) == (4, [[1, 1], [2, 2], [6, 1]])
        stuck = teacher.get("/v1/signal/academy/signal?kind=stuck").json()[0]
        assert stuck["sentences"]["en"].endswith("; asked the assistant 4 times")
        assert stuck["sentences"]["es"].endswith("; preguntó al asistente 4 veces")

    def test_what_its_client_completes_closes_all_signals_on_the_step(self, cast: Cast) -> None:
        key = f"{SLUG}/03"
        send(cast.owner, step("03", compiles="x" * 12))
        assert state(cast.owner, key)[0] == "stuck"
        completed = step("03", compiles="x" * 12, completed_at=ms(START + timedelta(minutes=13)))
        send(cast.owner, completed, at=START + timedelta(hours=3))
        assert state(cast.owner, key) == ("done", "checked", "client")
        assert not open_kinds(cast.owner, key) - {"inactive_after_error"}

    def test_no_signal_opens_once_its_client_has_completed_the_step(self, cast: Cast) -> None:
        send(cast.owner, step("03", compiles="-", completed_at=ms(START)))
        send(cast.owner, step("03", compiles="-" + "x" * 12, completed_at=ms(START)), at=START + timedelta(hours=3))
        row = Progress.objects.get(assignment=f"{SLUG}/03")
        assert (row.errors, row.done_because, row.concerns) == (12, "checked", [])
        assert not Signal.objects.filter(assignment=f"{SLUG}/03").exists()


class TestCheckCells:
    def test_no_signal_opens_once_a_check_has_passed(self, cast: Cast) -> None:
        run(cast.owner, cast, "xc")
        run(cast.owner, cast, "xxxxxxxxCxx", first=2)
        assert state(cast.owner) == ("done", "checked", "check")
        assert not Signal.objects.filter(user=cast.owner).exists()

    def test_only_a_check_that_passes_makes_it_done(self, cast: Cast) -> None:
        run(cast.owner, cast, "x-C-")
        assert state(cast.owner) == ("working", None, None)
        run(cast.owner, cast, "c", first=4)
        assert state(cast.owner) == ("done", "checked", "check")
        run(cast.owner, cast, "xC", first=5)
        row = Progress.objects.get(user=cast.owner)
        assert (row.done_at, row.failed_again_at) == (START + timedelta(minutes=4), START + timedelta(minutes=6))
        assert (row.attempts, row.errors, row.checks, row.failed_checks) == (4, 2, 3, 2)

    def test_three_equal_failures_are_struggling_and_only_a_check_resolves_them(self, cast: Cast) -> None:
        run(cast.owner, cast, "CxxxC")
        assert state(cast.owner)[0] == "struggling"
        run(cast.owner, cast, "-", first=5)
        assert open_kinds(cast.owner) == {"consecutive_errors"}
        run(cast.owner, cast, "c", first=6)
        signal = Signal.objects.get(kind="consecutive_errors")
        assert (signal.state, signal.count, signal.resolved_at) == ("resolved", 3, START + timedelta(minutes=6))
        run(cast.owner, cast, "xxxxxxxx", first=7, every=200)
        assert Signal.objects.filter(kind__in=["consecutive_errors", "stuck"], state="open").count() == 0
        assert nothing_changes(cast.owner)

    def test_without_a_check_cell_signals_open_after_it_ran(self, cast: Cast) -> None:
        run(cast.owner, cast, "-xxx")
        assert state(cast.owner) == ("done", "ran", "run")
        assert open_kinds(cast.owner) == {"consecutive_errors"}

    def test_a_check_that_comes_late_withdraws_what_opened_after_it(self, cast: Cast) -> None:
        run(cast.owner, cast, "xxx", start=START + timedelta(minutes=10))
        assert open_kinds(cast.owner) == {"consecutive_errors"}
        run(cast.owner, cast, "c")
        assert Signal.objects.get(kind="consecutive_errors").state == "withdrawn"
        assert state(cast.owner)[0] == "done"
        assert nothing_changes(cast.owner)

    def test_failures_that_come_after_the_check_they_preceded_are_over_at_once(self, cast: Cast) -> None:
        run(cast.owner, cast, "c", first=5)
        for number in range(4):
            run(cast.owner, cast, "x", first=number)
        signal = Signal.objects.get(kind="consecutive_errors")
        assert (signal.state, signal.count, signal.resolved_at) == ("resolved", 4, START + timedelta(minutes=5))
        assert nothing_changes(cast.owner)

    def test_the_first_check_of_anybody_has_the_others_looked_at_again(self, cast: Cast) -> None:
        ben = make_user("ben", "student", cast.academy)
        run(ben, cast, "-")
        run(ben, cast, "-", OTHER)
        run(cast.owner, cast, "C")
        assert recompute_waiting() == 1
        assert (state(ben)[0], state(ben, OTHER)[0]) == ("working", "done")

    def test_a_published_check_counts_until_it_is_published_without(self, cast: Cast, teacher: Api) -> None:
        run(cast.owner, cast, "-")
        body = {"path": "a.ipynb", "assignments": [{"tag": KEY, "check": True}, {"tag": OTHER}]}
        answer = teacher.put(f"{NOTEBOOKS}/lesson-03", body).json()
        assert [one["check"] for one in answer["assignments"]] == [True, False]
        assert recompute_waiting() == 1
        assert state(cast.owner)[0] == "working"
        body["assignments"] = [{"tag": KEY}, {"tag": OTHER}]
        teacher.put(f"{NOTEBOOKS}/lesson-03", body)
        recompute_waiting()
        assert state(cast.owner)[0] == "done"
        assert not CheckedAssignment.objects.exists()

    def test_the_tag_of_a_check_cell_is_no_assignment(self, cast: Cast, teacher: Api) -> None:
        answer = teacher.put(
            f"{NOTEBOOKS}/lesson-03", {"path": "a", "assignments": [{"tag": "check:lesson-03-exercise-1"}]}
        )
        assert answer.status_code == 400
        assert "say `check` at its assignment" in str(answer.json())


class TestWhoNeedsHelp:
    def test_who_is_done_is_not_among_those_who_need_help(self, cast: Cast, teacher: Api) -> None:
        make_rule(cast.colleague, cast.academy)
        start = timezone.now() - timedelta(minutes=10)
        ben = make_user("ben", "student", cast.academy)
        run(ben, cast, "xxx", start=start)
        run(cast.owner, cast, "-xxx", start=start)
        assert open_kinds(cast.owner) == {"consecutive_errors"}
        assert [one.signal.user for one in Notification.objects.all()] == [ben]
        client = Client()
        client.force_login(cast.colleague)
        page = client.get("/class").content.decode()
        assert f"/learner/{ben.pk}?signal=" in page
        assert f"/learner/{cast.owner.pk}?signal=" not in page

    def test_acknowledging_changes_no_state(self, cast: Cast, teacher: Api) -> None:
        run(cast.owner, cast, "xxx")
        before = standing_of(Progress.objects.get())
        signal = Signal.objects.get(kind="consecutive_errors")
        assert before.since == signal.opened_at
        for state_of_signal in ("acknowledged", "open"):
            answer = teacher.put(f"/v1/signal/academy/signal/{signal.pk}", {"state": state_of_signal})
            assert answer.status_code == 200
            assert standing_of(Progress.objects.get()) == before
