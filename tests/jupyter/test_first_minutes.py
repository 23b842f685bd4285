"""From an empty database to green lights by the browser alone: a recorded LearnPack client, and a real JupyterLab."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from learntrace.config.demo.replay import recorded_session
from tests.faults.installation import HOST, Installation
from tests.jupyter.classroom import JUPYTER
from tests.jupyter.conftest import NewPage
from tests.jupyter.front_ends import FRONT_ENDS
from tests.jupyter.lesson import CELLS, write_lesson
from tests.jupyter.servers import JupyterServer
from tests.support.folders import folder_on_disk
from tests.support.waiting import wait_until

PASSWORD = "a staple of correct horses"


@pytest.fixture
def empty(environments: None) -> Iterator[Installation]:
    with folder_on_disk() as folder:
        installation = Installation(folder / "var")
        try:
            installation.start()
            yield installation
        finally:
            installation.clear()


def set_up(page: Page, installation: Installation) -> None:
    """Do what the terminal of a new server asks for."""
    wait_until(lambda: "  code  " in installation.log(), "the code is printed", 30)
    printed = re.search(r"page  (\S+)\n  code  (\S+)", installation.log())
    assert printed is not None, installation.log()
    page.goto(printed[1])
    page.get_by_label("Code").fill(printed[2])
    page.get_by_role("button", name="Continue").click()
    for label, text in {
        "Your name": "Olga Pérez",
        "E-mail address": "olga@school.example",
        "Password": PASSWORD,
        "Password again": PASSWORD,
        "Name of your academy": "Downtown Code School",
        "Name of your first class": "Python",
    }.items():
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("heading", name="Connect")).to_be_visible()


def send_as_learnpack(page: Page) -> None:
    """Send what a real client has sent, with what the page says, and nothing else."""
    url = json.loads("{" + page.locator("#copy-learn-json").inner_text() + '"slug": "intro"}')["telemetry"]["batch"]
    name, _colon, value = page.locator("#copy-header").inner_text().partition(": ")
    for body in recorded_session():
        # The recorded learner isn't of this server: whoever has the key is.
        document = {key: part for key, part in body.items() if key != "user_id"}
        answer = httpx.post(url, json=document, headers={name: value}, trust_env=False)
        assert answer.status_code == httpx.codes.OK, answer.text


def variables_of(page: Page) -> dict[str, str]:
    lines = page.locator("#copy-variables").inner_text().splitlines()
    return dict(line.removeprefix("export ").split("=", 1) for line in lines)


def test_an_empty_server_gets_green_lights_for_learnpack_and_for_jupyterlab(
    empty: Installation, new_page: NewPage
) -> None:
    page = new_page()
    set_up(page, empty)
    assert page.url == f"http://{HOST}:{empty.port}/connect"
    page.locator("button[name=source][value=learnpack]").click()
    learnpack = page.locator("[data-part=learnpack] .light")
    expect(learnpack).to_have_text("Nothing has arrived yet")
    send_as_learnpack(page)
    expect(learnpack).to_contain_text("Connected, last event")
    # Nobody has imported the package: it arrived, and the page says what is missing.
    expect(page.get_by_text("was not found")).to_be_visible()

    page.locator("button[name=source][value=notebooks]").click()
    notebooks = page.locator("[data-part=notebooks] .light")
    expect(notebooks).to_have_text("Nothing has arrived yet")
    with folder_on_disk() as folder:
        server = JupyterServer(folder / "lab", JUPYTER, ("lab",), variables_of(page))
        try:
            server.start()
            lab = FRONT_ENDS["lab"](new_page())
            lab.page.goto(f"{server.url}api/status?token={server.token}")
            write_lesson(server.notebooks / "first.ipynb", CELLS)
            lab.open(server.url, "first.ipynb")
            lab.run_cell(0)
            expect(notebooks).to_contain_text("Connected, last event", timeout=30_000)
        finally:
            server.stop()
