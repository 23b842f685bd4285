from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learntrace.measures import learner_measures
from learntrace.measures.activity import Activity
from learntrace.measures.learner_state import NOT_STARTED, STATES, Evidence, Standing, checked_by, learner_state
from learntrace.signals.detectors import GRAVE_KINDS, TROUBLE_KINDS

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
EARLIER, LATER, LAST = (START + timedelta(minutes=minutes) for minutes in (-5, 5, 10))


@pytest.mark.parametrize(
    ("evidence", "standing"),
    [
        (Evidence(), NOT_STARTED),
        (Evidence(seen_at=START), Standing("working", START)),
        (Evidence(seen_at=START, trouble_since=LATER), Standing("struggling", LATER)),
        (Evidence(seen_at=START, trouble_since=LATER, stuck_since=LAST), Standing("stuck", LAST)),
        (Evidence(START, LATER, "ran", "run"), Standing("done", LATER, "ran", "run", LATER)),
        (Evidence(START, LATER, "ran", "run", stuck_since=LAST), Standing("done", LATER, "ran", "run", LATER)),
        (
            Evidence(START, LATER, "checked", "test", failed_again_at=LAST, trouble_since=LAST),
            Standing("done", LATER, "checked", "test", LATER, trying_again=True),
        ),
    ],
)
def test_the_state_follows_from_the_evidence_and_is_told_with_it(evidence: Evidence, standing: Standing) -> None:
    assert learner_state(evidence) == standing


MOMENTS = st.none() | st.sampled_from([EARLIER, START, LATER, LAST])


@given(st.builds(Evidence, *[MOMENTS, MOMENTS, st.none(), st.none(), MOMENTS, MOMENTS, MOMENTS]))
def test_every_evidence_has_one_state_with_its_time(evidence: Evidence) -> None:
    standing = learner_state(evidence)
    assert standing.state in STATES
    assert (standing.since is None) == (standing.state == "not_started")
    assert (standing.state == "done") == (standing.done_at is not None) == (evidence.done_at is not None)
    assert not standing.trying_again or standing.state == "done"


def test_only_the_kind_stuck_makes_a_learner_stuck() -> None:
    assert set(GRAVE_KINDS) == {"stuck"}
    assert {"stuck", "consecutive_errors", "repeated_error"} <= TROUBLE_KINDS


def activity(sign: str, number: int) -> Activity:
    """By its sign: x and - are runs, c and C checks, t and T tests, q and Q quizzes (capitals fail), d completes."""
    parts = {"c": "check", "t": "test", "q": "quiz", "k": "compile"}
    outcome = None if sign in "d.?" else "error" if sign == "x" or sign.isupper() else "ok"
    verb = {"d": "completed", "?": "asked", ".": "saved"}.get(sign, "executed")
    at = START + timedelta(seconds=number)
    return Activity(str(number), at, number, verb, "a", outcome, part=parts.get(sign.lower()))


def course(signs: str) -> list[Activity]:
    return [activity(sign, number) for number, sign in enumerate(signs)]


@pytest.mark.parametrize(
    ("signs", "checked_part", "done"),
    [
        ("xx-", None, (2, "ran", "run")),
        ("x-x", None, (1, "ran", "run")),
        ("xxx", None, None),
        ("..", None, None),
        (".d", None, (1, "checked", "client")),
        ("xT", "test", None),
        ("kkT", "test", None),
        ("kkt", "test", (2, "checked", "test")),
        ("k", None, (0, "ran", "run")),
        ("QQq", None, (2, "checked", "quiz")),
        ("---C", "check", None),
        ("x-Cc", "check", (3, "checked", "check")),
        ("-c", None, (0, "checked", "check")),
        ("-d", None, (0, "checked", "client")),
        ("d-", None, (0, "checked", "client")),
    ],
)
def test_what_makes_it_done(signs: str, checked_part: str | None, done: tuple[int, str, str] | None) -> None:
    found = learner_measures.of(course(signs), checked_part=checked_part)
    told = (found.done_at, found.done_because, found.done_by)
    assert told == ((START + timedelta(seconds=done[0]), *done[1:]) if done else (None, None, None))
    assert found.done_id == (str(done[0]) if done else None)


SIGNS = st.text("x-cCtTqQkKd.?", max_size=20)


@given(SIGNS, st.sampled_from([None, "check", "test"]))
def test_done_is_earned_once_and_kept(signs: str, checked_part: str | None) -> None:
    activities = course(signs)
    histories = [learner_measures.of(activities[:end], checked_part=checked_part) for end in range(len(activities) + 1)]
    for before, after in pairwise(histories):
        assert before.done_at is None or after.done_at == before.done_at
        assert before.done_because != "checked" or after.done_because == "checked"


@given(SIGNS, st.sampled_from([None, "check", "test"]))
def test_where_something_checks_it_no_run_alone_makes_it_done(signs: str, checked_part: str | None) -> None:
    activities = course(signs)
    found = learner_measures.of(activities, checked_part=checked_part)
    checked = [one for one in activities if checked_by(one)]
    ran = [one for one in activities if one.is_attempt and one.outcome == "ok" and not checked_by(one)]
    evidence = checked + ([] if checked_part else ran)
    assert found.done_at == min((one.at for one in evidence), default=None)
    assert found.done_because == ("checked" if checked else "ran" if evidence else None)


@given(SIGNS)
def test_checks_and_completions_are_no_attempts(signs: str) -> None:
    work = [one for one in course(signs) if not one.is_check and one.verb != "completed"]
    found, without = learner_measures.of(course(signs)), learner_measures.of(work)
    for name in (
        "attempts",
        "errors",
        "last_outcome",
        "error_quotient",
        "repeated_error_density",
        "failed_since_success",
    ):
        assert getattr(found, name) == getattr(without, name), name
    assert (found.checks, found.failed_checks) == (signs.count("c") + signs.count("C"), signs.count("C"))


@pytest.mark.parametrize(
    ("signs", "again"), [("-x", 1), ("-x-", None), ("cC", 1), ("x", None), ("-xd", None), ("-x?.", 1), ("xd", None)]
)
def test_a_failure_after_it_was_done_is_trying_again(signs: str, again: int | None) -> None:
    failed_at = learner_measures.of(course(signs)).failed_again_at
    assert failed_at == (None if again is None else START + timedelta(seconds=again))


def test_questions_are_told_with_the_attempt_that_they_came_before() -> None:
    found = learner_measures.of(course("?x??x-?"))
    assert (found.questions, found.asked_before) == (4, ((1, 1), (2, 2), (4, 1)))
