"""Starting and ending the conventional server and worker."""

import contextlib
import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

import psutil
from celery import Celery

from tests.faults.installation import HOST, free_port
from tests.support.paths import CHECKOUT
from tests.support.waiting import wait_until

_STOP_SECONDS = 20


@contextlib.contextmanager
def server() -> Iterator[int]:
    """Serve the view on the database that Django is set up for; yield the port."""
    port = free_port()
    with _process("-m", "benchmarks.conventional", "--port", str(port)):
        wait_until(lambda: _is_answering(port), "the conventional server answers")
        yield port


class Worker(NamedTuple):
    """A Celery worker: an application that sends it tasks, and its process."""

    app: Celery
    process: psutil.Process

    def processes(self) -> list[psutil.Process]:
        """Return the worker's process and those that it has forked."""
        return [self.process, *self.process.children(recursive=True)]


@contextlib.contextmanager
def worker(broker_url: str) -> Iterator[Worker]:
    """Run a Celery worker of one process."""
    words = ("--app", "benchmarks.conventional.celery_app", "worker", "--concurrency", "1", "--loglevel", "error")
    with (
        contextlib.closing(Celery("conventional", broker=broker_url)) as app,
        _process(
            "-W", "ignore", "-m", "celery", "--quiet", *words, "--without-gossip", BENCH_BROKER_URL=broker_url
        ) as process,
    ):
        wait_until(lambda: app.control.ping(timeout=0.5), "the Celery worker answers")
        yield Worker(app, psutil.Process(process.pid))


@contextlib.contextmanager
def _process(*words: str, **environment: str) -> "Iterator[subprocess.Popen[bytes]]":
    process = subprocess.Popen(
        [sys.executable, *words],
        cwd=CHECKOUT,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
        assert process.poll() is None, f"it has ended: {' '.join(words)}"
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_answering(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("POST", "/v1/assignment/me/telemetry", b"{}")
        return connection.getresponse().status in (401, 403)
    except OSError:
        return False
    finally:
        connection.close()
