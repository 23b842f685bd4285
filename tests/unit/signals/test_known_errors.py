"""What concerns remember of errors is what reading them anew tells, however many there are."""

import pytest

from learntrace.measures import error_groups
from learntrace.measures.activity import Failure
from learntrace.measures.error_groups import one_line, variant_of
from learntrace.signals.concerns import error_group

ERRORS = [
    *(("NameError", f"name 'total_{number}' is not defined") for number in range(5)),
    ("';' expected", "';' expected\n    int x = 3\n             ^"),
    ("';' expected", "';' expected\n    int y = 4\n             ^"),
    ("KeyError", "'ada'"),
    ("Unknown error", ""),
]


def test_a_remembered_error_is_told_as_one_that_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_group, "_known", {})
    monkeypatch.setattr(error_group, "_MOST_KNOWN", 4)
    for name, message in ERRORS * 2:
        error = Failure(name, message)
        variant = variant_of(error)
        for _time in range(2):
            assert error_group.group_of(name, message) == error_groups.group_of(error).digest
            assert error_group.text_of(name, message) == one_line(variant.name, variant.message)
        assert len(error_group._known) <= 4


def test_name_and_message_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_group, "_known", {})
    assert error_group.text_of("ValueError", "x y") != error_group.text_of("ValueErrorx", " y")
