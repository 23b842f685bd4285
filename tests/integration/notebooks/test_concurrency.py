"""Many senders at once, through several doors, each with a connection of its own: exact counts, and no deadlock."""

import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from learntrace.intake import group_commit
from learntrace.notebooks.models import Event, RejectedEvent
from tests.support.builders import make_academy, make_key, make_user
from tests.support.notebooks import Sender, make_event

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 8


def at_once(work: Callable[[int], None], count: int = CLIENTS) -> None:
    """Run `work(number)` in as many threads, which begin together."""
    barrier = threading.Barrier(count)
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            barrier.wait(60)
            work(number)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not errors, errors
    assert not any(thread.is_alive() for thread in threads)


def learner_key(name: str = "ada") -> str:
    return make_key(make_user(name, "student", make_academy(f"of-{name}")))


def bad_event(number: int) -> Any:
    return (make_event(verb="danced"), make_event(timestamp="noon"), make_event(id=f"bad-{number}"), number,
            make_event(session_id="a\0b"))[number % 5]  # fmt: skip


def test_batches_of_500_with_bad_events_sent_twice_by_8_clients_are_counted_exactly() -> None:
    batches = [[bad_event(number * 5 + at) if at < 5 else make_event() for at in range(500)] for number in range(4)]
    for batch in batches:
        random.Random(7).shuffle(batch)
    key = learner_key()
    told: Counter[str] = Counter()
    lock = threading.Lock()

    def send(number: int) -> None:
        with Sender(key) as sender:
            for _twice in range(2):
                # Each client in an order of its own, and two at a time, so that groups share commits too.
                mine = random.Random(number).sample(batches, len(batches))
                for answer in [*sender.post_all(mine[:2]), *sender.post_all(mine[2:])]:
                    assert answer.status_code == 200, answer.text
                    found = answer.json()
                    with lock:
                        told["accepted"] += found["accepted"]
                        told["duplicates"] += found["duplicates"]
                        told["rejected"] += len(found["rejected"])

    at_once(send)
    sendings = CLIENTS * 2
    assert told == {
        "accepted": 4 * 495,
        "duplicates": 4 * 495 * (sendings - 1),
        "rejected": 4 * 5 * sendings,
    }
    good = {event["id"] for batch in batches for event in batch if isinstance(event, dict)} - {
        row.event_id for row in RejectedEvent.objects.all()
    }
    assert {str(pk) for pk in Event.objects.values_list("id", flat=True)} == good
    assert Event.objects.count() == 4 * 495
    assert RejectedEvent.objects.count() == 4 * 5
    assert set(RejectedEvent.objects.values_list("times", flat=True)) == {sendings}


def test_the_same_ids_in_opposite_orders_never_deadlock(monkeypatch: pytest.MonkeyPatch) -> None:
    # A deadlock would be tried again unseen: here it would be answered 503.
    monkeypatch.setattr(group_commit, "_ATTEMPTS", 1)
    key = learner_key()
    for _round in range(10):
        events = [make_event() for _ in range(200)] + [make_event(verb=f"danced-{number}") for number in range(50)]

        def send(number: int, events: list[Any] = events) -> None:
            with Sender(key) as sender:
                sent = events if number % 2 else events[::-1]
                answer = sender.post(sent)
                assert answer.status_code == 200, answer.text

        at_once(send, 4)
    assert Event.objects.count() == 10 * 200


def test_an_id_that_two_learners_send_at_once_is_one_of_theirs() -> None:
    keys = [learner_key(f"learner-{number}") for number in range(CLIENTS)]
    events = [make_event(id=str(uuid.uuid4())) for _ in range(100)]
    told: list[dict[str, Any]] = []

    def send(number: int) -> None:
        with Sender(keys[number]) as sender:
            told.append(sender.send(*events))

    at_once(send)
    assert sum(answer["accepted"] for answer in told) == Event.objects.count() == 100
    assert sum(answer["duplicates"] for answer in told) == 0
    assert sum(len(answer["rejected"]) for answer in told) == 100 * (CLIENTS - 1)
    assert {one["code"] for answer in told for one in answer["rejected"]} == {"id-taken"}
