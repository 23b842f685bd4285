"""Installations, made from one prepared home, that leave nothing behind; and brokers, a corner of each."""

import contextlib
import json
import os
import random
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.academy import roster
from tests.faults.brokers import Broker, Line, Proxy, own_corner, reachable_brokers
from tests.faults.installation import STOP_SECONDS, Install, Installation
from tests.support.folders import folder_on_disk

_FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith("tests/faults/"):
            item.add_marker("faults")
            if {"broker", "other_broker", "line"} & set(getattr(item, "fixturenames", ())):
                item.add_marker("broker")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    for node in (item, item.parent):
        if node is not None:
            node.stash[_FAILED] = node.stash.get(_FAILED, False) or report.failed
    return report


@pytest.fixture
def folder() -> Iterator[Path]:
    with folder_on_disk() as made:
        yield made


@pytest.fixture(scope="session")
def prepared() -> Iterator[Path]:
    """A home whose database has its tables and its people; to copy, because making it takes seconds."""
    with folder_on_disk() as made:
        installation = Installation(made / "var")
        (made / "roster.json").write_text(json.dumps(roster()))
        installation.prepare()
        assert installation.command("roster", "import", str(made / "roster.json")).wait(60) == 0, installation.log()
        yield installation.home


@contextlib.contextmanager
def installing(
    prepared: Path, node: pytest.Item | pytest.Collector, kind: type[Installation] = Installation
) -> Iterator[Install]:
    """Make installations of a kind; keyword arguments are Installation's. What is left running at the end is ended."""
    made: list[Installation] = []
    with folder_on_disk() as folder:

        def install(name: str = "var", *, stop_seconds: int = STOP_SECONDS, **arguments: Any) -> Installation:
            subprocess.run(["cp", "-a", str(prepared), str(folder / name)], check=True)
            made.append(kind(folder / name, stop_seconds=stop_seconds, **arguments))
            return made[-1]

        yield install
        for one in made:
            if node.stash.get(_FAILED, False):
                print(f"--- the last lines of {one.home.name}'s log ---\n{one.log_tail()}")
            one.clear()


@pytest.fixture
def install(prepared: Path, request: pytest.FixtureRequest) -> Iterator[Install]:
    with installing(prepared, request.node) as install:
        yield install


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """LEARNTRACE_TEST_SEED, or a new one; printed, so that a failure can be repeated."""
    number = int(os.environ.get("LEARNTRACE_TEST_SEED") or random.SystemRandom().randrange(10**6))
    print(f"\n{request.node.name}: LEARNTRACE_TEST_SEED={number}")
    return number


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A corner of the first broker that answers."""
    with own_corner(reachable_brokers()[0]) as mine:
        yield mine


@pytest.fixture
def other_broker() -> Iterator[Broker]:
    """A corner of the second broker that answers, of another kind than the first."""
    found = reachable_brokers()
    if len(found) < 2:
        pytest.skip(f"only one broker answers, {found[0].shown}")
    with own_corner(found[1]) as mine:
        yield mine


@pytest.fixture(scope="module", params=[0, 1], ids=["first broker", "other broker"])
def line(prepared: Path, request: pytest.FixtureRequest) -> Iterator[Line]:
    """One for all tests of a module, because it takes seconds to start; it is started while the line is cut."""
    found = reachable_brokers()
    if request.param >= len(found):
        pytest.skip(f"only one broker answers, {found[0].shown}")
    with (
        own_corner(found[request.param]) as mine,
        Proxy(mine.host, mine.port) as proxy,
        installing(prepared, request.node) as install,
    ):
        # A Celery whose broker is silent is killed at the end of this time, so this is the default, not the tests' long one.
        installation = install(broker_url=mine.at(proxy.host, proxy.port), stop_seconds=10)
        proxy.cut()
        installation.start()
        yield Line(installation, mine, proxy)
