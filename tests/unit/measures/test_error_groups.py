"""Real messages of compilers and interpreters, each with its group; which fall together, and which don't.

`error_messages/` has a file for each language, whose first line says where its messages are from. A case is two lines: the
error as a source records it (its name, and after a bar its message), and its group.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from learntrace.config.demo.cs1 import read_homework
from learntrace.measures.activity import Failure
from learntrace.measures.error_groups import group_of, variant_of
from learntrace.measures.failures import from_stderr

FOLDER = Path(__file__).parent / "error_messages"
LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.txt"))
UNDEFINED = "NameError: name 'x' is not defined"
JAVAC = "class, interface, or enum expected"


def failure(line: str) -> Failure:
    name, _bar, message = (line.encode("ascii", "backslashreplace").decode("unicode_escape")).partition(" | ")
    return Failure(name, message)


def cases(language: str) -> Iterator[tuple[Failure, str]]:
    lines = (FOLDER / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    for told, group in zip(lines[1::2], lines[2::2], strict=True):
        yield failure(told), group.strip()


def blocks(name: str) -> list[list[Failure]]:
    """Errors of `error_messages/alike/`, one a line, between blank lines those that belong together."""
    told = (FOLDER / "alike" / f"{name}.txt").read_text(encoding="utf-8")
    return [[failure(line) for line in block.splitlines()] for block in told.split("\n\n")]


def text(name: str, message: str = "") -> str:
    return group_of(Failure(name, message)).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_real_messages_have_their_groups(language: str) -> None:
    recorded = list(cases(language))
    assert {failure: group_of(failure).text for failure, _group in recorded} == dict(recorded)


def test_there_are_ten_real_messages_of_each_language_that_learners_write() -> None:
    assert set(LANGUAGES) == {
        "python", "javascript", "typescript", "java", "c", "cpp", "rust", "go", "postgresql", "sqlite", "mysql", "bash", "r",
        "julia",
    }  # fmt: skip
    assert all(len(set(cases(language))) >= 10 for language in LANGUAGES)


@pytest.mark.parametrize("errors", blocks("together"))
def test_they_fall_together(errors: list[Failure]) -> None:
    assert len(errors) > 1
    assert len({group_of(error) for error in errors}) == 1


@pytest.mark.parametrize("errors", blocks("apart"))
def test_they_stay_apart(errors: list[Failure]) -> None:
    assert len({group_of(error) for error in errors}) == len(errors) > 1


def test_a_variant_keeps_its_names_and_numbers_without_the_place() -> None:
    told = Failure(
        "failed", "thread 'main' panicked at src/main.rs:3:65:\nindex out of bounds: the len is 1 but the index is 5"
    )
    assert variant_of(told) == Failure("failed", "index out of bounds: the len is 1 but the index is 5")
    assert variant_of(Failure("NameError", "name 'total' is not defined")) == Failure(
        "NameError", "name 'total' is not defined"
    )


@pytest.mark.parametrize(
    ("name", "message", "group"),
    [
        ("", "", "unknown"),
        ("", "something\n", "something"),
        ("NameError", "", "NameError"),
        ("   ", "   ", "unknown"),
        ("Boom", "?!", "Boom: ?!"),
        ("Ошибка", "деление на ноль", "Ошибка: деление на ноль"),
    ],
)
def test_a_message_that_nobody_knows_is_a_group_of_its_own(name: str, message: str, group: str) -> None:
    assert text(name, message) == group


def test_what_a_test_run_printed_has_the_group_of_what_it_says() -> None:
    output = f"Traceback (most recent call last):\n{UNDEFINED}. Did you mean: 'y'?\n"
    [failure] = from_stderr(output)
    assert group_of(failure).text == "NameError: name '…' is not defined"


def test_the_real_class_meets_fewer_groups_than_messages() -> None:
    failures = {error.failure for compilation in read_homework("hw03") for error in compilation.errors}
    groups = {group_of(failure).text for failure in failures}
    assert len({failure.name for failure in failures}) > 2 * len(groups) > 100 - len(groups)
    assert {JAVAC, "';' expected", "cannot find symbol", "variable … is already defined in … …"} <= groups
