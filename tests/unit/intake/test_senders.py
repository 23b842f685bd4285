"""When commits are held back for others: where many different people send."""

from learntrace.intake.group_commit import MANY_SENDERS, Senders


def note(senders: Senders, count: int, start: float) -> None:
    for number in range(count):
        senders.note(number, start + number / count * 0.9)


def test_many_in_a_second_are_known_in_the_next_one() -> None:
    senders = Senders()
    note(senders, MANY_SENDERS, 100.0)
    assert not senders.are_many
    senders.note(0, 101.0)
    assert senders.are_many


def test_one_who_sends_often_is_no_crowd() -> None:
    senders = Senders()
    for number in range(10 * MANY_SENDERS):
        senders.note(7, 100.0 + number / 100)
        assert not senders.are_many


def test_a_crowd_that_has_left_is_forgotten() -> None:
    senders = Senders()
    note(senders, 2 * MANY_SENDERS, 100.0)
    # Nobody for a while: whoever comes next waits for nobody.
    senders.note(1, 105.0)
    assert not senders.are_many
