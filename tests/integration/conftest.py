from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings
from django.utils import translation
from pytest_django.plugin import DjangoDbBlocker

from learntrace.intake import limits
from tests.integration.kept import Keeper
from tests.support.builders import Api, Cast, make_cast


@pytest.fixture(scope="session", autouse=True)
def _static_files_found_on_request() -> Iterator[None]:
    # Each test client loads the middleware anew, and would look at all static files each time.
    with override_settings(WHITENOISE_AUTOREFRESH=True):
        yield


@pytest.fixture(autouse=True)
def _nothing_left_by_others(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # A request leaves its language in the thread, as a server's next request sets its own.
    cache.clear()
    # What accounts of other tests, with the same names or ids, have sent.
    monkeypatch.setattr(limits, "_limits", None)
    translation.deactivate()
    yield
    translation.deactivate()


@pytest.fixture(scope="module")
def _keeper(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Keeper]:
    keeper = Keeper(django_db_blocker)
    yield keeper
    keeper.take_back()


@pytest.fixture
def kept_copies(_keeper: Keeper, request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the file's kept fixtures have made that this test asks for (see tests.integration.kept)."""
    return _keeper.copies_for(request)


@pytest.fixture
def _django_db_helper(kept_copies: dict[str, Any], _django_db_helper: None) -> None:
    """Begin the test's own transaction within that of the kept rows."""


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def teacher(cast: Cast) -> Api:
    """The colleague, in the academy."""
    return Api(cast.colleague, cast.academy)


@pytest.fixture
def learner(cast: Cast) -> Api:
    """The owner, naming no academy, as LearnPack's clients do."""
    return Api(cast.owner)
