"""Rightful senders who send too much: long lists, 100,000 runs, thousands of names, floods."""

import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.attack.cast import ALPHA, BETA_CROWD, BETA_SERVICE, INTRO, LEARNER, OTHER_LEARNER, TEACHER
from tests.attack.target import EVENTS, PROMPT_SECONDS, TELEMETRY, Target, megabytes
from tests.attack.verdicts import Attack, Verdict
from tests.support.folders import folder_on_disk
from tests.support.waiting import wait_until

_MIB = 1024 * 1024
_GROWTH_MB = 150.0
# Twice what is promised for a page: the copy and the attack share two cores.
_PAGE_SECONDS = 2 * PROMPT_SECONDS
_LONGEST_DELAY = 3 * PROMPT_SECONDS


def long_lists(target: Target) -> Verdict:
    """Rows as large as a body may be, as an older version may have stored them; the list is asked for twice at once."""
    target.sql(
        """INSERT INTO learnpack_webhook (is_streaming, event, payload, student_id, sender_id, status, status_text)
           SELECT false, 'batch', jsonb_build_object('slug', 'alpha-intro', 'n', n, 'steps',
                  (SELECT jsonb_agg('[]'::jsonb) FROM generate_series(1, 1700000))), %s, %s, 'DONE', 'OK'
             FROM generate_series(1, 20) AS n""",
        LEARNER.id,
        LEARNER.id,
    )
    web = target.web()
    before, highest = megabytes(web), _Highest(target)
    path = "/v1/assignment/academy/learnpack/webhook?limit=20"
    with highest, ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _number: target.ask("GET", path, TEACHER, academy=ALPHA), range(2)))
    target.sql("DELETE FROM learnpack_webhook WHERE payload ? 'n'")
    slowest, largest = max(one.seconds for one in answers), max(len(one.body) for one in answers)
    grown = highest.megabytes - before
    held = {one.status for one in answers} == {200} and grown < _GROWTH_MB and slowest < _PAGE_SECONDS
    return Verdict(held, f"{slowest:.1f} s, {largest / _MIB:.1f} MiB, {grown:+.0f} MB")


class _Highest:
    """A context that samples the web process's memory; `megabytes` is the highest seen."""

    def __init__(self, target: Target) -> None:
        self._web = target.web()
        self.megabytes = megabytes(self._web)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> "_Highest":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(0.05):
            self.megabytes = max(self.megabytes, megabytes(self._web))


def event(code: str, cell: str, assignment: str, moment: str | None = None, **result: Any) -> dict[str, Any]:
    """Return a notebook event: an execution of a tagged cell."""
    tag = f"assignment:{assignment}"
    return {
        "id": str(uuid.uuid4()), "verb": "executed", "timestamp": moment or datetime.now(UTC).isoformat(),
        "session_id": "s", "context": {"frontend": "lab"},
        "object": {"type": "cell", "id": cell, "notebook": "n.ipynb", "assignment": tag, "tags": [tag],
                   "code_hash": (code * 64)[:64]},
        "result": {"outcome": "error", "error_name": "NameError", "error_value": "name 'x' is not defined", **result},
    }  # fmt: skip


def one_learner_sends_180_000_runs(target: Target) -> Verdict:
    delays = []
    for number in range(3):
        target.send_packed(LEARNER, _long_batch(60_000, number))
        for one in range(3):
            delays += [
                _delay_of_another_learner(target, 10 * number + one),
                _delay_of_another_batch(target, 10 * number + one),
            ]
    return Verdict(max(delays) < _LONGEST_DELAY, f"another learner's runs count after {max(delays):.1f} s at most")


