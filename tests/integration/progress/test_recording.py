"""From events to measures and signals: late, double and shuffled ones come to the same as in order and once."""

import random
import threading
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction

from learntrace.accounts.academy_settings import SIGNAL, merge_features
from learntrace.accounts.models import Academy, User
from learntrace.core.models import LiveEvent
from learntrace.measures.activity import Activity, Failure
from learntrace.progress.models import Activity as ActivityRow
from learntrace.progress.models import ErrorCount, Progress
from learntrace.progress.recording import activity_store, recomputation, recording, sources
from learntrace.progress.recording.activity_store import AssignmentKey, LearnerActivity
from learntrace.signals.detectors import DETECTORS
from learntrace.signals.evaluation import evaluate, timers
from learntrace.signals.models import Signal, Watch
from tests.support.builders import NOW, Cast, make_academy, make_cast, make_user

TAGS = ("assignment:lesson-03-exercise-1", "assignment:lesson-03-exercise-2")
FAILURES = (Failure("NameError", "name 'x' is not defined"), Failure("TypeError", "can't add"))
MEASURES = (
    "assignment", "attempts", "errors", "aborted", "last_outcome", "done_at", "first_seen_at", "last_seen_at",
    "active_seconds", "error_quotient", "repeated_error_density", "concerns",
)  # fmt: skip


def a_lesson(seed: int, length: int = 60) -> list[Activity]:
    """What a learner might do in a lesson: mostly failing, in two sessions and cells of two assignments."""
    chance = random.Random(seed)
    at, done = NOW, []
    for arrival in range(length):
        at += timedelta(seconds=chance.choice((2, 3, 40, 200, 1000)))
        verb = chance.choices(("executed", "saved", "focused", "closed"), (8, 1, 1, 0.3))[0]
        outcome = chance.choices(("error", "ok", "aborted"), (8, 1, 1))[0] if verb == "executed" else None
        done.append(
            Activity(
                id=str(uuid.UUID(int=chance.getrandbits(128), version=4)),
                at=at,
                arrival=arrival,
                verb=verb,
                assignment=chance.choice((*TAGS, None)) if verb != "executed" else chance.choice(TAGS),
                outcome=outcome,
                failures=(chance.choice(FAILURES),) if outcome == "error" else (),
                session_id=chance.choice(("s1", "s2")),
                object_id=chance.choice(("c1", "c2")),
                code_hash=chance.choice(("a" * 64, "b" * 64)),
            )
        )
    return done


def take(user: User, academy: Academy, activities: Sequence[Activity]) -> None:
    with transaction.atomic():
        recording.record("notebook", [LearnerActivity(user.pk, academy.pk, one) for one in activities])


def again(activities: Sequence[Activity], salt: int) -> list[Activity]:
    """The same doings as somebody else's: with other ids, as an id is one event's."""
    return [_as_anothers(one, salt) for one in activities]


def _as_anothers(one: Activity, salt: int) -> Activity:
    values = {name: getattr(one, name) for name in one.__slots__}
    return Activity(**{**values, "id": str(uuid.uuid5(uuid.UUID(one.id), str(salt)))})


def outcome_of(user: User) -> tuple[list[Any], list[Any], list[Any]]:
    """All that follows from a learner's activities, without the ids of rows and of events."""
    order = {
        str(pk): number
        for number, pk in enumerate(
            ActivityRow.objects.filter(user=user).order_by("at", "arrival").values_list("pk", flat=True)
        )
    }
    measures = list(Progress.objects.filter(user=user).order_by("assignment").values_list(*MEASURES))
    counts = list(
        ErrorCount.objects.filter(progress__user=user)
        .order_by("progress__assignment", "name")
        .values_list(
            "progress__assignment", "name", "message", "group_digest", "count", "first_at", "last_at", "solved_at"
        )
    )
    signals = sorted(
        (
            one.kind, one.assignment or "", one.opened_at, one.last_seen_at, one.count, one.state, str(one.resolved_at),
            order.get(one.resolved_by, -1), [order[event] for event in one.evidence], sorted(map(str, one.facts.items())),
        )
        for one in Signal.objects.filter(user=user).exclude(state=Signal.State.WITHDRAWN)
    )  # fmt: skip
    return measures, counts, signals


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_order_in_which_it_comes_the_same_follows(cast: Cast, seed: int) -> None:
    lesson = a_lesson(seed)
    shuffled = again(lesson, 1)
    random.Random(seed).shuffle(shuffled)
    other = make_user("alan", "student", cast.academy)
    for one in lesson:
        take(cast.owner, cast.academy, [one])
    chance = random.Random(seed + 100)
    while shuffled:
        size = chance.randint(1, 9)
        part, shuffled = shuffled[:size], shuffled[size:]
        take(other, cast.academy, part)
        take(other, cast.academy, [*part[:2], *part[:2]])  # double
    once = make_user("emmy", "student", cast.academy)
    take(once, cast.academy, again(lesson, 2))
    expected = outcome_of(cast.owner)
    assert expected[2], "there are signals to compare"
    assert outcome_of(other) == expected
    assert outcome_of(once) == expected


