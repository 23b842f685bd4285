"""Notebook events over real processes: what a client was told is what stands in the table, also when servers are killed."""

import http.client
import json
import random
import threading
import time
import uuid
from collections import Counter
from functools import partial
from typing import Any

from tests.faults.academy import LEARNERS
from tests.faults.installation import Install, Installation
from tests.support.waiting import wait_until

PATH = "/v1/notebook/me/events"
CLIENTS = 8
BATCHES = 4
KILLED = ("web_child", "backend", "worker", "postmaster", "web_main")


def make_batch() -> list[dict[str, Any]]:
    """500 events, of which one in a hundred is bad."""
    return [
        {"id": str(uuid.uuid4()), "verb": "danced" if number % 100 == 7 else "executed",
         "timestamp": "2026-11-22T10:30:00Z", "session_id": "s", "object": {"type": "cell", "id": f"cell-{number}"}}
        for number in range(500)
    ]  # fmt: skip


def send(installation: Installation, batch: list[dict[str, Any]]) -> dict[str, Any]:
    """Send a batch as a Jupyter server does: again and again, until it is told what became of it."""
    told: list[dict[str, Any]] = []

    def confirmed() -> bool:
        try:
            status, answer = installation.request("POST", PATH, LEARNERS[0].key, json.dumps(batch))
        except (OSError, http.client.HTTPException):
            return False
        # One account sends all of this, which may be over its share: 429 says to come later.
        assert status in (200, 429, 503), answer
        if status == 200:
            told.append(answer)
        elif status == 429:
            time.sleep(1)
        return status == 200

    wait_until(confirmed, "a batch confirmed", 90)
    return told[0]


def by_clients_at_once(installation: Installation, batches: list[list[dict[str, Any]]]) -> Counter[str]:
    """Each client sends every batch twice, in an order of its own; what all were told, added up."""
    told: Counter[str] = Counter()
    errors: list[BaseException] = []
    lock = threading.Lock()

    def run(number: int) -> None:
        try:
            for batch in random.Random(number).sample(batches * 2, len(batches) * 2):
                answer = send(installation, batch)
                with lock:
                    told.update(
                        answers=1,
                        accepted=answer["accepted"],
                        duplicates=answer["duplicates"],
                        rejected=len(answer["rejected"]),
                    )
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not errors, errors
    return told


def stored(installation: Installation) -> set[str]:
    return {str(row[0]) for row in installation.sql("SELECT id FROM events")}


def good_ids(batches: list[list[dict[str, Any]]]) -> set[str]:
    return {event["id"] for batch in batches for event in batch if event["verb"] == "executed"}


def test_batches_with_bad_events_sent_twice_by_8_clients_are_counted_exactly(install: Install) -> None:
    installation = install()
    installation.start()
    batches = [make_batch() for _ in range(BATCHES)]
    told = by_clients_at_once(installation, batches)
    sendings = CLIENTS * 2
    assert told == {
        "answers": BATCHES * sendings, "accepted": BATCHES * 495, "duplicates": BATCHES * 495 * (sendings - 1),
        "rejected": BATCHES * 5 * sendings,
    }  # fmt: skip
    assert stored(installation) == good_ids(batches)
    rejected = installation.sql("SELECT times FROM notebooks_rejectedevent")
    assert rejected == [(sendings,)] * BATCHES * 5


def test_whoever_is_killed_meanwhile_every_event_is_there_once(install: Install, seed: int) -> None:
    installation = install()
    installation.start()
    batches = [make_batch() for _ in range(BATCHES * 2)]
    told: list[Counter[str]] = []
    clients = threading.Thread(target=lambda: told.append(by_clients_at_once(installation, batches)))
    clients.start()
    choice = random.Random(seed)

    def far_enough(part: int) -> bool:
        return _seen(installation) > part * 500 or not clients.is_alive()

    for part, role in enumerate(KILLED, 1):
        # Each at another point of the work, so that it is in hand when it happens.
        wait_until(partial(far_enough, part), "some events stored", 90)
        installation.kill(role, choice)
        wait_until(lambda: _ready(installation), f"ready again after SIGKILL of {role}", 60)
    clients.join(300)
    (counted,) = told
    assert stored(installation) == good_ids(batches)
    # An answer may have been lost with its server, so that somebody else's sending found the events there.
    assert counted["accepted"] <= len(good_ids(batches))
    assert counted["accepted"] + counted["duplicates"] == len(batches) * 2 * CLIENTS * 495
    assert installation.sql("SELECT count(*) FROM notebooks_rejectedevent") == [(len(batches) * 5,)]
    wait_until(lambda: installation.sql("SELECT count(*) FROM notebooks_arrival") == [(0,)], "all taken in", 60)
    taken = {str(row[0]) for row in installation.sql("SELECT id FROM progress_activity")}
    assert taken == good_ids(batches), "each is an activity once"


def _seen(installation: Installation) -> int:
    try:
        return int(installation.sql("SELECT count(*) FROM events")[0][0])
    except Exception:
        return 0  # away at this moment


def _ready(installation: Installation) -> bool:
    try:
        return installation.get("/health/ready")[0] == 200
    except (OSError, http.client.HTTPException):
        return False
