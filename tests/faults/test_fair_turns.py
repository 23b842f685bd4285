"""A learner who sends very much, and an academy that sends nearly everything, delay nobody else's signal."""

import json
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.academy import LEARNERS
from tests.faults.installation import Install, Installation
from tests.support.waiting import wait_until

EVENTS = "/v1/notebook/me/events"
HEAVY, BUSY, QUIET = LEARNERS[0], LEARNERS[1:6], LEARNERS[8:]
STEPS, RUNS = 100, 1000
# What one learner sends to the inbox of notebook events: batches of 500.
BATCHES = 20
PROBES = 8
# Far from the seconds that all of the work takes, on a slow machine with other work to do. What it took is printed.
PATIENCE = 10.0


def long_document() -> dict[str, Any]:
    """A batch with 100,000 failed runs, whose errors are repeated within each step."""
    began = int((datetime.now(UTC) - timedelta(days=2)).timestamp() * 1000)
    return {
        "slug": "loops",
        "last_interaction_at": began + STEPS * RUNS * 10,
        "steps": [
            {
                "slug": f"step-{step}",
                "compilations": [
                    {"started_at": began + (run * STEPS + step) * 10, "exit_code": 1} for run in range(RUNS)
                ],
            }
            for step in range(STEPS)
        ],
    }


def events(count: int, session: str) -> str:
    return json.dumps(
        [
            {
                "id": str(uuid.uuid4()),
                "verb": "executed",
                "session_id": session,
                "timestamp": (datetime.now(UTC) + timedelta(milliseconds=number)).isoformat(),
                "object": {"type": "cell", "id": "c", "assignment": "assignment:one", "code_hash": "f" * 64},
                "result": {"outcome": "error", "error_name": "NameError"},
            }
            for number in range(count)
        ]
    )


def flood(installation: Installation) -> None:
    """Send 100,000 runs in one batch, 10,000 events of one learner, and batch after batch of others."""
    assert installation.post(long_document(), HEAVY.key) == 200
    for batch in range(BATCHES):
        assert installation.request("POST", EVENTS, BUSY[0].key, events(500, f"s-{batch}"))[0] == 200
        for learner in BUSY:
            small = {"slug": "intro", "last_interaction_at": time.time() * 1000, "steps": []}
            assert installation.post(small, learner.key) == 200


def seconds_to_signal(installation: Installation, learner: Any) -> float:
    """Send three failed executions; return the time from the third to the signal."""
    session = str(uuid.uuid4())
    for _number in range(3):
        began = time.monotonic()
        assert installation.request("POST", EVENTS, learner.key, events(1, session))[0] == 200
    query = "SELECT 1 FROM signals_signal WHERE user_id = %s AND kind = 'consecutive_errors'"
    wait_until(lambda: installation.sql(query, learner.id), f"the signal of learner {learner.id}", PATIENCE)
    return time.monotonic() - began


def test_the_signals_of_others_come_while_much_is_worked_off(install: Install) -> None:
    installation = install()
    installation.start()
    sender = threading.Thread(target=flood, args=(installation,))
    sender.start()
    wait_until(
        lambda: installation.sql("SELECT 1 FROM progress_stale WHERE user_id = %s", HEAVY.id), "the long document"
    )
    taken: list[float] = []
    for learner in QUIET[:PROBES]:
        taken.append(seconds_to_signal(installation, learner))
        # Else there was nothing to wait for.
        assert installation.sql("SELECT 1 FROM progress_stale WHERE user_id = %s", HEAVY.id)
    sender.join(60)
    assert not sender.is_alive()
    wait_until(lambda: installation.sql("SELECT 1 FROM progress_activity WHERE user_id = %s", HEAVY.id), "a first part")
    print(f"seconds from the third error to the signal: {', '.join(f'{seconds:.2f}' for seconds in taken)}")
