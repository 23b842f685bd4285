"""`make hub-demo`: a JupyterHub with three learners in three front ends, and Learntrace, until it is stopped."""

import argparse
import os
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from learntrace.config.demo.academy import PASSWORD
from learntrace.config.demo.hub_class import ACADEMY, ACADEMY_SLUG, LEARNERS, LESSONS, roster
from learntrace.config.demo.jupyter_hub import CHECKOUT, CLASSIC, FOLDER, JUPYTER, HubProcess
from learntrace.config.demo.server import (
    Server,
    WaitLine,
    import_roster,
    own_home,
    refuse_taken,
    stop_event,
    teachers_token,
)
from learntrace.config.runtime.ports import port_number

_HOST = "127.0.0.1"
_READY_SECONDS = 60.0


def main(argv: list[str] | None = None) -> int:
    """Run both; return when they are stopped or one of them ends."""
    parser = argparse.ArgumentParser(prog="learntrace.config.demo.hub", description="A demo: a class in JupyterHub.")
    parser.add_argument("--port", type=port_number, help="Learntrace's (default: 8000, or a free one)")
    parser.add_argument("--hub-port", type=port_number, help="the hub's (default: 8888, or a free one)")
    chosen = parser.parse_args(argv)
    programs = (
        JUPYTER / "bin" / "jupyterhub",
        CLASSIC / "bin" / "jupyterhub-singleuser",
        FOLDER / "node_modules" / ".bin" / "configurable-http-proxy",
    )
    if missing := [str(program.relative_to(CHECKOUT)) for program in programs if not program.exists()]:
        print(f"Missing: {', '.join(missing)}. `make hub-demo` installs them.", file=sys.stderr)
        return 1
    for port, setting in ((chosen.port, "PORT"), (chosen.hub_port, "HUB_PORT")):
        if port:
            refuse_taken(_HOST, port, setting)
    home = own_home("hub-demo")
    stopping = stop_event()
    hub = HubProcess(
        home / "hub",
        f"http://{_HOST}:{chosen.hub_port or _port(8888)}",
        _port(),
        _port(),
        {"HUB_PASSWORD": PASSWORD, "HUB_LEARNERS": ",".join([name for name, _first, _last in LEARNERS.values()])},
    )
    server = Server(
        _HOST,
        chosen.port or _port(8000),
        {"LEARNTRACE_HUB_API_URL": hub.api_url, "LEARNTRACE_HUB_ACADEMY": ACADEMY_SLUG},
    )
    try:
        return _demonstrate(server, hub, home, stopping)
    finally:
        # The hub first, so that the learners' servers can still send their last events.
        hub.stop()
        server.stop()


def _port(wanted: int = 0) -> int:
    """Return the wanted port if it is free, or another one below the kernel's range for clients."""
    choice = random.SystemRandom()
    while True:
        port, wanted = wanted or choice.randrange(18000, 31000), 0
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, port))
            except OSError:
                continue
            return port


def _demonstrate(server: Server, hub: HubProcess, home: Path, stopping: threading.Event) -> int:
    print("1/4 Starting the database, the server and the hub ...", flush=True)
    hub.start(server.address)
    if not server.wait_ready(stopping) or not _wait_for_hub(hub, stopping):
        return 0 if stopping.is_set() else 1
    print("2/4 Importing the class ...", flush=True)
    if not import_roster(home, roster(PASSWORD)):
        return 1
    print("3/4 Creating a teacher's token ...", flush=True)
    token = teachers_token(home)
    print("4/4 Publishing the lessons ...", flush=True)
    if not _publish(server.address, token):
        return 1
    print(_welcome(server.address, hub, home, token), flush=True)
    while not stopping.wait(1):
        for what, ended in (("server", server.has_ended), ("hub", hub.has_ended)):
            if ended:
                print(f"The {what} has ended; the hub's log is {hub.log}.", file=sys.stderr)
                return 1
    print("\nStopping ...", flush=True)
    return 0


def _wait_for_hub(hub: HubProcess, stopping: threading.Event) -> bool:
    until = time.monotonic() + _READY_SECONDS
    wait = WaitLine("the hub starts")
    while time.monotonic() < until and not stopping.is_set() and not hub.has_ended:
        wait.tick()
        if hub.answers:
            return True
        stopping.wait(0.3)
    if not stopping.is_set():
        print(f"The hub could not start; its log says why: {hub.log}", file=sys.stderr)
    return False


def _publish(address: str, token: str) -> bool:
    """Tell Learntrace which assignments the lessons have, with the command that authors use."""
    done = subprocess.run(  # noqa: S603
        [JUPYTER / "bin" / "jupyter", "assignments", "publish", *LESSONS],
        cwd=FOLDER / "lessons",  # where learners open them
        env=os.environ
        | {
            "LEARNTRACE_URL": address,
            "LEARNTRACE_TOKEN": token,
            "LEARNTRACE_ACADEMY": str(ACADEMY),
            "PATH": os.pathsep.join((str(JUPYTER / "bin"), os.environ.get("PATH", os.defpath))),
        },
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        print(f"The lessons could not be published: {done.stdout}{done.stderr}", file=sys.stderr)
    return done.returncode == 0


def _welcome(address: str, hub: HubProcess, home: Path, token: str) -> str:
    first, second, third = (name for name, _first, _last in LEARNERS.values())
    return f"""
The hub is at   {hub.address}/
Learntrace is   {address}/

  hub           {first}, {second} or {third}, each in a front end of your choice
  Learntrace    teacher@demo.example (or {first}@demo.example)
  password      {PASSWORD}

To try:

  1. Sign in at the hub as {first}, choose Classic Notebook 6 and open lesson_03.ipynb. As {second} in a private window of the
     browser choose JupyterLab, as {third} in another browser Notebook 7. Run the exercise and the check
     below it as they are (an error), then solve it.
  2. Look at what arrived, with the user names that the hub has verified:

  LEARNTRACE_HOME={home} {Path(sys.executable).with_name("learntrace")} manage dbshell -- -c \\
    "SELECT actor, verb, object->>'assignment' AS assignment, created_at FROM events \\
     WHERE object->>'assignment' IS NOT NULL ORDER BY created_at DESC LIMIT 10;"

  curl -s -H 'Authorization: Token {token}' -H 'Academy: {ACADEMY}' \\
       '{address}/v1/notebook/academy/event?verb=executed&limit=3'

  3. Click on the indicator in the notebook: what is sent, to which server, as whom; and switch it off and on again.

The hub's log is {hub.log}. Ctrl-C stops everything; the learners' notebooks and the data stay in
{home}
"""  # noqa: S608 (a command to copy; nothing of it comes from outside)


if __name__ == "__main__":
    sys.exit(main())
