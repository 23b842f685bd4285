"""Whatever a message is, it has a group, soon."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from learntrace.measures.activity import Failure
from learntrace.measures.error_groups import group_of, variant_of
from learntrace.measures.failures import MAX_LENGTH, clean

# Pieces that grouping looks for, whole and in parts, so that hypothesis joins them into new ones.
PIECES = st.sampled_from(
    ["'", '"', "`", "\u2018", "\u2019", "\xab", "\xbb", "\\", "(", ")", "/", "./", "a/b.py", "C:\\", "http://", ".",
     ",", ":", ": ", ";", "N", "…", "'…'", "0x1f", "12", "1e9", "-", "_", "abc", "deadbeef01", "Error in f(x) : ", "error: ",
     "main.c:1:2: ", "line 3: ", "Did you mean", " and ", " or ", "is already defined in", "variable ", "cannot use ", " as ",
     " value in ", "\n", "\t", " ", "thread 'main' panicked at ", "\x1b[31m", "\x1b[0m", "<span>", "</span>", "&lt;", "\u202e",
     "\u200b", "\u062e\u0637\u0623", "\u05e9", "\x00"]
)  # fmt: skip
TEXTS = (
    st.text()
    | st.lists(PIECES | st.text(max_size=5)).map("".join)
    | st.lists(PIECES, max_size=6).map(lambda some: "".join(some * 100))
)
NAMES = st.sampled_from(["SyntaxError", "NameError", "KeyError", "E0308", "failed", ""]) | TEXTS
MEGABYTES = 4 * 1024 * 1024


@given(NAMES, TEXTS)
@example("", "")
@example("\x1b[0m", "\u200b")
@example("KeyError", "\u202e")
def test_every_error_has_a_group_with_a_text_that_can_be_stored(name: str, message: str) -> None:
    failure = Failure(name, message)
    group, variant = group_of(failure), variant_of(failure)
    assert group.text.strip()
    assert not {"\x00", "\x1b", "\n"} & set(group.text)
    assert max(map(len, (group.kind, group.pattern, variant.name, variant.message))) <= MAX_LENGTH
    assert len(group.digest) == 32


@given(NAMES, TEXTS)
def test_an_error_and_what_is_stored_of_it_have_the_same_group(name: str, message: str) -> None:
    """What is stored is cleaned; the group of both is one, and is found again from the stored one."""
    cleaned = clean(name, message)
    assert group_of(cleaned) == group_of(Failure(name, message)) == group_of(clean(cleaned.name, cleaned.message))


@given(TEXTS)
def test_colours_change_no_group(message: str) -> None:
    plain = message[:80].replace("\x1b", "")
    coloured = "".join(f"\x1b[31m{character}\x1b[0m" for character in plain)
    assert group_of(Failure("NameError", coloured)) == group_of(Failure("NameError", plain))


@pytest.mark.parametrize(
    "piece",
    ["'", "''", "'a", '"', "`", "`'", "\u2018", "a'b ", "\\'", "a/", "a.b/", "C:\\", "http://", "12,", "1_", "-1 ", "N ",
     "'a' and ", "Did you mean ", " or ", "cannot use a as ", "variable ", "incompatible types: ", "\n", " ", "\x1b[31m",
     "<span>", "</b>", "(", "error: ", "a:1: ", "Error in f", "Caused by error: ", "0x", "deadbeef", "x", "\u202e", "\u062e",
     "\\", ".:", "a.", "thread '", "'…' "],
)  # fmt: skip
@pytest.mark.parametrize("opening", ["", "'", "thread '", "Error in ", "cannot use "])
def test_four_megabytes_on_one_line_take_no_time(opening: str, piece: str) -> None:
    huge = (opening + piece * (MEGABYTES // len(piece)))[:MEGABYTES]
    # Its own work, not the wait for a busy machine: a pattern that goes back and forth would take hours.
    began = time.process_time()
    for failure in (Failure("TypeError", huge), Failure(huge, ""), Failure(huge, huge)):
        assert group_of(failure).text
    assert time.process_time() - began < 5
