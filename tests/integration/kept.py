"""Rows that the tests of a file share: they are made once, and each test's own changes are taken back.

A fixture that is `kept` runs in a transaction around those of the tests. The test gets a copy of what it returned, so
that what one test does to an object isn't seen by the next. Only for what reads the clock in Python: SQL's now() is when
the outer transaction began.
"""

import copy
import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django.plugin import DjangoDbBlocker

_BUILDERS: dict[Any, Callable[..., Any]] = {}


def kept(build: Callable[..., Any]) -> Any:
    """Make a fixture of a function that writes rows; its arguments are the names of other kept fixtures.

    A test that commits has rows of its own.
    """

    def fixture(kept_copies: dict[str, Any], request: pytest.FixtureRequest, db: None, **others: Any) -> Any:
        assert request.fixturename is not None
        return kept_copies[request.fixturename] if kept_copies else build(**others)

    # pytest finds what it is made from by the names of the arguments.
    own = [given for given in inspect.signature(fixture).parameters.values() if given.kind is not given.VAR_KEYWORD]
    fixture.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # not in the types
        [*own, *inspect.signature(build).parameters.values()]
    )
    _BUILDERS[fixture] = build
    return pytest.fixture(fixture)


class Keeper:
    """The kept rows of a file, as a stack: what a test doesn't ask for is taken back, and what it lacks is made."""

    def __init__(self, blocker: DjangoDbBlocker) -> None:
        self._blocker = blocker
        self._stack: list[tuple[str, Any, ExitStack]] = []

    def copies_for(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        wanted = [] if _commits(request) else _wanted(request)
        if connection.closed_in_transaction:
            # A download that nobody reads to its end closes it, and the rows have gone with it.
            self.take_back()
        same = 0
        for (name, _build), (made, _value, _leave) in zip(wanted, self._stack, strict=False):
            if name != made:
                break
            same += 1
        self.take_back(same)
        for name, build in wanted[same:]:
            self._make(name, build)
        return copy.deepcopy({name: value for name, value, _leave in self._stack})

    def take_back(self, leaving: int = 0) -> None:
        with self._blocker.unblock():
            while len(self._stack) > leaving:
                self._stack.pop()[2].close()

    def _make(self, name: str, build: Callable[..., Any]) -> None:
        values = {made: value for made, value, _leave in self._stack}
        leave = ExitStack()
        with self._blocker.unblock():
            leave.enter_context(_rolled_back())
            try:
                value = build(*(values[given] for given in inspect.signature(build).parameters))
                connection.check_constraints()
            except BaseException:
                leave.close()
                raise
        self._stack.append((name, value, leave))


@contextmanager
def _rolled_back() -> Iterator[None]:
    outer = transaction.atomic()
    # As Django's TestCase marks its own: what must be outermost may run in it.
    outer._from_testcase = True  # type: ignore[attr-defined]  # not in the types
    with outer:
        yield
        transaction.set_rollback(True)


def _commits(request: pytest.FixtureRequest) -> bool:
    mark = request.node.get_closest_marker("django_db")
    return bool(mark and mark.kwargs.get("transaction")) or "transactional_db" in request.fixturenames


def _wanted(request: pytest.FixtureRequest) -> list[tuple[str, Callable[..., Any]]]:
    """Return the kept fixtures that a test asks for, each after those that it is made from."""
    found: dict[str, Callable[..., Any]] = {}
    known = request.node._fixtureinfo.name2fixturedefs

    def add(name: str) -> None:
        build = _BUILDERS.get(known[name][-1].func) if name in known else None
        if build is not None and name not in found:
            for given in inspect.signature(build).parameters:
                add(given)
            found[name] = build

    for name in sorted(known):
        add(name)
    return list(found.items())
