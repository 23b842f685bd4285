"""When a web process tells workers that requests come faster than they can be stored."""

from itertools import pairwise

from learntrace.config.runtime.worker import YIELD_SECONDS, yield_seconds
from learntrace.intake.saturation import CROWD, REPEAT_SECONDS, Watch


def commits(watch: Watch, requests: int, count: int, *, start: float = 100.0, apart: float = 0.01) -> list[float]:
    """Return at which of `count` commits of so many requests each the watch announces saturation."""
    times = [start + apart * number for number in range(count)]
    return [now for now in times if watch.after_commit(requests, now)]


def test_lone_requests_and_small_groups_are_no_saturation() -> None:
    assert commits(Watch(), 1, 10_000) == []
    assert commits(Watch(), int(CROWD) - 1, 10_000) == []


def test_a_short_crowd_is_no_saturation() -> None:
    watch = Watch()
    commits(watch, 1, 100)
    assert commits(watch, 30, 5) == []


def test_a_lasting_crowd_is_announced_again_and_again_and_then_no_more() -> None:
    watch = Watch()
    announced = commits(watch, 30, 500)
    assert announced[0] < 100.5
    assert 4.0 / REPEAT_SECONDS <= len(announced) <= 5.0 / REPEAT_SECONDS + 1
    assert all(later - earlier >= REPEAT_SECONDS for earlier, later in pairwise(announced))
    commits(watch, 1, 100, start=105.0)
    assert commits(watch, 1, 1000, start=106.0) == []


def test_a_worker_rests_longer_than_it_worked_but_never_so_long_that_a_signal_is_late() -> None:
    assert 0.01 < yield_seconds(0.01) < YIELD_SECONDS
    assert yield_seconds(5.0) == YIELD_SECONDS <= 0.25
