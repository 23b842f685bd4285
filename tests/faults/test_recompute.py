"""A recomputation over real workers, Celery's among them, of whom some are killed meanwhile: it ends, and is right."""

import json
import random
import uuid
from typing import Any

from tests.faults.academy import LEARNERS
from tests.faults.brokers import Broker
from tests.faults.installation import Install, Installation
from tests.support.waiting import wait_until

PATH = "/v1/notebook/me/events"
MEASURES = (
    "SELECT user_id, assignment, attempts, errors, error_quotient, active_seconds FROM progress_progress ORDER BY 1, 2"
)
SIGNALS = (
    "SELECT user_id, kind, state, count, opened_at FROM signals_signal WHERE state <> 'withdrawn' ORDER BY 1, 2, 5"
)


def events(learner: int) -> list[dict[str, Any]]:
    """A learner who fails with the same code again and again."""
    return [
        {"id": str(uuid.uuid4()), "verb": "executed", "timestamp": f"2026-11-22T10:{number:02}:00Z", "session_id": "s",
         "object": {"type": "cell", "id": "c", "assignment": f"lesson-0{learner % 3}-exercise-1", "code_hash": "a" * 64},
         "result": {"outcome": "error", "error_name": "NameError", "error_value": "name 'x' is not defined"}}
        for number in range(40)
    ]  # fmt: skip


def recompute(installation: Installation) -> Any:
    """Run the command to its end; what it printed."""
    before = len(installation.log())
    process = installation.command("recompute", "--json", LEARNTRACE_DATABASE_URL=installation.database_url)
    assert process.wait(120) == 0, installation.log_tail()
    lines = [line for line in installation.log()[before:].splitlines() if line.startswith('{"learners"')]
    return [json.loads(line) for line in lines][-1]


def test_with_a_broker_and_killed_workers_it_goes_on_where_it_stopped(
    install: Install, broker: Broker, seed: int
) -> None:
    installation = install(broker_url=broker.url)
    installation.start()
    for number, learner in enumerate(LEARNERS):
        status, told = installation.request("POST", PATH, learner.key, json.dumps(events(number)))
        assert (status, told["accepted"]) == (200, 40)
    wait_until(lambda: installation.sql("SELECT count(*) FROM notebooks_arrival") == [(0,)], "all taken in", 60)
    measures, signals = installation.sql(MEASURES), installation.sql(SIGNALS)
    assert len(measures) == len(LEARNERS)
    assert len(signals) >= len(LEARNERS)
    assert recompute(installation)["changed"] == {"activities": 0, "measures": 0, "signals": 0}

    installation.sql("UPDATE progress_progress SET attempts = 7, error_quotient = 0.5")
    installation.sql("DELETE FROM signals_signal")
    choice = random.Random(seed)
    ((asked,),) = installation.sql("SELECT count(*) FROM progress_recomputation")
    command = installation.command("recompute", LEARNTRACE_DATABASE_URL=installation.database_url)
    # A quick machine may have worked it off by the next look.
    wait_until(lambda: installation.sql("SELECT count(*) FROM progress_recomputation")[0][0] > asked, "a run")
    installation.kill("celery_child", choice)
    command.kill()
    command.wait()
    recompute(installation)
    assert installation.sql("SELECT count(*) FROM progress_recomputation WHERE done_at IS NULL") == [(0,)]
    assert (installation.sql(MEASURES), installation.sql(SIGNALS)) == (measures, signals)
