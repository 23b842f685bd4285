"""Twenty payloads of five megabytes in a page of the webhook log, asked for twice at once: memory stays small."""

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.installation import Installation
from tests.faults.processes import processes_of

KEY = "c0ffee" * 6 + "1111"
ROSTER = {
    "academies": [{"id": 1, "slug": "downtown", "name": "Downtown"}],
    "users": [{"id": 1, "username": "teacher"}, {"id": 2, "username": "learner"}],
    "memberships": [{"user": 1, "academy": 1, "role": "admin"}, {"user": 2, "academy": 1, "role": "student"}],
    "tokens": [{"user": 1, "key": KEY}],
}  # fmt: skip
LOG = "/v1/assignment/academy/learnpack/webhook?academy=1"
MOST_GROWN = 100 * 1024 * 1024
_LARGE = """
INSERT INTO learnpack_webhook (is_streaming, event, student_id, status, payload)
SELECT false, 'batch', 2, 'DONE', ('{"slug": "x", "steps": [' || repeat('[],', 1700000) || '1]}')::jsonb
  FROM generate_series(1, 20)
"""


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    folder = Path(tempfile.mkdtemp(prefix="learntrace-large-"))
    folder.chmod(0o755)
    one = Installation(folder / "home")
    try:
        one.prepare()
        one.start()
        roster = folder / "roster.json"
        roster.write_text(json.dumps(ROSTER))
        assert one.command("roster", "import", str(roster)).wait(60) == 0
        yield one
    finally:
        one.clear()
        shutil.rmtree(folder, ignore_errors=True)


def _memory(installation: Installation) -> int:
    """The memory of all Python processes of the installation; PostgreSQL's count their shared pages again and again."""
    found = 0
    for process in processes_of(installation.home):
        try:
            if "python" in process.name():
                found += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return found


def test_two_pages_at_once_keep_the_memory_small(installation: Installation) -> None:
    installation.sql(_LARGE)
    assert installation.get(f"{LOG}&limit=1", KEY)[0] == 200
    before, most = _memory(installation), 0
    seconds: list[float] = []
    assert before > 50 * 1024 * 1024, "the processes were not found"

    def ask() -> None:
        began = time.monotonic()
        status, page = installation.get(f"{LOG}&limit=20", KEY)
        seconds.append(time.monotonic() - began)
        assert status == 200
        assert all(row["payload_shortened"] for row in page["results"])

    askers = [threading.Thread(target=ask) for _number in range(2)]
    for asker in askers:
        asker.start()
    while any(asker.is_alive() for asker in askers):
        most = max(most, _memory(installation))
        time.sleep(0.02)
    assert len(seconds) == 2, "a request failed"
    print(f"grown by {(most - before) / 2**20:.0f} MiB, answered in {max(seconds):.2f} s")
    assert most - before < MOST_GROWN
    # Half a minute it was; other tests run beside this one.
    assert max(seconds) < 10