@pytest.mark.parametrize("seed", range(3))
def test_a_recomputation_changes_nothing(cast: Cast, derived: list[LearnerActivity], seed: int) -> None:
    for one in a_lesson(seed):
        take(cast.owner, cast.academy, [one])
    derived += [LearnerActivity(cast.owner.pk, cast.academy.pk, one) for one in a_lesson(seed)]
    before = outcome_of(cast.owner), list(Watch.objects.order_by("kind", "group").values())
    with transaction.atomic():
        changed = recomputation.recompute_learner(cast.owner.pk)
    assert changed == recomputation.Changed()
    after = outcome_of(cast.owner), list(Watch.objects.order_by("kind", "group").values())
    assert after == before


def test_what_was_damaged_is_made_whole_by_a_recomputation(cast: Cast, derived: list[LearnerActivity]) -> None:
    take(cast.owner, cast.academy, a_lesson(1))
    expected = outcome_of(cast.owner)
    derived += [LearnerActivity(cast.owner.pk, cast.academy.pk, one) for one in a_lesson(1)]
    Progress.objects.update(attempts=7, concerns=[])
    ErrorCount.objects.all().delete()
    Signal.objects.filter(kind="consecutive_errors").delete()
    Signal.objects.filter(kind="stuck").update(count=77)
    ActivityRow.objects.filter(outcome="ok").delete()
    Watch.objects.all().delete()
    with transaction.atomic():
        changed = recomputation.recompute_learner(cast.owner.pk)
    assert min(changed.activities, changed.measures, changed.signals) > 0
    assert outcome_of(cast.owner) == expected


@pytest.fixture
def derived() -> Iterator[list[LearnerActivity]]:
    """What the source has, in the place of the table of events."""
    before = dict(sources.SOURCES)
    found: list[LearnerActivity] = []
    sources.SOURCES.clear()
    sources.register(
        sources.Source("notebook", lambda user_id: [one for one in found if one.user_id == user_id], lambda _: [])
    )
    yield found
    sources.SOURCES.clear()
    sources.SOURCES.update(before)


def three_errors(**changed: Any) -> list[Activity]:
    return [
        Activity(
            **{
                "id": str(uuid.uuid4()), "at": NOW + timedelta(seconds=30 * number), "arrival": number,
                "assignment": TAGS[0], "outcome": "error", "failures": (FAILURES[0],), "session_id": "s1",
                "object_id": "c1", "code_hash": "a" * 64, **changed,
            }
        )
        for number in range(3)
    ]  # fmt: skip


def success(seconds: int, **changed: Any) -> Activity:
    return three_errors(outcome="ok", failures=(), at=NOW + timedelta(seconds=seconds), arrival=50, **changed)[0]


def test_three_times_the_same_code_is_a_signal_and_a_success_resolves_it(cast: Cast) -> None:
    errors = three_errors()
    take(cast.owner, cast.academy, errors[:2])
    assert not Signal.objects.exists()
    take(cast.owner, cast.academy, errors[2:])
    signal = Signal.objects.get()
    assert (signal.kind, signal.state, signal.count) == ("consecutive_errors", "open", 3)
    assert signal.evidence == [one.id for one in errors]
    assert Progress.objects.get().concerns == ["consecutive_errors"]
    solved = success(120)
    take(cast.owner, cast.academy, [solved])
    signal.refresh_from_db()
    assert (signal.state, signal.resolved_at, signal.resolved_by) == ("resolved", solved.at, solved.id)
    assert Progress.objects.get().concerns == []


