"""Deadlines with one timer: what is overdue ends with TimeoutError, and who else cancels the task is obeyed."""

import asyncio

import pytest

from learntrace.intake.connections import deadlines
from learntrace.intake.connections.deadlines import Deadlines


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "LOOK_SECONDS", 0.01)


def test_a_wait_that_is_overdue_ends_and_the_task_goes_on() -> None:
    async def run() -> str:
        waits = Deadlines()
        with pytest.raises(TimeoutError), waits.within(0.02):
            await asyncio.Event().wait()
        await asyncio.sleep(0.03)
        return "went on"

    assert asyncio.run(run()) == "went on"


def test_a_wait_that_ends_in_time_is_left_alone() -> None:
    async def run() -> int:
        waits = Deadlines()
        total = 0
        for number in range(20):
            with waits.within(30):
                total += await asyncio.sleep(0.005, number)
        return total

    assert asyncio.run(run()) == sum(range(20))


def test_each_wait_has_its_own_deadline() -> None:
    async def one(waits: Deadlines, seconds: float) -> str:
        try:
            with waits.within(seconds):
                return await asyncio.sleep(0.3, "in time")
        except TimeoutError:
            return "overdue"

    async def run() -> list[str]:
        waits = Deadlines()
        return await asyncio.gather(*(one(waits, seconds) for seconds in (0.02, 30, 0.05, 30)))

    assert asyncio.run(run()) == ["overdue", "in time", "overdue", "in time"]


def test_a_task_that_somebody_else_cancels_stays_cancelled() -> None:
    async def run() -> bool:
        waits = Deadlines()

        async def wait() -> None:
            with waits.within(0.02):
                await asyncio.Event().wait()

        task = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        # Both at once: the deadline has passed by the time the task runs again.
        for deadline in list(waits._open):
            deadline.end()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return task.cancelled()

    assert asyncio.run(run())


def test_an_error_within_is_the_error_outside() -> None:
    async def run() -> None:
        with Deadlines().within(1):
            raise ValueError("of the body")

    with pytest.raises(ValueError, match="of the body"):
        asyncio.run(run())


def test_no_timer_runs_while_nobody_waits() -> None:
    async def run() -> object:
        waits = Deadlines()
        with waits.within(1):
            pass
        await asyncio.sleep(0.05)
        return waits._timer

    assert asyncio.run(run()) is None
