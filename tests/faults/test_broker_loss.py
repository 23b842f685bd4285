"""A broker that is down, silent, or loses messages costs only seconds: no request waits for it, no row is left."""

import signal

from tests.faults.brokers import Line
from tests.faults.celery_alone import send, wait_until_celery_works
from tests.faults.installation import Installation
from tests.faults.processes import frozen
from tests.support.waiting import wait_until

PROCESSED_WITHIN = 15.0


def sends_what_is_processed_soon(installation: Installation) -> bool:
    """Send batches: whether all of them are stored and processed, none with an error."""
    (before,) = installation.sql("SELECT count(*) FROM learnpack_webhook")
    send(installation, 40)
    installation.wait_processed(PROCESSED_WITHIN)
    (after,) = installation.sql("SELECT count(*) FROM learnpack_webhook")
    return (after[0] - before[0], installation.count("ERROR")) == (40, 0)


def test_a_broker_that_is_away_delays_nothing_for_long(line: Line) -> None:
    """From the start, and later."""
    line.proxy.cut()
    assert sends_what_is_processed_soon(line.installation)
    line.proxy.restore()
    wait_until_celery_works(line.installation)
    line.proxy.cut()
    assert sends_what_is_processed_soon(line.installation)
    line.proxy.restore()
    wait_until_celery_works(line.installation)


def test_messages_that_a_broker_loses_cost_only_seconds(line: Line) -> None:
    line.proxy.restore()
    wait_until_celery_works(line.installation)
    installation, broker = line.installation, line.broker
    wait_until(lambda: broker.waiting() == 0, "an empty queue")
    with frozen([*installation.find("celery_main"), *installation.find("sweeper")]):

        def waits() -> bool:
            send(installation, 5)  # some are in the frozen Celery's hand
            return broker.waiting() > 0

        wait_until(waits, "messages that wait")
        assert broker.purge() > 0
        assert installation.count("PENDING") > 0
    installation.wait_processed(PROCESSED_WITHIN)
    wait_until_celery_works(line.installation)


def test_a_silent_broker_delays_nothing_for_long(line: Line) -> None:
    """Its connections stay open, and nothing comes of what is sent."""
    line.proxy.restore()
    wait_until_celery_works(line.installation)
    line.proxy.hold()
    assert sends_what_is_processed_soon(line.installation)
    line.proxy.restore()
    wait_until_celery_works(line.installation)


def test_a_stop_does_not_wait_for_a_silent_broker(line: Line) -> None:
    line.proxy.hold()
    send(line.installation, 1)
    code, seconds = line.installation.stop(signal.SIGTERM)
    assert (code, line.installation.left()) == (0, [])
    assert seconds < 10
