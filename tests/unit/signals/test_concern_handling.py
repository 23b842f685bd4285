"""How staff has handled a concern: the fold of its acts, without a database."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from learntrace.core.words.counted import duration_words
from learntrace.measures.error_groups import one_line
from learntrace.signals.concerns.error_group import group_of, text_of
from learntrace.signals.concerns.figures import Figures
from learntrace.signals.concerns.handling import (
    ASPECTS,
    PAUSE,
    What,
    changed_since,
    handling_of,
    is_unbroken,
    state_of,
)
from learntrace.signals.concerns.summary import life_of
from learntrace.signals.models import ConcernAct

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def acts(*words: str) -> list[ConcernAct]:
    """Acts in their order; one that was undone has a "-" before it."""
    return [
        ConcernAct(
            number=number,
            what=word.removeprefix("-"),
            clock=NOW,
            severity=2,
            until=NOW + 10 * MINUTE if word.endswith("snoozed") else None,
            undone_at=NOW if word.startswith("-") else None,
            undone_number=number + 100 if word.startswith("-") else None,
        )
        for number, word in enumerate(words, 1)
    ]


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ([], "open"),
        (["acknowledged"], "acknowledged"),
        (["acknowledged", "reopened"], "open"),
        (["acknowledged", "-reopened"], "acknowledged"),
        (["-acknowledged"], "open"),
        (["snoozed"], "snoozed"),
        (["acknowledged", "snoozed"], "snoozed"),
        (["snoozed", "acknowledged"], "acknowledged"),
        (["snoozed", "-acknowledged"], "snoozed"),
        (["acknowledged", "noted", "assigned"], "acknowledged"),
    ],
)
def test_the_last_act_that_was_not_undone_counts(words: list[str], state: str) -> None:
    assert state_of(handling_of(acts(*words)), NOW, open_severity=2) == state


def test_a_snooze_ends_and_what_is_worse_opens_again() -> None:
    snoozed, acknowledged = handling_of(acts("snoozed")), handling_of(acts("acknowledged"))
    assert state_of(snoozed, NOW + 10 * MINUTE, open_severity=2) == "open"
    assert state_of(acknowledged, NOW, open_severity=3) == "open"
    assert state_of(acknowledged, NOW, open_severity=None) == "acknowledged"
    assert state_of(handling_of([]), NOW, open_severity=None) == "acknowledged"


_WORDS = st.lists(st.sampled_from([f"{sign}{what}" for what in What.values for sign in ("", "-")]), max_size=12)


@given(_WORDS)
def test_undoing_the_last_act_gives_what_was_before(words: list[str]) -> None:
    before = handling_of(acts(*words))
    for what in What.values:
        undone = handling_of(acts(*words, f"-{what}"))
        assert [getattr(undone, name) and getattr(undone, name).number for name in ("attention", "assigned")] == [
            getattr(before, name) and getattr(before, name).number for name in ("attention", "assigned")
        ]
        assert [note.number for note in undone.notes] == [note.number for note in before.notes]


@given(_WORDS, st.integers(0, 12))
def test_only_later_acts_on_the_same_part_contradict(words: list[str], version: int) -> None:
    for aspect in set(ASPECTS.values()):
        later = changed_since(acts(*words), aspect, version)
        numbers = [act.number for act in acts(*words) if ASPECTS[act.what] == aspect]
        undone = [act for act in acts(*words) if ASPECTS[act.what] == aspect and act.undone_number]
        assert (later is not None) == (any(number > version for number in numbers) or bool(undone))


def test_trouble_is_unbroken_over_pauses_that_are_short() -> None:
    def spans(*minutes: tuple[float, float]) -> list[tuple[datetime, datetime]]:
        return [(NOW + begin * MINUTE, NOW + end * MINUTE) for begin, end in minutes]

    end = NOW + 60 * MINUTE
    assert is_unbroken(NOW, end, spans((0, 20), (30, 50)))
    assert is_unbroken(NOW, end, spans((30, 50), (-10, 20)))
    assert not is_unbroken(NOW, end, spans((0, 20), (36, 50)))
    assert not is_unbroken(NOW, end, spans((0, 44)))
    assert not is_unbroken(NOW, end, [])
    assert is_unbroken(NOW, NOW + PAUSE, [])


@pytest.mark.parametrize(
    ("seconds", "en", "es"),
    [
        (0, "less than a minute", "menos de un minuto"), (60, "1 minute", "1 minuto"), (12.9 * 60, "12 minutes", "12 minutos"),
        (3600, "1 hour", "1 hora"), (3660, "1 hour and 1 minute", "1 hora y 1 minuto"),
        (7500, "2 hours and 5 minutes", "2 horas y 5 minutos"),
        (5 * 3600 + 300, "5 hours", "5 horas"), (86400, "1 day", "1 día"), (200000, "2 days", "2 días"),
    ],
)  # fmt: skip
def test_a_span_is_told_in_whole_words(seconds: float, en: str, es: str) -> None:
    for language, words in (("en", en), ("es", es)):
        with translation.override(language):
            assert duration_words(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        (Figures(), "For 12 minutes"),
        (Figures(1), "1 attempt in 12 minutes"),
        (Figures(7, "KeyError", "'a'\nmore"), "7 attempts in 12 minutes. Last error: KeyError: 'a'"),
        (Figures(7, "100%", "100%"), "7 attempts in 12 minutes. Last error: 100%"),
        (Figures(7, "failed", ""), "7 attempts in 12 minutes"),
        (Figures(7, "unknown", ""), "7 attempts in 12 minutes"),
        # The attempts tell for how long, not the signal that they opened.
        (Figures(7, begun=NOW - 20 * MINUTE), "7 attempts in 20 minutes"),
    ],
)
def test_a_concerns_life_is_told_with_what_is_known(figures: Figures, told: str) -> None:
    assert life_of(NOW - 12 * MINUTE, NOW, figures) == told


@given(st.text(), st.text())
def test_an_error_is_one_line_of_its_group(name: str, message: str) -> None:
    text = text_of(name, message)
    assert text.strip()
    assert len(text.splitlines()) == 1
    assert 0 < len(group_of(name, message)) <= 64


def test_variants_of_an_error_are_one_group_and_its_name_is_told_once() -> None:
    assert group_of("NameError", "name 'x' is not defined") == group_of("NameError", "name 'total' is not defined")
    assert group_of("NameError", "name 'x' is not defined") != group_of("TypeError", "name 'x' is not defined")
    assert text_of("NameError", "name 'x' is not defined\n  in line 3") == "NameError: name 'x' is not defined"
    assert text_of("expected ';' before '}' token", "expected ';' before '}' token") == "expected ';' before '}' token"
    assert one_line("unexpected type", "unexpected type required: variable") == "unexpected type required: variable"
    assert one_line("error", "errors were found") == "error: errors were found"
