"""What `serve` refuses to start over, and that it can be stopped while it starts."""

import http.server
import random
import signal
import time
from pathlib import Path

from tests.faults.academy import LEARNERS
from tests.faults.conftest import Install
from tests.faults.installation import HOST, Installation
from tests.faults.processes import wait_until


def refused(installation: Installation) -> tuple[int, str]:
    """The exit code of one more `serve`, and what it says."""
    said = len(installation.log())
    second = installation.command("serve", "--port", str(installation.port))
    return second.wait(20), installation.log()[said:]


def test_a_second_serve_on_a_home_is_refused_and_the_first_goes_on(install: Install) -> None:
    installation = install()
    installation.start()
    processes = {role: installation.only(role).pid for role in ("web_main", "worker", "postmaster")}
    second = installation.command("serve", "--port", str(installation.port + 1))
    assert second.wait(20) == 1
    assert f"it runs already in {installation.home}" in installation.log()
    assert installation.post({"slug": "intro"}, LEARNERS[0].key) == 200
    assert {role: installation.only(role).pid for role in processes} == processes


def test_a_port_in_use_is_refused_before_anything_starts(install: Install) -> None:
    installation = install()
    with http.server.HTTPServer((HOST, installation.port), http.server.BaseHTTPRequestHandler):
        code, said = refused(installation)
    assert code == 1
    assert f"{HOST}:{installation.port} can't be listened on" in said
    assert len(said.splitlines()) == 1
    assert installation.left() == []
    assert not (installation.home / "postgres" / "data" / "postmaster.pid").exists()


def test_a_stop_at_any_moment_of_the_start_is_clean(install: Install, seed: int) -> None:
    installation, choice = install(), random.Random(seed)
    for _time in range(6):
        said = len(installation.log())
        installation.launch()
        time.sleep(choice.uniform(0, 2))
        assert_stopped(installation, choice.choice([signal.SIGTERM, signal.SIGINT]), said)
    installation.start()
    assert installation.post({"slug": "intro"}, LEARNERS[0].key) == 200


def test_a_stop_at_any_moment_of_the_very_first_start_is_clean(folder: Path, seed: int) -> None:
    """While the database is being made, and its tables."""
    choice = random.Random(seed)
    for number in range(4):
        installation = Installation(folder / f"var-{number}")
        try:
            installation.launch()
            time.sleep(choice.uniform(0.3, 2.5))
            assert_stopped(installation, signal.SIGTERM, 0)
            if number == 0:
                installation.start()
        finally:
            installation.clear()


def assert_stopped(installation: Installation, number: signal.Signals, said: int) -> None:
    """`said`: how long the log was before the start."""
    code, seconds = installation.stop(number)
    # Before it listens to signals it has begun nothing, and Python ends in its own way: 1 or 130 after a Ctrl-C.
    listened = any(word in installation.log()[said:] for word in ("started, pid", "stopping", "made a new database"))
    assert code == 0 or (not listened and code in ((-number, 130, 1) if number == signal.SIGINT else (-number,)))
    assert seconds < 10
    wait_until(lambda: not installation.left(), "no process left", 5)
