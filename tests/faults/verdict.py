"""What must hold of an installation's tables once nobody sends any more, computed without the product's code."""

import signal
from collections import Counter

from tests.faults.crowd import Told
from tests.faults.installation import Installation, port_is_free
from tests.support.waiting import wait_until

NOT_IMPLEMENTED = "Learnpack telemetry event `open_step` is not implemented"
SUPERSEDED = "OK (superseded by a newer batch)"


def assert_kept_once_and_processed(installation: Installation, told: Told, *, within: float = 120) -> None:
    """Every request that was answered ok is one row; every row reached its end; the newest batches are what counts."""
    installation.wait_processed(within)
    rows = installation.sql(
        "SELECT id, payload->>'marker', status, status_text, student_id FROM learnpack_webhook ORDER BY id"
    )
    times = Counter(row[1] for row in rows)
    assert [marker for marker in told.accepted if not times[marker]] == []  # answered ok, and lost
    assert [marker for marker, count in times.items() if count > 1] == []  # there twice
    assert [marker for marker in times if marker not in told.sent] == []  # never sent
    wrong = [row for row in rows if not _ended_well(row[2], row[3], told.sent[row[1]].event)]
    assert wrong == []
    assert [row for row in rows if row[4] != told.sent[row[1]].learner] == []
    _assert_newest_counts(installation, told, {row[1]: row[0] for row in rows})


def _ended_well(status: str, text: str, event: str) -> bool:
    if event == "batch":
        return status == "DONE" and text in ("OK", SUPERSEDED)
    return status == "ERROR" and text == NOT_IMPLEMENTED


def _assert_newest_counts(installation: Installation, told: Told, receipts: dict[str, int]) -> None:
    newest: dict[tuple[int, str], str] = {}
    for marker, receipt in receipts.items():
        sent = told.sent[marker]
        if sent.event != "batch":
            continue
        held = newest.get((sent.learner, sent.asset))
        if held is None or sent.order(receipt) > told.sent[held].order(receipts[held]):
            newest[sent.learner, sent.asset] = marker
    kept = installation.sql(
        "SELECT user_id, asset_slug, telemetry->>'marker', completion_rate FROM assignments_assignmenttelemetry"
    )
    assert {(row[0], row[1]): row[2] for row in kept} == newest
    assert [row for row in kept if row[3] != told.sent[row[2]].completion] == []
    # A row says OK, not superseded, where it is what counts in the end.
    ends = dict(installation.sql("SELECT payload->>'marker', status_text FROM learnpack_webhook"))
    assert [marker for marker in newest.values() if ends[marker] != "OK"] == []


def summary(told: Told) -> str:
    """What the clients saw, in one line."""
    answers = ", ".join(f"{count} x {name}" for name, count in sorted(told.answers.items()))
    return f"{len(told.sent)} requests, {len(told.accepted)} answered ok, slowest {told.slowest:.1f} s ({answers})"


def assert_stops_cleanly(installation: Installation, number: signal.Signals = signal.SIGTERM) -> None:
    """Asked to stop, everything does within LEARNTRACE_STOP_SECONDS and of its own accord, and nothing is left."""
    said = len(installation.log())
    assert installation.stop_beside() == [0] * len(installation.beside)
    code, seconds = installation.stop(number)
    assert code == 0
    assert seconds < installation.stop_seconds
    stubborn = [line for line in installation.log()[said:].splitlines() if "did not stop" in line]
    # Celery may wait longer than it is given for a task of a process that was killed; it has nothing to lose.
    assert [line for line in stubborn if "celery did not stop" not in line] == []
    wait_until(lambda: not installation.left(), "no process left")
    assert port_is_free(installation.port)
