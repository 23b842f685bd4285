"""What a live class costs the workers: prepared arrivals and webhooks are worked off in turns of a fixed number of rows.

`python -m benchmarks.turns` prints the CPU time of Python and of its session in PostgreSQL for an event and for a batch,
split by statement. CPU time says the same on a machine that others use, where seconds don't.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.live_class import EXECUTION_PAUSE, STATE_PAUSE, Package, execution, iso

LEARNERS = 600
ROUNDS, WARM_UP = 6, 6
# Executions for a state that a client sends.
EXECUTIONS = round(STATE_PAUSE / EXECUTION_PAUSE)
EVENT_ROWS, BATCH_ROWS = 150, 50
_LONGEST_STATEMENT = 70


def cpu_of(pid: int) -> float:
    """Return the CPU milliseconds of a process, to the microsecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


@dataclass
class Turns:
    """The cost of one kind of turn, in milliseconds, and of its statements in PostgreSQL, by their beginning."""

    name: str
    rows: int = 0
    turns: int = 0
    python: float = 0.0
    session: float = 0.0
    wal: int = 0
    statements: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(lambda: [0.0, 0.0]))

    def lines(self, most: int) -> Iterator[str]:
        rows = self.rows or 1
        yield (
            f"{self.name}: {self.rows} rows, {rows / (self.turns or 1):.0f} a turn; CPU ms a row: "
            f"{(self.python + self.session) / rows:.3f} = Python {self.python / rows:.3f} + session {self.session / rows:.3f}; "
            f"{self.wal / rows:.0f} bytes of WAL a row"
        )
        for text, (count, took) in sorted(self.statements.items(), key=lambda item: -item[1][1])[:most]:
            yield f"  {took / rows:.4f} ms a row, {took / count:.3f} ms each, {count / (self.turns or 1):.1f} a turn: {text}"


