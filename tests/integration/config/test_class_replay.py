"""The real class through a real server: the published measures come out of the API, in whatever order events come."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from learntrace.config.demo.class_events import username_of
from learntrace.config.demo.class_roster import access_to
from learntrace.config.demo.cs1 import Homework, published_densities, published_quotients
from tests.faults.installation import HOST, Installation
from tests.support.folders import folder_on_disk
from tests.support.paths import CHECKOUT
from tests.support.waiting import wait_until

COMPILATIONS = {"hw03": 6066, "hw04": 2898}
EVENTS = sum(COMPILATIONS.values())
# All that the data can show: they hold no code, which the other two look for, and no scores.
KINDS = {"repeated_error", "stuck", "inactive_after_error", "falling_behind"}
IN_ORDER, SHUFFLED = "in-order", "shuffled"
_ARRIVING = "SELECT count(*) FROM notebooks_arrival"
# What is yet to be seen because nothing has happened, and yet to be compared within the class.
_UNSEEN = """
SELECT (SELECT count(*) FROM signals_watch w
         WHERE due_at <= (SELECT max(occurred_at) FROM events e WHERE e.academy_id = w.academy_id))
     + (SELECT count(*)
          FROM (SELECT a.academy_id, a.asset_id, count(*) || ' ' || sum(extract(epoch FROM p.updated_at)) AS seen
                  FROM progress_assignment a
                  JOIN progress_progress p ON p.academy_id = a.academy_id AND p.assignment = a.key
                 GROUP BY a.academy_id, a.asset_id) AS kept
          LEFT JOIN signals_lesson l USING (academy_id, asset_id) WHERE l.seen IS DISTINCT FROM kept.seen)
"""
# A class is compared again after fifty times as long as it took, which is minutes on a busy machine.
_COMPARE_SOON = "UPDATE signals_lesson SET seconds = 0"
_MEASURES = """
SELECT u.username, p.assignment, p.attempts, p.errors, p.aborted, p.last_outcome, p.done_at, p.first_seen_at,
       p.last_seen_at, p.active_seconds, p.error_quotient, p.repeated_error_density, p.concerns
  FROM progress_progress p JOIN accounts_user u ON u.id = p.user_id JOIN accounts_academy a ON a.id = p.academy_id
 WHERE a.slug = %s ORDER BY 1, 2
"""
_ERRORS = """
SELECT u.username, p.assignment, c.name, c.message, c.group_digest, c.count, c.first_at, c.last_at, c.solved_at
  FROM progress_errorcount c JOIN progress_progress p ON p.id = c.progress_id
  JOIN accounts_user u ON u.id = p.user_id JOIN accounts_academy a ON a.id = p.academy_id
 WHERE a.slug = %s ORDER BY 1, 2, c.digest
"""
_SIGNALS = """
SELECT u.username, s.kind, coalesce(s.assignment, replace(s.asset_slug, a.slug, '')), s.severity, s.state, s.count,
       s.opened_at, s.last_seen_at, s.resolved_at, s.facts - 'asset', s.key, s.resolved_by, s.evidence
  FROM signals_signal s JOIN accounts_user u ON u.id = s.user_id JOIN accounts_academy a ON a.id = s.academy_id
 WHERE a.slug = %s AND s.state <> 'withdrawn'
