"""Which tests may run beside each other: `make test` gives every core a worker of its own."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from babel.messages.catalog import Catalog
from hypothesis import HealthCheck, settings
from pytest_django.plugin import DjangoDbBlocker
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from learntrace.config.reference_docs.translations import extracted

# Machines are shared and noisy: how long an example takes says nothing about the code.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")

# Each of these shares servers, browsers or a whole machine's load among its tests; elsewhere a file is what belongs together.
TOGETHER = ("tests/faults/", "tests/jupyter/", "tests/browser/")
# What takes longest, the longest first.
LONG = (
    *TOGETHER,
    "tests/integration/config/test_class_replay.py",
    "tests/integration/config/test_upgrade.py",
    "tests/api/",
    "tests/integration/accounts/test_scope.py",
    "tests/integration/diagnosis/",
    "tests/integration/config/",
)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Have the test databases copied from one that has its tables."""
    # Not before Django is set up: this file is read earlier.
    from django.db import connection

    from tests.support.empty_tables import empty_tables_quickly
    from tests.support.template_database import ensure_template

    empty_tables_quickly()
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = ensure_template()


@pytest.fixture(scope="session", autouse=True)
def _passwords_are_hashed_at_once() -> Iterator[None]:
    """A hash takes a sixth of a second of a core by intent; here it goes the same way with the least work."""
    # Not before Django is set up, either.
    from learntrace.accounts.password_hasher import PatientScryptHasher

    with patch.object(PatientScryptHasher, "work_factor", 2):
        yield


@pytest.fixture(scope="session")
def package_texts() -> Catalog:
    """The texts that the package translates, to look at only: to extract them takes seconds."""
    return extracted()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long ones, so that no worker is left alone with them at the end.

    pytest-django has sorted by use of the database, and within a file that order stays.
    """
    items.sort(
        key=lambda item: next((rank for rank, path in enumerate(LONG) if item.nodeid.startswith(path)), len(LONG))
    )


class Lanes(LoadScopeScheduling):
    """What belongs together runs in one worker, one after the other."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/unit/"):
            # They share nothing.
            return nodeid.partition("[")[0]
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid.split("::", 1)[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Lanes:
    return Lanes(config, log)
