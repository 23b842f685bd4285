"""Times that the database returns."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learntrace.core.postgresql.base import UtcLoader
from learntrace.core.sql import fetch_one


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_a_time_comes_back_as_it_was_stored(moment: datetime) -> None:
    row = fetch_one("SELECT %s::timestamptz", [moment.isoformat()])
    assert row is not None
    assert row[0] == moment
    assert row[0].tzinfo is UTC


@pytest.mark.django_db
def test_a_time_of_another_zone_is_told_in_utc() -> None:
    moment = datetime(2026, 11, 23, 9, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    row = fetch_one("SELECT %s::timestamptz", [moment.isoformat()])
    assert row is not None
    assert (row[0], row[0].tzinfo) == (moment, UTC)


@pytest.mark.django_db
def test_connections_read_times_by_our_loader() -> None:
    connection.ensure_connection()
    assert connection.connection.adapters.get_loader(1184, 0) is UtcLoader
