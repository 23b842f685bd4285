"""Clients with a wrong clock that tell their present time: their events count at the corrected time, the told one stays."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from learntrace.accounts.models import Academy, User
from learntrace.core.sql import execute, fetch
from learntrace.notebooks.documents.arrivals import take_arrivals
from learntrace.notebooks.models import Event, RejectedEvent
from learntrace.notebooks.rejected.retry import retry
from learntrace.personal.models import Erasure
from learntrace.progress.models import Activity, Progress
from learntrace.progress.recording import recomputation
from tests.support.builders import make_academy, make_key, make_user
from tests.support.notebooks import Sender, make_event

pytestmark = pytest.mark.django_db(transaction=True)

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
AHEAD = 2 * HOUR


@pytest.fixture
def academy() -> Academy:
    return make_academy("downtown")


@pytest.fixture
def ada(academy: Academy) -> User:
    return make_user("ada", "student", academy)


@pytest.fixture
def sender(ada: User) -> Iterator[Sender]:
    with Sender(make_key(ada)) as one:
        yield one


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def event(at: datetime, clock: timedelta = timedelta(), **fields: Any) -> dict[str, Any]:
    """An event that happened at a time, stamped and sent by a clock that is ahead by so much."""
    return make_event(timestamp=text(at + clock), sent_at=text(datetime.now(UTC) + clock), **fields)


def at() -> list[datetime]:
    take_arrivals()
    return list(Activity.objects.order_by("at", "arrival").values_list("at", flat=True))


@pytest.mark.parametrize("clock", [AHEAD, -AHEAD, timedelta(days=365), timedelta(days=-20_000), 90 * SECOND])
def test_a_told_clock_is_corrected_and_what_it_said_stays(sender: Sender, clock: timedelta) -> None:
    happened_at = datetime.now(UTC) - 10 * MINUTE
    assert sender.send(event(happened_at, clock))["accepted"] == 1
    row = Event.objects.get()
    assert row.occurred_at == happened_at + clock, "never rewritten"
    assert (row.flags, abs(row.clock_offset_ms - clock // timedelta(milliseconds=1)) < 5000) == (
        ["clock-corrected"],
        True,
    )
    (counted,) = at()
    assert abs(counted - happened_at) < 5 * SECOND
    assert Progress.objects.get().last_seen_at == counted
    assert recomputation.recompute_learner(row.user_id).activities == 0, "a replay counts it at the same time"


def test_the_time_beside_the_list_is_that_of_all_its_events(sender: Sender) -> None:
    happened_at = datetime.now(UTC) - MINUTE
    one, other = make_event(timestamp=text(happened_at + AHEAD)), event(happened_at)
    sent = {"events": [one, other], "sent_at": text(datetime.now(UTC) + AHEAD)}
    assert sender.post(sent).json()["accepted"] == 2
    assert Event.objects.get(pk=one["id"]).flags == ["clock-corrected"]
    assert Event.objects.get(pk=other["id"]).clock_offset_ms is None, "it tells its own"


def test_clocks_that_are_right_or_untold_are_taken_as_ever(sender: Sender) -> None:
    now = datetime.now(UTC)
    sender.send(event(now - HOUR), event(now, 20 * SECOND), make_event(timestamp=text(now + HOUR)))
    rows = list(Event.objects.order_by("arrival").values_list("clock_offset_ms", "flags"))
    assert rows == [(None, []), (None, []), (None, ["clock-ahead"])]
    assert at()[-1] < datetime.now(UTC) + MINUTE, "by its receipt"


@pytest.mark.parametrize("told", ["tomorrow", 1_800_000_000_000, {"now": "2026-11-22T10:30:00Z"}, "", "2026-11-22"])
def test_a_time_that_cannot_be_read_is_flagged_and_corrects_nothing(sender: Sender, told: object) -> None:
    sender.send(make_event(sent_at=told))
    row = Event.objects.get()
    assert (row.clock_offset_ms, row.flags) == (None, ["malformed-sent-at"])


def test_an_event_that_is_sent_again_keeps_its_first_correction(sender: Sender) -> None:
    first = event(datetime.now(UTC) - MINUTE, AHEAD)
    sender.send(first)
    stored = Event.objects.values().get()
    later = {**first, "sent_at": text(datetime.now(UTC) + 3 * AHEAD)}
    assert sender.send(later, {**first, "sent_at": None}) == {"accepted": 0, "duplicates": 2, "rejected": []}
    assert Event.objects.values().get() == stored
    assert len(at()) == 1


def test_a_clock_keeps_its_first_correction_however_long_its_requests_take(sender: Sender) -> None:
    """Else a request that took 20 s would count its events after those of the next one."""
    now = datetime.now(UTC)
    slow = {**event(now - 4 * SECOND, AHEAD), "sent_at": text(now + AHEAD - 20 * SECOND)}
    quick = event(now - 2 * SECOND, AHEAD)
    sender.send(slow)
    sender.send(quick)
    assert len(set(Event.objects.values_list("clock_offset_ms", flat=True))) == 1
    other_machine = event(now, 2 * AHEAD)
    sender.send(other_machine)
    assert Event.objects.get(pk=other_machine["id"]).clock_offset_ms > 3 * HOUR // timedelta(milliseconds=1)
    at()
    of_one_machine = Activity.objects.exclude(pk=other_machine["id"]).order_by("at", "arrival")
    assert [str(pk) for pk in of_one_machine.values_list("pk", flat=True)] == [slow["id"], quick["id"]]


def test_events_of_one_request_get_one_correction(sender: Sender) -> None:
    """The clock of one browser, measured with each of its posts to the Jupyter server."""
    now = datetime.now(UTC)
    sent = [
        make_event(timestamp=text(now + AHEAD - MINUTE), sent_at=text(now + AHEAD + number * SECOND))
        for number in range(5)
    ]
    sender.send(*sent)
    assert len(set(Event.objects.values_list("clock_offset_ms", flat=True))) == 1


def test_a_clock_that_is_set_right_is_followed_at_once(sender: Sender) -> None:
    now = datetime.now(UTC)
    sender.send(event(now - 2 * MINUTE, AHEAD, result={"outcome": "error"}))
    sender.send(event(now - MINUTE, result={"outcome": "ok"}))
    at()
    assert Progress.objects.get().last_outcome == "ok"


def test_a_rejected_event_is_one_however_often_it_is_sent_and_corrected_once_accepted(sender: Sender) -> None:
    happened_at = datetime.now(UTC) - MINUTE
    bad = event(happened_at, AHEAD, object={"type": "table"})
    sender.send(bad)
    sender.send({**bad, "sent_at": text(datetime.now(UTC) + AHEAD + SECOND)})
    row = RejectedEvent.objects.get()
    assert (row.times, "sent_at" in row.raw) == (2, False)
    row.raw = row.raw.replace('"table"', '"cell"')
    stored = retry(row)
    assert (stored.flags, stored.occurred_at) == (["clock-corrected"], happened_at + AHEAD)
    assert abs(stored.clock_offset_ms - AHEAD // timedelta(milliseconds=1)) < 5000


def test_what_happened_before_an_erasure_is_known_by_its_corrected_time(sender: Sender, ada: User) -> None:
    erased_at = datetime.now(UTC) - 10 * MINUTE
    Erasure.objects.create(user=ada, erased_at=erased_at, counts={})
    before, after = event(erased_at - MINUTE, AHEAD), event(erased_at + MINUTE, AHEAD)
    told = sender.send(before, after)
    assert [one["code"] for one in told["rejected"]] == ["erased"]
    assert [str(pk) for pk in Event.objects.values_list("pk", flat=True)] == [after["id"]]


def test_a_learners_known_clock_is_found_without_reading_the_learners_events(sender: Sender, ada: User) -> None:
    sender.send(*(event(datetime.now(UTC), AHEAD) for _ in range(300)))
    execute("ANALYZE events")  # as autovacuum does soon: without it, 300 rows are as cheap to the planner as one
    plan = "\n".join(
        line
        for (line,) in fetch(
            "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT max(clock_offset_ms) FROM events"
            " WHERE user_id = %s AND clock_offset_ms BETWEEN 7100000 AND 7300000",
            [ada.pk],
        )
    )
    assert "events_clocks" in plan
    assert "rows=300" not in plan, "not all of them"
