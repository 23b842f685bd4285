"""`learntrace serve`, `web` and `worker`: which processes run, with which arguments."""

import argparse
import os
import shutil
import signal
import sys
import threading
import time
import urllib.request
import webbrowser
from collections.abc import Callable
from pathlib import Path

from learntrace.config import environment
from learntrace.config.loading import load_django
from learntrace.config.logs import configure_logging
from learntrace.config.postgres.locks import FileLock
from learntrace.config.postgres.server import EmbeddedPostgres
from learntrace.config.runtime import browsers
from learntrace.config.runtime.cores import usable_cores
from learntrace.config.runtime.pool import WorkerPool
from learntrace.config.runtime.ports import PortClaim, PortTakenError, port_number
from learntrace.config.runtime.supervisor import Child, Supervisor
from learntrace.config.setting_types import MOST_PROCESSES

# The port of a killed web process is free only when its children have ended.
_PORT_SECONDS = 3.0
# The embedded database has 200 connections, and needs cores itself.
_MOST_BY_DEFAULT = 32


def _arguments(prog: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"learntrace {prog}", description=description)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=port_number, default=8000, help="the port to listen on (8000)")
    return parser


def _web_processes(parser: argparse.ArgumentParser, *names: str) -> None:
    parser.add_argument(
        "--web-processes", *names, dest="web_processes", type=_count, default=1, metavar="N", help="web processes (1)"
    )


def _opening(parser: argparse.ArgumentParser) -> None:
    purpose = "open the set-up page of a new server in a browser, where this machine has one"
    parser.add_argument("--open", action="store_true", help=purpose)


def _workers(parser: argparse.ArgumentParser, *names: str) -> None:
    purpose = "worker processes (LEARNTRACE_WORKERS, or as many as the cores that they may use)"
    parser.add_argument("--workers", *names, dest="workers", type=_count, metavar="N", help=purpose)


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0
    if not 1 <= number <= MOST_PROCESSES:
        raise argparse.ArgumentTypeError(f"{text!r} can't be used: expected a number from 1 to {MOST_PROCESSES}")
    return number


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "learntrace.config", *words]


def main(argv: list[str]) -> int:
    """Run database, web server, worker and schedules until SIGTERM or SIGINT."""
    parser = _arguments("serve", "Run everything: the database, the web server, the workers and the schedules.")
    _opening(parser)
    _workers(parser)
    _web_processes(parser)
    chosen = parser.parse_args(argv)
    # Reported here once, instead of by each restarted child.
    for setting in environment.SETTINGS:
        setting.value()
    home: Path = environment.HOME.value()
    home.mkdir(parents=True, exist_ok=True)
    _log_to_stderr()
    lock = FileLock(home / "serve.lock")
    if not lock.take():
        print(
            f"learntrace serve: it runs already in {home}; stop it first, or set another LEARNTRACE_HOME",
            file=sys.stderr,
        )
        return 1
    claim = PortClaim(chosen.host, chosen.port)
    try:
        claim.take()
    except PortTakenError as error:
        print(f"learntrace serve: {error}", file=sys.stderr)
        return 1
    url = environment.DATABASE_URL.value()
    database = None if url else EmbeddedPostgres(home)
    _start_measures(home)
    env = {**os.environ, "LEARNTRACE_HOME": str(home), "LEARNTRACE_DATABASE_URL": url or EmbeddedPostgres(home).url}
    address = ["--host", chosen.host, "--port", str(chosen.port), "--web-processes", str(chosen.web_processes)]
    workers = ["--workers", str(chosen.workers)] if chosen.workers else []
    opening = ["--open"] if chosen.open else []
    children = [
        Child("worker", _command("worker", "--upgrade", *workers), env),
        Child(
            "web",
            _command("web", "--upgrade", *address, *opening, "--claimed"),
            env,
            _answers(chosen.host, chosen.port),
        ),
    ]
    try:
        return Supervisor(children, database, stop_seconds=environment.STOP_SECONDS.value()).run()
    finally:
        claim.drop()


def _start_measures(home: Path) -> None:
    """Create an empty folder in which this run's processes keep the counters that /metrics adds up."""
    folder = home / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def _log_to_stderr() -> None:
    configure_logging(environment.LOG_LEVEL.value(), environment.LOG_FORMAT.value(), to_terminal=sys.stderr.isatty())


def _answers(host: str, port: int) -> Callable[[], bool]:
    """Return a readiness check that prints the server's URL once."""
    address = _address(host, port)

    def check() -> bool:
        if not _is_alive(address):
            return False
        print(f"Learntrace is at {address}/", flush=True)
        return True

    return check


