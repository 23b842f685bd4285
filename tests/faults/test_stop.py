"""A clean stop under load: in time, with exit code 0, without a process left, and nothing that was answered ok lost."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from learntrace.config.environment import STOP_SECONDS
from learntrace.config.postgres.server import EmbeddedPostgres
from tests.faults.academy import LEARNERS
from tests.faults.crowd import Crowd
from tests.faults.installation import Install, Installation
from tests.faults.verdict import assert_kept_once_and_processed, assert_stops_cleanly, summary

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)


@pytest.fixture
def server(folder: Path, prepared: Path, install: Install) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL server that no `serve` starts or stops."""
    database = EmbeddedPostgres(install("server").home)
    database.start()
    yield database
    database.stop(patience=2)


def stop_under_load(installation: Installation, number: signal.Signals, seed: int) -> Crowd:
    installation.start()
    with Crowd(installation.port, seed, pause=0.005) as crowd:
        crowd.wait_accepted(300)
        assert_stops_cleanly(installation, number)
    print(f"  {summary(crowd.told)}")
    assert not crowd.told.answers["no answer in time"]
    return crowd


@SIGNALS
def test_a_stop_is_clean_with_the_embedded_database(install: Install, seed: int, number: signal.Signals) -> None:
    installation = install()
    crowd = stop_under_load(installation, number, seed)
    installation.start()
    assert_kept_once_and_processed(installation, crowd.told)
    assert_stops_cleanly(installation)


@SIGNALS
def test_a_stop_is_clean_with_a_database_server_of_ones_own(
    install: Install, server: EmbeddedPostgres, seed: int, number: signal.Signals
) -> None:
    installation = install(database_url=server.url)
    crowd = stop_under_load(installation, number, seed)
    assert server.is_answering()
    assert not (installation.home / "postgres" / "data" / "postmaster.pid").exists()
    installation.start()
    assert_kept_once_and_processed(installation, crowd.told)
    assert_stops_cleanly(installation)


def test_a_stop_takes_less_than_ten_seconds_by_default(install: Install) -> None:
    installation = install(stop_seconds=int(STOP_SECONDS.default))
    installation.start()
    assert_stops_cleanly(installation)


def test_a_worker_stops_in_the_middle_of_a_backlog(install: Install, server: EmbeddedPostgres) -> None:
    """Between two batches it sees that it shall stop; it does not work the backlog off first."""
    installation = install(database_url=server.url)
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(
            """INSERT INTO learnpack_webhook (is_streaming, event, payload, student_id)
               SELECT false, 'batch', jsonb_build_object('slug', 'intro', 'last_interaction_at', n), %s
                 FROM generate_series(1, 100000) AS n""",
            [LEARNERS[0].id],
        )
    worker = installation.command("worker")
    installation.beside.append(worker)
    while installation.count("DONE") == 0:
        assert worker.poll() is None
    worker.terminate()
    assert worker.wait(60) == 0
    assert 0 < installation.count("PENDING") < 100_000
