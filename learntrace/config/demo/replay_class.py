"""`learntrace demo-class`: replay a real class's two homeworks through the endpoint of a running server."""

import argparse
import json
import math
import re
import sys
import threading
from dataclasses import asdict
from datetime import UTC, datetime

from learntrace.config import environment
from learntrace.config.demo.class_events import (
    HOMEWORKS,
    arranged,
    cell_of,
    chosen_compilations,
    events_of,
    notebook_of,
    tag_of,
)
from learntrace.config.demo.class_roster import TITLES, Access, access_to, declare, roster, slug_of
from learntrace.config.demo.class_sender import WRONG_INSTALLATION, Sender, SendError, Sent, Server, most_common
from learntrace.config.demo.cs1 import Homework
from learntrace.config.demo.data_files import DataMissing
from learntrace.config.demo.server import stop_event
from learntrace.config.postgres.session import database

# The exit code after a Ctrl-C.
STOPPED = 130

_DESCRIPTION = """Replay every compilation of 295 CS1 students in two homeworks (fall 2020) as notebook events, through
POST /v1/notebook/me/events of a running server. The class gets an academy of its own, students with invented names, and
two published notebooks. Running it twice adds nothing."""


def main(argv: list[str]) -> int:
    """Replay the class. Return 0 if all events were stored, 1 if not, 130 if stopped by Ctrl-C."""
    parser = _parser()
    chosen = parser.parse_args(argv)
    if chosen.from_now and not chosen.speed:
        parser.error("--from-now needs a --speed: what happens now can't all be sent at once")
    if chosen.speed and chosen.shuffle:
        parser.error("--shuffle can't be used with a --speed: in its time everything has its place")
    stopping = stop_event()
    try:
        return _replay(chosen, stopping)
    except (SendError, DataMissing) as error:
        print(f"learntrace demo-class: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="learntrace demo-class", description=_DESCRIPTION)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where this installation's server answers")
    parser.add_argument("--homework", choices=[*HOMEWORKS, "all"], default="all")
    parser.add_argument(
        "--speed",
        type=_speed,
        default=0.0,
        metavar="N",
        help="N times as fast as it was; 1: in its own time; 0, the default: as fast as it goes",
    )
    parser.add_argument("--learners", type=_count, metavar="N", help="only the first N students")
    parser.add_argument("--clients", type=_count, default=4, metavar="N", help="connections that send at once (4)")
    parser.add_argument("--shuffle", action="store_true", help="send the events in no order")
    parser.add_argument("--seed", type=int, default=0, help="of the shuffled order (0)")
    parser.add_argument("--twice", action="store_true", help="send each event two times")
    parser.add_argument(
        "--academy", type=_slug, default="cs1-fall-2020", metavar="SLUG", help="the academy to make and to fill"
    )
    times = parser.add_mutually_exclusive_group()
    times.add_argument("--keep-times", action="store_true", help="the events have their times of 2020 (the default)")
    times.add_argument(
        "--from-now",
        action="store_true",
        help="the events have the times at which they are sent, so that pages show them as live; at a "
        "speed above 1 the minutes between them shrink with it, and all that counts minutes",
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    return parser


def _speed(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or number < 0:
        raise argparse.ArgumentTypeError("expected 0 or more")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return number


def _slug(text: str) -> str:
    # The slug is also part of user names and of a file name.
    if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", text) or len(text) > 60:
        raise argparse.ArgumentTypeError("expected words of a-z and 0-9 with hyphens between")
    return text


def _replay(chosen: argparse.Namespace, stopping: threading.Event) -> int:
    if not Server(chosen.url).is_ready():
        raise SendError(f"no server is ready at {chosen.url}; run `learntrace serve` first, or name another --url")
    homeworks: list[Homework] = list(HOMEWORKS) if chosen.homework == "all" else [chosen.homework]
    compilations = chosen_compilations(homeworks, chosen.learners)
    access = access_to(environment.HOME.value(), chosen.academy)
    academy_id = _declare(
        chosen.url, access, {compilation.student for rows in compilations.values() for compilation in rows}, homeworks
    )
    server = Server(chosen.url, access.service_key, academy_id)
    for homework in homeworks:
        _publish(server, access, homework)
    server.close()
    start = datetime.now(UTC) if chosen.from_now else None
    events = events_of(compilations, chosen.academy, start, chosen.speed or 1.0)
    events = arranged(events, twice=chosen.twice, seed=chosen.seed if chosen.shuffle else None)
    ways_in = _ways_in(server.url, academy_id, access, homeworks)
    if chosen.speed and not chosen.json:
        print(ways_in, flush=True)
    print(f"Sending {len(events):,} events to {server.url} ...", file=sys.stderr)
    # Present events are sent at their times; past ones as much faster as asked.
    sent = Sender(server, stopping, chosen.clients).send(events, 1.0 if start else chosen.speed)
    if chosen.json:
        print(json.dumps({**asdict(sent), "academy": academy_id, "teacher_key": access.teacher_key}))
    else:
        print(_told(sent))
        if not chosen.speed:
            print(ways_in)
    if stopping.is_set():
        print(f"Stopped after {sent.events:,} of {len(events):,} events.", file=sys.stderr)
        return STOPPED
    return 1 if sent.rejected else 0


def _declare(url: str, access: Access, students: set[str], homeworks: list[Homework]) -> int:
    """Import the class into the installation's database; return its academy's id.

    Raises SendError.
    """
    from learntrace.config.upgrade import pending_migrations

    with database():
        import django

        django.setup()
        from learntrace.accounts.roster.items import RosterError

        if pending_migrations():
            raise SendError(f"{url} {WRONG_INSTALLATION} (the database that these name lacks its tables)")
        try:
            return declare(roster(access, students, homeworks), access.academy)
        except RosterError as error:
            raise SendError(f"the class can't be declared:\n{error}") from error


def _publish(server: Server, access: Access, homework: Homework) -> None:
    assignment = {"tag": tag_of(homework), "cell_id": cell_of(homework), "title": TITLES[homework]}
    server.put(
        f"/v1/notebook/academy/notebook/{slug_of(access.academy, homework)}",
        {"title": TITLES[homework], "path": notebook_of(homework), "lang": "us", "assignments": [assignment]},
    )


def _told(sent: Sent) -> str:
    taken = f"{sent.accepted:,} events accepted, {sent.duplicates:,} duplicates, {sent.rejected:,} rejected"
    pace = f"{sent.seconds:.1f} s, {sent.per_second:,.0f} events/s, {sent.retries} requests sent again"
    return "\n".join([f"{taken}; {pace}", *(f"  rejected: {line}" for line in most_common(sent.reasons))])


def _ways_in(url: str, academy_id: int, access: Access, homeworks: list[Homework]) -> str:
    staff = f"curl -s -H 'Authorization: Token {access.teacher_key}' -H 'Academy: {academy_id}'"
    tag = tag_of(homeworks[0]).partition(":")[2]
    return f"""
  sign in at   {url}/
  as           {access.email}
  password     {access.password}

# How each student stands on an assignment, those who struggle first
{staff} '{url}/v1/progress/academy/assignment/{tag}/learner?sort=state&limit=5'

# The signals that are open
{staff} '{url}/v1/signal/academy/signal?state=open&limit=5'

# What happens, as it happens (Ctrl-C ends it)
{staff.replace("curl -s", "curl -sN")} '{url}/v1/signal/academy/stream'
"""