"""
_TIMES = (
    "SELECT e.id::text, e.occurred_at FROM events e JOIN accounts_academy a ON a.id = e.academy_id WHERE a.slug = %s"
)


class ReplayedClass:
    """An installation into which the class has been replayed twice, each time into an academy of its own."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.sent = {
            IN_ORDER: self.replay("--academy", IN_ORDER),
            SHUFFLED: self.replay("--academy", SHUFFLED, "--shuffle", "--twice", "--clients", "8"),
        }

    def run(self, *words: str) -> Any:
        """What a command with `--json` prints."""
        command = [sys.executable, "-m", "learntrace.config", *words, "--json"]
        ran = subprocess.run(
            command, cwd=CHECKOUT, env=self.installation.environment(), capture_output=True, text=True, timeout=300
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    def replay(self, *words: str) -> Any:
        """Replay, and wait until all of it has been taken in."""
        sent = self.run("demo-class", "--url", f"http://{HOST}:{self.installation.port}", *words)
        self.wait_done()
        return sent

    def wait_done(self) -> None:
        wait_until(lambda: self.installation.sql(_ARRIVING) == [(0,)], "all events taken in", 240)
        self.installation.sql(_COMPARE_SOON)
        wait_until(lambda: self.installation.sql(_UNSEEN) == [(0,)], "all that follows from the events", 120)

    def outcome(self, academy: str) -> tuple[list[Any], ...]:
        """Measures, counts of errors and signals. Events, whose ids differ between academies, are told by their times."""
        times = dict(self.installation.sql(_TIMES, academy))
        signals = [
            (*row, times.get(key, key), times.get(resolved_by, resolved_by), [times[event] for event in evidence])
            for *row, key, resolved_by, evidence in self.installation.sql(_SIGNALS, academy)
        ]
        measures, errors = (self.installation.sql(statement, academy) for statement in (_MEASURES, _ERRORS))
        return measures, errors, sorted(signals, key=lambda row: (row[:3], row[6], row[10]))

    def standings(self, academy: str, homework: Homework) -> list[dict[str, Any]]:
        """How the students stand on a homework, as the API tells it to their teacher."""
        access = access_to(self.installation.home, academy)
        path = f"/v1/progress/academy/assignment/{homework}-exercise-1/learner?limit=1000"
        path += f"&academy={self.sent[academy]['academy']}"
        status, answer = self.installation.get(path, access.teacher_key)
        assert status == 200, answer
        return list(answer["results"] if isinstance(answer, dict) else answer)

    def concerns(self, academy: str) -> list[dict[str, Any]]:
        """The concerns of learners that are not over, as the API tells them to their teacher."""
        access = access_to(self.installation.home, academy)
        path = f"/v1/signal/academy/concern?of=learner&limit=1000&academy={self.sent[academy]['academy']}"
        status, answer = self.installation.get(path, access.teacher_key)
        assert status == 200, answer
        return list(answer["results"])


@pytest.fixture(scope="module")
def replayed() -> Iterator[ReplayedClass]:
    with folder_on_disk() as folder:
        installation = Installation(Path(folder) / "var")
        try:
            installation.prepare()
            installation.start()
            yield ReplayedClass(installation)
        finally:
            print(installation.log_tail())
            installation.clear()


def test_every_compilation_arrives_once(replayed: ReplayedClass) -> None:
    in_order, shuffled = replayed.sent[IN_ORDER], replayed.sent[SHUFFLED]
    assert (in_order["accepted"], in_order["duplicates"], in_order["rejected"]) == (EVENTS, 0, 0)
    assert (shuffled["accepted"], shuffled["duplicates"], shuffled["rejected"]) == (EVENTS, EVENTS, 0)
    counted = replayed.installation.sql("SELECT count(*) FROM events GROUP BY academy_id")
    assert counted == [(EVENTS,), (EVENTS,)]


@pytest.mark.parametrize("academy", [IN_ORDER, SHUFFLED])
@pytest.mark.parametrize(("homework", "students"), [("hw03", 295), ("hw04", 281)])
def test_the_api_gives_every_student_the_published_measures(
    replayed: ReplayedClass, academy: str, homework: Homework, students: int
) -> None:
    told = {row["learner"]["username"]: row for row in replayed.standings(academy, homework) if row["attempts"]}
    quotients, densities = published_quotients(homework), published_densities(homework)
    assert len(told) == len(quotients) == students
    assert sum(row["attempts"] for row in told.values()) == COMPILATIONS[homework]
    assert {name: row["error_quotient"] for name, row in told.items()} == pytest.approx(
        {username_of(student): value for student, value in quotients.items()}, rel=0, abs=1e-9
    )
    assert {name: row["repeated_error_density"] for name, row in told.items()} == pytest.approx(
        {username_of(student): value for student, value in densities.items()}, rel=0, abs=1e-9
    )


def test_shuffled_and_double_events_from_8_clients_give_the_same_measures_and_signals(replayed: ReplayedClass) -> None:
    in_order, shuffled = replayed.outcome(IN_ORDER), replayed.outcome(SHUFFLED)
    assert all(in_order)
    assert {row[1] for row in in_order[2]} == KINDS
    for expected, found in zip(in_order, shuffled, strict=True):
        assert found == expected


def test_what_came_already_changes_nothing_and_nor_does_a_recomputation(replayed: ReplayedClass) -> None:
    before = replayed.outcome(IN_ORDER), replayed.outcome(SHUFFLED)
    again = replayed.replay("--academy", IN_ORDER, "--shuffle", "--twice", "--clients", "8", "--seed", "1")
    assert (again["accepted"], again["duplicates"], again["rejected"]) == (0, 2 * EVENTS, 0)
    assert (replayed.outcome(IN_ORDER), replayed.outcome(SHUFFLED)) == before
    assert replayed.installation.sql("SELECT count(*) FROM events") == [(2 * EVENTS,)]
    done = replayed.run("recompute")
    assert done["learners"] == 295
    assert (done["failed"], done["changed"]) == (0, {"activities": 0, "measures": 0, "signals": 0})
    replayed.wait_done()
    assert (replayed.outcome(IN_ORDER), replayed.outcome(SHUFFLED)) == before


@pytest.mark.parametrize("academy", [IN_ORDER, SHUFFLED])
def test_the_whole_class_opens_at_most_one_concern_per_learner_and_assignment(
    replayed: ReplayedClass, academy: str
) -> None:
    concerns = replayed.concerns(academy)
    signals = replayed.installation.sql(
        "SELECT count(*) FROM signals_signal s JOIN accounts_academy a ON a.id = s.academy_id WHERE a.slug = %s",
        academy,
    )
    subjects = [(row["learner"]["id"], row["assignment"] or row["asset"]) for row in concerns]
    assert 0 < len(subjects) == len(set(subjects))
    # Of a learner's several signals, over the whole time, there is one entry.
    named = replayed.installation.sql(
        """SELECT count(*), count(DISTINCT (c.user_id, coalesce(c.assignment, c.asset_slug)))
             FROM signals_concern c JOIN accounts_academy a ON a.id = c.academy_id
            WHERE a.slug = %s AND c.user_id IS NOT NULL""",
        academy,
    )
    assert named[0][0] == named[0][1] < signals[0][0]


def test_shuffled_and_double_events_give_the_same_concerns(replayed: ReplayedClass) -> None:
    def told(academy: str) -> list[tuple[object, ...]]:
        return sorted(
            (row["learner"]["username"], row["assignment"] or "", row["severity"], row["since"], row["attempts"] or 0,
             tuple(sorted(reason["kind"] for reason in row["reasons"])))
            for row in replayed.concerns(academy)
        )  # fmt: skip

    assert told(IN_ORDER) == told(SHUFFLED)
