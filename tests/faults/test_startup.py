"""What `serve` refuses to start over, and that it can be stopped while it starts."""

import http.client
import http.server
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.faults.academy import LEARNERS
from tests.faults.installation import HOST, Install, Installation, free_port
from tests.support.paths import CHECKOUT
from tests.support.waiting import wait_until


def refused(installation: Installation) -> tuple[int, str]:
    """The exit code of one more `serve`, and what it says."""
    said = len(installation.log())
    second = installation.command("serve", "--port", str(installation.port))
    return second.wait(60), installation.log()[said:]


def test_a_second_serve_on_a_home_is_refused_and_the_first_goes_on(install: Install) -> None:
    installation = install()
    installation.start()
    processes = {role: installation.only(role).pid for role in ("web_main", "worker", "postmaster")}
    second = installation.command("serve", "--port", str(installation.port + 1))
    assert second.wait(60) == 1
    assert f"it runs already in {installation.home}" in installation.log()
    assert installation.post({"slug": "intro"}, LEARNERS[0].key) == 200
    assert {role: installation.only(role).pid for role in processes} == processes


def test_the_database_of_an_installation_is_durable_and_the_doctor_says_so(install: Install) -> None:
    installation = install()
    installation.start()
    assert installation.sql("SELECT current_setting('fsync'), current_setting('synchronous_commit')") == [("on", "on")]
    assert installation.command("doctor").wait(60) == 0, installation.log()


def test_a_port_in_use_is_refused_before_anything_starts(install: Install) -> None:
    installation = install()
    with http.server.HTTPServer((HOST, installation.port), http.server.BaseHTTPRequestHandler):
        code, said = refused(installation)
    assert code == 1
    assert f"{HOST}:{installation.port} can't be listened on" in said
    assert len(said.splitlines()) == 1
    assert installation.left() == []
    assert not (installation.home / "postgres" / "data" / "postmaster.pid").exists()


def test_a_web_server_alone_never_shares_the_port_of_another(install: Install) -> None:
    installation = install()
    installation.start()
    said = len(installation.log())
    second = installation.command("web", "--port", str(installation.port))
    assert second.wait(60) == 1
    assert f"{HOST}:{installation.port} can't be listened on" in installation.log()[said:]


def test_of_two_that_start_at_the_same_moment_on_a_port_one_is_refused(install: Install) -> None:
    """Neither listens yet when the other looks, and granian would let both."""
    pair = [install("one"), install("two")]
    pair[1].port = pair[0].port
    for installation in pair:
        installation.launch()
    wait_until(lambda: any(one.serve is not None and one.serve.poll() is not None for one in pair), "the refusal")
    (refused,) = (one for one in pair if one.serve is not None and one.serve.poll() is not None)
    (served,) = (one for one in pair if one is not refused)
    assert refused.serve is not None
    assert refused.serve.returncode == 1
    assert f"{HOST}:{refused.port} can't be listened on" in refused.log()
    assert len(refused.log().splitlines()) == 1
    assert refused.left() == []
    served.wait_ready()
    web = served.only("web_main")
    web.kill()
    wait_until(lambda: not web.is_running(), "its end")
    served.wait_ready()
    assert served.stop()[0] == 0


def test_a_web_server_alone_says_where_it_is(install: Install) -> None:
    installation = install()
    installation.start()
    port = free_port()
    web = installation.command("web", "--port", str(port), LEARNTRACE_DATABASE_URL=installation.database_url)
    try:
        wait_until(lambda: f"Learntrace is at http://{HOST}:{port}/" in installation.log(), "its word")
        # Nobody has set it up: every web server and every start prints the same code.
        wait_until(lambda: installation.log().count("  code  ") == 2, "the code of both")
        assert len(set(re.findall(r"  code  (\S+)", installation.log()))) == 1
    finally:
        web.terminate()
        assert web.wait(60) == 0


def test_a_web_process_that_is_killed_while_the_database_is_silent_is_followed_by_one_that_answers(
    install: Install,
) -> None:
    """The next one is forked from a process that must have no connection open, or about to be."""
    installation = install()
    installation.launch()
    postmaster = installation.only("postmaster")
    wait_until(lambda: _lives(installation), "the first answer")
    postmaster.suspend()
    first = installation.only("web_child")
    time.sleep(1)  # whatever the server does once it answers has begun
    first.kill()
    wait_until(lambda: _others(installation, first), "the next web process")
    following = _others(installation, first)
    postmaster.resume()
    installation.wait_ready()
    learner = LEARNERS[0]
    wait_until(
        lambda: installation.get(f"/v1/assignment/task/{learner.task('intro')}", learner.key)[0] == 200, "a page"
    )
    assert _others(installation, first) == following, "the one that followed has answered"


def _others(installation: Installation, web_process: psutil.Process) -> list[psutil.Process]:
    return [one for one in installation.find("web_child") if one.pid != web_process.pid]


def _lives(installation: Installation) -> bool:
    try:
        return installation.get("/health/live")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def test_the_demo_takes_no_other_server_for_its_own(install: Install) -> None:
    installation = install()
    installation.start()
    demo = subprocess.run(
        [sys.executable, "-m", "learntrace.config.demo", "--port", str(installation.port)],
        cwd=CHECKOUT, env=installation.environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert demo.returncode == 1
    assert f"{HOST}:{installation.port} can't be listened on" in demo.stderr
    assert "password of all" not in demo.stdout


def test_a_stop_at_any_moment_of_the_start_is_clean(install: Install, seed: int) -> None:
    installation, choice = install(), random.Random(seed)
    for _time in range(6):
        said = len(installation.log())
        installation.launch()
        time.sleep(choice.uniform(0, 2))
        # While Python itself starts it may clear a Ctrl-C together with an import that may fail (`zipimport`): on a busy
        # machine that takes as long as it likes, so that a Ctrl-C is for a server that has said something.
        begun = len(installation.log()) > said
        asked = choice.choice([signal.SIGTERM, signal.SIGINT]) if begun else signal.SIGTERM
        assert_stopped(installation, asked, said)
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
    wait_until(lambda: not installation.left(), "no process left")
