"""The sentence with which a page begins, in both languages."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone, translation

from learntrace.dashboard.components.sentences import (
    ClassStanding,
    of_assignment,
    of_class,
    of_learner,
    standing_of_class,
)
from learntrace.measures.learner_state import Evidence, Standing, learner_state
from learntrace.progress.standings.common_error import CommonError
from learntrace.progress.standings.current_work import CurrentWork

KEY = "assignment:lesson-02-exercise-6"


def work(standing: Standing, *, seen: float = 1, title: str = "", error: str = "", key: str = KEY) -> CurrentWork:
    """Work that was seen so many minutes ago."""
    return CurrentWork(key, title, timezone.now() - timedelta(minutes=seen), standing, error)


def stands(**minutes: float) -> Standing:
    """A standing by the one function of states; evidence in minutes ago."""
    now = timezone.now()
    return learner_state(Evidence(**{name: now - timedelta(minutes=ago) for name, ago in minutes.items()}))  # type: ignore[arg-type]


def stuck() -> Standing:
    return stands(seen_at=40, stuck_since=12.1)


@pytest.mark.parametrize(
    ("current", "english", "to_the_learner", "spanish"),
    [
        (lambda: None, "Ada hasn't tried any assignment yet; 9 of 22 done.",
         "You haven't tried any assignment yet; 9 of 22 done.",
         "Ada no ha intentado aún ningún ejercicio; 9 de 22 ejercicios hechos."),
        (lambda: work(stuck(), error="NameError"),
         "Ada is on lesson-02-exercise-6, stuck for 12 min on NameError; 9 of 22 done.",
         "You are on lesson-02-exercise-6, stuck for 12 min on NameError; 9 of 22 done.",
         "Ada está en lesson-02-exercise-6 y se atascó hace 12 min con NameError; 9 de 22 ejercicios hechos."),
        (lambda: work(stands(seen_at=40, stuck_since=0.1), error="NameError"),
         "Ada is on lesson-02-exercise-6, stuck for less than a minute on NameError; 9 of 22 done.",
         "You are on lesson-02-exercise-6, stuck for less than a minute on NameError; 9 of 22 done.",
         "Ada está en lesson-02-exercise-6 y se atascó hace menos de un minuto con NameError; 9 de 22 ejercicios hechos."),
        (lambda: work(stuck(), title="Loops"),
         "Ada is on “Loops”, stuck for 12 min; 9 of 22 done.", "You are on “Loops”, stuck for 12 min; 9 of 22 done.",
         "Ada está en «Loops» y se atascó hace 12 min; 9 de 22 ejercicios hechos."),
        (lambda: work(stands(seen_at=40, trouble_since=5.1), error="TypeError"),
         "Ada is on lesson-02-exercise-6, struggling for 5 min with TypeError; 9 of 22 done.",
         "You are on lesson-02-exercise-6, which has been hard going for 5 min: TypeError; 9 of 22 done.",
         "Ada está en lesson-02-exercise-6, con dificultades por TypeError desde hace 5 min; 9 de 22 ejercicios hechos."),
        (lambda: work(stands(seen_at=3.1), error="TypeError"),
         "Ada is on lesson-02-exercise-6, started 3 min ago; 9 of 22 done.",
         "You are on lesson-02-exercise-6, started 3 min ago; 9 of 22 done.",
         "Ada está en lesson-02-exercise-6 desde hace 3 min; 9 de 22 ejercicios hechos."),
        (lambda: work(stands(seen_at=9, done_at=2.1)),
         "Ada finished lesson-02-exercise-6 2 min ago; 9 of 22 done.",
         "You finished lesson-02-exercise-6 2 min ago; 9 of 22 done.",
         "Ada terminó lesson-02-exercise-6 hace 2 min; 9 de 22 ejercicios hechos."),
        (lambda: work(stands(seen_at=9, done_at=6, failed_again_at=1)),
         "Ada is back on lesson-02-exercise-6, which was already done; 9 of 22 done.",
         "You are back on lesson-02-exercise-6, which was already done; 9 of 22 done.",
         "Ada ha vuelto a lesson-02-exercise-6, que ya había hecho; 9 de 22 ejercicios hechos."),
        (lambda: work(stands(seen_at=300, stuck_since=200), seen=180.1, error="NameError"),
         "Ada was last on lesson-02-exercise-6 3 h ago, and got stuck on NameError; 9 of 22 done.",
         "You were last on lesson-02-exercise-6 3 h ago, and got stuck on NameError; 9 of 22 done.",
         "Ada estuvo por última vez en lesson-02-exercise-6 hace 3 h y se atascó con NameError; 9 de 22 ejercicios hechos."),
    ],
)  # fmt: skip
def test_a_learner_in_a_sentence(
    current: Callable[[], CurrentWork | None], english: str, to_the_learner: str, spanish: str
) -> None:
    assert of_learner(current(), 9, 22, "Ada") == english
    assert of_learner(current(), 9, 22) == to_the_learner
    with translation.override("es"):
        assert of_learner(current(), 9, 22, "Ada") == spanish


def test_no_assignments_are_not_counted() -> None:
    assert of_learner(None, 0, 0, "Ada") == "Ada hasn't tried any assignment yet."


@pytest.mark.parametrize(
    ("numbers", "error", "sentence"),
    [
        ((5, 0, 0, 10, 22), CommonError("NameError: total", False),
         "22 of 37 have completed it; 5 are stuck, most on NameError: total."),
        ((1, 0, 3, 0, 1), CommonError("NameError: total", True), "1 of 5 has completed it; 1 is stuck, on NameError: total."),
        ((2, 3, 0, 0, 2), None, "2 of 7 have completed it; 2 are stuck; 3 are struggling."),
        ((0, 2, 1, 0, 0), CommonError("TypeError", False),
         "None of 3 has completed it yet; 2 are struggling, most with TypeError."),
        ((0, 0, 0, 4, 0), None, "Nobody has started it yet."),
        ((0, 0, 0, 0, 0), None, ""),
    ],
)  # fmt: skip
def test_an_assignment_in_a_sentence(numbers: tuple[int, ...], error: CommonError | None, sentence: str) -> None:
    counts = dict(zip(("stuck", "struggling", "working", "not_started", "done"), numbers, strict=True))
    assert of_assignment(counts, error) == sentence


def test_a_class_in_a_sentence() -> None:
    loops = work(stuck(), title="Loops")
    other = work(stuck(), seen=60 * 48, key="assignment:other")
    works = [loops, loops, other, work(stands(seen_at=3, trouble_since=1)), None]
    standing = standing_of_class(works, [100.0, 50.0, 41.7, 0.0, 0.0])
    assert (standing.learners, standing.stuck, standing.struggling, standing.median) == (5, 3, 1, 41.7)
    assert standing.stuck_on == loops
    standing = ClassStanding(5, 3, 3, 1, 41.7, loops)
    expected = (
        "3 of 5 learners were active today; 3 are stuck, most on “Loops”; 1 is struggling; half have done at least 41%."
    )
    assert of_class(standing) == expected
    assert of_class(standing, "Fall") == f"Fall: {expected}"
    with translation.override("es"):
        assert "3 se han atascado, la mayoría en «Loops»; 1 tiene dificultades" in of_class(standing, "Fall")
    assert of_class(standing_of_class([], [])) == ""
    # Of one learner there is no half, and that half have done nothing at least is always so.
    assert of_class(ClassStanding(1, 0, 0, 0, 33.0)) == "0 of 1 learner was active today."
    assert of_class(ClassStanding(4, 2, 0, 0, 0.0)) == "2 of 4 learners were active today."
    together = standing_of_class([loops, work(stuck(), title="Loops"), None], [0.0, 0.0, 0.0])
    assert of_class(together) == "2 of 3 learners were active today; 2 are stuck, on “Loops”."
    everything = "4 of 4 learners were active today; at least half have done everything."
    assert of_class(ClassStanding(4, 4, 0, 0, 100.0)) == everything