class Bench:
    """A class in a database of its own, and the costs of its turns."""

    def __init__(self, learners: int, rounds: int) -> None:
        from django.db import connection

        from learntrace.accounts.models import Academy, Membership, User
        from learntrace.assignments.models import Task
        from learntrace.registry.models import Asset

        self.academy = Academy.objects.create(slug="turns", name="Turns")
        self.asset = Asset.objects.create(slug="live", lang="us", graded=True, academy=self.academy)
        self.users = User.objects.bulk_create([User(username=f"turns-{number}") for number in range(learners)])
        Membership.objects.bulk_create(
            [Membership(user=user, academy=self.academy, role="student") for user in self.users]
        )
        Task.objects.bulk_create(
            [Task(user=user, title="x", associated_slug="live", task_type="EXERCISE") for user in self.users]
        )
        # The class's own clock: as many seconds pass as in a real one, up to now.
        self.now = time.time() - rounds * STATE_PAUSE
        self.packages = {user.pk: Package(self.asset.pk, self.now - STATE_PAUSE) for user in self.users}
        self.sessions = {user.pk: str(uuid.uuid4()) for user in self.users}
        connection.ensure_connection()
        self.connection = connection
        self.pid = connection.connection.info.backend_pid
        self.costs = {name: Turns(name) for name in ("events", "batches: record", "batches: attempts")}

    def wal(self) -> int:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
            return int(cursor.fetchone()[0])

    def store_events(self, users: list[Any]) -> None:
        """Store an execution of each learner as the inbox does."""
        from django.db import transaction

        from learntrace.core.sql import fetch, json_rows
        from learntrace.notebooks.inbox.event_store import INSERT_EVENTS

        rows = []
        for user in users:
            outcome = random.choice(("error", "error", "ok"))
            event = execution(self.sessions[user.pk], random.randrange(6), outcome, random.choice("abcdef"))
            rows.append(
                {
                    "id": event["id"], "actor": user.username, "user_id": user.pk, "academy_id": self.academy.pk,
                    "sender_id": user.pk, "verb": "executed", "object": event["object"], "result": event["result"],
                    "context": {}, "session_id": event["session_id"], "object_id": event["object"]["id"],
                    "code_hash": event["object"]["code_hash"], "occurred_at": iso(self._moment()), "flags": [],
                }
            )  # fmt: skip
        with transaction.atomic():
            fetch(INSERT_EVENTS, [json_rows(rows)])

    def store_states(self, users: list[Any]) -> None:
        """Store the next state of each learner's package as the inbox does."""
        from learntrace.learnpack.models import Webhook

        Webhook.objects.bulk_create(
            [
                Webhook(
                    is_streaming=False,
                    event="batch",
                    # As a request's body is: a package's state is changed by the next one.
                    payload=json.loads(json.dumps(self.packages[user.pk].next(self._moment()))),
                    student=user,
                    sender=user,
                    asset=self.asset,
                    turn_academy=self.academy.pk,
                    turn_learner=user.pk,
                )
                for user in users
            ]
        )

    def work(self, name: str, turn: Callable[[], int], counts: bool) -> None:
        """Take turns until nothing waits."""
        costs = self.costs[name]

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            before = cpu_of(self.pid)
            try:
                return execute(sql, params, many, context)
            finally:
                entry = costs.statements[" ".join(sql.split())[:_LONGEST_STATEMENT]]
                entry[0] += 1
                entry[1] += cpu_of(self.pid) - before

        while True:
            wal = self.wal()
            python, session = time.process_time(), cpu_of(self.pid)
            with self.connection.execute_wrapper(note) if counts and self.split else contextlib.nullcontext():
                rows = turn()
            if not rows:
                return
            if counts:
                costs.python += (time.process_time() - python) * 1000
                costs.session += cpu_of(self.pid) - session
                costs.wal += self.wal() - wal
                costs.rows += rows
                costs.turns += 1

    split = False

    def round(self, event_rows: int, batch_rows: int, counts: bool) -> None:
        """Have each learner execute some cells and send a state, and work all of it off."""
        from learntrace.learnpack.attempts.derivation import take_attempts
        from learntrace.learnpack.processing.drain import process_next
        from learntrace.notebooks.documents.arrivals import take_arrivals

        for _ in range(EXECUTIONS):
            self.now += EXECUTION_PAUSE
            for users in self._parts(event_rows):
                self.store_events(users)
                self.work("events", take_arrivals, counts)
        for users in self._parts(batch_rows):
            self.store_states(users)
            self.work("batches: record", process_next, counts)
            self.work("batches: attempts", take_attempts, counts)

    def _moment(self) -> float:
        """Return a time within the last second of the class's clock; nobody is quicker than that."""
        return self.now - random.random()

    def _parts(self, rows: int) -> Iterator[list[Any]]:
        users = random.sample(self.users, len(self.users))
        for start in range(0, len(users), rows):
            yield users[start : start + rows]

    def updates(self) -> Iterator[str]:
        """Yield how many updates of each table were within the page (HOT)."""
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE n_tup_upd > 100"
                " ORDER BY n_tup_upd DESC"
            )
            for name, updated, hot in cursor.fetchall():
                yield f"{name}: {updated} updates, {hot / updated:.0%} HOT"


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.turns", description=__doc__)
    parser.add_argument("--learners", type=int, default=LEARNERS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--warm-up", type=int, default=WARM_UP, help="rounds that don't count")
    parser.add_argument("--events", type=int, default=EVENT_ROWS, help="events in a turn")
    parser.add_argument("--batches", type=int, default=BATCH_ROWS, help="batches in a turn")
    parser.add_argument("--statements", type=int, default=0, help="show so many statements of each kind of turn")
    parser.add_argument("--profile", type=Path, help="write cProfile's figures here")
    arguments = parser.parse_args()
    random.seed(1)
    with _database():
        _take_whole_turns()
        bench = Bench(arguments.learners, arguments.warm_up + arguments.rounds)
        bench.split = arguments.statements > 0
        for _ in range(arguments.warm_up):
            bench.round(arguments.events, arguments.batches, counts=False)
        profile = None
        if arguments.profile:
            import cProfile

            profile = cProfile.Profile(time.process_time)
            profile.enable()
        for _ in range(arguments.rounds):
            bench.round(arguments.events, arguments.batches, counts=True)
        if profile:
            profile.disable()
            profile.dump_stats(arguments.profile)
        for costs in bench.costs.values():
            print("\n".join(costs.lines(arguments.statements)))
        print("\n".join(bench.updates()))
    return 0


def _take_whole_turns() -> None:
    """Have no turn end because its time is up: on a machine that others use, it would be another part each time."""
    from learntrace.core.stopwatch import Pace
    from learntrace.learnpack.attempts import derivation
    from learntrace.notebooks.documents import arrivals

    arrivals._pace = Pace(60.0, least=arrivals.MOST_EVENTS, most=arrivals.MOST_EVENTS)
    derivation.READING_SECONDS = 60.0


@contextlib.contextmanager
def _database() -> Iterator[None]:
    """Have Django use a new database, and remove it at the end."""
    from learntrace.config.postgres.server import EmbeddedPostgres

    folder = Path(tempfile.mkdtemp(prefix="learntrace-turns-"))
    folder.chmod(0o755)
    embedded = EmbeddedPostgres(folder / "home")
    try:
        with embedded.ensure():
            os.environ |= {
                "LEARNTRACE_DATABASE_URL": embedded.url,
                "LEARNTRACE_HOME": str(folder / "home"),
                "DJANGO_SETTINGS_MODULE": "learntrace.config.settings",
                "LEARNTRACE_LOG_LEVEL": "warning",
            }
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", verbosity=0)
            yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
