"""Seats of workers: each works for its own learners, and for those of a seat from which nothing was heard."""

import time

import pytest

from learntrace.config.runtime.seats import ABSENT_SECONDS, Board, Seat


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_each_works_for_its_own_while_all_are_well(clock: list[float]) -> None:
    board = Board(3)
    places = [Seat(number, board) for number in range(3)]
    for second in range(10):
        clock[0] += 1
        assert [set(seat.take()) for seat in places] == [{0}, {1}, {2}] or second == 0
    assert [seat.is_first for seat in places] == [True, False, False]


def test_who_is_silent_is_stood_in_for_until_he_is_back(clock: list[float]) -> None:
    board = Board(3)
    first, second, silent = (Seat(number, board) for number in range(3))
    for seat in (first, second, silent):
        seat.take()
    clock[0] += ABSENT_SECONDS - 0.1
    first.take()
    assert set(second.take()) == {1}
    clock[0] += 0.2
    assert set(first.take()) == {0, 2}
    assert set(second.take()) == {1, 2}
    silent.take()
    assert set(first.take()) == {0}


def test_one_alone_works_for_all() -> None:
    seat = Seat()
    assert (set(seat.take()), seat.seats, seat.is_first, seat.is_orphaned) == ({0}, 1, True, False)
