"""`make demo`: a server of its own and an academy whose learners send telemetry, until it is stopped."""

import argparse
import sys
import threading
from collections import Counter
from pathlib import Path

from learntrace.config.demo.academy import ACADEMY, PASSWORD, Learner, learners_of, roster
from learntrace.config.demo.class_sender import SendError
from learntrace.config.demo.class_sender import Server as Publisher
from learntrace.config.demo.notebook_work import SLUG, NotebookPlayer, publication
from learntrace.config.demo.replay import Player
from learntrace.config.demo.server import (
    OPERATOR,
    Server,
    demo_password,
    import_roster,
    make_operator,
    own_home,
    refuse_taken,
    stop_event,
    teachers_token,
)
from learntrace.config.runtime.ports import port_number


def main(argv: list[str] | None = None) -> int:
    """Run the demo; return when it is stopped or its server ends."""
    parser = argparse.ArgumentParser(prog="learntrace.config.demo", description="An academy at work, to look at.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=port_number, default=8000)
    chosen = parser.parse_args(argv)
    refuse_taken(chosen.host, chosen.port, "PORT")
    home = own_home("demo")
    stopping = stop_event()
    server = Server(chosen.host, chosen.port)
    try:
        return _demonstrate(server, home, stopping)
    finally:
        server.stop()


def _demonstrate(server: Server, home: Path, stopping: threading.Event) -> int:
    print("1/4 Starting the database and the server ...", flush=True)
    if not server.wait_ready(stopping):
        return 0 if stopping.is_set() else 1
    learners = learners_of(home)
    print(f"2/4 Importing the academy with {len(learners)} learners ...", flush=True)
    password = demo_password(home, server.host, PASSWORD)
    if not import_roster(home, roster(learners, password)):
        return 1
    print("3/4 Creating the operator's account and a teacher's token ...", flush=True)
    if not make_operator(home, password):
        return 1
    token = teachers_token(home)
    print("4/4 Publishing the notebook ...", flush=True)
    try:
        Publisher(server.address, token, ACADEMY).put(f"/v1/notebook/academy/notebook/{SLUG}", publication())
    except SendError as error:
        print(error, file=sys.stderr)
        return 1
    print(_welcome(home, server.address, learners, token, password), flush=True)
    answers: Counter[int] = Counter()
    for number, learner in enumerate(learners):
        place = (learner, server.host, server.port, answers, stopping)
        Player(*place, then=None if number % 2 else NotebookPlayer(*place)).start()
    while not stopping.wait(5):
        if server.has_ended:
            print("The server has ended.", file=sys.stderr)
            return 1
        counts = ", ".join(f"{count} x {status or 'no answer'}" for status, count in sorted(answers.items()))
        print(f"\rSent so far: {counts}   ", end="\n" if not sys.stdout.isatty() else "", flush=True)
    print("\nStopping ...", flush=True)
    return 0


def _welcome(home: Path, address: str, learners: list[Learner], token: str, password: str) -> str:
    learner = f"{learners[0].username}@demo.example"
    width = max(len(learner), len("teacher@demo.example"))
    return f"""
Learntrace: {address}/   (password of all: {password})
  {"teacher@demo.example":{width}}  a teacher, and the administrator of the academy Downtown
  {learner:{width}}  a learner
  {OPERATOR:{width}}  who runs the server: {address}/admin/
{len(learners)} learners are at work, half of them in a notebook after a session of LearnPack. Some attempts fail on purpose.
The API, with the teacher's token (docs: {address}/docs):
  curl -s -H 'Authorization: Token {token}' -H 'Academy: {ACADEMY}' '{address}/v1/signal/academy/signal?state=open&limit=3'
Ctrl-C stops the demo; its data stay in {home}
"""


if __name__ == "__main__":
    sys.exit(main())
