"""`make hub-demo`: what it says it starts can be used, and Ctrl-C leaves nothing of it behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.faults.installation import HOST, free_port
from tests.faults.processes import processes_of
from tests.jupyter.conftest import NewPage
from tests.jupyter.front_ends import Classic
from tests.jupyter.hub_pages import choose, sign_in
from tests.support.folders import folder_on_disk
from tests.support.paths import CHECKOUT
from tests.support.waiting import wait_until


def test_the_hub_demo_can_be_used_and_stops_cleanly(environments: None, new_page: NewPage) -> None:
    with folder_on_disk() as folder:
        home, output = folder / "hub-demo", folder / "output"
        ports = free_port(), free_port()
        words = ["--port", str(ports[0]), "--hub-port", str(ports[1])]
        with output.open("wb") as file:
            demo = subprocess.Popen(
                [sys.executable, "-m", "learntrace.config.demo.hub", *words],
                cwd=CHECKOUT,
                env=os.environ | {"LEARNTRACE_HOME": str(folder), "PYTHONUNBUFFERED": "1"},
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        try:
            wait_until(
                lambda: "Ctrl-C stops everything" in output.read_text() or demo.poll() is not None, "its word", 300
            )
            assert demo.poll() is None, output.read_text()
            use(new_page, f"http://{HOST}:{ports[1]}/")
            published_and_executed(f"http://{HOST}:{ports[0]}", home)
        finally:
            demo.send_signal(signal.SIGINT)
            code = demo.wait(40)
        assert code == 0, output.read_text()
        assert [process.cmdline() for process in processes_of(home)] == []
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://{HOST}:{ports[1]}/", trust_env=False)


def use(new_page: NewPage, hub: str) -> None:
    """Do the first step of what it proposes."""
    page = new_page()
    sign_in(page, hub, "ada", "learntrace-demo")
    choose(page, "Classic Notebook 6")
    classic = Classic(page)
    classic.open(f"{hub}user/ada/", "lesson_03.ipynb")
    classic.run_cell(5)
    classic.run_cell(6)


def published_and_executed(learntrace: str, home: Path) -> None:
    token = (home / "teacher_token").read_text().strip()
    headers = {"Authorization": f"Token {token}", "Academy": "47"}
    with httpx.Client(base_url=learntrace, headers=headers, trust_env=False, timeout=60) as client:
        notebook = client.get("/v1/notebook/academy/notebook/lesson-06a").json()
        assert notebook["path"] == "lesson_06a.ipynb"
        assert [assignment["tag"] for assignment in notebook["assignments"]] == [
            "assignment:lesson-06a-exercise-1",
            "assignment:lesson-06a-exercise-2",
        ]
        executed: dict[str, str | int] = {"verb": "executed", "learner": "ada", "limit": 5}
        wait_until(
            lambda: client.get("/v1/notebook/academy/event", params=executed).json()["count"] == 2, "ada's executions"
        )
        found = client.get("/v1/notebook/academy/event", params=executed).json()["results"]
        by_part = {event["object"].get("part"): event for event in found}
        check, work = by_part["check"], by_part[None]
        assert {event["actor"] for event in found} == {"ada"}
        assert {event["object"]["assignment"] for event in found} == {"assignment:lesson-03-exercise-1"}
        assert work["result"]["outcome"] == "ok"
        assert (check["result"]["outcome"], check["result"]["error_name"]) == ("error", "AssertionError")