def _address(host: str, port: int) -> str:
    """Return the URL at which this machine reaches the server."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (that is what the operator may say)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _is_alive(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health/live", timeout=1):  # noqa: S310 (our own)
            return True
    except OSError:
        return False


def _tell_when_it_answers(address: str, invitation: str, *, claimed: bool, opening: bool) -> None:
    """Print what an operator wants to know once the server answers; `serve` prints the URL of a claimed port itself.

    Web processes are forked meanwhile: nothing here may use the database (`_invitation`).
    """
    while not _is_alive(address):
        time.sleep(0.5)
    if not claimed:
        print(f"Learntrace is at {address}/", flush=True)
    if invitation:
        print(invitation, flush=True)
        if opening and browsers.is_there():
            webbrowser.open(f"{address}/set-up")


def web(argv: list[str]) -> int:
    """Run the web server until SIGTERM or SIGINT."""
    parser = _arguments("web", "Run the web server alone; it needs a database that somebody else runs.")
    # Its name until `serve` had workers to count too.
    _web_processes(parser, "--workers")
    parser.add_argument("--upgrade", action="store_true", help="bring the database's tables up to date first")
    # `serve` restarts this process and holds the claim itself.
    parser.add_argument("--claimed", action="store_true", help=argparse.SUPPRESS)
    _opening(parser)
    chosen = parser.parse_args(argv)
    claim = PortClaim(chosen.host, chosen.port, of_parent=chosen.claimed)
    try:
        claim.take(_PORT_SECONDS)
    except PortTakenError as error:
        print(f"learntrace web: {error}", file=sys.stderr)
        return 1
    os.environ.setdefault("LEARNTRACE_DATABASE_POOL", "10")
    os.environ["LEARNTRACE_WEB_PROCESS"] = str(os.getpid())
    if chosen.host not in ("0.0.0.0", "::"):  # noqa: S104 (every address is no name by which anybody asks)
        os.environ[environment.SERVED_HOST] = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
    _prepare(upgrade=chosen.upgrade)
    # A forked web process has its parent's handlers until it has loaded everything: a request to stop would be lost.
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    address = _address(chosen.host, chosen.port)
    telling = {"claimed": chosen.claimed, "opening": chosen.open}
    told = (address, _invitation(address))
    threading.Thread(target=_tell_when_it_answers, args=told, kwargs=telling, daemon=True).start()
    _answer_requests(chosen.host, chosen.port, chosen.web_processes)
    claim.drop()
    return 0


def _answer_requests(host: str, port: int, processes: int) -> None:
    """Run the web processes until SIGTERM or SIGINT."""
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server import Server

    from learntrace.intake.connections.open_connections import most_connections, raise_file_limit

    raise_file_limit()
    Server(
        "learntrace.config.asgi:application",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=processes,
        # Per process; streams take a part of them (signals/stream/app.py).
        backpressure=most_connections(),
        # Only in this mode the time-out holds for a connection's first byte too; a proxy speaks HTTP/1.1 to us.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=environment.BODY_SECONDS.value() * 1000),
        websockets=False,
        respawn_failed_workers=True,
        # Two seconds before `serve`, under which it may run, kills it.
        workers_kill_timeout=environment.STOP_SECONDS.value() - 4,
        log_level=LogLevels.warning,
    ).serve()


def worker(argv: list[str]) -> int:
    """Run workers until SIGTERM or SIGINT; with a broker, Celery's and a sweeper for what Celery misses."""
    parser = argparse.ArgumentParser(prog="learntrace worker", description="Run workers alone.")
    parser.add_argument("--upgrade", action="store_true", help="bring the database's tables up to date first")
    parser.add_argument("--sweep", action="store_true", help="only look after what Celery's workers missed")
    # The second name is from when only Celery had several processes.
    _workers(parser, "--concurrency")
    chosen = parser.parse_args(argv)
    count = chosen.workers or environment.WORKERS.value() or min(usable_cores(), _MOST_BY_DEFAULT)
    if environment.BROKER_URL.value() and not chosen.sweep:
        _prepare(upgrade=chosen.upgrade, django=False)
        children = [Child("celery", _celery(count), dict(os.environ)), Child("sweeper", _command("worker", "--sweep"))]
        return Supervisor(children, stop_seconds=_stop_seconds()).run()
    _prepare(upgrade=chosen.upgrade)
    from learntrace.config.runtime.worker import Worker

    if chosen.sweep or count == 1:
        Worker(sweeping=chosen.sweep).run()
        return 0
    return WorkerPool(count, lambda seat: Worker(seat).run(), stop_seconds=_stop_seconds()).run()


def _stop_seconds() -> float:
    """Two seconds less than `serve` has, under which this command may run."""
    return float(environment.STOP_SECONDS.value() - 2)


def _celery(count: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "celery",
        "--app",
        "learntrace.config.runtime.celery",
        "worker",
        "--concurrency",
        str(count),
        "--loglevel",
        environment.LOG_LEVEL.value(),
        "--without-gossip",
        "--without-mingle",
        "--hostname",
        f"learntrace-{os.getpid()}@%h",
    ]


def _prepare(*, upgrade: bool, django: bool = True) -> None:
    """Set up Django and, with `upgrade`, the tables."""
    _log_to_stderr()
    if not (django or upgrade):
        return
    load_django()
    if upgrade:
        from learntrace.config.upgrade import upgrade_database

        upgrade_database()
        _close_connections()


def _close_connections() -> None:
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()
        # Web processes are forked from this one, which does not copy a pool's threads: each opens its own pool.
        connection.close_pool()  # type: ignore[attr-defined]  # only PostgreSQL's has one


def _invitation(address: str) -> str:
    """Return what tells the operator how to set up a new server; empty where the tables can't say whether it is new.

    Before the first web process is forked, as one that is forked while a pool is open has a pool without threads: each of its
    pages would wait for a connection in vain.
    """
    import psycopg
    from django.conf import settings
    from django.db import Error

    from learntrace.accounts.first_setup.command import invitation

    try:
        # A pool would try for ten seconds to reach a database that is away.
        psycopg.connect(settings.DATABASE_URL, connect_timeout=2).close()
        return invitation(address)
    except (Error, psycopg.Error):
        return ""
    finally:
        _close_connections()
