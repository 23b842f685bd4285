from collections import Counter
from datetime import UTC
from typing import Any

import pytest

from learntrace.config.demo.cs1 import Homework, published_densities, published_quotients, read_homework
from learntrace.measures import learner_measures

STUDENTS: dict[Homework, int] = {"hw03": 295, "hw04": 281}
HOMEWORKS = pytest.mark.parametrize("homework", STUDENTS)


@pytest.fixture(scope="module")
def classes() -> Any:
    return {homework: read_homework(homework) for homework in STUDENTS}


@pytest.fixture(scope="module")
def measured(classes: Any) -> Any:
    found = {}
    for homework, compilations in classes.items():
        activities: dict[Any, list[Any]] = {}
        for arrival, compilation in enumerate(compilations):
            activities.setdefault(compilation.student, []).append(compilation.activity(homework, arrival))
        found[homework] = {student: learner_measures.of(own) for student, own in activities.items()}
    return found


@HOMEWORKS
def test_the_error_quotient_of_every_student_is_the_published_one(homework: Homework, measured: Any) -> None:
    published = published_quotients(homework)
    assert len(published) == STUDENTS[homework]
    assert {student: one.error_quotient for student, one in measured[homework].items()} == pytest.approx(
        published, rel=0, abs=1e-9
    )


@HOMEWORKS
def test_the_repeated_error_density_of_every_student_is_the_published_one(homework: Homework, measured: Any) -> None:
    published = published_densities(homework)
    assert len(published) == STUDENTS[homework]
    assert {student: one.repeated_error_density for student, one in measured[homework].items()} == pytest.approx(
        published, rel=0, abs=1e-9
    )


@pytest.mark.parametrize(
    ("homework", "compilations", "summed_up", "failed"), [("hw03", 6066, 5763, 1969), ("hw04", 2898, 2898, 782)]
)
def test_every_compilation_is_read_and_has_its_outcome_where_one_is_known(
    homework: str, compilations: int, summed_up: int, failed: int, classes: Any
) -> None:
    read = classes[homework]
    assert len(read) == len({(one.student, one.at) for one in read}) == compilations
    assert sum(one.outcome is not None for one in read) == summed_up
    assert sum(bool(one.errors) for one in read) == failed
    assert not any(one.errors for one in read if one.outcome is None)
    assert all(one.outcome.c_error for one in read if one.errors)


def test_compilations_come_by_student_then_by_time_with_their_errors(classes: Any) -> None:
    read = classes["hw03"]
    assert read == sorted(read, key=lambda one: (one.student, one.at))
    second = read[1]
    assert (second.at.isoformat(), second.at.tzinfo) == ("2020-10-04T21:16:22.013000+00:00", UTC)
    assert [(error.file, error.line, error.name) for error in second.errors] == [("hw3.java", 39, "unexpected type")]
    assert (second.outcome.c_error, second.outcome.t_failed) == (1, 0)
    assert "symbolsInString.charAt(i) = symbols[i];" in second.errors[0].message
    assert Counter(len(one.errors) > 1 for one in read)[True] > 500
