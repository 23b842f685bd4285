"""Serve the conventional view by the same server as Learntrace, in as many processes as `learntrace serve` has by default.

Its interface is WSGI: under ASGI Django runs one such view at a time, and stored a quarter as much in a trial.
"""

import argparse

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

# Of 1, 4, 8, 16 and 32 threads on two cores, 16 and 32 stored most; 8 stored two thirds of it.
THREADS = 16


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.conventional", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    chosen = parser.parse_args()
    Server(
        "benchmarks.conventional.wsgi:application",
        address="127.0.0.1",
        port=chosen.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.error,  # it warns of more threads than cores
    ).serve()


if __name__ == "__main__":
    main()
