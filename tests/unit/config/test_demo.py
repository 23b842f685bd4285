"""What `make demo` plays: learners who don't unlearn, few errors in the log, and somebody who needs help."""

import contextlib
import io
import random
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from learntrace.config.demo.academy import Learner, make_learners
from learntrace.config.demo.notebook_work import TAGS, event, publication, runs
from learntrace.config.demo.replay import Player, latest
from learntrace.learnpack.events import IMPLEMENTED, STREAMED
from learntrace.measures.code_hash import code_hash
from learntrace.notebooks.publishing.publication import read_assignments
from learntrace.notebooks.validation.event import check

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
BATCH = "batch"


def player(learner: Learner) -> Player:
    return Player(learner, "127.0.0.1", 1, Counter(), threading.Event())


def test_whoever_has_solved_it_keeps_it() -> None:
    for learner in make_learners():
        one = player(replace(learner, trouble=""))
        done = [
            sum("completed_at" in step for step in body["steps"])
            for _session in range(12)
            for _pause, query, body in one.session()
            if query and "steps" in body and len(body["steps"][2]["tests"]) > 0
        ]
        assert done == sorted(done), learner.username
        assert len(done) == 12


def test_nothing_that_a_learner_sends_is_in_the_future() -> None:
    for learner in make_learners():
        one = player(replace(learner, trouble="", skill=1))
        for _session in range(2):
            for _pause, _query, body in one.session():
                assert latest(body) <= time.time() * 1000


def test_one_learner_sends_an_event_that_nobody_has_implemented() -> None:
    by = {
        learner.trouble: {body.get("event", BATCH) for _pause, _query, body in player(learner).session()}
        for learner in make_learners()
    }
    known = set(IMPLEMENTED | STREAMED) | {BATCH}
    assert {trouble for trouble, events in by.items() if events - known} == {"new-event"}


def test_a_notebook_has_learners_who_are_stuck_and_such_as_solve_it() -> None:
    solved = {}
    for learner in make_learners():
        worked = list(islice(runs(learner.skill, random.Random(learner.id)), 40))
        solved[learner.skill] = {run.tag for run in worked if run.is_right}
        if solved[learner.skill]:
            assert worked[-1].is_right
        else:
            assert not worked[3].is_right
            assert len({run.version for run in worked[:4]}) == 1
    assert solved[min(solved)] == set()
    assert solved[max(solved)] == set(TAGS)


def error_of(code: str) -> tuple[str, str] | None:
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(code, {})
        except (NameError, TypeError, IndexError) as error:
            return type(error).__name__, str(error)
    return None


def test_code_is_the_same_where_its_version_is_and_right_where_it_solves_the_exercise() -> None:
    for learner in make_learners():
        by_version: dict[tuple[str, int], set[str]] = {}
        for number, run in enumerate(islice(runs(learner.skill, random.Random(learner.id)), 40)):
            told = event(learner, number, run, "s", NOW)
            about, result = told["object"], told["result"]
            assert about["code_hash"] == code_hash(about["code"])
            by_version.setdefault((run.tag, run.version), set()).add(about["code"])
            found = error_of(about["code"])
            assert found == ((result["error_name"], result["error_value"]) if result["outcome"] == "error" else None)
        assert all(len(codes) == 1 for codes in by_version.values())
        assert len({code for codes in by_version.values() for code in codes}) == len(by_version)


def test_its_events_are_taken_as_they_are_and_are_the_same_at_the_next_start() -> None:
    learner = make_learners()[0]
    worked = list(islice(runs(learner.skill, random.Random(learner.id)), 20))
    sent = [event(learner, number, run, "s", NOW) for number, run in enumerate(worked, 1)]
    assert all(check(one, NOW)["flags"] == [] for one in sent)
    assert len({one["id"] for one in sent}) == len(sent)
    assert [one["id"] for one in sent] == [event(learner, number, worked[0], "t", NOW)["id"] for number in range(1, 21)]
    assert [one.tag for one in read_assignments(publication()["assignments"])] == list(TAGS)