def test_a_late_success_withdraws_what_was_none_and_keeps_its_history(cast: Cast) -> None:
    take(cast.owner, cast.academy, three_errors())
    take(cast.owner, cast.academy, [success(45)])
    signal = Signal.objects.get()
    assert signal.state == Signal.State.WITHDRAWN
    assert [entry["what"] for entry in signal.history] == ["opened", "withdrawn"]
    assert Progress.objects.get().concerns == []


def test_an_acknowledged_signal_grows_and_stays_acknowledged(cast: Cast) -> None:
    errors = three_errors()
    take(cast.owner, cast.academy, errors)
    Signal.objects.update(state="acknowledged", acknowledged_at=NOW)
    late = three_errors(at=NOW + timedelta(seconds=10), arrival=99)[0]
    take(cast.owner, cast.academy, [late])
    signal = Signal.objects.get()
    assert (signal.state, signal.count) == ("acknowledged", 4)


def test_a_detector_that_stumbles_is_off_for_its_group_alone(
    cast: Cast, derived: list[LearnerActivity], monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = DETECTORS["consecutive_errors"]
    works = type(detector).step

    def stumbles(self: Any, state: Any, activity: Activity, thresholds: Any) -> Any:
        if activity.assignment == TAGS[0]:
            raise RuntimeError("a fault of ours")
        return works(self, state, activity, thresholds)

    monkeypatch.setattr(type(detector), "step", stumbles)
    take(cast.owner, cast.academy, three_errors())
    take(cast.owner, cast.academy, three_errors(assignment=TAGS[1], code_hash="b" * 64))
    assert list(Signal.objects.values_list("kind", "assignment")) == [("consecutive_errors", TAGS[1])]
    faulty = Watch.objects.exclude(fault="").get()
    assert (faulty.kind, faulty.fault) == ("consecutive_errors", "RuntimeError: a fault of ours")
    assert Progress.objects.get(assignment=TAGS[0]).errors == 3

    monkeypatch.undo()
    take(cast.owner, cast.academy, [three_errors(at=NOW + timedelta(hours=1), arrival=60)[0]])
    assert not Signal.objects.filter(assignment=TAGS[0], kind="consecutive_errors").exists(), (
        "off until it is recomputed"
    )
    derived += list(activity_store.of_learners([cast.owner.pk]))
    with transaction.atomic():
        recomputation.recompute_learner(cast.owner.pk)
    assert Signal.objects.get(assignment=TAGS[0], kind="consecutive_errors").count == 4


def test_who_watches_is_told_in_the_order_of_what_happened(cast: Cast) -> None:
    take(cast.owner, cast.academy, three_errors())
    told = list(LiveEvent.objects.order_by("id").values_list("academy_id", "kind"))
    assert told == [(cast.academy.pk, kind) for kind in ("signal", "concern", "progress")]
    progress = LiveEvent.objects.get(kind="progress").data
    assert (progress["learner"], progress["state"], progress["errors"]) == (cast.owner.pk, "struggling", 3)


def test_what_is_deleted_is_taken_back_by_recording_again(cast: Cast) -> None:
    whole = three_errors(assignment="intro/one")
    take(cast.owner, cast.academy, whole)
    assert Signal.objects.get().count == 3

    def delete(*ids: str) -> None:
        with transaction.atomic():
            activity_store.delete(ids)
            recording.record_again({AssignmentKey(cast.owner.pk, cast.academy.pk, "intro/one")})

    delete(whole[-1].id)
    assert Signal.objects.get().state == "withdrawn"
    assert Progress.objects.get().attempts == 2
    delete(*(one.id for one in whole))
    assert not Progress.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_eight_who_bring_the_same_at_once(transactional_db: None) -> None:
    cast = make_cast()
    lesson = a_lesson(3, 80)
    twin = make_user("twin", "student", cast.academy)
    take(twin, cast.academy, again(lesson, 1))

    def bring(seed: int) -> None:
        mine = list(lesson)
        random.Random(seed).shuffle(mine)
        try:
            for start in range(0, len(mine), 7):
                take(cast.owner, cast.academy, mine[start : start + 7])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=bring, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcome_of(cast.owner) == outcome_of(twin)
    connection.close()


def test_what_comes_from_a_silence_that_was_seen_already_corrects_it(cast: Cast) -> None:
    failed = three_errors()[0]
    take(cast.owner, cast.academy, [failed])
    elsewhere = three_errors(at=NOW + timedelta(hours=1), object_id="c9")[0]
    take(cast.colleague, cast.academy, [elsewhere])  # the academy's clock goes on
    assert timers.evaluate_due_timers() > 0
    assert Signal.objects.get(user=cast.owner).kind == "inactive_after_error"
    assert timers.evaluate_due_timers() == 0
    spooled = success(300, verb="saved", assignment=None)
    take(cast.owner, cast.academy, [spooled])
    corrected = Signal.objects.get(user=cast.owner)
    assert (corrected.state, corrected.history[-1]["what"]) == ("open", "corrected")
    assert corrected.opened_at == spooled.at + timedelta(minutes=15)


def test_other_thresholds_make_other_signals_of_what_was_done_before(
    cast: Cast, derived: list[LearnerActivity]
) -> None:
    take(cast.owner, cast.academy, three_errors())
    derived += activity_store.of_learners([cast.owner.pk])
    merge_features(cast.academy, {"consecutive_errors": {"errors": 4}}, SIGNAL)
    while recomputation.take_recomputation():
        pass
    assert Signal.objects.get().state == "withdrawn"
    merge_features(cast.academy, {"consecutive_errors": {"errors": 2}}, SIGNAL)
    while recomputation.take_recomputation():
        pass
    assert (Signal.objects.get().state, Signal.objects.get().count) == ("open", 3)
    merge_features(cast.academy, {"consecutive_errors": {"enabled": False}}, SIGNAL)
    while recomputation.take_recomputation():
        pass
    assert Signal.objects.get().state == "withdrawn"


def test_a_withdrawn_finding_that_is_seen_again_is_the_same_signal(cast: Cast, derived: list[LearnerActivity]) -> None:
    take(cast.owner, cast.academy, three_errors())
    derived += activity_store.of_learners([cast.owner.pk])
    merge_features(cast.academy, {"consecutive_errors": {"errors": 5}}, SIGNAL)
    while recomputation.take_recomputation():
        pass
    assert Signal.objects.get().state == "withdrawn"
    take(cast.owner, cast.academy, three_errors(at=NOW + timedelta(minutes=5)))
    signal = Signal.objects.get(kind="consecutive_errors")
    assert (signal.state, signal.count) == ("open", 6)
    assert [entry["what"] for entry in signal.history] == ["opened", "withdrawn", "seen-again"]


def test_a_silence_that_was_seen_stays_seen_when_the_academys_clock_goes_back(
    cast: Cast, derived: list[LearnerActivity], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wall clock counts while events are recent: a day after the last one the clock is that event's again."""

    def clock(at: datetime) -> None:
        for module in (timers, evaluate):
            monkeypatch.setattr(module, "now_in", lambda _academy: at)

    failed = three_errors()[0]
    clock(NOW)
    take(cast.owner, cast.academy, [failed])
    clock(NOW + timedelta(hours=23))
    assert timers.evaluate_due_timers() == 1
    clock(NOW)
    late = three_errors(at=NOW - timedelta(minutes=2), assignment=TAGS[1], object_id="c9")[0]
    take(cast.owner, cast.academy, [late])
    silence = Signal.objects.get()
    assert (silence.kind, silence.state, silence.opened_at) == (
        "inactive_after_error",
        "open",
        failed.at + timedelta(minutes=15),
    )
    derived += activity_store.of_learners([cast.owner.pk])
    with transaction.atomic():
        assert recomputation.recompute_learner(cast.owner.pk) == recomputation.Changed()
    take(cast.owner, cast.academy, [success(86_000)])
    assert Signal.objects.get(pk=silence.pk).state == "resolved"


def test_a_fault_in_one_academy_keeps_no_other_from_being_looked_at(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_academy("uptown")
    for user, academy in ((cast.owner, cast.academy), (make_user("eve", "student", other), other)):
        take(user, academy, three_errors()[:1])
    monkeypatch.setattr(timers, "now_in", lambda _academy: NOW + timedelta(hours=1))
    honest = evaluate.evaluate_timers

    def stumble(keys: Any, now: datetime) -> Any:
        if any(key.academy_id == cast.academy.pk for key in keys):
            raise IntegrityError("a row twice")
        return honest(keys, now)

    monkeypatch.setattr(evaluate, "evaluate_timers", stumble)
    assert timers.evaluate_due_timers() == 1
    assert [signal.academy_id for signal in Signal.objects.all()] == [other.pk]
