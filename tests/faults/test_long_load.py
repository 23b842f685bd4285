"""A steady load: everything that was answered ok is kept once, the queue doesn't grow, and neither does the memory."""

import statistics
import time
from collections.abc import Sequence

import psutil

from tests.faults.crowd import Crowd
from tests.faults.installation import Install, Installation
from tests.faults.verdict import assert_kept_once_and_processed, assert_stops_cleanly, summary
from tests.support.soak import MINUTES, seconds

ROLES = ("web_child", "worker")
# Below this many minutes, caches that fill up look like a leak.
LEAST_MINUTES = 10


def test_memory_and_queue_stay_as_they_are_under_a_steady_load(install: Install, seed: int) -> None:
    installation = install()
    installation.start()
    samples: dict[str, list[float]] = {role: [] for role in ROLES}
    began = time.monotonic()
    with Crowd(installation.port, seed, pause=0.2) as crowd:
        while time.monotonic() - began < seconds(15):
            crowd.wait_accepted(50)
            for role in ROLES:
                samples[role].append(_mebibytes(installation, role))
    took = time.monotonic() - began
    print(f"  {took:.0f} s: {summary(crowd.told)}, {len(crowd.told.accepted) / took:.0f} answered ok a second")
    for role, sizes in samples.items():
        early, late = _early_and_late(sizes)
        print(f"  {role}: {early:.0f} MiB after a quarter of the time, {late:.0f} MiB at the end")
        if MINUTES >= LEAST_MINUTES:
            assert late <= 1.2 * early + 10, f"{role} grew from {early:.0f} to {late:.0f} MiB"
    assert not crowd.told.answers["no answer in time"]
    assert_kept_once_and_processed(installation, crowd.told)
    assert_stops_cleanly(installation)


def _mebibytes(installation: Installation, role: str) -> float:
    try:
        sizes: list[int] = [process.memory_info().rss for process in installation.find(role)]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(sizes) / 1024**2


def _early_and_late(sizes: Sequence[float]) -> tuple[float, float]:
    """Return the medians of the second quarter and of the last one."""
    quarter = max(len(sizes) // 4, 1)
    return statistics.median(sizes[quarter : 2 * quarter] or sizes), statistics.median(sizes[-quarter:])