def _long_batch(runs: int, number: int) -> dict[str, Any]:
    """Return a batch with so many runs, none of which another batch has; as small as a client could make it."""
    now = int(time.time() * 1000)
    first = now - 10**8 + number * runs
    steps = [
        {
            "slug": f"{step:03}",
            "opened_at": first,
            "compilations": [{"started_at": first + 1000 * step + one, "exit_code": 1} for one in range(1000)],
        }
        for step in range(runs // 1000)
    ]
    return {"asset_id": INTRO, "slug": "alpha-intro", "last_interaction_at": now, "steps": steps}


def _delay_of_another_learner(target: Target, number: int) -> float:
    """Seconds from a learner's third error to the signal about it."""
    assignment = f"delay-{number}"
    target.ask("POST", EVENTS, OTHER_LEARNER, [event(code, "c", assignment) for code in "ab"])
    began = time.monotonic()
    target.ask("POST", EVENTS, OTHER_LEARNER, [event("c", "c", assignment)])
    asked = "SELECT count(*) FROM signals_signal WHERE user_id = %s AND assignment = %s"
    found = lambda: target.sql(asked, OTHER_LEARNER.id, f"assignment:{assignment}") != [(0,)]  # noqa: E731
    return _seconds_until(found, began)


def _seconds_until(found: Callable[[], bool], began: float) -> float:
    """Wait, a minute at most; an attack goes on where a figure is bad."""
    try:
        wait_until(found, "it counts", 60)
    except AssertionError:
        return 60.0
    return time.monotonic() - began


def _delay_of_another_batch(target: Target, number: int) -> float:
    """Seconds from a learner's batch to the measures that its runs change."""
    now = int(time.time() * 1000)
    runs = [{"started_at": now - 3000 + 1000 * one, "exit_code": 1} for one in range(3)]
    step = {"slug": f"delay-{number}", "opened_at": now - 5000, "compilations": runs}
    began = time.monotonic()
    target.send(OTHER_LEARNER, {"asset_id": INTRO, "slug": "alpha-intro", "last_interaction_at": now, "steps": [step]})
    asked = "SELECT count(*) FROM progress_progress WHERE user_id = %s AND assignment LIKE %s"
    found = lambda: target.sql(asked, OTHER_LEARNER.id, f"%delay-{number}") != [(0,)]  # noqa: E731
    return _seconds_until(found, began)


def one_learner_names_15_000_assignments(target: Target) -> Verdict:
    for start in range(0, 15_000, 500):
        events = [event("a", "c", f"made-up-{start + number}") for number in range(500)]
        target.ask("POST", EVENTS, LEARNER, events)
    wait_until(lambda: target.sql("SELECT count(*) FROM notebooks_arrival") == [(0,)], "events taken in", 300)
    path = f"/v1/progress/academy/learner/{LEARNER.id}"
    answer = target.ask("GET", path, TEACHER, academy=ALPHA)
    held = answer.status == 200 and answer.seconds < _PAGE_SECONDS and len(answer.body) < _MIB
    return Verdict(held, f"{answer.status}, {len(answer.body) / 1024:.0f} KiB in {answer.seconds:.1f} s")


def times_out_of_reach(target: Target) -> Verdict:
    said = len(target.installation.log())
    moments = ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"]
    events = [event(code, "c", "far-away", moment) for moment in moments for code in "abcd"]
    statuses = [target.ask("POST", EVENTS, OTHER_LEARNER, events).status]
    for moment in (10**18, -(10**15), 0, "9999-12-31", "0001-01-01T00:00:00+14:00", "nan", True):
        batch = {"asset_id": INTRO, "slug": "alpha-intro", "last_interaction_at": moment, "steps": [
            {"slug": "01", "opened_at": moment, "completed_at": moment, "compilations": [{"started_at": moment}]}]}  # fmt: skip
        statuses.append(target.send(OTHER_LEARNER, batch).status)
    target.settle()
    delay = _delay_of_another_learner(target, 90)
    stumbles = target.installation.log()[said:].count("Traceback")
    held = max(statuses) < 500 and stumbles == 0 and delay < 60
    return Verdict(held, f"answers {sorted(set(statuses))}, {stumbles} tracebacks, next signal after {delay:.1f} s")


_ALIASES = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)
_MERGES = "a: &a {k: 1}\n" + "".join(
    f"{new}: &{new} {{<<: [{', '.join([f'*{old}'] * 10)}]}}\n"
    for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)


