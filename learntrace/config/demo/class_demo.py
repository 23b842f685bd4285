"""`make demo-class`: a server of its own on which a real class is replayed, until it is stopped."""

import argparse
import sys

from learntrace.config import cli
from learntrace.config.demo.replay_class import STOPPED
from learntrace.config.demo.server import Server, own_home, refuse_taken, stop_event
from learntrace.config.runtime.ports import port_number

# An hour of the class per second: its first two days fill the first minute.
SPEED = 3600


def main(argv: list[str] | None = None) -> int:
    """Run the server and the replay; return when it is stopped or its server ends."""
    parser = argparse.ArgumentParser(
        prog="learntrace.config.demo.class_demo", description="A real class, at work again."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=port_number, default=8000)
    chosen = parser.parse_args(argv)
    refuse_taken(chosen.host, chosen.port, "PORT")
    own_home("demo-class")
    stopping = stop_event()
    server = Server(chosen.host, chosen.port)
    try:
        print("Starting the database and the server ...", flush=True)
        if not server.wait_ready(stopping):
            return 0 if stopping.is_set() else 1
        code = cli.main(["demo-class", "--url", server.address, "--from-now", "--speed", str(SPEED)])
        if code == STOPPED:
            return 0
        stopping = stop_event()
        print("All of it has been replayed. Ctrl-C stops the server; its data stay in the home folder.", flush=True)
        while not stopping.wait(1):
            if server.has_ended:
                print("The server has ended.", file=sys.stderr)
                return 1
        return 0
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
