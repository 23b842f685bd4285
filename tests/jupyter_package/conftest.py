"""A Learntrace that can misbehave, a folder on a real disk, and one running Jupyter server of each kind."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.jupyter.servers import JupyterServer
from tests.jupyter_package.jupyter import HOSTS, jupyter
from tests.jupyter_package.learntrace_server import LearntraceServer
from tests.support.folders import folder_on_disk

LOG = logging.getLogger("tests.jupyter_package")


@pytest.fixture
def folder() -> Iterator[Path]:
    with folder_on_disk() as made:
        yield made


@pytest.fixture
def learntrace() -> Iterator[LearntraceServer]:
    with LearntraceServer() as server:
        yield server


Launch = Callable[..., JupyterServer]


@pytest.fixture
def launch(folder: Path) -> Iterator[Launch]:
    """Start Jupyter servers, arguments are jupyter()'s; `name` is the folder of its own (the same one: the same user)."""
    started: list[JupyterServer] = []

    def start(host: str = "jupyter_server", url: str = "", name: str = "home", **environment: str) -> JupyterServer:
        server = jupyter(folder / name, host, url, **environment)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="package", params=HOSTS)
def running(request: pytest.FixtureRequest) -> Iterator[tuple[JupyterServer, LearntraceServer]]:
    """A Jupyter server of each kind that reports to a well-behaved Learntrace; one for all tests, as it takes seconds."""
    with folder_on_disk() as folder, LearntraceServer() as learntrace:
        server = jupyter(folder / "home", request.param, learntrace.url)
        server.start()
        yield server, learntrace
        server.stop()