def rosters_that_explode(target: Target) -> Verdict:
    slowest, codes = 0.0, []
    with folder_on_disk() as folder:
        for name, text in (("aliases", _ALIASES), ("merges", _MERGES), ("depth", "[" * 100_000)):
            path = Path(folder) / f"{name}.yaml"
            path.write_text(text)
            began = time.monotonic()
            command = target.installation.command("roster", "import", str(path), "--dry-run")
            try:
                codes.append(command.wait(60))
            except subprocess.TimeoutExpired:
                command.kill()
                codes.append(-1)
            slowest = max(slowest, time.monotonic() - began)
    return Verdict(codes == [1, 1, 1], f"exit codes {codes}, {slowest:.1f} s at most with the start of Python")


def requests_that_are_refused(target: Target) -> Verdict:
    """Each row of a refusal costs disk; a known key may cause them without end."""
    before = target.sql("SELECT count(*) FROM intake_refusal")[0][0]
    with ThreadPoolExecutor(8) as pool:
        statuses = Counter(pool.map(lambda _number: target.ask("POST", TELEMETRY, LEARNER, b"{").status, range(1_500)))
    rows = target.sql("SELECT count(*) FROM intake_refusal")[0][0] - before
    return Verdict(rows <= 20 and not [one for one in statuses if one >= 500], f"{dict(statuses)}, {rows} rows")


def a_flood_of_one_account(target: Target) -> Verdict:
    """LearnPack's batches are kept whatever comes; past an account's share they wait, and nobody else does."""

    def send(number: int) -> int:
        return target.send(LEARNER, {"asset_id": INTRO, "slug": "alpha-intro", "number": number}).status

    with _Flood(send, clients=8) as flood:
        time.sleep(5)
        slowest = max(_delay_of_another_learner(target, 100 + number) for number in range(3))
    held = slowest < _LONGEST_DELAY and set(flood.statuses) <= {200, 429}
    return Verdict(held, f"{dict(flood.statuses)}, another learner's signal after {slowest:.1f} s at most")


def a_flood_of_another_academy(target: Target) -> Verdict:
    """A service of the other academy sends for thirty learners as fast as it can."""

    def send(number: int) -> int:
        names = [BETA_CROWD[(number + one) % len(BETA_CROWD)].name for one in range(500)]
        events = [{**event("abcdef"[one % 6], "c", "flood"), "actor": name} for one, name in enumerate(names)]
        return target.ask("POST", EVENTS, BETA_SERVICE, events).status

    with _Flood(send, clients=4) as flood:
        time.sleep(5)
        delays = [_delay_of_another_learner(target, 200 + number) for number in range(5)]
    waiting = target.sql("SELECT count(*) FROM notebooks_arrival")[0][0]
    held = max(delays) < _LONGEST_DELAY and set(flood.statuses) <= {200, 429}
    shown = f"{dict(flood.statuses)} of 500 events each, {waiting} waited at the end"
    return Verdict(held, f"{shown}, another learner's signal after {max(delays):.1f} s at most")


class _Flood:
    """A context in which clients send one request after another; `statuses` counts the answers."""

    def __init__(self, send: Callable[[int], int], *, clients: int) -> None:
        self.statuses: Counter[int] = Counter()
        self._send = send
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]

    def __enter__(self) -> "_Flood":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        while not self._stop.is_set():
            self.statuses[self._send(number)] += 1
            number += len(self._threads)


ATTACKS = (
    Attack(10, "lists of the largest rows, twice at once", long_lists, quick=False),
    Attack(11, "one learner sends 180,000 runs", one_learner_sends_180_000_runs, quick=False),
    Attack(11, "a flood of one account", a_flood_of_one_account),
    Attack(11, "a flood of another academy", a_flood_of_another_academy),
    Attack(12, "one learner names 15,000 assignments", one_learner_names_15_000_assignments, quick=False),
    Attack(12, "times out of reach", times_out_of_reach),
    Attack(12, "rosters that explode", rosters_that_explode),
    Attack(14, "1,500 refused requests of a known key", requests_that_are_refused),
)
